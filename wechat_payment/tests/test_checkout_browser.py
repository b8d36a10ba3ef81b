# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from datetime import timedelta

from odoo import fields
from odoo.tests import HttpCase, tagged

from odoo.addons.wechat_payment.tests.common import WechatPayCommon

SEES_QR_CODE = """
    const wait = setInterval(() => {
        const image = document.querySelector('[name="o_wechat_pay_qr"]');
        const section = image.closest('.o_wechat_pay_section');
        if (!section.classList.contains('d-none') && image.complete && image.naturalWidth) {
            clearInterval(wait);
            console.log('test successful');
        }
    }, 50);
"""
SEES_PAYMENT = """
    const wait = setInterval(() => {
        if (document.querySelector('[data-section="done"]:not(.d-none)')) {
            clearInterval(wait);
            console.log('test successful');
        }
    }, 10);
"""


@tagged('post_install', '-at_install')
class TestCheckoutBrowser(WechatPayCommon, HttpCase):
    """The payment page in a browser."""

    def setUp(self):
        super().setUp()
        self.tx = self._create_web_transaction()

    def _see(self, code):
        self.browser_js(self.tx._wechat_get_page_path(), code, login=self.customer.login)
        self.env.invalidate_all()

    def test_the_page_shows_a_qr_code_and_again_after_a_reload(self):
        for _time in range(2):
            self._see(SEES_QR_CODE)
        self.assertEqual(len(self.fake.calls('/v3/pay/transactions/native')), 1)

    def test_the_code_turns_into_the_confirmation(self):
        self._see(SEES_QR_CODE)
        # The notification got lost; the plan says to ask now.
        self.fake.pay(self.tx.reference)
        self.tx.wechat_next_query = fields.Datetime.now() - timedelta(seconds=1)
        self._see(SEES_PAYMENT)
        self.assertEqual(self.tx.state, 'done')

    def test_an_expired_code_is_renewed_by_the_page(self):
        self._see(SEES_QR_CODE)
        self.tx.wechat_time_expire = fields.Datetime.now()
        self._see(SEES_QR_CODE)
        self.assertEqual(self.tx.state, 'cancel')
        self.assertEqual(len(self.fake.orders), 2)
