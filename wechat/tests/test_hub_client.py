# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import logging
import traceback
from datetime import timedelta

from freezegun import freeze_time

from odoo import fields
from odoo.exceptions import AccessError, ValidationError
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from odoo.addons.wechat.exceptions import WeChatError, WeChatRefused, WeChatUnknown
from odoo.addons.wechat.tests.common import APPID, WechatCommon

LOGGER = 'odoo.addons.wechat.models.wechat_app_hub'
REQUEST = 'odoo.addons.wechat.models.wechat_app_request'
TOKENS = 'odoo.addons.wechat.models.wechat_app_token'
KEY = 'hub_KEY-for_the-tests-0123456789'
PATH = f'/wechat/hub/{APPID}/access_token'


@tagged('post_install', '-at_install')
class TestHubClient(WechatCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.app.write({
            'token_source': 'hub', 'hub_url': f'{cls.fake.url}/', 'hub_key_input': f' {KEY}\n',
            'secret': False,
        })

    def setUp(self):
        super().setUp()
        self.fake.answer('GET', PATH, {'value': 'HUB_1', 'expires_in': 3600})
        self.fake.answer('POST', f'{PATH}/refresh', {'value': 'HUB_2', 'expires_in': 7000})

    @property
    def token(self):
        return self.env['wechat.token'].search([('app_id', '=', self.app.id)])

    def _refuse(self, answer, status, code, advice):
        self.fake.answer('GET', PATH, answer, status=status)
        with self.subTest(status=status), mute_logger(LOGGER, REQUEST):
            with self.assertRefused(code) as refused:
                self.app._get_token()
            self.assertIn(advice, str(refused.exception))
        return refused.exception

    # === FETCHING === #

    def test_token_comes_from_the_hub_and_is_kept_as_long_as_it_says(self):
        start = fields.Datetime.now()
        with freeze_time(start):
            self.assertEqual(self.app._get_token(), 'HUB_1')
        with freeze_time(start + timedelta(seconds=3299)):
            self.assertEqual(self.app._get_token(), 'HUB_1')
        self.assertEqual(len(self.fake.requests), 1)
        self.assertEqual(self.token.expires_at, start + timedelta(seconds=3600))
        request = self.fake.requests[0]
        self.assertEqual(request.headers['Authorization'], f'Bearer {KEY}')
        self.assertEqual(request.query, {})
        self.assertEqual(request.body, b'')
        with freeze_time(start + timedelta(seconds=3300)):
            self.app._get_token()
        self.assertEqual(len(self.fake.requests), 2)

    def test_tickets_come_from_the_hub_too(self):
        self.fake.answer('GET', f'/wechat/hub/{APPID}/jsapi_ticket', {
            'value': 'TICKET', 'expires_in': 3600,
        })
        self.assertEqual(self.app._get_token('jsapi_ticket'), 'TICKET')
        self.assertEqual(len(self.fake.requests), 1)

    def test_token_that_the_hub_gives_for_a_short_time_is_kept_for_half_of_it(self):
        self.fake.answer('GET', PATH, {'value': 'HUB_1', 'expires_in': 40})
        start = fields.Datetime.now()
        for seconds, calls in ((0, 1), (19, 1), (20, 2)):
            with freeze_time(start + timedelta(seconds=seconds)):
                self.assertEqual(self.app._get_token(), 'HUB_1')
            self.assertEqual(len(self.fake.requests), calls)

    def test_lifetime_is_never_longer_than_the_hub_says(self):
        start = fields.Datetime.now()
        for override, seconds in ((7200, 3600), (1000, 1000)):
            self.app.token_lifetime = override
            self.env['wechat.token'].search([]).unlink()
            with freeze_time(start):
                self.app._get_token()
            self.assertEqual(self.token.expires_at, start + timedelta(seconds=seconds))

    def test_refused_token_is_reported_and_the_call_repeated_once(self):
        self.fake.answer('GET', '/cgi-bin/x', lambda request: (
            {'ok': True} if request.query['access_token'] == 'HUB_2' else {'errcode': 40001}
        ))
        with mute_logger(REQUEST):
            self.assertTrue(self.app._request('GET', '/cgi-bin/x')['ok'])
        reports = self.fake.calls(f'{PATH}/refresh', 'POST')
        self.assertEqual([report.json for report in reports], [{'value': 'HUB_1'}])
        self.assertEqual(reports[0].headers['Authorization'], f'Bearer {KEY}')
        self.assertEqual(len(self.fake.calls(PATH)), 1)
        self.assertEqual(self.app._get_token(), 'HUB_2')

    def test_report_that_comes_too_early_says_so(self):
        self.app._get_token()
        self.fake.answer('POST', f'{PATH}/refresh', {'code': 'rate_limited'}, status=429)
        with mute_logger(LOGGER), self.assertRefused('rate_limited') as refused:
            self.app._renew_token('HUB_1')
        self.assertIn("30 seconds", str(refused.exception))
        self.assertEqual(self.app._get_token(), 'HUB_1')

    def test_wechat_itself_is_asked_for_no_token(self):
        self.app.secret = 'SECRET_OF_OLD'
        self.app._get_token()
        with mute_logger(LOGGER):
            self.app._renew_token('HUB_1')
        self.assertFalse(self.fake.calls('/cgi-bin/stable_token'))

    # === WHEN THE HUB DOES NOT ANSWER === #

    def test_kept_token_is_used_while_the_hub_is_down(self):
        start = fields.Datetime.now()
        with freeze_time(start):
            self.app._get_token()
        self.fake.answer('GET', PATH, None)
        for seconds in (3299, 3301, 3590):
            with freeze_time(start + timedelta(seconds=seconds)), mute_logger(LOGGER, TOKENS):
                self.assertEqual(self.app._get_token(), 'HUB_1')
        with freeze_time(start + timedelta(seconds=3601)), mute_logger(LOGGER), \
                self.assertRefused('wechat_unavailable') as refused:
            self.app._get_token()
        self.assertIsInstance(refused.exception, WeChatUnknown)
        self.assertIn("does not answer", str(refused.exception))
        self.assertIn(self.fake.url, str(refused.exception))

    def test_hub_that_is_down_is_shown_on_the_app(self):
        self.app.hub_url = 'http://127.0.0.1:1'
        self.app.hub_key = KEY
        with mute_logger(LOGGER), self.assertRefused('wechat_unavailable'):
            self.app._get_token()
        self.assertEqual(self.app.state, 'error')
        self.assertIn("The token hub http://127.0.0.1:1 does not answer", self.app.advice)
        self.assertIn("中控服务器", self.app.with_context(lang='zh_CN').advice)

    def test_server_errors_of_the_hub_are_unknown(self):
        for answer, status in (('<html>', 500), ('', 502), ({}, 503), ('gone', 504)):
            error = self._refuse(answer, status, 'wechat_unavailable', "does not answer")
            self.assertIsInstance(error, WeChatUnknown)

    def test_answer_that_cannot_be_read_is_unknown(self):
        for answer in ({'value': ''}, {'value': 'T'}, {'value': 7, 'expires_in': 7},
                       {'value': 'T', 'expires_in': '7'}, {'value': 'T', 'expires_in': 0},
                       {'value': 'T', 'expires_in': -1}, {'value': 'T', 'expires_in': True},
                       {'value': 'T', 'expires_in': 10**30}, {'value': 'a\nb', 'expires_in': 7},
                       {'value': 'T' * 2000, 'expires_in': 7}):
            self._refuse(answer, 200, 'wechat_unavailable', "cannot be read")
        self.assertFalse(self.token.sudo().value)

    # === WHEN THE HUB SAYS NO === #

    def test_wrong_or_revoked_key_is_said(self):
        error = self._refuse({'code': 'invalid_key'}, 401, 'misconfigured', "revoked")
        self.assertIsInstance(error, WeChatRefused)
        self.assertIn("revoked", self.app.advice)
        self.fake.answer('GET', PATH, {'value': 'HUB_1', 'expires_in': 3600})
        self.app.hub_key_input = 'hub_another-key-0123456789'
        self.assertEqual(self.app.state, 'new')
        self.app._get_token()
        self.assertEqual(
            self.fake.requests[-1].headers['Authorization'], 'Bearer hub_another-key-0123456789')

    def test_key_that_is_not_good_for_the_app_is_said(self):
        self._refuse({'code': 'not_allowed'}, 403, 'misconfigured', "not good for")
        self.assertIn(APPID, self.app.advice)

    def test_address_without_a_hub_is_said(self):
        for answer, status in (('<html>', 404), ('<html>', 200), ([], 200), ('<html>', 403),
                               ('', 204), ('', 405)):
            self._refuse(answer, status, 'misconfigured', "not a token hub")

    def test_redirects_are_not_followed(self):
        for status in (301, 302, 307, 308):
            self.fake.answer(
                'GET', PATH, '', status=status, headers={'Location': f'{self.fake.url}/stolen'},
            )
            with mute_logger(LOGGER), self.assertRefused('misconfigured'):
                self.app._get_token()
        self.assertFalse(self.fake.calls('/stolen'))

    def test_refusal_by_wechat_is_passed_on_with_its_number(self):
        for errcode, status, code in ((40164, 502, 'misconfigured'), (45009, 429, 'rate_limited'),
                                      (-1, 503, 'wechat_busy'), (40001, 502, 'misconfigured')):
            self.fake.answer('GET', PATH, {
                'code': code, 'errcode': errcode, 'message': "<script>",
            }, status=status)
            with self.subTest(errcode=errcode), mute_logger(LOGGER), \
                    self.assertRefused(code, errcode) as refused:
                self.app._get_token()
            self.assertIn("On the hub", str(refused.exception))
            self.assertNotIn("script", str(refused.exception))
        self.assertIn("AppSecret is wrong", self.app.advice)
        self.assertIn("On the hub", self.app.advice)

    def test_missing_settings_are_said_without_a_call(self):
        self.app.hub_key = False
        with self.assertRefused('misconfigured') as refused:
            self.app._get_token()
        self.assertIn("hub key is missing", str(refused.exception))
        self.assertFalse(self.fake.requests)

    def test_check_says_whether_the_hub_works(self):
        action = self.app.action_check_credentials()
        self.assertEqual(action['params']['type'], 'success')
        self.assertIn("hub", action['params']['message'])
        self.fake.answer('GET', PATH, {'code': 'invalid_key'}, status=401)
        with mute_logger(LOGGER):
            action = self.app.action_check_credentials()
        self.assertEqual(action['params']['type'], 'danger')
        self.assertIn("revoked", action['params']['message'])

    # === THE SETTINGS === #

    def test_hub_address_is_https_or_on_this_machine(self):
        for address in ('http://erp.example.com', 'https://erp.example.com/path', 'erp.example.com',
                        'https://u:p@erp.example.com', 'https://erp.example.com?x=1',
                        'ftp://127.0.0.1', 'https://'):
            with self.subTest(address=address), self.assertRaises(ValidationError), \
                    self.env.cr.savepoint():
                self.app.hub_url = address
        for address in ('https://erp.example.com', 'https://erp.example.com:8443/',
                        'http://127.0.0.1:8069', 'http://localhost:8069/'):
            self.app.hub_url = address

    def test_key_is_not_shown_to_another_hub(self):
        self.app.hub_url = self.fake.url  # Without the slash.
        self.assertFalse(self.app.hub_key)
        self.assertFalse(self.app.has_hub_key)
        self.app.write({'hub_url': 'https://erp.example.com', 'hub_key_input': KEY})
        self.assertEqual(self.app.hub_key, KEY)
        self.app.write({'hub_url': 'https://erp.example.com', 'name': "Same"})
        self.assertEqual(self.app.hub_key, KEY)

    def test_text_that_is_no_key_is_refused_without_being_quoted(self):
        for text in ('with blanks in the key', 'hub_密钥密钥密钥', 'x' * 513):
            with self.subTest(text=text[:20]), self.assertRaises(ValidationError) as caught, \
                    self.env.cr.savepoint():
                self.app.hub_key_input = text
            self.assertNotIn(text, str(caught.exception))

    def test_tokens_of_another_source_are_forgotten(self):
        self.app._get_token()
        self.app.write({'hub_url': 'http://127.0.0.1:1', 'hub_key': KEY})
        self.assertFalse(self.token)
        self.app.write({'token_source': 'wechat', 'secret': 'SECRET'})
        self.assertEqual(self.app._get_token(), 'TOKEN_1')
        self.app.token_source = 'hub'
        self.assertFalse(self.token)

    def test_hub_settings_are_for_settings_administrators(self):
        manager = new_test_user(self.env, 'hub_manager', groups='wechat.group_manager')
        app = self.app.with_user(manager)
        for name in ('hub_url', 'hub_key', 'hub_key_input'):
            with self.subTest(field=name), mute_logger('odoo.models'):
                with self.assertRaises(AccessError):
                    app.read([name])
                with self.assertRaises(AccessError), self.env.cr.savepoint():
                    app.write({name: 'https://evil.example.com'})
        self.assertEqual(self.app.hub_key, KEY)
        self.assertTrue(app.has_hub_key)

    def test_key_is_never_shown_again(self):
        self.assertFalse(self.app.hub_key_input)
        self.app.hub_key_input = False
        self.assertEqual(self.app.hub_key, KEY)

    def test_key_and_token_are_in_no_log_and_no_exception(self):
        self.app._get_token()
        for answer, status in ((None, 200), ('<html>', 200), ({'code': 'invalid_key'}, 401),
                               (f'{{"value": "{KEY}"', 502), ('', 302)):
            self.fake.answer('POST', f'{PATH}/refresh', answer, status=status)
            with self.subTest(status=status), self.assertLogs(level=logging.DEBUG) as logs, \
                    self.assertRaises(WeChatError) as caught:
                self.app._renew_token('HUB_1')
            seen = [
                str(logs.output), repr(vars(caught.exception)),
                ''.join(traceback.format_exception(caught.exception)),
            ]
            for text in seen:
                self.assertNotIn(KEY, text)
                self.assertNotIn('HUB_1', text.replace(str(self.token.sudo().value), ''))
