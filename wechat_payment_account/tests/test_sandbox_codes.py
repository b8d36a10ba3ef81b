# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo.fields import Command
from odoo.tests import HttpCase, tagged

from odoo.addons.wechat.exceptions import WeChatError
from odoo.addons.wechat_payment.tests.common import WechatPayCommon
from odoo.addons.wechat_payment.tests.sandbox_code_common import WechatPayCodeCommon


@tagged('post_install', '-at_install', '-standard', 'wechat_sandbox')
class TestSandboxInvoiceCodes(WechatPayCodeCommon, WechatPayCommon, HttpCase):
    """Invoices that are paid at the counter, against the project's sandbox (A5)."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.enable_post_process_patcher = False
        company = cls.provider.company_id
        if not company.chart_template:
            cls.env['account.chart.template'].try_loading('generic_coa', company=company)

    def setUp(self):
        super().setUp()
        self._connect_till()
        self.cashier.write({'group_ids': [
            Command.unlink(self.env.ref('wechat_payment.group_cashier').id),
            Command.link(self.env.ref('account.group_account_invoice').id),
        ]})
        self.invoice = self.env['account.move'].with_company(self.provider.company_id).create({
            'move_type': 'out_invoice',
            'partner_id': self.customer.partner_id.id,
            'currency_id': self.currency_cny.id,
            'invoice_line_ids': [Command.create({
                'name': "Tea", 'quantity': 1, 'price_unit': 19.99, 'tax_ids': [Command.clear()],
            })],
        })

    def _charge_invoice(self, code=None):
        return self._charge(
            code or self._show_code(), amount=None, model='account.move',
            document_id=self.invoice.id,
        )

    def test_who_registers_payments_is_a_cashier_and_the_invoice_is_paid(self):
        self.invoice.action_post()
        self.assertTrue(self.invoice.wechat_can_charge_code)
        payment = self._charge_invoice()
        self.assertEqual((payment['state'], payment['amount']), ('done', 19.99))
        self._find(payment['reference'])._post_process()
        self.assertIn(self.invoice.payment_state, ('paid', 'in_payment'))
        self.assertFalse(self.invoice.wechat_can_charge_code)

    def test_a_reversed_payment_leaves_the_invoice_open_and_it_is_charged_again(self):
        self.invoice.action_post()
        reference = self._charge_invoice(self._show_code(password=True))['reference']
        self._pass_time(31, reference)
        self.assertEqual(self._poll(reference)['state'], 'cancel')
        self.assertEqual(self.invoice.payment_state, 'not_paid')
        self.assertEqual(self._charge_invoice()['state'], 'done')

    def test_what_is_not_posted_or_paid_is_not_charged(self):
        with self.assertRaises(WeChatError) as caught:
            self._charge_invoice()
        self.assertEqual(caught.exception.code, 'not_payable')
        self.assertFalse(self.invoice.wechat_can_charge_code)
        self.invoice.action_post()
        self._charge_invoice()
        with self.assertRaises(WeChatError) as caught:
            self._charge_invoice()
        self.assertEqual(caught.exception.code, 'not_payable')
