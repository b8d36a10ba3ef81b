# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.wechat_payment.tests.sandbox_v2_common import WechatPayV2SandboxCommon
from odoo.addons.wechat_payment_pos.tests.common import WechatPayPosCommon


@tagged('post_install', '-at_install', '-standard', 'wechat_sandbox')
class TestSandboxTillV2(WechatPayV2SandboxCommon, WechatPayPosCommon):
    """The till with API v2, which closes no order in its first five minutes (B2.3)."""

    def setUp(self):
        super().setUp()
        self._connect_v2_sandbox()

    def test_a_code_that_cannot_be_closed_yet_is_not_called_unpaid_for_good(self):
        tx = self._start()
        self.assertEqual((tx.wechat_api_version, tx.state), ('v2', 'draft'))
        with mute_logger('odoo.addons.wechat_payment.models.payment_provider_v2'):
            answer = self._call_till('get_and_set_online_payments_data', 0)
        # The cashier is asked then whether there was no online payment.
        self.assertEqual(answer['error']['data']['context']['code'], 'wechat_busy')
        self.env.invalidate_all()
        self.assertEqual((tx.state, tx.wechat_is_close_pending), ('draft', True))
        # The customer pays after all, and the till learns it when it asks again.
        self._at_merchant('pay', out_trade_no=tx.reference, notify=False)
        data = self._at_till(0)
        self.assertEqual(tx.state, 'done')
        self.assertEqual(self.order.state, 'paid')
        self.assertEqual(data['paid_order'][0]['state'], 'paid')
        # That it was tried once, and nothing else.
        self.assertEqual([problem.partition(':')[0] for problem in self._problems()], [
            'TRADE_STATE_ERROR',
        ])
