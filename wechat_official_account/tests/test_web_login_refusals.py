# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import base64
import re
from unittest.mock import patch

from odoo import fields
from odoo.http import root
from odoo.tests import HOST, tagged
from odoo.tools import mute_logger

from .oauth_common import MOBILE, OFFICIAL, OauthCommon

REQUEST_LOGGER = 'odoo.addons.wechat.models.wechat_app_request'


@tagged('post_install', '-at_install')
class TestWebLoginRefusals(OauthCommon):
    """What a web login refuses, and that nothing is exchanged or written then."""

    def setUp(self):
        super().setUp()
        self.customer = self.create_user('customer')
        self.create_identity(self.customer)

    # === STATE === #

    def test_callback_without_a_state_is_refused(self):
        self.begin()
        self.assertFailed(self.get('/wechat/oauth/callback', code='code-1'), 'bad_request', 400)
        self.assertFailed(self.come_back(''), 'bad_request', 400)
        self.assertFalse(self.exchanges())

    def test_invented_state_is_refused(self):
        self.begin()
        for state in ('0' * 64, 'x', '\x00', 'a' * 5000):
            self.assertFailed(self.come_back(state), 'bad_request', 400)
        self.assertFalse(self.exchanges())

    def test_state_of_another_browser_is_refused_and_left_to_that_browser(self):
        state = self.begin()
        cookie = self.opener.cookies.get('wechat_oauth', domain=HOST)
        self.forget()
        self.assertFailed(self.come_back(state), 'bad_request', 400)
        self.begin()  # another browser with a mark of its own
        self.assertFailed(self.come_back(state), 'bad_request', 400)
        self.assertFalse(self.exchanges())
        self.forget()
        self.opener.cookies.set('wechat_oauth', cookie, domain=HOST)
        self.assertPath(self.come_back(state), '/my')

    def test_state_is_good_for_one_use(self):
        state = self.begin()
        self.assertPath(self.come_back(state), '/my')
        self.url_open('/web/session/logout')
        self.assertFailed(self.come_back(state, code='code-2'), 'bad_request', 400)
        self.assertEqual(len(self.exchanges()), 1)

    @mute_logger(REQUEST_LOGGER)
    def test_state_is_used_up_by_a_failure_too(self):
        state = self.begin()
        self.wechat_refuses(40029)
        self.assertFailed(self.come_back(state), 'invalid_code', 400)
        self.wechat_says(openid='openid-of-anna')
        self.assertFailed(self.come_back(state), 'bad_request', 400)
        self.assertEqual(len(self.exchanges()), 1)

    def test_state_is_too_old_after_ten_minutes(self):
        state = self.begin()
        row = self.env['wechat.oauth.state'].search([])
        self.assertAlmostEqual(
            (row.expires_at - fields.Datetime.now()).total_seconds(), 600, delta=10)
        row.expires_at = fields.Datetime.now()
        self.env.flush_all()
        self.assertFailed(self.come_back(state), 'bad_request', 400)
        self.assertFalse(self.exchanges())

    def test_person_who_did_not_consent_is_told_so(self):
        response = self.get('/wechat/oauth/callback', state=self.begin())
        self.assertFailed(response, 'login_refused', 403)
        self.assertFalse(self.exchanges())

    # === NEXT === #

    def test_next_leads_to_no_other_site(self):
        for evil in (
            '//evil.example.com', '/\\evil.example.com', '\\\\evil.example.com',
            'https://evil.example.com', 'http:evil.example.com', 'javascript:alert(1)',
            'evil.example.com', '/\t/evil.example.com', '/\r\nSet-Cookie: a=b', '///evil', '/a\\b',
            ' //evil.example.com', '/' + 'a' * 3000, '/\u2028/evil',
        ):
            with self.subTest(next=evil):
                self.assertPath(self.log_in(next=evil), '/my')
                self.url_open('/web/session/logout')

    def test_next_of_the_error_page_leads_to_no_other_site(self):
        response = self.get('/wechat/oauth/mp', next='//evil.example.com', scope='wrong')
        self.assertFailed(response, 'bad_request', 400)
        again = re.search(r'href="([^"]*)"[^>]*>Try again', response.text)[1]
        self.assertNotIn('evil', again)

    def test_redirect_true_gives_the_openid_to_nobody(self):
        response = self.log_in(next='/my?redirect=true')
        self.assertPath(response, '/my?redirect=true')

    # === WECHAT === #

    @mute_logger(REQUEST_LOGGER)
    def test_what_WeChat_refuses_is_told(self):
        for errcode, word, status in (
            (40029, 'invalid_code', 400), (40163, 'code_used', 400), (42003, 'invalid_code', 400),
            (40226, 'user_blocked', 403), (-1, 'wechat_busy', 503), (40125, 'misconfigured', 503),
        ):
            with self.subTest(errcode=errcode):
                self.wechat_refuses(errcode)
                response = self.come_back(self.begin())
                self.assertFailed(response, word, status)
                self.assertIn(str(errcode), response.text)
                self.assertIn('/wechat/oauth/mp', response.text)

    @mute_logger(REQUEST_LOGGER)
    def test_WeChat_that_is_down_is_told(self):
        state = self.begin()
        self.env['ir.config_parameter'].set_param('wechat.api_url', 'http://127.0.0.1:1')
        self.assertFailed(self.come_back(state), 'wechat_unavailable', 503)

    @mute_logger(REQUEST_LOGGER)
    def test_answer_that_cannot_be_read_is_refused(self):
        for answer in (
            {}, {'openid': 1, 'scope': 'snsapi_base'}, {'openid': 'a b', 'scope': 'snsapi_base'},
            {'openid': 'x', 'scope': 5}, {'openid': 'x', 'scope': 'snsapi_userinfo'},
            {'openid': 'x', 'scope': 'snsapi_base', 'unionid': ['u']},
        ):
            with self.subTest(answer=answer):
                self.fake.answer('GET', '/sns/oauth2/access_token', answer)
                self.assertFailed(self.come_back(self.begin()), 'wechat_unavailable', 503)

    def test_profile_of_somebody_else_is_refused(self):
        self.wechat_says('snsapi_userinfo', {'openid': 'somebody-else'}, openid='new-one')
        response = self.come_back(self.begin(scope='snsapi_userinfo'))
        self.assertFailed(response, 'wechat_unavailable', 503)
        self.assertFalse(self.identity('new-one'))

    def test_virtual_account_of_a_snapshot_creates_and_links_nobody(self):
        users = self.env['res.users'].with_context(active_test=False).search_count([])
        for flag in (1, '1'):
            self.wechat_says(
                'snsapi_userinfo', {'nickname': "x"}, openid='virtual', is_snapshotuser=flag)
            response = self.come_back(self.begin(scope='snsapi_userinfo', next='/my/x'))
            self.assertEqual(response.status_code, 200)
            self.assertIn('使用完整服务', response.text)
            self.assertIn('next=%2Fmy%2Fx', response.text)
            self.assertFalse(self.uid_of_session())
        self.assertFalse(self.identity('virtual'))
        self.assertFalse(self.fake.calls('/sns/userinfo'))
        self.assertEqual(
            self.env['res.users'].with_context(active_test=False).search_count([]), users)

    # === PEOPLE === #

    def test_somebody_new_is_refused_where_registration_is_closed(self):
        self.official.allow_signup = False
        self.wechat_says('snsapi_userinfo', openid='new-one')
        response = self.come_back(self.begin(scope='snsapi_userinfo'))
        self.assertFailed(response, 'signup_disabled', 403)
        self.assertFalse(self.identity('new-one'))

    def test_archived_user_is_refused_and_gets_no_twin(self):
        self.customer.active = False
        self.assertFailed(self.come_back(self.begin()), 'user_archived', 403)

    def test_employee_is_refused_without_the_setting(self):
        employee = self.create_user('employee', 'base.group_user')
        self.create_identity(employee, 'employee')
        self.wechat_says(openid='employee')
        self.assertFailed(self.come_back(self.begin()), 'login_refused', 403)

    def test_administrator_is_refused_whatever_the_setting(self):
        self.official.allow_internal_login = True
        self.create_identity(self.create_user('admin2', 'base.group_system'), 'admin')
        self.wechat_says(openid='admin')
        self.assertFailed(self.come_back(self.begin()), 'login_refused', 403)

    def test_employee_logs_in_where_the_app_allows_it(self):
        employee = self.create_user('employee', 'base.group_user')
        self.create_identity(employee, 'employee')
        self.official.allow_internal_login = True
        self.wechat_says(openid='employee')
        self.assertPath(self.log_in(), '/odoo')
        self.assertEqual(self.uid_of_session(), employee.id)

    def test_employees_second_factor_stays(self):
        employee = self.create_user('employee', 'base.group_user')
        self.create_identity(employee, 'employee')
        self.official.allow_internal_login = True
        self.wechat_says(openid='employee')
        self._protect(employee)
        response = self.come_back(self.begin(next='/odoo/contacts'))
        self.assertPath(response, '/web/login/totp?redirect=%2Fodoo%2Fcontacts')
        session = root.session_store.get(self.session_id())
        self.assertFalse(session.uid)
        self.assertEqual(session['pre_uid'], employee.id)
        self.assertNotIn('wechat_identity_id', session)
        self.assertFalse(self.uid_of_session())

    def _protect(self, user):
        """Give a user a time-based second factor."""
        if 'totp_secret' in user._fields:
            user.sudo().totp_secret = base64.b32encode(b'12345678901234567890').decode()
            self.env.flush_all()
        else:  # auth_totp, which installs itself, was kept out: say what it would say
            self.startPatcher(patch.object(
                type(user), '_mfa_url', lambda one: '/web/login/totp' if one == user else None,
            ))

    # === ADDRESSES AND LIMITS === #

    def test_wrong_addresses_are_refused(self):
        for path, params, word in (
            ('mp', {'scope': 'snsapi_login'}, 'bad_request'),
            ('mp', {'scope': 'snsapi_privateinfo'}, 'bad_request'),
            ('mp', {'intent': 'steal'}, 'bad_request'),
            ('mp', {'appid': 'x' * 65}, 'bad_request'),
            ('mp', {'appid': 'wx00000000000000ff'}, 'unknown_app'),
            ('mp', {'appid': MOBILE}, 'unknown_app'),
            ('qrcode', {'appid': OFFICIAL}, 'unknown_app'),
            ('component', {}, 'bad_request'),
        ):
            with self.subTest(path=path, params=params):
                self.assertFailed(self.get(f'/wechat/oauth/{path}', **params), word)
        self.assertFalse(self.env['wechat.oauth.state'].search([]))

    def test_company_without_an_official_account_is_told_so(self):
        self.official.active = False
        self.assertFailed(self.get('/wechat/oauth/mp'), 'misconfigured', 503)

    def test_too_many_logins_from_one_address_are_refused(self):
        self.env['ir.config_parameter'].set_param('wechat.calls_per_minute', '1')
        self.log_in()
        self.url_open('/web/session/logout')
        self.assertFailed(self.come_back(self.begin()), 'rate_limited', 429)
        self.assertEqual(len(self.exchanges()), 1)

    def test_wrong_states_cost_no_call_and_do_not_count(self):
        self.env['ir.config_parameter'].set_param('wechat.calls_per_minute', '1')
        for _attempt in range(3):
            self.come_back('0' * 64)
        self.assertPath(self.log_in(), '/my')

    def test_error_page_speaks_Chinese(self):
        self.env['res.lang']._activate_lang('zh_CN')
        self.opener.cookies.set('frontend_lang', 'zh_CN', domain=HOST)
        response = self.come_back('0' * 64)
        self.assertRegex(response.text, '[\u4e00-\u9fff]{5}')
