# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo.exceptions import AccessError
from odoo.tests import Form, new_test_user, tagged
from odoo.tools import mute_logger

from odoo.addons.wechat.tests.common import APPID, SECRET, WechatCommon

LOGGER = 'odoo.addons.wechat.models.wechat_app_request'
CLEAR, CLEAR_V2 = '/cgi-bin/clear_quota', '/cgi-bin/clear_quota/v2'
GET = '/cgi-bin/openapi/quota/get'


@tagged('post_install', '-at_install')
class TestQuota(WechatCommon):

    def setUp(self):
        super().setUp()
        for path in (CLEAR, CLEAR_V2):
            self.fake.answer('POST', path, {'errcode': 0, 'errmsg': 'ok'})

    # === CLEARING === #

    def test_quotas_are_cleared_with_the_token(self):
        action = self.app.action_clear_quota()
        self.assertEqual(action['params']['type'], 'success')
        request = self.fake.calls(CLEAR)[0]
        self.assertEqual((request.json, request.query), (
            {'appid': APPID}, {'access_token': 'TOKEN_1'}))
        self.assertFalse(self.fake.calls(CLEAR_V2))

    def test_secret_is_used_when_no_token_is_to_be_had_any_more(self):
        self.fake.answer('POST', '/cgi-bin/stable_token', {'errcode': 45009})
        with mute_logger(LOGGER):
            self.app._clear_quota()
        self.assertFalse(self.fake.calls(CLEAR))
        request = self.fake.calls(CLEAR_V2)[0]
        self.assertEqual((request.json, request.query), (
            {'appid': APPID, 'appsecret': SECRET}, {}))

    def test_secret_is_used_when_clearing_with_the_token_is_used_up(self):
        self.fake.answer('POST', CLEAR, {'errcode': 45009})
        with mute_logger(LOGGER):
            self.app._clear_quota()
        self.assertEqual(len(self.fake.calls(CLEAR_V2)), 1)

    def test_other_refusals_use_up_no_second_clearing(self):
        for answer, code in (({'errcode': 48006}, 'rate_limited'), ({'errcode': -1}, 'wechat_busy'),
                             (None, 'wechat_unavailable'), ({'errcode': 48001}, 'misconfigured')):
            self.fake.answer('POST', CLEAR, answer)
            with self.subTest(code=code), mute_logger(LOGGER), self.assertRefused(code):
                self.app._clear_quota()
        self.assertFalse(self.fake.calls(CLEAR_V2))

    def test_app_without_secret_does_not_try_with_it(self):
        self.app._get_token()
        self.app.secret = False
        self.fake.answer('POST', CLEAR, {'errcode': 45009})
        with mute_logger(LOGGER), self.assertRefused('rate_limited', 45009):
            self.app._clear_quota()
        self.assertFalse(self.fake.calls(CLEAR_V2))

    def test_refusal_of_the_secret_is_told_as_such_and_does_not_quote_it(self):
        self.fake.answer('POST', CLEAR, {'errcode': 45009})
        self.fake.answer('POST', CLEAR_V2, lambda request: {
            'errcode': 40001, 'errmsg': request.body.decode()})
        with self.assertLogs(LOGGER, 'WARNING') as logs, \
                self.assertRefused('misconfigured', 40001) as refused:
            self.app._clear_quota()
        self.assertIn("AppSecret is wrong", str(refused.exception))
        self.assertNotIn(SECRET, str(logs.output) + refused.exception.errmsg)

    # === ASKING === #

    def test_quota_of_an_api_is_shown(self):
        self.fake.answer('POST', GET, {
            'errcode': 0, 'quota': {'daily_limit': 500, 'used': 7, 'remain': 493},
            'rate_limit': {'call_count': 100, 'refresh_second': 60},
        })
        context = self.app.action_show_quota()['context']
        form = Form(self.env['wechat.api.quota'].with_context(**context))
        form.path = ' /cgi-bin/message/template/send '
        wizard = form.save()
        action = wizard.action_ask()
        self.assertEqual((action['res_model'], action['res_id']), (wizard._name, wizard.id))
        self.assertRecordValues(wizard, [{
            'app_id': self.app.id, 'path': '/cgi-bin/message/template/send', 'daily_limit': 500,
            'used': 7, 'remain': 493, 'call_count': 100, 'refresh_second': 60,
        }])
        self.assertEqual(
            self.fake.calls(GET)[0].json, {'cgi_path': '/cgi-bin/message/template/send'})

    def test_quota_without_a_rate_is_shown(self):
        self.fake.answer('POST', GET, {'quota': {'daily_limit': 5, 'used': '7'}})
        self.assertEqual(self.app._get_quota('/x'), {
            'daily_limit': 5, 'used': 0, 'remain': 0, 'call_count': 0, 'refresh_second': 0})

    def test_unknown_api_and_unreadable_answer_are_said(self):
        self.fake.answer('POST', GET, {'errcode': 76021})
        with mute_logger(LOGGER), self.assertRefused('bad_request', 76021) as refused:
            self.app._get_quota('/x')
        self.assertIn("path", str(refused.exception))
        for answer in ({}, {'quota': 7}, {'quota': []}):
            self.fake.answer('POST', GET, answer)
            with self.assertRefused('wechat_unavailable'):
                self.app._get_quota('/x')

    # === ACCESS === #

    def test_quotas_are_for_wechat_administrators_of_the_company(self):
        employee = new_test_user(self.env, 'quota_employee', groups='base.group_user')
        manager = new_test_user(self.env, 'quota_manager', groups='wechat.group_manager')
        other = self.env['wechat.app'].create({
            'name': "Other", 'appid': 'wx0000000000000099', 'secret': 'S',
            'company_id': self.env['res.company'].create({'name': "Other"}).id,
        })
        for user, app in ((employee, self.app), (manager, other)):
            with mute_logger('odoo.addons.base.models.ir_model', 'odoo.addons.base.models.ir_rule'):
                for call in (
                    lambda u=user, a=app: a.with_user(u).action_clear_quota(),
                    lambda u=user, a=app: a.with_user(u).action_show_quota(),
                    lambda u=user, a=app: self.env['wechat.api.quota'].with_user(u).create(
                        {'app_id': a.id, 'path': '/x'}).action_ask(),
                ):
                    with self.subTest(user=user.login), self.assertRaises(AccessError):
                        call()
        self.assertFalse(self.fake.requests)
        self.app.with_user(manager).action_clear_quota()

    # === STATE === #

    def test_address_to_allow_is_shown(self):
        self.fake.answer('POST', '/cgi-bin/stable_token', {
            'errcode': 40164, 'errmsg': 'invalid ip 192.0.2.7 ipv6 ::ffff:192.0.2.7, not in'})
        with mute_logger(LOGGER), self.assertRefused('misconfigured', 40164) as refused:
            self.app._get_token()
        self.assertIn("The address is 192.0.2.7.", str(refused.exception))
        self.assertIn("The address is 192.0.2.7.", self.app.advice)
        self.assertIn("192.0.2.7", self.app.with_context(lang='zh_CN').advice)

    def test_app_shows_until_when_its_token_is_valid(self):
        self.assertFalse(self.app.token_expires_at)
        self.app._get_token()
        self.app.invalidate_recordset()
        self.assertEqual(self.app.token_expires_at, self.app.token_ids.expires_at)
        manager = new_test_user(self.env, 'state_manager', groups='wechat.group_manager')
        self.assertTrue(self.app.with_user(manager).token_expires_at)
        self.app.token_ids.sudo().expires_at = '2020-01-01'
        self.app.invalidate_recordset()
        self.assertFalse(self.app.token_expires_at)
