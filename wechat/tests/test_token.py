# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import io
from datetime import timedelta

from freezegun import freeze_time

from odoo import fields
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.wechat.tests.common import SECRET, WechatCommon

LOGGER = 'odoo.addons.wechat.models.wechat_app_request'
TOKEN = '/cgi-bin/stable_token'


@tagged('post_install', '-at_install')
class TestToken(WechatCommon):

    @property
    def token(self):
        return self.env['wechat.token'].search([('app_id', '=', self.app.id)])

    def test_token_is_fetched_once_and_kept(self):
        self.assertEqual(self.app._get_token(), 'TOKEN_1')
        self.assertEqual(self.app._get_token(), 'TOKEN_1')
        self.assertEqual([request.json for request in self.fake.calls(TOKEN)], [{
            'grant_type': 'client_credential', 'appid': self.app.appid, 'secret': SECRET,
            'force_refresh': False,
        }])
        self.assertEqual(self.token.kind, 'access_token')
        self.assertEqual(self.token.sudo().value, 'TOKEN_1')

    def test_kept_token_costs_one_query_and_no_call(self):
        self.app._get_token()
        self.env.flush_all()
        app = self.env['wechat.app'].browse(self.app.id)
        self.env.invalidate_all()
        calls = len(self.fake.requests)
        with self.assertQueryCount(1):
            self.assertEqual(app._get_token(), 'TOKEN_1')
        self.assertEqual(len(self.fake.requests), calls)

    def test_token_is_renewed_five_minutes_before_it_expires(self):
        start = fields.Datetime.now()
        with freeze_time(start):
            self.app._get_token()
        self.assertEqual(self.token.expires_at, start + timedelta(seconds=7200))
        with freeze_time(start + timedelta(seconds=6899)):
            self.app._get_token()
        self.assertEqual(len(self.fake.calls(TOKEN)), 1)
        with freeze_time(start + timedelta(seconds=6900)):
            self.app._get_token()
        self.assertEqual(len(self.fake.calls(TOKEN)), 2)

    def test_lifetime_can_be_overridden(self):
        self.app.token_lifetime = 1000
        start = fields.Datetime.now()
        with freeze_time(start):
            self.app._get_token()
        self.assertEqual(self.token.expires_at, start + timedelta(seconds=1000))
        with freeze_time(start + timedelta(seconds=701)):
            self.app._get_token()
        self.assertEqual(len(self.fake.calls(TOKEN)), 2)

    def test_token_that_lives_shortly_is_kept_for_half_of_its_life(self):
        self.app.token_lifetime = 60
        start = fields.Datetime.now()
        for seconds, calls in ((0, 1), (29, 1), (30, 2)):
            with freeze_time(start + timedelta(seconds=seconds)):
                self.app._get_token()
            self.assertEqual(len(self.fake.calls(TOKEN)), calls)

    def test_unusable_token_answers_are_not_kept(self):
        for answer in ({}, {'access_token': ''}, {'access_token': 'T'}, {'expires_in': 7200},
                       {'access_token': 'T', 'expires_in': 0}, {'access_token': 7, 'expires_in': 1},
                       {'access_token': 'T', 'expires_in': '7200'}):
            self.fake.answer('POST', TOKEN, answer)
            with self.subTest(answer=answer), mute_logger(LOGGER), \
                    self.assertRefused('wechat_unavailable'):
                self.app._get_token()
        self.assertFalse(self.token.sudo().value)
        self.fake.answer('POST', TOKEN, self._answer_stable_token)
        self.assertEqual(self.app._get_token(), 'TOKEN_1')

    def test_token_endpoint_is_not_repeated_after_a_refusal(self):
        for errcode, code in ((40001, 'misconfigured'), (40125, 'misconfigured'),
                              (40013, 'misconfigured'), (-1, 'wechat_busy')):
            self.fake.reset()
            self.fake.answer('POST', TOKEN, {'errcode': errcode})
            with self.subTest(errcode=errcode), mute_logger(LOGGER), \
                    self.assertRefused(code, errcode):
                self.app._request('GET', '/cgi-bin/x')
            self.assertEqual(len(self.fake.requests), 1)

    def test_missing_secret_is_said_without_a_call(self):
        self.app.secret = False
        with self.assertRefused('misconfigured') as refused:
            self.app._get_token()
        self.assertIn("AppSecret", str(refused.exception))
        self.assertFalse(self.fake.requests)

    def test_other_kinds_of_token_are_refused(self):
        with self.assertRefused('bad_request'):
            self.app._get_token('nonsense')
        self.app.app_type = 'website'
        with self.assertRefused('bad_request'):
            self.app._get_token()
        self.assertFalse(self.fake.requests)

    # === THE RETRY RULE === #

    def _answer_by_token(self, good):
        self.fake.answer('GET', '/cgi-bin/x', lambda request: (
            {'ok': True} if request.query['access_token'] == good
            else {'errcode': 40001, 'errmsg': 'access_token is invalid or not latest'}
        ))

    def _tokens_sent(self):
        return [request.query['access_token'] for request in self.fake.calls('/cgi-bin/x')]

    def test_refused_token_is_renewed_and_the_call_repeated_once(self):
        self.app._get_token()
        self._answer_by_token('TOKEN_2')
        with mute_logger(LOGGER):
            self.assertTrue(self.app._request('GET', '/cgi-bin/x')['ok'])
        self.assertEqual(self._tokens_sent(), ['TOKEN_1', 'TOKEN_2'])
        self.assertEqual(
            [request.json['force_refresh'] for request in self.fake.calls(TOKEN)],
            [False, False, True],
        )
        self.assertEqual(self.app._get_token(), 'TOKEN_2')
        self.assertEqual(self.app.state, 'ok')

    def test_token_that_stays_refused_ends_after_one_repetition(self):
        for errcode in (40001, 40014, 42001):
            self.fake.requests.clear()
            self.fake.answer('GET', '/cgi-bin/x', {'errcode': errcode})
            with self.subTest(errcode=errcode), mute_logger(LOGGER), \
                    self.assertRefused('misconfigured', errcode) as refused:
                self.app._request('GET', '/cgi-bin/x')
            self.assertEqual(len(self._tokens_sent()), 2)
            self.assertIn("another system", str(refused.exception))

    def test_forced_renewals_keep_thirty_seconds_apart(self):
        start = fields.Datetime.now()
        forced = 0
        for seconds, expected in ((0, 1), (29, 1), (31, 2)):
            self.fake.requests.clear()
            with freeze_time(start + timedelta(seconds=seconds)), mute_logger(LOGGER), \
                    self.assertRefused('misconfigured'):
                self.fake.answer('GET', '/cgi-bin/x', {'errcode': 40001})
                self.app._request('GET', '/cgi-bin/x')
            forced += sum(request.json['force_refresh'] for request in self.fake.calls(TOKEN))
            self.assertEqual(forced, expected)

    def test_token_that_somebody_else_has_renewed_is_used_without_a_fetch(self):
        self.app._get_token()
        self._answer_by_token('OF_ANOTHER_SERVER')
        self.token.sudo().value = 'OF_ANOTHER_SERVER'
        self.env.flush_all()
        calls = len(self.fake.calls(TOKEN))
        self.assertEqual(self.app._renew_token('TOKEN_1'), 'OF_ANOTHER_SERVER')
        self.assertEqual(len(self.fake.calls(TOKEN)), calls)

    def test_token_that_wechat_has_renewed_is_used_without_force(self):
        self.app._get_token()
        self.token_count = 2  # WeChat's normal answer is another token now.
        self.assertEqual(self.app._renew_token('TOKEN_1'), 'TOKEN_2')
        self.assertFalse(any(request.json['force_refresh'] for request in self.fake.calls(TOKEN)))

    def test_uploaded_file_is_sent_whole_both_times(self):
        self.app._get_token()
        self.fake.answer('POST', '/cgi-bin/media/upload', lambda request: (
            {'ok': True} if request.query['access_token'] == 'TOKEN_2' else {'errcode': 42001}
        ))
        with mute_logger(LOGGER):
            self.app._request('POST', '/cgi-bin/media/upload', files={
                'media': ('a.png', io.BytesIO(b'PIXELS'), 'image/png'),
            })
        for request in self.fake.calls('/cgi-bin/media/upload'):
            self.assertIn(b'PIXELS', request.body)

    def test_endpoints_that_issue_tokens_get_none_and_are_not_repeated(self):
        for path in ('/cgi-bin/token', '/cgi-bin/stable_token'):
            self.fake.answer('GET', path, {'errcode': 40001})
            with mute_logger(LOGGER), self.assertRefused('misconfigured', 40001) as refused:
                self.app._request('GET', path, params={'secret': 'x'})
            self.assertIn("AppSecret is wrong", str(refused.exception))
        self.assertEqual([request.query for request in self.fake.requests], [{'secret': 'x'}] * 2)

    def test_other_refusals_are_not_repeated(self):
        self.fake.answer('GET', '/cgi-bin/x', {'errcode': 45009})
        with mute_logger(LOGGER), self.assertRefused('rate_limited'):
            self.app._request('GET', '/cgi-bin/x')
        self.assertEqual(len(self._tokens_sent()), 1)

    def test_calls_without_our_token_are_not_repeated(self):
        self.fake.answer('GET', '/sns/userinfo', {'errcode': 40001})
        with mute_logger(LOGGER), self.assertRefused('misconfigured'):
            self.app._request('GET', '/sns/userinfo', params={'access_token': 'OF_THE_USER'})
        self.assertEqual(len(self.fake.requests), 1)
