# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo.tests import tagged

from odoo.addons.wechat_payment.tests.sandbox_code_common import WechatPayCodeCommon
from odoo.addons.wechat_payment_pos.tests.common import WechatPayPosCommon


@tagged('post_install', '-at_install', '-standard', 'wechat_sandbox')
class TestSandboxTillCodes(WechatPayCodeCommon, WechatPayPosCommon):
    """The customer's payment code at the till, against the project's sandbox (A5)."""

    # Of the two bases' helpers, the till's.
    _call = WechatPayPosCommon._call

    def setUp(self):
        super().setUp()
        seller = self.cashier
        self._connect_till('v3')
        self.cashier = seller

    def _at_json_rpc(self, method, *args, **kwargs):
        """Call a method for cashiers as an extension of the till does."""
        self.env.flush_all()
        self.authenticate('cashier', 'cashier')
        answer = self._rpc(
            f'/web/dataset/call_kw/payment.transaction/{method}',
            model='payment.transaction', method=method, args=args, kwargs=kwargs,
        )
        self.authenticate(None, None)
        self.assertIn('result', answer, answer.get('error'))
        return answer['result']

    def test_a_scanned_code_pays_the_order_at_the_till(self):
        self._at_till(48)
        payment = self._at_json_rpc(
            'wechat_charge_code', self._show_code(), model='pos.order',
            document_id=self.order.id, shown_amount=48, device_info='TILL-1',
        )
        self.assertEqual((payment['state'], payment['amount']), ('done', 48))
        self.assertEqual(self._at_till()['paid_order'][0]['state'], 'paid')
        self.assertEqual(self.order.payment_ids.mapped('amount'), [48])
        self.assertEqual(self._control('GET', 'orders')['orders'][-1]['amount']['total'], 4800)
        self.assertEqual(self._problems(), [])

    def test_a_password_is_waited_for_by_polling(self):
        payment = self._at_json_rpc(
            'wechat_charge_code', self._show_code(password=True), model='pos.order',
            document_id=self.order.id,
        )
        self.assertEqual((payment['state'], payment['phase']), ('pending', 'password'))
        self._answer_password(payment['reference'])
        self._pass_time(5, payment['reference'])
        payment = self._at_json_rpc('wechat_poll_code', payment['reference'])
        self.assertEqual(payment['state'], 'done')
        self.assertEqual(self._at_till()['paid_order'][0]['state'], 'paid')
        self.assertEqual(self._problems(), [])
