# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import glob
import os
import secrets
import tempfile

from odoo.tests import HttpCase, tagged
from odoo.tools import mute_logger

from odoo.addons.wechat.exceptions import WeChatUnknown
from odoo.addons.wechat_payment import client_certificate
from odoo.addons.wechat_payment.exceptions import (
    WeChatPayMisconfigured,
    WeChatPayNoAnswer,
    WeChatPayNotTaken,
    WeChatPayRefused,
    WeChatPayUnsettled,
    WeChatPayUnverified,
)
from odoo.addons.wechat_payment.tests.common import WechatPayCommon
from odoo.addons.wechat_payment.tests.fake_wechat_pay import get_key_pair
from odoo.addons.wechat_payment.tests.sandbox_v2_common import WechatPayV2SandboxCommon

V2 = 'odoo.addons.wechat_payment.models.payment_provider_v2'
SUB_MCHID = '1900000200'
QUERY, REFUND = '/pay/orderquery', '/secapi/pay/refund'


@tagged('post_install', '-at_install', '-standard', 'wechat_sandbox')
class TestSandboxV2Requests(WechatPayV2SandboxCommon, WechatPayCommon, HttpCase):
    """Calls of API v2 with real signatures and mutual TLS, against the project's sandbox."""

    def setUp(self):
        super().setUp()
        self._connect_v2_sandbox()

    def _call(self, path, params, **kwargs):
        return self.provider._wechat_request_v2(
            path, {'appid': self.app.appid, **params}, **kwargs,
        )

    def _order(self):
        number = f'T{secrets.token_hex(8)}'
        answer = self._call('/pay/unifiedorder', {
            'body': "茶 & <Tea> ]]>", 'out_trade_no': number, 'total_fee': 990, 'attach': '',
            'spbill_create_ip': '203.0.113.9', 'trade_type': 'NATIVE', 'product_id': 'T',
            'notify_url': 'https://shop.example.com/notify',
        })
        self.assertTrue(answer['code_url'])
        return number

    def _query(self, number, **kwargs):
        return self._call(QUERY, {'out_trade_no': number}, **kwargs)

    def _refund(self, certificate=True):
        """Ask for the refund of an order that does not exist."""
        return self._call(REFUND, {
            'out_trade_no': 'T-no-such-order', 'out_refund_no': 'T-no-such-refund',
            'total_fee': 1, 'refund_fee': 1, 'notify_url': 'https://shop.example.com/notify',
        }, certificate=certificate)

    @mute_logger(V2)
    def _assert_raises(self, error_class, function, *args, **kwargs):
        with self.assertRaises(error_class) as caught:
            function(*args, **kwargs)
        self.assertIs(type(caught.exception), error_class)
        return caught.exception

    def _fail_once(self, path, action, **parameters):
        self._control('POST', 'faults', path=path, action=action, **parameters)

    def test_an_order_is_made_and_queried_with_each_type_of_signature(self):
        for sign_type in ('HMAC-SHA256', 'MD5'):
            with self.subTest(sign_type):
                self._connect_v2_sandbox(sign_type)
                answer = self._query(self._order())
                self.assertEqual(answer['trade_state'], 'NOTPAY')
                self.assertEqual(self._problems(), [])

    def test_a_refusal_has_its_code(self):
        error = self._assert_raises(WeChatPayRefused, self._query, 'T-no-such-order')
        self.assertEqual(error.wechat_code, 'ORDERNOTEXIST')

    def test_the_merchant_certificate_is_presented_where_a_call_wants_it(self):
        error = self._assert_raises(WeChatPayRefused, self._refund)
        self.assertEqual(error.wechat_code, 'ORDERNOTEXIST')

    def test_it_is_not_presented_where_no_call_wants_it(self):
        error = self._assert_raises(WeChatPayNotTaken, self._refund, certificate=False)
        self.assertIn("证书", error.return_msg)

    def test_a_certificate_is_presented_by_nobody_who_has_another(self):
        # One process, two merchants: connections of one are not taken for the other.
        self._assert_raises(WeChatPayRefused, self._refund)
        other = self._control('POST', 'merchants', mchid='1900000088', appids=[self.app.appid])
        second = self.provider.copy({'company_id': self.provider.company_id.id})
        self._set_v2_merchant(second, other)
        first, self.provider = self.provider, second
        self._assert_raises(WeChatPayRefused, self._refund)
        # The key of one with the certificate of the other is refused here already; a certificate
        # of another merchant is a pair, and is refused there.
        second.write({
            'wechat_merchant_private_key': first.wechat_merchant_private_key,
            'wechat_merchant_certificate': first.wechat_merchant_certificate,
        })
        error = self._assert_raises(WeChatPayNotTaken, self._refund)
        self.assertIn("证书", error.return_msg)

    def test_a_replaced_certificate_is_not_presented_any_more(self):
        self._assert_raises(WeChatPayRefused, self._refund)
        stranger = get_key_pair('merchant')
        self.provider.write({
            'wechat_merchant_private_key': stranger.private_pem,
            'wechat_merchant_certificate': stranger.certificate_pem,
        })
        # The sandbox ends the connection of who shows a certificate that it has not issued.
        error = self._assert_raises(WeChatPayNoAnswer, self._refund)
        self.assertIn(error.end, ('tls', 'broken'))
        self.assertTrue(error.sent, "it ended after the request, so the outcome is open")

    def test_no_key_stays_in_a_file(self):
        client_certificate.load.cache_clear()
        self._assert_raises(WeChatPayRefused, self._refund)
        self.assertFalse(glob.glob(os.path.join(tempfile.gettempdir(), 'odoo-wechat-*')))

    def test_a_missing_certificate_is_told_before_anything_is_sent(self):
        self.provider.state = 'disabled'
        self.provider.wechat_merchant_certificate = False
        error = self._assert_raises(WeChatPayMisconfigured, self._refund)
        self.assertEqual(error.reason, 'client_certificate_missing')

    def test_a_wrong_key_is_not_taken(self):
        self.provider.wechat_api_v2_key = '0' * 32
        error = self._assert_raises(WeChatPayNotTaken, self._query, 'T-no-such-order')
        self.assertEqual(error.context['code'], 'misconfigured')
        self.assertIn("签名", error.return_msg)

    def test_the_other_type_of_signature_is_not_taken(self):
        self.provider.wechat_v2_sign_type = 'MD5'
        self._assert_raises(WeChatPayNotTaken, self._query, 'T-no-such-order')

    def test_an_answer_with_a_wrong_sign_is_not_believed(self):
        for defect, reason in (('bad_signature', 'signature'), ('other_sign_type', 'signature')):
            with self.subTest(defect):
                self._fail_once(QUERY, 'wrong_signature', defect=defect)
                error = self._assert_raises(
                    WeChatPayUnverified, self._query, 'T-no-such-order',
                )
                self.assertEqual(error.reason, reason)

    def test_an_answer_without_a_sign_is_not_believed(self):
        self._fail_once(QUERY, 'unsigned')
        error = self._assert_raises(WeChatPayUnverified, self._query, 'T-no-such-order')
        self.assertEqual(error.reason, 'missing')

    def test_a_busy_wechat_pay_leaves_the_outcome_open(self):
        self._fail_once(QUERY, 'err_code', err_code='SYSTEMERROR')
        error = self._assert_raises(WeChatPayUnsettled, self._query, 'T-no-such-order')
        self.assertEqual(
            (error.wechat_code, error.context['code']), ('SYSTEMERROR', 'wechat_busy'),
        )

    def test_a_broken_answer_leaves_the_outcome_open(self):
        for action, parameters, error_class in (
            ('drop', {}, WeChatPayNoAnswer), ('garbage', {}, WeChatUnknown),
            ('status', {'status': 502}, WeChatPayNoAnswer),
            ('status', {'status': 400}, WeChatPayNoAnswer),
        ):
            with self.subTest(action, **parameters):
                self._fail_once(QUERY, action, **parameters)
                error = self._assert_raises(error_class, self._query, 'T-no-such-order')
                self.assertTrue(error.sent)

    def test_the_backup_host_is_asked_if_the_call_may_be_repeated(self):
        self.env['ir.config_parameter'].set_param('wechat.pay_backup_url', self.sandbox)
        self._fail_once(QUERY, 'drop')
        self._assert_raises(WeChatPayNoAnswer, self._query, 'T-no-such-order')
        number = self._order()
        self._fail_once(QUERY, 'status', status=503)
        answer = self._query(number, repeatable=True)
        self.assertEqual(answer['out_trade_no'], number)

    def test_a_service_provider_names_the_sub_merchant(self):
        self._connect_v2_sandbox(sub_merchant={'mchid': SUB_MCHID, 'appids': []})
        answer = self._query(self._order())
        self.assertEqual(answer['sub_mch_id'], SUB_MCHID)
        self.assertEqual(self._problems(), [])
        self.provider.wechat_sub_mch_id = '1900000201'
        error = self._assert_raises(WeChatPayRefused, self._query, 'T-no-such-order')
        self.assertEqual(error.wechat_code, 'NOAUTH')
