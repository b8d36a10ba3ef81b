# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from unittest.mock import patch

from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.wechat_payment_operations.tests.bill_common import WechatBillCommon

LOGGERS = (
    'odoo.addons.wechat_payment.models.payment_provider_api',
    'odoo.addons.wechat_payment.models.payment_transaction_settlement',
)


@tagged('post_install', '-at_install')
class TestBillRepair(WechatBillCommon):

    def _ask(self, line):
        with mute_logger(*LOGGERS):
            result = line.action_ask()
        self.env.invalidate_all()
        self.assertEqual(result['params']['message'], f'{line.display_name}: {line.answer}')
        self.assertTrue(line.asked_on)
        return line.answer

    def test_a_payment_whose_notification_was_lost_is_repaired(self):
        tx = self._create_wechat_order()
        order = self.fake.pay(tx.reference)
        line = self._load(self._line(tx, 微信订单号=order['transaction_id']))
        self.assertEqual(line.match_state, 'state_differs')
        self.assertIn('SUCCESS', self._ask(line))
        self.assertEqual(tx.state, 'done')
        self.assertEqual(line.match_state, 'matched')
        self.assertEqual(self.bill.difference_count, 0)

    def test_the_bill_alone_makes_nothing_paid(self):
        tx = self._create_wechat_order()
        line = self._load(self._line(tx))
        self.assertIn('NOTPAY', self._ask(line))
        self.assertEqual(tx.state, 'draft')
        self.assertEqual(line.match_state, 'state_differs')

    def test_a_refund_whose_notification_was_lost_is_repaired(self):
        tx = self._pay()
        refund = self._refund(tx, 2, status='PROCESSING')
        line = self._load(self._line(tx), self._refund_line(refund))[1]
        self.assertEqual(line.match_state, 'state_differs')
        self.fake.refunds[refund.reference]['status'] = 'SUCCESS'
        self._ask(line)
        self.assertEqual(refund.state, 'done')
        self.assertEqual(line.match_state, 'matched')

    def test_a_refund_made_elsewhere_is_recorded(self):
        tx = self._pay(10)
        refund = self.fake.refund(tx.reference, 'CONSOLE-1', 400, status='SUCCESS')
        line = self._load(self._line(tx), self._line(
            tx, 交易状态='REFUND', 微信退款单号=refund['refund_id'], 商户退款单号='CONSOLE-1',
            退款金额='4.00', 申请退款金额='4.00', 退款状态='SUCCESS',
        ))[1]
        self.assertEqual(line.match_state, 'missing_in_odoo')
        self._ask(line)
        self.assertEqual(line.match_state, 'matched')
        self.assertRecordValues(tx.child_transaction_ids, [{
            'reference': 'CONSOLE-1', 'amount': -4, 'state': 'done',
            'wechat_is_external_refund': True,
        }])

    def test_a_refund_of_an_unknown_payment_is_only_told(self):
        line = self._load(self._foreign_line(
            交易状态='REFUND', 微信退款单号='509', 商户退款单号='R-9', 申请退款金额='1.00',
            退款状态='SUCCESS',
        ))
        self.assertIn("does not know", self._ask(line))
        self.assertEqual(line.match_state, 'missing_in_odoo')

    def test_a_payment_that_odoo_does_not_know_is_asked_for_by_wechat_pays_number(self):
        line = self._load(self._foreign_line())
        self.fake.override(
            '^GET /v3/pay/transactions/id/42EXTRA0001$',
            lambda _request: self.fake.signed({'trade_state': 'SUCCESS'}),
        )
        self.assertIn("another system", self._ask(line))
        self.assertEqual(self.fake.requests[-1].query, {'mchid': '1900000001'})
        self.assertEqual(line.match_state, 'missing_in_odoo')

    def test_a_number_that_wechat_pay_does_not_know_is_told(self):
        line = self._load(self._foreign_line())
        self.fake.override(
            'GET /v3/pay/transactions/id', lambda _r: self.fake.error(404, 'ORDER_NOT_EXIST'),
        )
        self.assertIn("does not know", self._ask(line))

    def test_a_payment_that_the_bill_lacks_is_asked_for(self):
        self._pay()
        self._load()
        self.assertIn('SUCCESS', self._ask(self.bill.line_ids))
        self.assertEqual(self._states(), {'missing_in_wechat': 1})

    def test_a_payment_over_another_amount_is_not_changed(self):
        tx = self._create_wechat_order(10)
        order = self.fake.pay(tx.reference, amount={
            'total': 1, 'payer_total': 1, 'currency': 'CNY', 'payer_currency': 'CNY',
        })
        line = self._load(self._line(
            tx, 微信订单号=order['transaction_id'], 订单金额='0.01', 应结订单金额='0.01',
        ))
        self._ask(line)
        self.assertEqual(line.match_state, 'amount_differs')
        self.assertEqual(tx.state, 'draft')
        self.assertTrue(tx.wechat_alert)

    def test_a_silent_wechat_pay_is_told(self):
        line = self._load(self._foreign_line())
        self.fake.override('GET /v3/pay', None)
        self.assertIn("does not answer", self._ask(line))

    def test_many_lines_are_asked_about_in_the_background(self):
        lines = self._load(*(self._foreign_line(f'EXTRA{number}') for number in range(21)))
        self.fake.requests.clear()
        lines.action_ask()
        self.assertFalse(self.fake.requests)
        self.assertEqual(self.bill.ask_count, 21)

    def test_all_differences_of_a_bill_are_asked_about_in_the_background(self):
        paid = [self._create_wechat_order(amount) for amount in (1, 2, 3)]
        known = self._pay()
        lines = [
            self._line(tx, 微信订单号=self.fake.pay(tx.reference)['transaction_id'])
            for tx in paid
        ]
        self._load(*lines, self._line(known))
        self.fake.requests.clear()
        self.bill.action_ask_all()
        self.assertEqual(self.bill.ask_count, 3)
        self.assertFalse(self.fake.requests, "nobody waits for it")
        self.env.flush_all()
        with self.enter_registry_test_mode():
            self.env.ref('wechat_payment_operations.cron_wechat_ask').method_direct_trigger()
        self.env.invalidate_all()
        self.assertEqual([tx.state for tx in paid], ['done'] * 3)
        self.assertEqual((self.bill.ask_count, self.bill.difference_count), (0, 0))
        self.assertEqual(len(self.fake.requests), 3, "what agrees is not asked about")

    def test_a_line_that_cannot_be_handled_keeps_no_other_waiting(self):
        paid = [self._create_wechat_order(amount) for amount in (1, 2, 3)]
        lines = self._load(*[
            self._line(tx, 微信订单号=self.fake.pay(tx.reference)['transaction_id'])
            for tx in paid
        ])
        self.bill.action_ask_all()
        self.env.flush_all()
        lines_model, ask = self.registry['wechat.pay.bill.line'], type(lines)._ask_payment

        def ask_payment(line):
            if line.id == lines[0].id:
                raise TypeError
            return ask(line)

        with (
            self.enter_registry_test_mode(), patch.object(lines_model, '_ask_payment', ask_payment),
            mute_logger('odoo.addons.wechat_payment_operations.models.wechat_pay_bill_repair'),
        ):
            self.env.ref('wechat_payment_operations.cron_wechat_ask').method_direct_trigger()
        self.env.invalidate_all()
        self.assertEqual([tx.state for tx in paid], ['draft', 'done', 'done'])
        self.assertIn("TypeError", lines[0].answer)
        self.assertEqual((self.bill.ask_count, self.bill.difference_count), (0, 1))
