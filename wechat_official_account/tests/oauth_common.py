# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import re
from urllib.parse import parse_qsl, urlencode, urlsplit

from odoo.http import root
from odoo.tests import HOST, HttpCase

from odoo.addons.wechat.tests.common import WechatCommon

OFFICIAL, WEBSITE, MOBILE = 'wx00000000000000a1', 'wx00000000000000a2', 'wx00000000000000a3'
SECRET = '0123456789abcdef0123456789abcdef'
TOKEN, REFRESH_TOKEN = 'TOKEN-OF-ANNA', 'REFRESH-TOKEN-OF-ANNA'
IN_WECHAT = 'Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) MicroMessenger/8.0.49'


class OauthCommon(WechatCommon, HttpCase):
    """A browser, an official account with its applications, and a WeChat that says who came."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # The texts are compared in their source language, whatever the database speaks.
        cls.env['res.lang']._activate_lang('en_US')
        cls.env['res.partner'].with_context(active_test=False).search([]).lang = 'en_US'
        cls.official, cls.website, cls.mobile = cls.env['wechat.app'].create([{
            'name': name, 'app_type': app_type, 'appid': appid, 'secret': SECRET,
            'company_id': cls.company.id, 'sequence': 1,
        } for name, app_type, appid in (
            ("Tea House", 'official_account', OFFICIAL),
            ("Tea House website", 'website', WEBSITE),
            ("Tea House app", 'mobile', MOBILE),
        )])

    def setUp(self):
        super().setUp()
        self.env['ir.config_parameter'].set_param('web.base.url', self.base_url())
        self.wechat_says(openid='openid-of-anna')

    # === WECHAT === #

    def wechat_says(self, scope='snsapi_base', profile=None, **values):
        """Let WeChat answer a code, and /sns/userinfo if there is a profile."""
        self.fake.answer('GET', '/sns/oauth2/access_token', {
            'access_token': TOKEN, 'expires_in': 7200, 'refresh_token': REFRESH_TOKEN,
            'scope': scope, **values,
        })
        self.fake.answer('GET', '/sns/userinfo', {
            'openid': values.get('openid'), **(profile or {}),
        })

    def wechat_refuses(self, errcode):
        """Let WeChat answer a code with an errcode."""
        self.fake.answer('GET', '/sns/oauth2/access_token', {'errcode': errcode, 'errmsg': 'no'})

    def exchanges(self):
        """Return the exchanges of codes that WeChat got."""
        return self.fake.calls('/sns/oauth2/access_token')

    # === BROWSER === #

    def get(self, path, in_wechat=False, **params):
        """Open an address as the browser, without following a redirect."""
        query = f'?{urlencode(params)}' if params else ''
        headers = {'User-Agent': IN_WECHAT} if in_wechat else {}
        return self.url_open(f'{path}{query}', headers=headers, allow_redirects=False)

    def begin(self, action='mp', **params):
        """Begin a login.

        :return: the state that was sent to WeChat
        """
        response = self.get(f'/wechat/oauth/{action}', **params)
        self.assertEqual(response.status_code, 303, response.text)
        return self.query(response)['state']

    def query(self, response):
        """Return the query of the address a response redirects to (dict)."""
        return dict(parse_qsl(urlsplit(response.headers['Location']).query))

    def come_back(self, state, code='code-1', **params):
        """Come back from WeChat."""
        return self.get('/wechat/oauth/callback', code=code, state=state, **params)

    def log_in(self, action='mp', **params):
        """Log in from the beginning to the end.

        :return: the last response
        """
        response = self.come_back(self.begin(action, **params))
        self.assertEqual(response.status_code, 303, response.text)
        return response

    def assertPath(self, response, path):
        """Check where a response redirects to, within the site."""
        self.assertEqual(response.status_code, 303, response.text)
        parts = urlsplit(response.headers['Location'])
        self.assertIn(parts.netloc, ('', urlsplit(self.base_url()).netloc))
        self.assertEqual(parts.path + (f'?{parts.query}' if parts.query else ''), path)

    def assertFailed(self, response, code, status=None):
        """Check that the error page was shown, with a code word and no traceback."""
        self.assertIn('o_wechat_oauth_error', response.text, response.text[:2000])
        found = re.search(r'class="small text-center text-muted[^"]*">\s*(\w+)', response.text)
        self.assertEqual(found and found[1], code)
        self.assertNotIn('Traceback', response.text)
        if status:
            self.assertEqual(response.status_code, status)
        self.assertFalse(self.uid_of_session(), "Somebody is logged in")

    def session_id(self):
        """Return the session id that the browser holds."""
        return self.opener.cookies.get('session_id', domain=HOST)

    def stored_session(self):
        """Return what Odoo has stored for the browser."""
        return root.session_store.get(self.session_id())

    def uid_of_session(self):
        """Return who is logged in, as the next request finds it."""
        response = self.url_open('/web/session/get_session_info', json=self.build_rpc_payload())
        return response.json().get('result', {}).get('uid')

    def forget(self):
        """Go on with another browser."""
        self.opener.cookies.clear()
        self.opener.cookies.update({'test_request_key': self.http_request_key})

    # === ODOO === #

    def identity(self, openid='openid-of-anna', app=None):
        """Return the identity of an openid."""
        return self.env['wechat.identity'].search([
            ('app_id', '=', (app or self.official).id), ('openid', '=', openid),
        ])

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
            'app_id': (app or self.official).id, 'openid': openid, 'user_id': user.id, **values,
        })
