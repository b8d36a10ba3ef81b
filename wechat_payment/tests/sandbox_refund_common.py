# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import fields

from odoo.addons.wechat_payment.tests.fake_wechat_pay import MCHID
from odoo.addons.wechat_payment.tests.refund_common import WechatRefundCommon
from odoo.addons.wechat_payment.tests.sandbox_v2_common import WechatPayV2SandboxCommon


class SandboxRefundCommon(WechatPayV2SandboxCommon, WechatRefundCommon):
    """A payment at the project's sandbox, which is refunded."""

    def setUp(self):
        super().setUp()
        self._connect()
        person = self._control('POST', 'login_code', appid=self.app.appid)
        self.__class__.openid = self.identity.openid = person['openid']
        self.tx = self._create_wechat_order(19.99, placed=False)
        self.provider._wechat_send_order(self.tx)
        self._at_merchant('pay', out_trade_no=self.tx.reference, notify=False)
        self.tx._wechat_query()
        self.assertEqual(self.tx.state, 'done')
        self.env.flush_all()

    def _connect(self):
        self._connect_v2_sandbox(refund_interval=0)

    def _settle(self):
        """Run the scheduled action, as its trigger does in production."""
        self.env.ref('wechat_payment.cron_wechat_settle').method_direct_trigger()
        self.env.invalidate_all()

    def _make_due(self, refund):
        refund.wechat_next_query = fields.Datetime.now()
        self.env.flush_all()

    def _refund_at_console(self, **kwargs):
        """Refund 3 yuan on pay.weixin.qq.com; the merchant's address there is this Odoo's."""
        path = f'/payment/wechat_pay/notify/{self.provider.id}'
        self._control('PATCH', f'merchants/{MCHID}', refund_notify_url=self.base_url() + path)
        return self._at_merchant(
            'console_refund', out_trade_no=self.tx.reference, amount=300, **kwargs,
        )['out_refund_no']

    def _finish_at_console(self, out_refund_no, status='SUCCESS', **kwargs):
        return self._at_merchant(
            'refund_outcome', out_refund_no=out_refund_no, status=status, **kwargs,
        )

    def _known_refunds(self):
        return self._control('GET', 'refunds')['refunds']
