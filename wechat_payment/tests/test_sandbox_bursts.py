# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import fields
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.wechat_payment.tests.refund_common import WechatRefundCommon
from odoo.addons.wechat_payment.tests.sandbox_common import WechatSandboxCommon

API = 'odoo.addons.wechat_payment.models.payment_provider_api'
CHECKOUT = 'odoo.addons.wechat_payment.models.payment_transaction_checkout'
REFUND = 'odoo.addons.wechat_payment.models.payment_transaction_refund'
SETTLEMENT = 'odoo.addons.wechat_payment.models.payment_transaction_settlement'

BURST = ((429, 'FREQUENCY_LIMITED'), (500, 'SYSTEM_ERROR'), (502, 'BAD_GATEWAY'), (503, 'BUSY'))
TIMES = 3


@tagged('post_install', '-at_install', '-standard', 'wechat_sandbox')
class TestSandboxBursts(WechatSandboxCommon, WechatRefundCommon):
    """429 and 5xx in bursts lose nothing, double nothing and are told in plain words.

    Against the project's sandbox (WECHAT_SANDBOX_URL).
    """

    def setUp(self):
        super().setUp()
        self._connect_sandbox(refund_interval=0)
        self.env['ir.config_parameter'].set_param('wechat.calls_per_minute', 0)
        self.tx = self._create_web_transaction()

    def _burst(self, path, method, processed):
        """Have calls fail, each kind of failure a few times.

        :param str path: Regular expression of the calls' path.
        :param str method: The calls' method.
        :param bool processed: Whether WeChat Pay does what it was asked for nevertheless.
        """
        for status, code in BURST:
            self._control(
                'POST', 'faults', action='status', path=path, method=method, times=TIMES,
                status=status, code=code, processed=processed,
            )

    def _call_page(self, route, **params):
        with mute_logger('odoo.http', API, CHECKOUT):
            answer = self.url_open(f'/payment/wechat_pay/{route}', json={
                'jsonrpc': '2.0', 'method': 'call', 'params': {
                    'reference': self.tx.reference,
                    'access_token': self.tx._wechat_get_access_token(), **params,
                },
            }).json()
        self.env.invalidate_all()
        return answer

    def _run_cron(self, tx):
        tx.wechat_next_query = fields.Datetime.now()
        self.env.flush_all()
        with mute_logger(API, REFUND, SETTLEMENT):
            self.env.ref('wechat_payment.cron_wechat_settle').method_direct_trigger()
        self.env.invalidate_all()

    def _place(self):
        """Try until the page shows a code, and return how often it could not."""
        for failures in range(40):
            answer = self._call_page('start')
            if 'result' in answer:
                return failures
            self.assertEqual(self.tx.state, 'draft')
            context = answer['error']['data']['context']
            self.assertIn(context['code'], ('wechat_unavailable', 'wechat_busy', 'rate_limited'))
        return self.fail("no order in 40 attempts")

    def test_an_order_in_a_burst_keeps_its_number_and_is_made_once(self):
        for processed in (False, True):
            self._burst('/native$', 'POST', processed)
        self.assertGreater(self._place(), 0)
        orders = self._control('GET', 'orders')['orders']
        self.assertEqual([order['out_trade_no'] for order in orders], [self.tx.reference])

    def test_a_payment_in_a_burst_of_queries_is_found_when_it_is_over(self):
        self._place()
        self._at_merchant('pay', out_trade_no=self.tx.reference, notify=False)
        self._burst('/out-trade-no/', 'GET', False)
        self.assertEqual(self._call_page('poll', check=True)['result']['state'], 'draft')
        failures = 0
        while self.tx.state == 'draft' and failures < 20:
            self.assertTrue(self.tx.wechat_next_query, "it is asked for again")
            self._run_cron(self.tx)
            failures += 1
        self.assertEqual(self.tx.state, 'done')
        self.assertGreater(failures, 1)

    def test_a_payment_is_not_cancelled_in_a_burst(self):
        self._place()
        self._burst('/out-trade-no/', None, False)
        answer = self._call_page('cancel')
        self.assertIn('error', answer)
        self.assertEqual(self.tx.state, 'draft')
        self._control('DELETE', 'faults')
        self.assertEqual(self._call_page('cancel')['result']['state'], 'cancel')
        order, = self._control('GET', 'orders')['orders']
        self.assertEqual(order['trade_state'], 'CLOSED')

    def test_a_refund_in_a_burst_is_made_once_under_its_number(self):
        self._place()
        self._at_merchant('pay', out_trade_no=self.tx.reference)
        self.assertEqual(self.tx.state, 'done')
        for processed, amount in ((False, 5), (True, 6)):
            with self.subTest(processed):
                self._burst('/domestic/refunds', None, processed)
                with mute_logger(API, REFUND):
                    refund = self._refund(amount)
                self.assertEqual(refund.state, 'pending')
                self.assertIn("Do not refund anew", refund.state_message)
                failures = 0
                while not refund.wechat_refund_id and failures < 40:
                    self.assertEqual(refund.state, 'pending')
                    self._run_cron(refund)
                    failures += 1
                self.assertGreater(failures, 1)
                self._finish_refund(refund)
                self.assertEqual(refund.state, 'done')
        refunds = self._control('GET', 'refunds')['refunds']
        self.assertEqual([refund['amount']['refund'] for refund in refunds], [500, 600])
