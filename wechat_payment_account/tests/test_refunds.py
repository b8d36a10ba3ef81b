# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import fields
from odoo.fields import Command
from odoo.tests import tagged

from odoo.addons.wechat_payment.tests.refund_common import WechatRefundCommon


@tagged('post_install', '-at_install')
class TestRefundAccounting(WechatRefundCommon):
    """Refunds from Odoo's own wizard, and what they leave in the books."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.enable_post_process_patcher = False
        company = cls.provider.company_id
        if not company.chart_template:
            cls.env['account.chart.template'].try_loading('generic_coa', company=company)
        cls.invoice = cls.env['account.move'].with_company(company).create({
            'move_type': 'out_invoice',
            'partner_id': cls.customer.partner_id.id,
            'currency_id': cls.currency_cny.id,
            'invoice_line_ids': [Command.create({
                'name': "Tea", 'quantity': 1, 'price_unit': 19.99, 'tax_ids': [Command.clear()],
            })],
        })
        cls.invoice.action_post()

    def setUp(self):
        super().setUp()
        self.tx.invoice_ids = self.invoice
        self.env.flush_all()

    def _post_process(self):
        self.env.flush_all()
        self.env.ref('payment.cron_post_process_payment_tx').method_direct_trigger()
        self.env.invalidate_all()

    def _wizard(self, amount):
        return self.env['payment.refund.wizard'].with_context(
            active_id=self.tx.payment_id.id,
        ).create({'payment_id': self.tx.payment_id.id, 'amount_to_refund': amount})

    def test_the_wizard_refunds_parts_and_each_is_posted_once(self):
        self._post_process()
        payment = self.tx.payment_id
        self.assertEqual(payment.amount, 19.99)
        self.assertEqual(self._wizard(5).support_refund, 'partial')
        for amount in (5, 14.99):
            self._let_a_minute_pass()
            self._press('action_refund', self._wizard(amount))
            refund = self.tx.child_transaction_ids.filtered(lambda tx: tx.state == 'pending')
            self.assertEqual(refund.amount, -amount)
            self.assertTrue(self._wizard(0.01).has_pending_refund)
            self._notify_refund(self.fake.finish_refund(refund.reference))
            self._post_process()
            self._post_process()
            self.assertEqual(
                (refund.payment_id.amount, refund.payment_id.payment_type), (amount, 'outbound'),
            )
            self.assertEqual(refund.payment_id.source_payment_id, payment)
        self.assertEqual(payment.refunds_count, 2)
        self.assertEqual(payment.amount_available_for_refund, 0)

    def test_the_wizard_refuses_what_an_open_refund_may_have_taken(self):
        self._post_process()
        self._refund(15)
        wizard = self._wizard(19.99)  # Core counts posted refunds only.
        self.assertIn("under way", self._press_refused('action_refund', wizard))

    def test_a_refund_that_is_done_before_its_payment_is_processed_leaves_both_in_the_books(self):
        self.assertFalse(self.tx.payment_id)
        refund = self._refund(5)
        self._notify_refund(self.fake.finish_refund(refund.reference))
        self._post_process()
        self.assertEqual(self.tx.payment_id.amount, 19.99)
        self.assertEqual(refund.payment_id.amount, 5)
        self.assertEqual(refund.payment_id.source_payment_id, self.tx.payment_id)

    def test_a_late_success_of_a_cancelled_invoice_is_proposed_for_a_refund(self):
        order = self._create_wechat_order()
        order.invoice_ids = self.invoice
        order._set_canceled()
        self.invoice.button_draft()
        self.invoice.button_cancel()
        order._wechat_apply_order(self.fake.pay(order.reference))
        self.assertEqual(order.state, 'done')
        self.assertIn("press Refund", order.wechat_alert)

    def test_a_late_success_of_an_invoice_that_waits_for_it_is_none(self):
        order = self._create_wechat_order()
        order.invoice_ids = self.invoice
        self.tx.invoice_ids = False
        order._set_canceled()
        order._wechat_apply_order(self.fake.pay(order.reference))
        self.assertEqual(order.state, 'done')
        self.assertFalse(order.wechat_alert)

    def test_billing_clerks_may_refund(self):
        self._post_process()
        self.clerk = self.env['res.users'].create({
            'name': "Billing", 'login': 'billing-clerk', 'password': 'billing-clerk',
            'group_ids': [Command.set([self.env.ref('account.group_account_invoice').id])],
        })
        self.env.flush_all()
        self.authenticate('billing-clerk', 'billing-clerk')
        answer = self._call_button('action_refund', self.tx, amount_to_refund=5)
        self.assertNotIn('error', answer)
        refund = self.tx.child_transaction_ids
        self.assertEqual(refund.state, 'pending')
        self.assertNotIn('error', self._call_button('action_wechat_query', refund))
        self.assertEqual(refund.create_uid, self.clerk)
        self.assertGreater(refund.wechat_next_query, fields.Datetime.now())
