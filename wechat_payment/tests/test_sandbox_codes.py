# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo.tests import HttpCase, tagged

from odoo.addons.wechat_payment.tests.common import WechatPayCommon
from odoo.addons.wechat_payment.tests.sandbox_code_common import WechatPayCodeCommon


@tagged('post_install', '-at_install', '-standard', 'wechat_sandbox')
class TestSandboxCodes(WechatPayCodeCommon, WechatPayCommon, HttpCase):
    """Payment codes by API v2 against the project's sandbox (A5, B2.6, B2.7)."""

    def setUp(self):
        super().setUp()
        self._connect_till()

    def test_a_scanned_code_is_charged_at_once(self):
        code = self._show_code()
        payment = self._charge(code)
        self.assertEqual((payment['state'], payment['phase']), ('done', 'done'))
        tx = self._find(payment['reference'])
        self.assertEqual((tx.state, tx.amount, tx.wechat_trade_type), ('done', 12.5, 'MICROPAY'))
        self.assertTrue(tx.provider_reference)
        self.assertFalse(tx.wechat_next_query)
        self.assertEqual(self._problems(), [])
