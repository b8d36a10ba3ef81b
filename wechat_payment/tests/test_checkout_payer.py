# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import json

from odoo import fields
from odoo.tests import HttpCase, tagged

from odoo.addons.wechat_payment.client import Client
from odoo.addons.wechat_payment.tests.common import WechatPayCommon


@tagged('post_install', '-at_install')
class TestCheckoutPayer(WechatPayCommon, HttpCase):
    """A payment page that knows who pays, and one whose transaction was replaced."""

    def setUp(self):
        super().setUp()
        self.tx = self.env['payment.transaction'].create({
            'provider_id': self.provider.id,
            'payment_method_id': self.env.ref('payment.payment_method_wechat_pay').id,
            'reference': self.env['payment.transaction']._compute_reference(
                'wechat_pay', prefix='S00042',
            ),
            'amount': 19.99,
            'currency_id': self.currency_cny.id,
            'partner_id': self.customer.partner_id.id,
            'operation': 'online_redirect',
            'landing_route': '/my/home',
        })
        self.client = Client('127.0.0.1', 'MicroMessenger', self.app.id, self.openid)

    def _poll(self, tx, **params):
        answer = self.url_open('/payment/wechat_pay/poll', json={
            'jsonrpc': '2.0', 'method': 'call', 'params': {
                'reference': tx.reference, 'access_token': tx._wechat_get_access_token(), **params,
            },
        }).json()
        self.env.invalidate_all()
        return answer['result']

    def test_a_known_payer_pays_by_jsapi(self):
        self.assertEqual(self.client.trade_type, 'JSAPI')
        tx = self.tx._wechat_start_checkout(self.client)
        values = tx._wechat_get_checkout_values(self.base_url())
        self.assertEqual((tx, values['kind']), (self.tx, 'JSAPI'))
        self.assertEqual(values['payment']['appId'], self.app.appid)
        self.assertGreater(values['expires_in'], 7000)
        order = json.loads(tx.wechat_order_body)
        self.assertEqual(order['payer'], {'openid': self.openid})
        again = tx._wechat_start_checkout(self.client)._wechat_get_checkout_values('')
        self.assertEqual(again['payment']['package'], values['payment']['package'])
        self.assertEqual(len(self.fake.orders), 1)

    def test_the_page_follows_the_transaction_that_replaced_its_own(self):
        first = self.tx._wechat_start_checkout(self.client)
        second = first._wechat_start_checkout(Client('127.0.0.1', 'Firefox'))
        second.wechat_time_expire = fields.Datetime.now()
        third = second._wechat_start_checkout(Client('127.0.0.1', 'Firefox'))
        self.assertEqual((first.wechat_successor_id, second.wechat_successor_id), (second, third))
        self.assertEqual(first._wechat_find_successor(), third)
        self.fake.pay(third.reference)
        values = self._poll(first, check=True)
        self.assertEqual((values['reference'], values['state']), (third.reference, 'done'))
        self.assertEqual(values['path'], third._wechat_get_page_path())
        self.assertNotIn('reference', self._poll(third))

    def test_a_payment_under_the_old_number_is_not_passed_over(self):
        first = self.tx._wechat_start_checkout(self.client)
        first._wechat_start_checkout(Client('127.0.0.1', 'Firefox'))
        first._wechat_apply_order(self.fake.pay(first.reference))
        self.assertEqual(first.state, 'done')
        self.assertFalse(first._wechat_find_successor())
        self.assertEqual(self._poll(first)['state'], 'done')
