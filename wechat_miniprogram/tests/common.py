# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import re

from odoo.http import root
from odoo.tests import HOST, HttpCase

from odoo.addons.wechat.tests.common import WechatCommon

AUTHENTICATE = '/wechat/miniprogram/authenticate'
LOGOUT = '/wechat/miniprogram/logout'
CALL_KW = '/web/dataset/call_kw'

SESSION_KEY = 'c2Vzc2lvbi1rZXktb2YtMQ=='
SID = re.compile(r'session_id=([A-Za-z0-9_-]{84})')


class MiniprogramCommon(WechatCommon, HttpCase):
    """A phone, a mini-program and a WeChat that says who holds the phone."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # The texts are compared in their source language, whatever the database speaks.
        cls.env['res.lang']._activate_lang('en_US')
        cls.env['res.partner'].with_context(active_test=False).search([]).lang = 'en_US'

    def setUp(self):
        super().setUp()
        self.wechat_says(openid='openid-of-anna')

    # === WECHAT === #

    def wechat_says(self, answer=None, **values):
        """Let WeChat answer jscode2session; with values as it does to a good code."""
        if values:
            answer = {'session_key': SESSION_KEY, **values}
        self.fake.answer('GET', '/sns/jscode2session', answer)

    def exchanges(self):
        """Return the jscode2session requests that WeChat got."""
        return self.fake.calls('/sns/jscode2session')

    # === PHONE === #

    def post(self, path, params=None, session_id=None, headers=None):
        """Send JSON-RPC as a phone does: with the cookie it chooses and no cookie jar.

        :return: the HTTP response
        """
        self.opener.cookies.clear()
        if session_id:
            self.opener.cookies.set('session_id', session_id, domain=HOST)
        response = self.url_open(path, json=self.build_rpc_payload(params), headers=headers)
        response.raise_for_status()
        return response

    def authenticate_phone(self, code='code-1', session_id=None, **params):
        """Log in.

        :return: the result of the route
        :rtype: dict
        """
        answer = self.post(AUTHENTICATE, {'code': code, **params}, session_id).json()
        self.assertNotIn('error', answer)
        return answer['result']

    def refuse_phone(self, word, errcode=None, session_id=None, headers=None, **params):
        """Log in and check that it is refused with this code word.

        :return: the error object
        :rtype: dict
        """
        params.setdefault('code', 'code-1')
        response = self.post(AUTHENTICATE, params, session_id, headers)
        error = response.json().get('error')
        self.assertTrue(error, f"Not refused: {response.text}")
        self.assertEqual(
            error['data'].get('context'), {'code': word, 'errcode': errcode}, error['data'],
        )
        self.assertTrue(error['data']['name'].startswith('odoo.addons.wechat'))
        self.assertTrue(error['data']['message'])
        return error

    def call_kw(self, session_id, model, method, args=(), **kwargs):
        """Call a model method as the user of a session.

        :return: the whole JSON-RPC answer
        :rtype: dict
        """
        return self.post(CALL_KW, {
            'model': model, 'method': method, 'args': list(args), 'kwargs': kwargs,
        }, session_id).json()

    # === ODOO === #

    def stored_session(self, session_id):
        """Return what Odoo has stored under a session id."""
        return root.session_store.get(session_id)

    def identity(self, openid='openid-of-anna', app=None):
        """Return the identity of an openid."""
        return self.env['wechat.identity'].search([
            ('app_id', '=', (app or self.app).id), ('openid', '=', openid),
        ])

    def create_app(self, appid='wx0000000000000003', **values):
        """Create another mini-program."""
        return self.env['wechat.app'].create({
            'name': "Second mini-program",
            'app_type': 'miniprogram',
            'appid': appid,
            'secret': '0123456789abcdef0123456789abcdef',
            'company_id': self.app.company_id.id,
            **values,
        })

    def create_user(self, login, group='base.group_portal', **values):
        """Create a user of a group."""
        return self.env['res.users'].with_context(no_reset_password=True).create({
            'name': login,
            'login': login,
            'group_ids': [(6, 0, self.env.ref(group).ids)],
            **values,
        })

    def create_identity(self, user, openid='openid-of-anna', app=None, **values):
        """Bind an openid to a user."""
        return self.env['wechat.identity'].create({
            'app_id': (app or self.app).id, 'openid': openid, 'user_id': user.id, **values,
        })
