# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import time

from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.wechat.exceptions import WeChatError, WeChatUnknown, WeChatUnverified
from odoo.addons.wechat_payment import const
from odoo.addons.wechat_payment.exceptions import WeChatPayRefused
from odoo.addons.wechat_payment.tests.common import WechatPayCommon
from odoo.addons.wechat_payment.tests.fake_wechat_pay import FakeWechatPay, get_key_pair

API = 'odoo.addons.wechat_payment.models.payment_provider_api'
PATH = '/v3/pay/transactions/out-trade-no/S00042'


@tagged('post_install', '-at_install')
class TestBackupHost(WechatPayCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.backup = FakeWechatPay()
        cls.addClassCleanup(cls.backup.stop)
        cls.env['ir.config_parameter'].set_param('wechat.pay_backup_url', cls.backup.url + '/')

    def setUp(self):
        super().setUp()
        self.backup.reset()
        self.backup.override('S00042', lambda request: self.fake.signed({'from': 'backup'}))
        self.enterContext(mute_logger(API))

    def _break(self, answer):
        self.fake.override('S00042', answer)

    def _request(self, method='GET', **kwargs):
        payload = None if method == 'GET' else {'text': "微信"}
        return self.provider._wechat_request(method, PATH, payload=payload, **kwargs)

    def test_a_call_that_only_reads_goes_to_the_backup(self):
        def slow(request):
            time.sleep(0.6)
            return self.fake.signed({})

        for name, answer in {
            'lost': None,
            '502': lambda request: self.fake.error(502, ''),
            '503': lambda request: self.fake.error(503, 'SERVICE_UNAVAILABLE'),
            'slow': slow,
        }.items():
            with self.subTest(name):
                self._break(answer)
                self.assertEqual(self._request(timeout=(1, 0.3)), {'from': 'backup'})
                self.assertEqual(len(self.fake.calls(PATH)), 1)
                self.assertEqual(len(self.backup.calls(PATH)), 1)
                self.fake.requests.clear()
                self.backup.requests.clear()

    def test_a_host_that_is_not_there_is_survived(self):
        self.env['ir.config_parameter'].set_param('wechat.pay_url', 'http://127.0.0.1:9')
        self.assertEqual(self._request(), {'from': 'backup'})

    def test_the_same_bytes_are_sent_under_a_signature_of_their_own(self):
        self._break(None)
        self._request('POST', repeatable=True)
        first, second = self.fake.calls(PATH)[0], self.backup.calls(PATH)[0]
        self.assertEqual(first.body, second.body)
        self.assertNotEqual(first.headers['Authorization'], second.headers['Authorization'])

    def test_a_call_that_is_not_safe_to_repeat_is_made_once(self):
        for answer in (None, lambda request: self.fake.error(503, 'SERVICE_UNAVAILABLE')):
            self._break(answer)
            with self.assertRaises(WeChatUnknown):
                self._request('POST')
        self.assertFalse(self.backup.requests)
        self.env['ir.config_parameter'].set_param('wechat.pay_url', 'http://127.0.0.1:9')
        with self.assertRaises(WeChatUnknown):
            self._request('POST')
        self.assertFalse(self.backup.requests)

    def test_other_answers_are_answers(self):
        for status, code in ((400, 'PARAM_ERROR'), (404, 'ORDER_NOT_EXIST'),
                             (429, 'FREQUENCY_LIMITED'), (500, 'SYSTEM_ERROR')):
            self._break(lambda request, a=(status, code): self.fake.error(*a))
            with self.assertRaises(WeChatError):
                self._request()
        self.assertFalse(self.backup.requests)

    def test_when_both_fail_the_outcome_is_open(self):
        self._break(None)
        self.backup.override('S00042', None)
        with self.assertRaises(WeChatUnknown) as caught:
            self._request('POST', repeatable=True)
        self.assertTrue(caught.exception.sent)
        self.assertEqual(len(self.backup.calls(PATH)), 1)
        for name in ('url', 'backup_url'):
            self.env['ir.config_parameter'].set_param(f'wechat.pay_{name}', 'http://127.0.0.1:9')
        with self.assertRaises(WeChatUnknown) as caught:
            self._request('POST', repeatable=True)
        self.assertFalse(caught.exception.sent)

    def test_a_refusal_by_the_backup_settles_nothing_if_the_first_may_have_been_heard(self):
        self._break(None)
        self.backup.override('S00042', lambda request: self.fake.error(403, 'RULE_LIMIT'))
        with self.assertRaises(WeChatUnknown) as caught:
            self._request('POST', repeatable=True)
        self.assertIn('RULE_LIMIT', str(caught.exception))
        with self.assertRaises(WeChatPayRefused):
            self._request('GET')
        self.env['ir.config_parameter'].set_param('wechat.pay_url', 'http://127.0.0.1:9')
        with self.assertRaises(WeChatPayRefused):
            self._request('POST', repeatable=True)

    def test_what_the_backup_says_of_the_order_itself_is_taken(self):
        self._break(None)
        for code in ('ORDERPAID', 'OUT_TRADE_NO_USED', 'ORDER_CLOSED'):
            self.backup.override('S00042', lambda request, c=code: self.fake.error(403, c))
            with self.assertRaises(WeChatPayRefused) as caught:
                self._request('POST', repeatable=True)
            self.assertEqual(caught.exception.wechat_code, code)

    def test_the_backups_answer_is_verified_like_any_other(self):
        self._break(None)
        self.backup.override(
            'S00042', lambda request: self.fake.signed({}, key=get_key_pair('merchant')),
        )
        with self.assertRaises(WeChatUnverified):
            self._request()

    def test_an_answer_with_a_wrong_signature_is_asked_for_again_once(self):
        answers = [self.fake.signed({'n': 1}, key=get_key_pair('merchant'))]
        self._break(lambda request: answers.pop() if answers else self.fake.signed({'n': 2}))
        self.assertEqual(self._request(), {'n': 2})
        answers.append(self.fake.signed({'n': 1}, key=get_key_pair('merchant')))
        with self.assertRaises(WeChatUnverified):
            self._request('POST')
        self.assertEqual(len(self.fake.calls(PATH)), 3)
        self.assertFalse(self.backup.requests)

    def test_an_order_and_its_close_survive(self):
        self.fake.override('.', None)
        tx = self._create_wechat_order(placed=False)
        answer = self.provider._wechat_request(
            'POST', '/v3/pay/transactions/jsapi', payload=tx.wechat_order_body, repeatable=True,
        )
        self.assertTrue(answer['prepay_id'])
        self.assertEqual(tx._wechat_close()['trade_state'], 'CLOSED')
        self.assertEqual(tx.state, 'cancel')

    def test_a_sandboxs_calls_never_go_to_the_real_backup(self):
        parameters = self.env['ir.config_parameter']
        parameters.set_param('wechat.pay_backup_url', False)
        self.assertEqual(self.provider._wechat_get_hosts(), [self.fake.url])
        parameters.set_param('wechat.pay_url', False)
        self.assertEqual(
            self.provider._wechat_get_hosts(), [const.PAY_URL, const.PAY_BACKUP_URL],
        )

    def test_a_backup_that_is_no_https_address_is_refused(self):
        self.env['ir.config_parameter'].set_param('wechat.pay_backup_url', 'http://example.com')
        with self.assertRefused('misconfigured'):
            self._request()
