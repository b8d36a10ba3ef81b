# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo.tests import HttpCase, tagged

from odoo.addons.wechat_payment.tests.common import WechatPayCommon
from odoo.addons.wechat_payment.tests.sandbox_common import WechatSandboxCommon


@tagged('post_install', '-at_install', '-standard', 'wechat_sandbox')
class TestSandboxCheckout(WechatSandboxCommon, WechatPayCommon, HttpCase):
    """Native and H5 orders, found by asking, against the project's sandbox (WECHAT_SANDBOX_URL)."""

    def setUp(self):
        super().setUp()
        self._connect_sandbox(allow_loopback_ip=True)

    def _pay_as(self, user_agent):
        """Open the payment page, pay in the sandbox, return the kind of payment."""
        tx = self._create_web_transaction()
        params = {'reference': tx.reference, 'access_token': tx._wechat_get_access_token()}
        results = []
        for route, extra in (('start', {}), ('poll', {'check': True})):
            answer = self.url_open(
                f'/payment/wechat_pay/{route}', headers={'User-Agent': user_agent},
                json={'jsonrpc': '2.0', 'method': 'call', 'params': {**params, **extra}},
            ).json()
            self.assertIn('result', answer, answer.get('error'))
            results.append(answer['result'])
            if route == 'start':
                self._at_merchant('pay', out_trade_no=tx.reference, notify=False)
        self.env.invalidate_all()
        self.assertEqual((results[1]['state'], tx.state), ('done', 'done'))
        self.assertEqual(self._problems(), [])
        return results[0]['kind']

    def test_a_qr_code_is_paid(self):
        self.assertEqual(self._pay_as('Mozilla/5.0 (X11; Linux x86_64)'), 'NATIVE')

    def test_a_phone_pays(self):
        self.assertEqual(self._pay_as('Mozilla/5.0 (iPhone) Mobile Safari'), 'H5')
