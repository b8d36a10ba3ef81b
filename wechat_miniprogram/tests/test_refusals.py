# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import socket
import time
from unittest.mock import patch

from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.wechat.models.wechat_app_login import LOGIN_TIMEOUT

from .common import AUTHENTICATE, SESSION_KEY, MiniprogramCommon


@tagged('post_install', '-at_install')
class TestRefusals(MiniprogramCommon):

    def setUp(self):
        super().setUp()
        self.users_before = self.env['res.users'].with_context(active_test=False).search_count([])

    def assertNothingHappened(self):
        """Nobody was created and no WeChat account became known."""
        self.assertEqual(
            self.env['res.users'].with_context(active_test=False).search_count([]),
            self.users_before,
        )
        self.assertFalse(self.env['wechat.identity'].search([]))

    # === PARAMETERS === #

    def test_parameters_that_cannot_be_meant_are_refused_without_asking_WeChat(self):
        for params in (
            {'code': None}, {'code': ''}, {'code': 7}, {'code': ['x']}, {'code': {'a': 'b'}},
            {'code': True}, {'code': 'x' * 257}, {'code': 'a b'}, {'code': 'a\nb'}, {'code': 'é'},
            {'code': '\ud800'}, {'code': 'a\x00'},
            {'user_info': 'Anna'}, {'user_info': [1]}, {'user_info': 1}, {'user_info': ''},
            {'appid': ''}, {'appid': 7}, {'appid': ['wx0000000000000002']}, {'appid': 'x' * 65},
            {'context': 'zh_CN'}, {'context': [['lang', 'zh_CN']]},
        ):
            with self.subTest(params=params):
                self.refuse_phone('bad_request', **params)
        self.assertFalse(self.fake.requests)
        self.assertNothingHappened()

    def test_missing_code_is_refused(self):
        error = self.post(AUTHENTICATE, {}).json()['error']
        self.assertEqual(error['data']['context'], {'code': 'bad_request', 'errcode': None})
        self.assertFalse(self.fake.requests)

    def test_unknown_appid_is_refused_without_asking_WeChat(self):
        self.refuse_phone('unknown_app', appid='wx00000000000000ff')
        self.refuse_phone('unknown_app', appid="wx'--")
        self.assertFalse(self.fake.requests)

    def test_archived_app_is_unknown(self):
        self.app.active = False
        self.refuse_phone('unknown_app', appid=self.app.appid)

    def test_app_of_another_type_is_unknown(self):
        self.app.app_type = 'official_account'
        self.refuse_phone('unknown_app', appid=self.app.appid)

    def test_company_without_a_miniprogram_is_misconfigured(self):
        self.app.active = False
        error = self.refuse_phone('misconfigured')
        self.assertIn("Settings", error['data']['message'])

    def test_session_that_Odoo_would_not_keep_is_refused_before_the_code_is_spent(self):
        self.refuse_phone('misconfigured', headers={'X-Odoo-Database': self.env.cr.dbname})
        self.assertFalse(self.fake.requests)

    def test_huge_body_is_refused(self):
        response = self.url_open(AUTHENTICATE, json=self.build_rpc_payload({
            'code': 'code-1', 'user_info': {'nickName': 'x' * 100_000},
        }))
        self.assertIn('RequestEntityTooLarge', response.text)
        self.assertFalse(self.fake.requests)

    def test_get_is_not_answered(self):
        self.assertEqual(self.url_open(AUTHENTICATE).status_code, 405)

    # === WECHAT SAYS NO === #

    @mute_logger('odoo.addons.wechat.models.wechat_app_request')
    def test_errors_of_WeChat_have_their_words(self):
        for errcode, word in (
            (40029, 'invalid_code'),
            (40163, 'code_used'),
            (40226, 'user_blocked'),
            (45011, 'rate_limited'),
            (-1, 'wechat_busy'),
            (40013, 'misconfigured'),
            (40125, 'misconfigured'),
            (40001, 'misconfigured'),
            (41002, 'misconfigured'),
            (41004, 'misconfigured'),
        ):
            with self.subTest(errcode=errcode):
                self.wechat_says({'errcode': errcode, 'errmsg': 'no, rid: 6543'})
                self.refuse_phone(word, errcode)
        self.assertNothingHappened()

    @mute_logger('odoo.addons.wechat.models.wechat_app_request')
    def test_refused_code_is_not_sent_twice(self):
        self.wechat_says({'errcode': 40029, 'errmsg': 'invalid code'})
        self.refuse_phone('invalid_code', 40029)
        self.wechat_says({'errcode': -1, 'errmsg': 'system error'})
        self.refuse_phone('wechat_busy', -1)
        self.assertEqual(len(self.exchanges()), 2)

    # === WECHAT IS ILL === #

    @mute_logger('odoo.addons.wechat.models.wechat_app_request')
    def test_garbage_is_no_login(self):
        for answer in (
            b'', b'<html>busy</html>', b'[]', b'"openid"', b'{', b'\xff\xfe', {},
            {'openid': 'openid-of-anna'},
            {'session_key': SESSION_KEY},
            {'openid': '', 'session_key': SESSION_KEY},
            {'openid': 'openid-of-anna', 'session_key': ''},
            {'openid': 7, 'session_key': SESSION_KEY},
            {'openid': ['openid-of-anna'], 'session_key': SESSION_KEY},
            {'openid': 'openid-of-anna', 'session_key': {'a': 1}},
            {'openid': 'x' * 129, 'session_key': SESSION_KEY},
            {'openid': 'an na', 'session_key': SESSION_KEY},
            {'openid': 'anna\x00', 'session_key': SESSION_KEY},
            {'openid': 'openid-of-anna', 'session_key': SESSION_KEY, 'unionid': 7},
            {'openid': 'openid-of-anna', 'session_key': SESSION_KEY, 'unionid': ['u']},
        ):
            with self.subTest(answer=answer):
                self.wechat_says(answer)
                self.refuse_phone('wechat_unavailable')
        self.assertNothingHappened()

    @mute_logger('odoo.addons.wechat.models.wechat_app_request')
    def test_http_errors_are_no_login(self):
        for status in (302, 404, 500, 502):
            with self.subTest(status=status):
                self.fake.answer(
                    'GET', '/sns/jscode2session',
                    {'openid': 'openid-of-anna', 'session_key': SESSION_KEY}, status=status,
                    headers={'Location': '/elsewhere'},
                )
                self.refuse_phone('wechat_unavailable')
        self.assertNothingHappened()

    @mute_logger('odoo.addons.wechat.models.wechat_app_request')
    def test_silent_WeChat_is_unavailable(self):
        self.wechat_says(None)
        self.refuse_phone('wechat_unavailable')
        self.assertNothingHappened()

    @mute_logger('odoo.addons.wechat.models.wechat_app_request')
    def test_slow_WeChat_is_unavailable(self):
        def late(_request):
            time.sleep(2)
            return {'openid': 'openid-of-anna', 'session_key': SESSION_KEY}

        self.wechat_says(late)
        with patch('odoo.addons.wechat.models.wechat_app_exchange.LOGIN_TIMEOUT', (3, 0.3)):
            self.refuse_phone('wechat_unavailable')
        self.assertNothingHappened()

    @mute_logger('odoo.addons.wechat.models.wechat_app_request')
    def test_unreachable_WeChat_is_unavailable(self):
        with socket.socket() as unused:
            unused.bind(('127.0.0.1', 0))
            port = unused.getsockname()[1]
        self.env['ir.config_parameter'].set_param('wechat.api_url', f'http://127.0.0.1:{port}')
        self.refuse_phone('wechat_unavailable')
        self.assertNothingHappened()

    def test_login_waits_three_and_five_seconds_at_most(self):
        self.assertEqual(LOGIN_TIMEOUT, (3, 5))

    # === SECRETS === #

    @mute_logger('odoo.addons.wechat.models.wechat_app_request')
    def test_no_error_shows_secret_code_or_session_key(self):
        secret = self.app.sudo().secret
        for answer in (
            {'errcode': 40029, 'errmsg': f'invalid code the-code, secret {secret}'},
            {'errcode': 40125, 'errmsg': f'invalid appsecret {secret}'},
            {'openid': 'open id', 'session_key': SESSION_KEY},
            b'not json ' + secret.encode(),
            None,
        ):
            with self.subTest(answer=answer):
                self.wechat_says(answer)
                response = self.post(AUTHENTICATE, {'code': 'the-code'})
                self.assertIn('error', response.json())
                self.assertIn('Traceback', response.json()['error']['data']['debug'])
                for word in (secret, 'the-code', SESSION_KEY, 'open id'):
                    self.assertNotIn(word, response.text)

    # === OUR OWN REFUSALS === #

    def test_closed_registration_refuses_unknown_persons(self):
        self.app.allow_signup = False
        self.refuse_phone('signup_disabled')
        self.assertNothingHappened()

    def test_closed_registration_lets_known_persons_in(self):
        user = self.create_user('anna')
        self.create_identity(user)
        self.app.allow_signup = False
        self.assertEqual(self.authenticate_phone()['uid'], user.id)

    def test_archived_user_is_refused_and_has_no_twin(self):
        uid = self.authenticate_phone()['uid']
        self.env['res.users'].browse(uid).active = False
        self.refuse_phone('user_archived')
        self.assertEqual(self.identity().user_id.id, uid)
        self.assertEqual(
            self.env['res.users'].with_context(active_test=False).search_count([]),
            self.users_before + 1,
        )

    def test_archiving_ends_the_sessions(self):
        answer = self.authenticate_phone()
        self.env['res.users'].browse(answer['uid']).active = False
        self.env.flush_all()
        read = self.call_kw(answer['session_id'], 'res.users', 'read', [[answer['uid']], ['login']])
        self.assertEqual(read['error']['code'], 100)

    def test_deleted_users_identity_gets_a_new_user(self):
        user = self.env['res.users'].browse(self.authenticate_phone()['uid'])
        user.unlink()
        answer = self.authenticate_phone()
        self.assertTrue(answer['is_new_user'])
        self.assertEqual(self.identity().user_id.id, answer['uid'])

    def test_template_that_is_an_employee_is_refused(self):
        template = self.create_user('template', 'base.group_user', active=False)
        self.app.template_user_id = template
        self.refuse_phone('misconfigured')
        self.assertNothingHappenedBut(template)

    def test_template_without_a_group_is_refused(self):
        template = self.create_user('template', active=False)
        template.group_ids = False
        self.app.template_user_id = template
        self.refuse_phone('misconfigured')
        self.assertNothingHappenedBut(template)

    def test_missing_template_is_misconfigured(self):
        self.env['ir.config_parameter'].set_param('base.template_portal_user_id', 'False')
        self.refuse_phone('misconfigured')
        self.assertNothingHappened()

    def assertNothingHappenedBut(self, user):
        self.assertEqual(
            self.env['res.users'].with_context(active_test=False).search_count(
                [('id', '!=', user.id)],
            ),
            self.users_before,
        )
        self.assertFalse(self.env['wechat.identity'].search([]))

    def test_too_many_calls_from_one_address_are_refused(self):
        self.env['ir.config_parameter'].set_param('wechat.calls_per_minute', '2')
        self.authenticate_phone()
        self.authenticate_phone()
        self.refuse_phone('rate_limited')
        self.assertEqual(len(self.exchanges()), 2)

    def test_bad_requests_do_not_count_as_calls(self):
        self.env['ir.config_parameter'].set_param('wechat.calls_per_minute', '1')
        for _attempt in range(3):
            self.refuse_phone('bad_request', code='')
            self.refuse_phone('unknown_app', appid='wx00000000000000ff')
        self.authenticate_phone()

    def test_refused_login_leaves_the_session_as_it_was(self):
        answer = self.authenticate_phone()
        self.refuse_phone('bad_request', code='', session_id=answer['session_id'])
        self.wechat_says(openid='openid-of-ben')
        self.app.allow_signup = False
        self.refuse_phone('signup_disabled', session_id=answer['session_id'])
        read = self.call_kw(answer['session_id'], 'res.users', 'read', [[answer['uid']], ['login']])
        self.assertEqual(read['result'][0]['login'], answer['username'])

    def test_errors_speak_the_language_of_the_context(self):
        self.env['res.lang']._activate_lang('zh_CN')
        self.app.allow_signup = False
        error = self.refuse_phone('signup_disabled', context={'lang': 'zh_CN'})
        self.assertRegex(error['data']['message'], r'[\u4e00-\u9fff]')
