# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from urllib.parse import parse_qsl, urlsplit

from odoo.tests import HttpCase
from odoo.tools import mute_logger

from odoo.addons.wechat_payment.tests.common import WechatPayCommon

OFFICIAL = 'wx00000000000000a1'
SECRET = '0123456789abcdef0123456789abcdef'
IN_WECHAT = (
    'Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148'
    ' MicroMessenger/8.0.49 NetType/WIFI Language/zh_CN'
)
IN_WEB_VIEW = f'{IN_WECHAT} miniProgram/wx0000000000000002'
IN_WECOM = f'{IN_WECHAT} wxwork/4.1.22'
ON_A_DESKTOP = 'Mozilla/5.0 (Windows NT 10.0) MicroMessenger/7.0.20 WindowsWechat'
IDENTIFY = '/payment/wechat_pay/identify'


class InsideCommon(WechatPayCommon, HttpCase):
    """A provider with an official account, and a payment page to be opened inside WeChat."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # The texts are compared in their source language, whatever the database speaks.
        cls.env['res.lang']._activate_lang('en_US')
        cls.env['res.partner'].with_context(active_test=False).search([]).lang = 'en_US'
        cls.official = cls.env['wechat.app'].create({
            'name': "Tea House", 'app_type': 'official_account', 'appid': OFFICIAL,
            'secret': SECRET, 'company_id': cls.provider.company_id.id,
        })
        cls.provider.wechat_app_ids |= cls.official

    def setUp(self):
        super().setUp()
        self.env['ir.config_parameter'].set_param('web.base.url', self.base_url())
        self.user_agent = IN_WECHAT
        self.tx = self._create_web_transaction()

    def _wechat_says(self, openid='openid-of-anna', **values):
        """Let WeChat answer a code."""
        self.fake.answer('GET', '/sns/oauth2/access_token', {
            'access_token': 'TOKEN', 'expires_in': 7200, 'refresh_token': 'REFRESH',
            'scope': 'snsapi_base', 'openid': openid, **values,
        })

    def _exchanges(self):
        return self.fake.calls('/sns/oauth2/access_token')

    def _get(self, path):
        """Open an address as the customer's browser, without following a redirect."""
        response = self.url_open(
            path, headers={'User-Agent': self.user_agent}, allow_redirects=False,
        )
        self.env.invalidate_all()
        return response

    def _open(self, tx=None, more=''):
        return self._get((tx or self.tx)._wechat_get_page_path() + more)

    def _rpc(self, path, **params):
        with mute_logger('odoo.http'):
            answer = self.url_open(path, headers={'User-Agent': self.user_agent}, json={
                'jsonrpc': '2.0', 'method': 'call', 'params': params,
            }).json()
        self.env.invalidate_all()
        return answer

    def _call(self, route, tx=None, **params):
        tx = tx or self.tx
        return self._rpc(
            f'/payment/wechat_pay/{route}', reference=tx.reference,
            access_token=tx._wechat_get_access_token(), **params,
        )

    def _ask(self, tx=None, more=''):
        """Open the payment page, check that the browser is sent to WeChat, return the query."""
        response = self._open(tx, more)
        self.assertEqual(response.status_code, 303, response.text[:500])
        location = response.headers['Location']
        self.assertTrue(location.endswith('#wechat_redirect'), location)
        return dict(parse_qsl(urlsplit(location).query))

    def _come_back(self, state, code='code-1'):
        return self._get(f'{IDENTIFY}?code={code}&state={state}')

    def _identify(self, tx=None, openid='openid-of-anna'):
        """Go to WeChat and back."""
        self._wechat_says(openid)
        response = self._come_back(self._ask(tx)['state'])
        self.assertIn(self._path(response), (tx or self.tx)._wechat_get_page_path())
        return response

    @staticmethod
    def _path(response):
        parts = urlsplit(response.headers.get('Location', ''))
        return f'{parts.path}?{parts.query}' if parts.query else parts.path

    def _forget(self):
        """Go on with another browser."""
        self.opener.cookies.clear()
        self.opener.cookies.update({'test_request_key': self.http_request_key})
