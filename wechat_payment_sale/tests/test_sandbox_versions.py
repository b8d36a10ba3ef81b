# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from datetime import timedelta

from odoo.fields import Command
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.wechat_payment.tests.order_versions_common import (
    SUB_APPID,
    SUB_MCHID,
    WechatOrderVersionsCommon,
)


@tagged('post_install', '-at_install', '-standard', 'wechat_sandbox')
class TestSandboxVersions(WechatOrderVersionsCommon):
    """A sales order that a mini-program pays, in each version and through a service provider."""

    def _prepare(self, version, app=None, **kwargs):
        self._use(version, **kwargs)
        app = app or self.app
        self.person = self._control('POST', 'login_code', appid=app.appid)
        self.identity.write({'app_id': app.id, 'openid': self.person['openid']})
        pricelist = self.env['product.pricelist'].create({
            'name': "CNY", 'currency_id': self.currency_cny.id,
        })
        product = self.env['product.product'].create({
            'name': "Tea", 'type': 'service', 'taxes_id': False, 'company_id': False,
        })
        self.order = self.env['sale.order'].create({
            'partner_id': self.customer.partner_id.id,
            'pricelist_id': pricelist.id,
            'order_line': [Command.create({
                'product_id': product.id, 'product_uom_qty': 1, 'price_unit': 9.9,
                'tax_ids': [Command.clear()],
            })],
        })
        self.authenticate(self.customer.login, self.customer.login)

    def _call(self):
        answer = self.url_open('/wechat/payment/prepay', json={
            'jsonrpc': '2.0', 'method': 'call',
            'params': {'model': 'sale.order', 'id': self.order.id, 'trade_type': 'JSAPI'},
        }).json()
        self.env.invalidate_all()
        return answer

    def _prepay(self):
        answer = self._call()
        self.assertIn('result', answer, answer.get('error'))
        return answer['result']

    def _pay_with(self, payment, appid):
        """Pay as wx.requestPayment does, with what the client was given."""
        answer = self._control(
            'POST', 'request_payment', appid=appid, user=self.person['user'], payment=payment,
        )
        self.assertEqual(answer['errMsg'], 'requestPayment:ok')
        self.assertEqual(answer['notification']['status'], 200)

    def _assert_paid(self):
        tx = self.order.transaction_ids
        self.assertEqual((len(tx), tx.state, tx.wechat_alert), (1, 'done', False))
        self.assertEqual(self._problems(), [])

    def test_a_mini_program_pays_in_v2(self):
        for sign_type in ('HMAC-SHA256', 'MD5'):
            with self.subTest(sign_type):
                self._prepare('v2', sign_type=sign_type)
                payment = self._prepay()['payment']
                self.assertEqual(payment['signType'], sign_type)
                self._pay_with(payment, self.app.appid)
                self._assert_paid()

    def test_a_mini_program_of_a_sub_merchant_pays_in_both_versions(self):
        sub_app = self.env['wechat.app'].create({
            'name': "Sub-merchant", 'app_type': 'miniprogram', 'appid': SUB_APPID,
            'company_id': self.provider.company_id.id,
        })
        for version in ('v3', 'v2'):
            with self.subTest(version):
                self._prepare(version, sub_app, partner=True)
                self._pay_with(self._prepay()['payment'], SUB_APPID)
                self._assert_paid()
                placed = self._control('GET', 'orders')['orders'][-1]
                self.assertEqual(
                    (placed['sub_mchid'], placed['sub_appid']), (SUB_MCHID, SUB_APPID),
                )

    def test_an_order_whose_amount_changed_waits_until_the_first_can_be_closed(self):
        self._prepare('v2', v2_close_after=300)
        first = self._prepay()
        self.order.order_line.price_unit = 12.5
        self.env.flush_all()
        with mute_logger('odoo.http'):
            error = self._call()['error']['data']
        self.assertEqual(error['context']['code'], 'wechat_busy')
        self.assertIn("try again in 6 minutes", error['message'])
        tx = self.order.transaction_ids
        self.assertEqual((tx.reference, tx.state), (first['reference'], 'draft'))
        self.assertTrue(tx.wechat_is_close_pending)
        self.assertEqual(len(self._control('GET', 'orders')['orders']), 1, "nothing beside it")
        tx.wechat_time_expire -= timedelta(minutes=6)
        self._control('POST', 'settings', v2_close_after=0)
        second = self._prepay()
        self.assertEqual((second['amount'], tx.state), (12.5, 'cancel'))
        self.assertNotEqual(second['reference'], first['reference'])
