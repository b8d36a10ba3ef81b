# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo.fields import Command
from odoo.tests import HttpCase, tagged
from odoo.tools import mute_logger

from odoo.addons.wechat.exceptions import WeChatError
from odoo.addons.wechat_payment.tests.common import WechatPayCommon
from odoo.addons.wechat_payment.tests.sandbox_code_common import CASHIER, WechatPayCodeCommon

PAY = '/pay/micropay'


@tagged('post_install', '-at_install', '-standard', 'wechat_sandbox')
class TestSandboxOrderCodes(WechatPayCodeCommon, WechatPayCommon, HttpCase):
    """Sales orders that are paid at the counter, against the project's sandbox (A5)."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.enable_post_process_patcher = False

    def setUp(self):
        super().setUp()
        self._connect_till()
        self.cashier.write({'group_ids': [
            Command.link(self.env.ref('sales_team.group_sale_salesman_all_leads').id),
        ]})
        self.order = self.env['sale.order'].create({
            'company_id': self.provider.company_id.id,
            'partner_id': self.customer.partner_id.id,
            'pricelist_id': self.env['product.pricelist'].create({
                'name': "CNY", 'currency_id': self.currency_cny.id,
            }).id,
            'order_line': [Command.create({
                'product_id': self.env['product.product'].create({
                    'name': "Tea", 'type': 'service', 'taxes_id': False,
                }).id,
                'product_uom_qty': 1, 'price_unit': 9.9, 'tax_ids': [Command.clear()],
            })],
        })

    def _charge_order(self, code=None, user=None, **kwargs):
        code = code or self._show_code()
        return self._charge(
            code, amount=None, user=user, model='sale.order', document_id=self.order.id, **kwargs,
        )

    def _refused(self, **kwargs):
        """Return the code word with which the order is refused."""
        with self.assertRaises(WeChatError) as caught:
            self._charge_order(**kwargs)
        return caught.exception.code

    def _create_cashier(self):
        return self.env['res.users'].create({
            'name': "Second Cashier", 'login': 'second_cashier',
            'group_ids': [Command.set(self.cashier.group_ids.ids)],
        })

    def test_the_amount_is_the_orders_and_the_order_is_confirmed(self):
        payment = self._charge_order()
        self.assertEqual((payment['state'], payment['amount']), ('done', 9.9))
        self.assertTrue(payment['reference'].startswith(self.order.name))
        self._find(payment['reference'])._post_process()
        self.assertEqual(self.order.state, 'sale')
        order = self._control('GET', 'orders')['orders'][0]
        self.assertEqual(order['amount']['total'], 990)
        self.assertIn(self.order.name, order['description'])

    def test_the_screen_is_told_what_is_due_and_what_is_under_way(self):
        def ask():
            with self._server() as env:
                return env['payment.transaction'].wechat_get_code_payable(
                    'sale.order', self.order.id,
                )

        payable = ask()
        self.assertEqual((payable['amount'], payable['payment']), (9.9, None))
        reference = self._charge_order(self._show_code(password=True))['reference']
        self.assertEqual(ask()['payment']['reference'], reference)

    def test_an_order_is_charged_once_at_a_time(self):
        self._charge_order(self._show_code(password=True))
        self.assertEqual(self._refused(), 'wechat_busy')
        self.assertEqual(self._refused(user=self._create_cashier()), 'wechat_busy')
        self.assertEqual(len(self._get_calls(PAY)), 1)

    def test_another_amount_than_the_screen_shows_is_not_charged(self):
        self.order.order_line.price_unit = 12
        with self.assertRaises(WeChatError) as caught:
            self._charge_order(shown_amount=9.9)
        self.assertEqual(caught.exception.code, 'not_payable')
        self.assertIn("12.00", str(caught.exception))
        self.assertEqual(self._get_calls(PAY), [])
        for wrong in ('12', True, [12]):
            with self.subTest(wrong), self.assertRaises(WeChatError) as caught:
                self._charge_order(shown_amount=wrong)
            self.assertEqual(caught.exception.code, 'bad_request')
        code = self._show_code()
        first = self._charge_order(code, shown_amount=12)
        self.assertEqual((first['state'], first['amount']), ('done', 12))
        # A lost answer is asked for again, although nothing is due any more.
        self.assertEqual(self._charge_order(code, shown_amount=12), first)

    def test_a_paid_order_is_not_charged_again(self):
        self._charge_order()
        self.assertEqual(self._refused(), 'not_payable')

    def test_the_same_code_again_is_the_payment_that_was_made(self):
        code = self._show_code()
        first = self._charge_order(code)
        self.assertEqual(self._charge_order(code)['reference'], first['reference'])

    def test_after_a_failure_another_code_is_scanned(self):
        self.assertEqual(self._charge_order(self._show_code(failure='NOTENOUGH'))['state'], 'error')
        self.assertEqual(self._charge_order()['state'], 'done')

    def test_an_order_that_a_customer_could_pay_elsewhere_is_closed_there_first(self):
        self._control('POST', 'settings', v2_close_after=0)
        token = self.order._portal_ensure_token()
        with self._server(self.customer) as env:
            answer = env['payment.transaction']._wechat_prepay(
                'sale.order', self.order.id, trade_type='NATIVE',
                access_token=token,
            )
        self.assertEqual(self._charge_order()['state'], 'done')
        self.assertEqual(self._find(answer['reference']).state, 'cancel')

    def test_what_a_cashier_is_taking_is_not_offered_to_the_customer_elsewhere(self):
        self._charge_order(self._show_code(password=True))
        token = self.order._portal_ensure_token()
        with self.assertRaises(WeChatError) as caught, self._server(self.customer) as env:
            env['payment.transaction']._wechat_prepay(
                'sale.order', self.order.id, trade_type='NATIVE',
                access_token=token,
            )
        self.assertEqual(caught.exception.code, 'wechat_busy')

    def test_what_is_being_reversed_is_waited_for_and_not_called_another_payment(self):
        reference = self._charge_order(self._show_code(password=True))['reference']
        self._control('POST', 'settings', reverse_recalls=2)
        self._pass_time(31, reference)
        with mute_logger(CASHIER):
            self._poll(reference)  # WeChat Pay wants to be told again.
        self._answer_password(reference)
        self.assertEqual(self._refused(), 'wechat_busy')
        token = self.order._portal_ensure_token()
        with self.assertRaises(WeChatError) as caught, self._server(self.customer) as env:
            env['payment.transaction']._wechat_prepay(
                'sale.order', self.order.id, trade_type='NATIVE', access_token=token,
            )
        self.assertEqual(caught.exception.code, 'wechat_busy')
        self.assertFalse(self._find(reference).wechat_alert)

    def test_a_confirmed_order_is_paid_at_the_till_until_it_is_invoiced(self):
        self.order.action_confirm()
        self.assertTrue(self.order.wechat_can_charge_code)
        self.assertEqual(self._charge_order()['state'], 'done')

    def test_a_cancelled_order_is_not_charged(self):
        self.order._action_cancel()
        self.assertFalse(self.order.wechat_can_charge_code)
        self.assertEqual(self._refused(), 'not_payable')

    def test_an_order_that_the_cashier_may_not_read_is_not_charged(self):
        self.cashier.write({'group_ids': [
            Command.unlink(self.env.ref('sales_team.group_sale_salesman_all_leads').id),
            Command.unlink(self.env.ref('sales_team.group_sale_salesman').id),
        ]})
        self.assertEqual(self._refused(), 'not_payable')
        self.assertEqual(self._get_calls(PAY), [])

    def test_the_button_opens_the_screen_for_cashiers_where_codes_are_taken(self):
        self.assertTrue(self.order.wechat_can_charge_code)
        action = self.order.with_user(self.cashier).action_wechat_charge_code()
        self.assertEqual(action['params'], {'model': 'sale.order', 'id': self.order.id})
        self.provider.wechat_app_ids = False
        self.order.invalidate_recordset(['wechat_can_charge_code'])
        self.assertFalse(self.order.wechat_can_charge_code)
