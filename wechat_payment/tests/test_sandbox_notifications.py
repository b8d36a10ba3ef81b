# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.wechat_payment.tests.fake_wechat_pay import MCHID
from odoo.addons.wechat_payment.tests.refund_common import WechatRefundCommon
from odoo.addons.wechat_payment.tests.sandbox_common import WechatSandboxCommon

CONTROLLER = 'odoo.addons.wechat_payment.controllers.main'
REFUND_RESULT = 'odoo.addons.wechat_payment.models.payment_transaction_refund_result'
TRANSACTION_API = 'odoo.addons.wechat_payment.models.payment_transaction_api'

# What the sandbox can do wrong (its README), by what Odoo answers.
SIGNATURE_HEADERS = (
    'Wechatpay-Serial', 'Wechatpay-Signature', 'Wechatpay-Timestamp', 'Wechatpay-Nonce',
)
DEFECTS = {
    **dict.fromkeys((
        'bad_signature', 'signtest', 'not_base64', 'unknown_serial', 'old_timestamp',
        'future_timestamp', 'wrong_signature_type', 'tampered_body',
        *(f'missing_header:{name}' for name in SIGNATURE_HEADERS),
        *(f'doubled_header:{name}' for name in SIGNATURE_HEADERS),
    ), 401),
    **dict.fromkeys(('wrong_key', 'wrong_algorithm', 'garbage_body', 'empty_body'), 400),
    'huge_body': 413,
}


@tagged('post_install', '-at_install', '-standard', 'wechat_sandbox')
class TestSandboxNotifications(WechatSandboxCommon, WechatRefundCommon):
    """Notifications that are wrong, as a second reading of the protocol makes them (D3-D10, D24).

    Sent over real HTTP by the project's sandbox (WECHAT_SANDBOX_URL).
    """

    def setUp(self):
        super().setUp()
        self._connect_sandbox(refund_interval=0)
        person = self._control('POST', 'login_code', appid=self.app.appid)
        self.__class__.openid = self.identity.openid = person['openid']
        self.tx = self._create_wechat_order(19.99, placed=False)
        self.provider._wechat_request(
            'POST', '/v3/pay/transactions/jsapi', payload=self.tx.wechat_order_body,
        )
        self._at_merchant('pay', out_trade_no=self.tx.reference, notify=False)
        self.env.flush_all()

    def _notified(self, **kwargs):
        """Have WeChat Pay notify, and return what Odoo answered each time."""
        with mute_logger(CONTROLLER, TRANSACTION_API, REFUND_RESULT):
            answers = self._at_merchant('notify', **kwargs)['answers']
        return [answer['status'] for answer in answers]

    def _notify_payment(self, **kwargs):
        return self._notified(out_trade_no=self.tx.reference, **kwargs)

    def test_nothing_that_is_wrong_confirms_a_payment(self):
        for defect, status in DEFECTS.items():
            with self.subTest(defect):
                self.assertEqual(self._notify_payment(defect=defect), [status])
                self.assertEqual((self.tx.state, self.tx.wechat_alert), ('draft', False))
        self.assertEqual(self._notify_payment(), [200], "what is right is taken")
        self.assertEqual(self.tx.state, 'done')

    def test_nothing_that_is_wrong_confirms_a_refund(self):
        self._notify_payment()
        refund = self._refund(5)
        self._finish_refund(refund, notify=False)
        for defect, status in DEFECTS.items():
            with self.subTest(defect):
                answer = self._notified(out_refund_no=refund.reference, defect=defect)
                self.assertEqual(answer, [status])
                self.assertEqual((refund.state, refund.wechat_alert), ('pending', False))
        self.assertEqual(self._notified(out_refund_no=refund.reference), [200])
        self.assertEqual(refund.state, 'done')

    def test_platform_certificates_are_as_strict(self):
        merchant = self._control('PATCH', f'merchants/{MCHID}', trust_mode='certificate')
        self.provider.wechat_certificate_ids = [
            (0, 0, {'certificate': certificate['certificate']})
            for certificate in merchant['platform_certificates']
        ]
        self.env.flush_all()
        for defect in ('bad_signature', 'tampered_body', 'unknown_serial'):
            self.assertEqual(self._notify_payment(defect=defect), [401])
        self.assertEqual(self._notify_payment(), [200])
        self.assertEqual(self.tx.state, 'done')

    def test_content_that_does_not_agree_is_an_alert_and_no_payment(self):
        for name, value in (
            ('amount.total', 1), ('amount.total', 199900), ('amount.total', None),
            ('amount.currency', 'USD'), ('amount.currency', None), ('mchid', '1900000002'),
            ('mchid', None), ('appid', 'wx0000000000000003'), ('trade_state', 'NOTPAY'),
            ('transaction_id', None),
        ):
            with self.subTest(f'{name} {value}'):
                self.tx.wechat_alert = False
                self.assertEqual(self._notify_payment(overrides={name: value}), [200])
                self.assertEqual(self.tx.state, 'draft')
                self.assertTrue(self.tx.wechat_alert)

    def test_a_coupon_is_no_wrong_amount(self):
        self.assertEqual(self._notify_payment(overrides={'amount.payer_total': 1}), [200])
        self.assertEqual((self.tx.state, self.tx.wechat_alert), ('done', False))

    def test_what_is_replayed_in_time_is_done_once_and_later_refused(self):
        self.assertEqual(self._notify_payment(repeat=3, identical=True), [200] * 3)
        self.assertEqual((self.tx.state, self.tx.wechat_alert), ('done', False))
        for offset in (-310, 310):
            self.assertEqual(self._notify_payment(timestamp_offset=offset), [401])

    def test_a_late_payment_notification_does_not_undo_a_refund(self):
        self._notify_payment()
        refund = self._refund()
        self._finish_refund(refund)
        self.assertEqual(self._notify_payment(overrides={'trade_state': 'SUCCESS'}), [200])
        self.assertEqual((self.tx.state, refund.state), ('done', 'done'))
        self.assertEqual(self.tx._wechat_get_refundable_amount(), 0)
