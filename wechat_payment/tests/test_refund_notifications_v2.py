# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import base64
import hashlib

from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.wechat_payment.tests.fake_wechat_pay import MCHID
from odoo.addons.wechat_payment.tests.refund_common import WechatRefundCommon

ALERT = 'odoo.addons.wechat_payment.models.payment_transaction_api'
API = 'odoo.addons.wechat_payment.models.payment_provider_api'
NOTIFICATION = 'odoo.addons.wechat_payment.models.payment_transaction_refund_v2'
SETTLE = 'odoo.addons.wechat_payment.models.payment_transaction_settlement'
V2_KEY = '0123456789ABCDEF0123456789abcdef'


def build_xml(values, root='xml'):
    """Return a message of API v2."""
    elements = ''.join(f'<{name}>{value}</{name}>' for name, value in values.items())
    return f'<{root}>{elements}</{root}>'


def build_refund_notification(refund, api_key=V2_KEY, **envelope):
    """Return a notification of a refund, encrypted as API v2 does."""
    padder = padding.PKCS7(128).padder()
    plaintext = padder.update(build_xml(refund, 'root').encode()) + padder.finalize()
    key = hashlib.md5(api_key.encode()).hexdigest().encode()
    encryptor = Cipher(algorithms.AES(key), modes.ECB()).encryptor()  # noqa: S305 - WeChat Pay's choice
    req_info = base64.b64encode(encryptor.update(plaintext) + encryptor.finalize()).decode()
    return build_xml({
        'return_code': 'SUCCESS', 'mch_id': MCHID, 'nonce_str': 'n', 'req_info': req_info,
        **envelope,
    }).encode()


@tagged('post_install', '-at_install')
class TestRefundNotificationsV2(WechatRefundCommon):
    """A merchant of v3 is told of refunds of the console in the format of v2 (A6.4, B3.2)."""

    def setUp(self):
        super().setUp()
        self.provider.wechat_api_v2_key = V2_KEY
        self.fake.refund(self.tx.reference, 'CONSOLE-1', 300)

    def _tell(self, out_refund_no='CONSOLE-1', *, api_key=V2_KEY, envelope=None, **changes):
        """Send the notification of a refund, and return the answer."""
        self.env.flush_all()
        body = build_refund_notification({
            'out_trade_no': self.tx.reference, 'out_refund_no': out_refund_no,
            'refund_status': 'SUCCESS', 'refund_fee': '300', **changes,
        }, api_key, **(envelope or {}))
        answer = self.url_open(
            f'/payment/wechat_pay/notify/{self.provider.id}', data=body,
            headers={'Content-Type': 'text/xml'},
        )
        self.env.invalidate_all()
        return answer

    def _settle(self):
        self.env.ref('wechat_payment.cron_wechat_settle').method_direct_trigger()
        self.env.invalidate_all()

    def test_a_refund_of_the_console_is_asked_for_after_the_answer(self):
        self.fake.finish_refund('CONSOLE-1')
        answer = self._tell()
        self.assertEqual(answer.status_code, 200)
        self.assertIn('<return_code><![CDATA[SUCCESS]]></return_code>', answer.text)
        self.assertFalse(self._calls('GET'))
        self._settle()
        refund = self.tx.child_transaction_ids
        self.assertEqual(
            (refund.reference, refund.amount, refund.state), ('CONSOLE-1', -3, 'done'),
        )
        self.assertFalse(self.tx.wechat_told_refunds or self.tx.wechat_next_query)

    def test_wechat_pay_and_not_the_message_says_what_became_of_it(self):
        self._tell(refund_fee='1999')
        self._settle()
        refund = self.tx.child_transaction_ids
        self.assertEqual((refund.amount, refund.state), (-3, 'pending'))

    def test_a_refund_that_was_given_up_here_is_asked_for_as_well(self):
        refund = self._refund(1)
        refund._set_error("refused")
        self.fake.finish_refund(refund.reference)
        self._tell(refund.reference)
        self._settle()
        self.assertEqual(refund.state, 'done')

    @mute_logger(NOTIFICATION)
    def test_another_key_changes_nothing(self):
        answer = self._tell(api_key=V2_KEY[::-1])
        self.assertEqual(answer.status_code, 400)
        self.assertIn('FAIL', answer.text)
        self.assertFalse(self.tx.wechat_told_refunds)

    @mute_logger(NOTIFICATION)
    def test_another_merchant_changes_nothing(self):
        self.assertEqual(self._tell(envelope={'mch_id': '1900000002'}).status_code, 400)
        self.assertFalse(self.tx.wechat_told_refunds)

    @mute_logger(NOTIFICATION)
    def test_an_unknown_order_is_answered_like_a_known_one(self):
        known = self._tell()
        unknown = self._tell(out_trade_no='OTHER-1')
        self.assertEqual((unknown.status_code, unknown.text), (known.status_code, known.text))

    @mute_logger(NOTIFICATION)
    def test_the_refund_of_another_payment_is_not_asked_for(self):
        refund = self._refund(1)
        other = self._create_wechat_order(5)
        self._tell(refund.reference, out_trade_no=other.reference)
        self.assertFalse(other.wechat_told_refunds or self.tx.wechat_told_refunds)

    @mute_logger(API, ALERT)
    def test_what_wechat_pay_refuses_to_tell_is_shown_to_a_person(self):
        self._tell()
        self.fake.override('GET /v3/refund', lambda r: self.fake.error(403, 'NO_AUTH'))
        self._settle()
        self.assertIn('CONSOLE-1', self.tx.wechat_alert)
        self.assertFalse(self.tx.wechat_told_refunds)

    @mute_logger(API, SETTLE)
    def test_what_is_not_answered_is_asked_for_again(self):
        self._tell()
        self.fake.override('GET /v3/refund', lambda r: self.fake.error(500, 'SYSTEM_ERROR'))
        self._settle()
        self.assertEqual(self.tx.wechat_told_refunds, 'CONSOLE-1')
        self.assertTrue(self.tx.wechat_next_query)

    def test_nobody_but_settings_administrators_reads_the_numbers(self):
        field = self.env['payment.transaction']._fields['wechat_told_refunds']
        self.assertEqual(field.groups, 'base.group_system')
