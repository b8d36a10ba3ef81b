# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import os
from urllib.parse import urlsplit

import requests

from odoo.tests import tagged
from odoo.tools import mute_logger

from .oauth_common import MOBILE, OFFICIAL, WEBSITE, OauthCommon

REQUEST_LOGGER = 'odoo.addons.wechat.models.wechat_app_request'
APP_TYPES = {OFFICIAL: 'official_account', WEBSITE: 'website', MOBILE: 'mobile'}


@tagged('post_install', '-at_install', '-standard', 'wechat_sandbox')
class TestSandboxWebLogin(OauthCommon):
    """Web login against the project's sandbox, whose address is in WECHAT_SANDBOX_URL."""

    def setUp(self):
        super().setUp()
        self.sandbox = os.environ['WECHAT_SANDBOX_URL'].rstrip('/')
        for name in ('api', 'open'):
            self.env['ir.config_parameter'].set_param(f'wechat.{name}_url', self.sandbox)
        self.control('reset')
        for app in (self.official, self.website, self.mobile):
            made = self.control(
                'apps', appid=app.appid, app_type=APP_TYPES[app.appid], open_platform='sandbox')
            app.secret = made['secret']
        self.person = self.control('users', nickname="小明")['user']

    def control(self, path, /, **body):
        """Call the control API of the sandbox."""
        response = requests.post(f'{self.sandbox}/_sandbox/{path}', json=body, timeout=10)
        self.assertEqual(response.status_code, 200, response.text)
        return response.json()

    def consent(self, response, **values):
        """Be the person whom WeChat asks.

        :param response: the redirect to WeChat
        :return: what the sandbox says: `redirect`, `openid` …
        """
        values.setdefault('user', self.person)
        return self.control('oauth_consent', url=response.headers['Location'], **values)

    def follow(self, given):
        """Go back to Odoo as the browser does."""
        parts = urlsplit(given['redirect'])
        return self.get(f'{parts.path}?{parts.query}')

    def rounds(self, path, **params):
        """Log in by as many rounds as Odoo wants.

        :return: the last response, and how many times WeChat was asked
        """
        response, count = self.get(path, **params), 0
        while response.headers.get('Location', '').startswith(self.sandbox):
            count += 1
            response = self.follow(self.consent(response))
        return response, count

    def test_person_logs_in_inside_WeChat_and_returns_silently(self):
        response, count = self.rounds('/wechat/oauth/mp', next='/my/wechat')
        self.assertPath(response, '/my/wechat')
        self.assertEqual(count, 2, "somebody new is asked for more")
        user_id = self.uid_of_session()
        identity = self.env['res.users'].browse(user_id).wechat_identity_ids
        self.assertEqual((identity.nickname, identity.app_id), ("小明", self.official))
        self.assertTrue(identity.unionid)
        self.forget()
        response, count = self.rounds('/wechat/oauth/mp')
        self.assertPath(response, '/my')
        self.assertEqual(count, 1)
        self.assertEqual(self.uid_of_session(), user_id)

    def test_one_person_is_one_user_by_all_three_ways(self):
        self.rounds('/wechat/oauth/mp')
        first = self.uid_of_session()
        self.forget()
        response, count = self.rounds('/wechat/oauth/qrcode')
        self.assertPath(response, '/my')
        self.assertEqual(count, 1)
        self.assertEqual(self.uid_of_session(), first)
        self.forget()
        code = self.control('oauth_code', appid=MOBILE, user=self.person)['code']
        answer = self.url_open(
            '/wechat/oauth/mobile', json=self.build_rpc_payload({'code': code})).json()
        self.assertEqual(answer['result']['uid'], first)
        self.assertFalse(answer['result']['is_new_user'])
        identities = self.env['res.users'].browse(first).wechat_identity_ids
        self.assertEqual(set(identities.mapped('app_id')),
                         {self.official, self.website, self.mobile})

    def test_embedded_code_logs_in(self):
        script = self.get('/weixin-login.js', id='qr').text
        state = script.partition('"state": "')[2].partition('"')[0]
        address = self.get('/wechat/oauth/qrcode').headers['Location']
        own = self.query(self.get('/wechat/oauth/qrcode'))['state']
        self.assertNotEqual(state, own)
        prefix, _state, _rest = address.partition('&state=')
        given = self.control(
            'oauth_consent', url=f'{prefix}&state={state}#wechat_redirect', user=self.person)
        self.assertPath(self.follow(given), '/my')

    def test_customer_binds_and_logs_in(self):
        customer = self.create_user('customer', password='customer-password')
        self.authenticate('customer', 'customer-password')
        self.opener.cookies.update({'test_request_key': self.http_request_key})
        given = self.consent(self.get('/wechat/oauth/mp', intent='bind'))
        self.assertPath(self.follow(given), '/my/wechat?done=bound')
        self.assertEqual(self.identity(given['openid']).user_id, customer)
        self.forget()
        self.rounds('/wechat/oauth/qrcode')
        self.assertEqual(self.uid_of_session(), customer.id)

    def test_refusal_is_told(self):
        given = self.consent(self.get('/wechat/oauth/mp'), refuse=True)
        self.assertFailed(self.follow(given), 'login_refused', 403)

    def test_snapshot_is_told(self):
        given = self.consent(self.get('/wechat/oauth/mp', scope='snsapi_userinfo'), snapshot=True)
        self.assertIn('使用完整服务', self.follow(given).text)
        self.assertFalse(self.identity(given['openid']))
        self.assertFalse(self.uid_of_session())

    @mute_logger(REQUEST_LOGGER)
    def test_used_code_is_refused(self):
        state = self.query(self.get('/wechat/oauth/mp'))['state']
        given = self.consent(self.get('/wechat/oauth/mp'))
        self.follow(given)
        self.forget_session()
        self.assertFailed(self.come_back(state, code=given['code']), 'code_used', 400)

    def forget_session(self):
        self.url_open('/web/session/logout')

    @mute_logger(REQUEST_LOGGER)
    def test_invented_expired_and_foreign_codes_are_refused(self):
        expired = self.control(
            'oauth_code', appid=OFFICIAL, user=self.person, scope='snsapi_base', expired=True)
        foreign = self.control('oauth_code', appid=MOBILE, user=self.person)
        for code in ('invented', expired['code'], foreign['code']):
            self.assertFailed(self.come_back(self.begin(), code=code), 'invalid_code', 400)

    @mute_logger(REQUEST_LOGGER)
    def test_blocked_person_is_refused(self):
        requests.patch(
            f'{self.sandbox}/_sandbox/users/{self.person}', json={'blocked': True}, timeout=10)
        given = self.consent(self.get('/wechat/oauth/mp'))
        self.assertFailed(self.follow(given), 'user_blocked', 403)

    @mute_logger(REQUEST_LOGGER)
    def test_faults_of_WeChat_have_their_words(self):
        for fault, word in (
            ({'action': 'drop'}, 'wechat_unavailable'),
            ({'action': 'garbage'}, 'wechat_unavailable'),
            ({'action': 'delay', 'seconds': 6}, 'wechat_unavailable'),
            ({'action': 'errcode', 'errcode': -1, 'errmsg': 'system error'}, 'wechat_busy'),
        ):
            with self.subTest(fault=fault):
                self.control('faults', path='/sns/oauth2/access_token', **fault)
                given = self.consent(self.get('/wechat/oauth/mp'))
                self.assertFailed(self.follow(given), word, 503)

    @mute_logger(REQUEST_LOGGER)
    def test_profile_that_fails_makes_no_second_user(self):
        self.control('faults', path='/sns/userinfo', action='drop', times=1)
        given = self.consent(self.get('/wechat/oauth/mp', scope='snsapi_userinfo'))
        response = self.follow(given)
        self.assertPath(response, '/my')  # the unionid came with the code
        self.assertTrue(self.identity(given['openid']).unionid)

    def test_return_address_is_on_the_domain_of_the_console(self):
        self.control('oauth_settings', appid=OFFICIAL, domains=['127.0.0.1'])
        response, _count = self.rounds('/wechat/oauth/mp')
        self.assertPath(response, '/my')

    def test_pages_are_signed_as_WeChat_checks_it(self):
        page = f'{self.base_url()}/shop?a=1'
        config = self.url_open('/wechat/jssdk/config', json=self.build_rpc_payload(
            {'url': page})).json()['result']
        answer = self.control('wx_config', appid=OFFICIAL, url=page, config=config)
        self.assertEqual(answer['errMsg'], 'config:ok')
