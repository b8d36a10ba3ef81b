# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo.fields import Command
from odoo.tests import HttpCase, tagged
from odoo.tools import mute_logger

from odoo.addons.wechat_payment.tests.common import WechatPayCommon

PHONE = 'Mozilla/5.0 (Linux; Android 14; Pixel 8) Chrome/130.0 Mobile Safari/537.36'


@tagged('post_install', '-at_install')
class TestOrderCheckout(WechatPayCommon, HttpCase):
    """Orders paid on the portal: the customer cannot be charged twice."""

    def setUp(self):
        super().setUp()
        product = self.env['product.product'].create({
            'name': "Tea", 'type': 'service', 'taxes_id': False, 'company_id': False,
        })
        self.order = self.env['sale.order'].create({
            'partner_id': self.customer.partner_id.id,
            'pricelist_id': self.env['product.pricelist'].create({
                'name': "CNY", 'currency_id': self.currency_cny.id,
            }).id,
            'order_line': [Command.create({
                'product_id': product.id, 'product_uom_qty': 1, 'price_unit': 9.9,
                'tax_ids': [Command.clear()],
            })],
        })
        self.user_agent = 'Mozilla/5.0 (X11; Linux x86_64)'

    def _rpc(self, path, **params):
        with mute_logger('odoo.http'):
            answer = self.url_open(path, headers={'User-Agent': self.user_agent}, json={
                'jsonrpc': '2.0', 'method': 'call', 'params': params,
            }).json()
        self.env.invalidate_all()
        return answer

    def _choose_wechat_pay(self, landing_route=None):
        """Choose WeChat Pay on the order's page; return the transaction."""
        answer = self._rpc(
            f'/my/orders/{self.order.id}/transaction',
            access_token=self.order._portal_ensure_token(), provider_id=self.provider.id,
            payment_method_id=self.env.ref('payment.payment_method_wechat_pay').id,
            token_id=None, amount=9.9, flow='redirect', tokenization_requested=False,
            landing_route=landing_route or self.order.get_portal_url(),
        )
        self.assertIn('result', answer, answer.get('error'))
        return self.order.transaction_ids.filtered(
            lambda tx: tx.reference == answer['result']['reference']
        )

    def _call(self, route, tx, **params):
        return self._rpc(
            f'/payment/wechat_pay/{route}', reference=tx.reference,
            access_token=tx._wechat_get_access_token(), **params,
        )

    def test_an_order_is_paid_by_qr_code_and_on_a_phone(self):
        for user_agent, kind in ((self.user_agent, 'NATIVE'), (PHONE, 'H5')):
            self.user_agent = user_agent
            tx = self._choose_wechat_pay()
            self.assertEqual(self._call('start', tx)['result']['kind'], kind)
            with self.env.cr.savepoint() as savepoint:
                self._notify(self.fake.pay(tx.reference))
                self.assertEqual(self._call('poll', tx)['result']['state'], 'done')
                tx._post_process()
                self.assertEqual(self.order.state, 'sale')
                savepoint.rollback()
            self.env.invalidate_all()
            self.fake.orders[tx.reference]['trade_state'] = 'NOTPAY'

    def test_two_tabs_and_two_people_are_charged_once(self):
        first, second = self._choose_wechat_pay(), self._choose_wechat_pay()
        self._call('start', first)
        self._call('start', second)
        self.assertEqual(self.fake.orders[first.reference]['trade_state'], 'CLOSED')
        self.assertEqual(self._call('poll', first)['result']['state'], 'cancel')
        self.fake.pay(second.reference)
        # The first tab wants to pay again before Odoo knows of the second payment.
        answer = self._call('start', first, retry=True)
        self.assertIn("already paid", answer['error']['data']['message'])
        self.assertEqual(answer['error']['data']['context']['code'], 'not_payable')
        self.assertEqual(second.state, 'done')
        self.assertEqual(len(self.fake.orders), 2)

    def test_prepay_in_the_app_closes_the_qr_code_of_the_page(self):
        tx = self._choose_wechat_pay()
        self._call('start', tx)
        self.authenticate(self.customer.login, self.customer.login)
        answer = self._rpc('/wechat/payment/prepay', model='sale.order', id=self.order.id)
        self.assertIn('result', answer, answer.get('error'))
        self.assertEqual(tx.state, 'cancel')
        self.assertEqual(self.fake.orders[tx.reference]['trade_state'], 'CLOSED')

    def test_a_cart_that_changes_closes_its_qr_code(self):
        tx = self._choose_wechat_pay(landing_route='/shop/payment/validate')
        self._call('start', tx)
        self.order.order_line.product_uom_qty = 2
        values = self._call('poll', tx)['result']
        self.assertEqual(values['state'], 'cancel')
        self.assertIn("has changed", values['message'])
        self.assertEqual(self.fake.orders[tx.reference]['trade_state'], 'CLOSED')
        answer = self._call('start', tx, retry=True)
        self.assertIn("has changed", answer['error']['data']['message'])

    def test_a_cancelled_order_closes_its_qr_code(self):
        tx = self._choose_wechat_pay()
        self._call('start', tx)
        self.order._action_cancel()
        self.assertIn("cancelled", self._call('poll', tx)['result']['message'])
        self.assertEqual(tx.state, 'cancel')

    def test_a_code_that_was_paid_while_the_cart_changed_is_done(self):
        tx = self._choose_wechat_pay(landing_route='/shop/payment/validate')
        self._call('start', tx)
        self.fake.pay(tx.reference)
        self.order.order_line.product_uom_qty = 2
        self.assertEqual(self._call('poll', tx)['result']['state'], 'done')

    def test_who_cancels_in_the_shop_keeps_the_cart(self):
        tx = self._choose_wechat_pay(landing_route='/shop/payment/validate')
        self._call('start', tx)
        self.assertEqual(
            self._call('cancel', tx)['result'], {'state': 'cancel', 'route': '/shop/payment'},
        )
