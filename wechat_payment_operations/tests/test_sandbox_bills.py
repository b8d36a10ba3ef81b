# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from datetime import timedelta

from odoo import fields
from odoo.tests import HttpCase, tagged
from odoo.tools import mute_logger

from odoo.addons.wechat_payment.tests.fake_wechat_pay import MCHID
from odoo.addons.wechat_payment.tests.sandbox_v2_common import WechatPayV2SandboxCommon
from odoo.addons.wechat_payment_operations.tests.bill_common import WechatBillCommon

LOGGERS = (
    'odoo.addons.wechat_payment_operations.models.payment_provider_bill',
    'odoo.addons.wechat_payment_operations.models.wechat_pay_bill_fetch',
    'odoo.addons.wechat_payment.models.payment_provider_api',
    'odoo.addons.wechat_payment.models.payment_provider_v2',
)
DAY = 86400


@tagged('-standard', 'wechat_sandbox', 'post_install', '-at_install')
class TestSandboxBills(WechatPayV2SandboxCommon, WechatBillCommon, HttpCase):
    """Bills over real HTTP, of what was paid and refunded in the sandbox a day ago."""

    def setUp(self):
        super().setUp()
        self._connect_sandbox(refund_interval=0)
        self._control('POST', 'money_settings', bill_ready_hour=0)  # Whatever the hour.
        person = self._control('POST', 'login_code', appid=self.app.appid)
        type(self).openid = self.identity.openid = person['openid']

    # === THE DAY BEFORE === #

    def _paid(self, amount=19.99):
        """Return a transaction that was paid in the sandbox, a day ago."""
        tx = self._create_wechat_order(amount, placed=False)
        self._place(tx)
        self._at_merchant('pay', out_trade_no=tx.reference, notify=False)
        tx._wechat_query()
        self.assertEqual(tx.state, 'done')
        return tx

    def _place(self, tx):
        """Make the order call without what commits around it."""
        self.provider._wechat_send_order(tx)

    def _make_yesterday(self):
        """Let everything so far be a day old, here and at WeChat Pay."""
        self._control('POST', 'age', seconds=DAY)
        txs = self.env['payment.transaction'].search([('provider_id', '=', self.provider.id)])
        for tx in txs:
            for name in ('wechat_success_time', 'wechat_refund_sent', 'last_state_change'):
                if tx[name]:
                    tx[name] -= timedelta(seconds=DAY)

    def _give_back(self, tx, amount):
        """Return a refund that was made and succeeded."""
        refund = tx._create_child_transaction(amount, is_refund=True)
        self.provider._wechat_request(
            'POST', '/v3/refund/domestic/refunds', payload=refund._wechat_build_refund(),
        )
        refund.wechat_refund_sent = fields.Datetime.now()
        self._finish_refund(refund, notify=False)
        refund._wechat_query_refund()
        self.assertEqual(refund.state, 'done')
        return refund

    def _spoil(self, *defects, kind='trade'):
        self._at_merchant('bill_defects', bill_date=self.day.isoformat(), kind=kind,
                          defects=list(defects))

    def _fetch_quietly(self):
        with mute_logger(*LOGGERS):
            return self._fetch_bill()

    # === TESTS === #

    def test_a_day_of_payments_and_refunds_agrees(self):
        payments = [self._paid(amount) for amount in (19.99, 0.01, 100)]
        refund = self._give_back(payments[2], 40)
        self._make_yesterday()
        self._fetch_bill()
        self.assertEqual(self.bill.state, 'loaded', self.bill.error)
        self.assertEqual(self._states(), {'matched': 4})
        self.assertEqual(self.bill.line_ids.transaction_id, sum(payments, refund))
        self.assertEqual((self.bill.in_amount, self.bill.out_amount), (120, 40))
        self.assertFalse(self.bill.summary_note)
        self.assertFalse(self._problems())

    def test_the_fund_flow_of_the_day_agrees_and_its_fees_are_summed(self):
        payment = self._paid(100)
        self._give_back(payment, 40)
        self._make_yesterday()
        self._fetch_bill()
        fees = self.bill.fee_amount
        self.bill = self._create_bill('fundflow')
        self._fetch_bill()
        self.assertEqual(self.bill.state, 'loaded', self.bill.error)
        self.assertEqual(self._states(), {'matched': 2, 'no_counterpart': 2})
        self.assertAlmostEqual(fees, 0.36, 2)
        self.assertAlmostEqual(self.bill.fee_amount, 0.36, 2)
        self.assertFalse(self.bill.summary_note)
        self.assertFalse(self._problems())

    def test_api_v2_brings_the_same(self):
        payment = self._paid(100)
        refund = self._give_back(payment, 40)
        self._make_yesterday()
        self.sandbox_tls = self._control('GET', 'world')['tls_url']
        self.env['ir.config_parameter'].set_param('wechat.pay_url', self.sandbox_tls)
        merchant = self._control('GET', 'world')['merchants'][0]
        for sign_type in ('HMAC-SHA256', 'MD5'):
            self._set_v2_merchant(self.provider, merchant, sign_type)
            self.bill.unlink()
            self.bill = self._create_bill()
            self._fetch_bill()
            self.assertEqual(self.bill.state, 'loaded', self.bill.error)
            self.assertEqual(self.bill.line_ids.transaction_id, payment + refund)
            self.assertEqual(self._states(), {'matched': 2})
        self.bill = self._create_bill('fundflow')
        self._fetch_bill()
        self.assertEqual(self.bill.state, 'loaded', self.bill.error)
        self.assertEqual(self._states(), {'matched': 2, 'no_counterpart': 2})
        self.assertFalse(self._problems())

    def test_api_v2_tells_no_bill_and_not_ready_apart(self):
        self._connect_v2_sandbox()
        self._control('POST', 'money_settings', bill_ready_hour=0)
        for bill in (self.bill, self._create_bill('fundflow')):
            self.bill = bill
            self._fetch_quietly()
            self.assertEqual(self.bill.state, 'no_business', self.bill.error)
        self._control('POST', 'money_settings', bill_ready_hour=24)
        self._fetch_quietly()
        self.assertEqual(self.bill.state, 'not_ready', self.bill.error)

    def test_api_v2_with_a_wrong_key_is_refused_in_words(self):
        self._connect_v2_sandbox()
        self.provider.wechat_api_v2_key = 'x' * 32
        self._fetch_quietly()
        self.assertEqual(self.bill.state, 'failed')
        self.assertIn("APIv2 key", self.bill.error)

    def test_no_bill_and_not_ready_are_told_apart(self):
        self._fetch_quietly()
        self.assertEqual(self.bill.state, 'no_business', self.bill.error)
        self._control('POST', 'money_settings', bill_ready_hour=24)
        self._fetch_quietly()
        self.assertEqual(self.bill.state, 'not_ready', self.bill.error)

    def test_a_service_provider_gets_the_lines_of_its_sub_merchant(self):
        sub_mchid = '1900000109'
        self._control('PATCH', f'merchants/{MCHID}', sub_merchants=[
            {'mchid': sub_mchid, 'appids': []},
        ])
        self.provider.wechat_sub_mch_id = sub_mchid
        tx = self._create_wechat_order(5, placed=False, trade_type='NATIVE')
        self._place(tx)
        self._at_merchant('pay', out_trade_no=tx.reference, notify=False)
        tx._wechat_query()
        self._make_yesterday()
        self._fetch_bill()
        self.assertEqual(self.bill.state, 'loaded', self.bill.error)
        self.assertEqual(self.bill.line_ids.transaction_id, tx)
        self.assertEqual(self._states(), {'matched': 1})

    def test_differences_are_shown_each_as_what_it_is(self):
        a, b, c, d, e = (self._paid(amount) for amount in (1, 2, 3, 4, 5))
        refund = self._give_back(e, 5)
        self._make_yesterday()
        self._spoil(
            {'defect': 'missing_line', 'number': a.reference},
            {'defect': 'amount_changed', 'number': b.reference, 'amount': 199},
            {'defect': 'duplicate', 'number': c.reference},
            {'defect': 'extra_line'},
            {'defect': 'state_changed', 'number': refund.reference, 'state': 'FAIL'},
        )
        self._fetch_bill()
        self.assertEqual(self.bill.state, 'loaded', self.bill.error)
        self.assertEqual(self._states(), {
            'matched': 3, 'missing_in_wechat': 1, 'amount_differs': 1, 'duplicate': 1,
            'missing_in_odoo': 1, 'state_differs': 1,
        })
        found = {line.match_state: line.transaction_id for line in self.bill.line_ids
                 if line.is_difference}
        self.assertEqual(found['missing_in_wechat'], a)
        self.assertEqual(found['amount_differs'], b)
        self.assertEqual(found['duplicate'], c)
        self.assertEqual(found['state_differs'], refund)

    def test_bad_files_are_refused_each_with_its_reason(self):
        self._paid(1)
        self._make_yesterday()
        for defect, word in (
            ({'defect': 'wrong_hash'}, "SHA-1"),
            ({'defect': 'truncated_gzip'}, "GZIP"),
            ({'defect': 'other_host', 'url': 'https://bills.example.com'}, "not WeChat Pay's"),
            ({'defect': 'column_missing', 'column': '订单金额'}, "订单金额"),
            ({'defect': 'other_merchant'}, "another merchant"),
            ({'defect': 'no_summary'}, "broke off"),
            ({'defect': 'html'}, "web page"),
        ):
            with self.subTest(defect['defect']):
                self._spoil(defect)
                self._fetch_quietly()
                self.assertEqual(self.bill.state, 'failed', self.bill.error)
                self.assertIn(word, self.bill.error)
                self.assertFalse(self.bill.line_ids)

    def test_harmless_peculiarities_are_taken(self):
        self._paid(1)
        self._make_yesterday()
        self._control('POST', 'money_settings', bill_bom=True, bill_newline='LF')
        for defects in (
            [], [{'defect': 'column_added', 'column': '新列', 'value': 'x'}],
            [{'defect': 'columns_reordered'}], [{'defect': 'compressed_hash'}],
            [{'defect': 'not_gzip'}],
        ):
            with self.subTest(defects):
                self._spoil(*defects)
                self._fetch_bill()
                self.assertEqual(self.bill.state, 'loaded', self.bill.error)
                self.assertEqual(self._states(), {'matched': 1})

    def test_a_download_that_breaks_off_is_made_again_later(self):
        self._paid(1)
        self._make_yesterday()
        self._spoil({'defect': 'interrupted', 'after': 50})
        self._fetch_quietly()
        self.assertEqual(self.bill.state, 'draft', self.bill.error)
        self.assertTrue(self.bill.next_try)
        self._fetch_bill()
        self.assertEqual(self.bill.state, 'loaded', self.bill.error)

    def test_wrong_sums_are_shown(self):
        self._paid(1)
        self._make_yesterday()
        self._spoil({'defect': 'wrong_summary'})
        self._fetch_bill()
        self.assertEqual(self.bill.state, 'loaded', self.bill.error)
        self.assertTrue(self.bill.summary_note)

    def test_a_lost_notification_is_repaired_by_asking(self):
        tx = self._create_wechat_order(7, placed=False)
        self._place(tx)
        self._at_merchant('pay', out_trade_no=tx.reference, notify=False)
        self._make_yesterday()
        self._fetch_bill()
        line = self.bill.line_ids
        self.assertEqual(line.match_state, 'state_differs')
        line.action_ask()
        self.assertEqual(tx.state, 'done')
        self.assertEqual(line.match_state, 'matched')

    def test_a_payment_of_another_system_is_asked_for_by_wechat_pays_number(self):
        tx = self._create_wechat_order(7, placed=False)
        self._place(tx)
        self._at_merchant('pay', out_trade_no=tx.reference, notify=False)
        self._make_yesterday()
        tx.unlink()
        self._fetch_bill()
        line = self.bill.line_ids
        self.assertEqual(line.match_state, 'missing_in_odoo')
        line.action_ask()
        self.assertIn("another system", line.answer)
        self._connect_again_as_v2()
        line.action_ask()
        self.assertIn("another system", line.answer)

    def _connect_again_as_v2(self):
        world = self._control('GET', 'world')
        self.env['ir.config_parameter'].set_param('wechat.pay_url', world['tls_url'])
        self._set_v2_merchant(self.provider, world['merchants'][0])
