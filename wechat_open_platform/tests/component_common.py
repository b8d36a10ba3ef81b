# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import time

from odoo.tests import HttpCase

from odoo.addons.wechat.protocol import replies
from odoo.addons.wechat.protocol.push_crypto import PushCrypto
from odoo.addons.wechat.tests.common import WechatCommon

COMPONENT, ACCOUNT = 'wx00000000000000c0', 'wx00000000000000c1'
SECRET = '0123456789abcdef0123456789abcdef'
TOKEN = 'teahouse2026'
AES_KEY = 'abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG'
LOGGERS = (
    'odoo.addons.wechat.models.wechat_app_request', 'odoo.addons.wechat.models.wechat_app_push',
    'odoo.addons.wechat_open_platform.models.wechat_authorization',
)


class ComponentCommon(WechatCommon, HttpCase):
    """A third-party platform, an account that may authorise it, and WeChat's end of both."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env['res.lang']._activate_lang('en_US')
        cls.env['res.partner'].with_context(active_test=False).search([]).lang = 'en_US'
        cls.component = cls.env['wechat.app'].create({
            'name': "Platform", 'app_type': 'component', 'appid': COMPONENT, 'secret': SECRET,
            'push_token': TOKEN, 'push_aes_key': AES_KEY, 'company_id': cls.company.id,
        })
        cls.crypto = PushCrypto(TOKEN, AES_KEY, COMPONENT)

    def setUp(self):
        super().setUp()
        self.env['ir.config_parameter'].set_param('web.base.url', self.base_url())
        self.count = 0
        self.refresh_token = 'REFRESH_0'
        for name in (
            'component_token', 'create_preauthcode', 'query_auth', 'authorizer_token',
            'get_authorizer_info', 'get_authorizer_list',
        ):
            self.fake.answer(
                'POST', f'/cgi-bin/component/api_{name}', getattr(self, f'_answer_{name}'))

    # === WECHAT === #

    def _answer_component_token(self, request):
        self.count += 1
        return {'component_access_token': f'COMPONENT_{self.count}', 'expires_in': 7200}

    def _answer_create_preauthcode(self, request):
        return {'pre_auth_code': 'PRE_AUTH', 'expires_in': 1800}

    def _answer_query_auth(self, request):
        return {'authorization_info': {
            'authorizer_appid': ACCOUNT, 'authorizer_access_token': 'ACCESS_0',
            'expires_in': 7200, 'authorizer_refresh_token': self.refresh_token,
            'func_info': [{'funcscope_category': {'id': 15}}, {'funcscope_category': {'id': 1}}],
        }}

    def _answer_authorizer_token(self, request):
        if request.json['authorizer_refresh_token'] != self.refresh_token:
            return {'errcode': 61023, 'errmsg': 'refresh_token is invalid'}
        self.count += 1
        self.refresh_token = f'REFRESH_{self.count}'
        return {
            'authorizer_access_token': f'ACCESS_{self.count}', 'expires_in': 7200,
            'authorizer_refresh_token': self.refresh_token,
        }

    def _answer_get_authorizer_info(self, request):
        return {
            'authorizer_info': {
                'nick_name': "茶馆", 'user_name': 'gh_0123456789ab', 'service_type_info': {'id': 2},
            },
            'authorization_info': {'func_info': []},
        }

    def _answer_get_authorizer_list(self, request):
        return {'total_count': 1, 'list': [
            {'authorizer_appid': ACCOUNT, 'refresh_token': self.refresh_token, 'auth_time': 1},
        ]}

    def calls(self, name):
        """Return what was asked of `/cgi-bin/component/api_<name>`."""
        return self.fake.calls(f'/cgi-bin/component/api_{name}')

    # === PUSHES === #

    def push(self, path, fields, crypto=None, offset=0, tamper=None):
        """Push something encrypted, as WeChat does.

        :param int offset: seconds by which WeChat's clock is ahead
        """
        crypto = crypto or self.crypto
        timestamp, nonce = str(int(time.time()) + offset), '415670741'
        encrypted = crypto.encrypt(replies.element('xml', fields).encode())
        signature = crypto.signature(timestamp, nonce, encrypted)
        body = replies.element('xml', {'AppId': COMPONENT, 'Encrypt': tamper or encrypted})
        return self.url_open(
            f'/wechat/component/{path}?signature={crypto.signature(timestamp, nonce)}'
            f'&timestamp={timestamp}&nonce={nonce}&encrypt_type=aes&msg_signature={signature}',
            data=body.encode(), headers={'Content-Type': 'text/xml'},
        )

    def event(self, info_type, crypto=None, offset=0, appid=COMPONENT, **fields):
        """Push an event; `CreateTime` is now unless it is given."""
        return self.push(f'{COMPONENT}/event', {
            'AppId': appid, 'CreateTime': int(time.time()), 'InfoType': info_type, **fields,
        }, crypto=crypto, offset=offset)

    def send_ticket(self, ticket='TICKET_1', **fields):
        """Push a ticket."""
        return self.event('component_verify_ticket', ComponentVerifyTicket=ticket, **fields)

    def authorize(self, code='CODE_1', **fields):
        """Let the account authorise the platform, by event and scheduled action; returns it."""
        self.assertEqual(self.event(
            'authorized', AuthorizerAppid=ACCOUNT, AuthorizationCode=code,
            AuthorizationCodeExpiredTime=int(time.time()) + 3600, PreAuthCode='PRE_AUTH', **fields,
        ).text, 'success')
        self.take()
        return self.account()

    def take(self):
        """Run the scheduled action that exchanges codes."""
        self.env.ref('wechat_open_platform.cron_take_authorizations').method_direct_trigger()

    def account(self):
        """Return the app of the account."""
        return self.env['wechat.app'].with_context(active_test=False).search(
            [('appid', '=', ACCOUNT)])

    def stored(self, kind, app=None):
        """Return what is stored as a token of an app; None if there is nothing."""
        self.env.cr.execute(
            "SELECT value FROM wechat_token WHERE app_id = %s AND kind = %s",
            [(app or self.component).id, kind])
        row = self.env.cr.fetchone()
        return row and row[0]
