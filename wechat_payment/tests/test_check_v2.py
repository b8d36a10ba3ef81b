# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.wechat_payment.tests.fake_wechat_pay import (
    API_V2_KEY,
    MCHID,
    KeyPair,
    get_key_pair,
)
from odoo.addons.wechat_payment.tests.fake_wechat_pay_v2 import (
    ORDER,
    QUERY,
    REFUND,
    WechatPayV2Common,
    fail_v2,
    not_taken_v2,
    sign_v2,
)
from odoo.addons.wechat_payment.tests.sandbox_v2_common import WechatPayV2SandboxCommon
from odoo.addons.wechat_payment.tests.test_check import LOGGERS, MODELS, CheckCase

V2 = MODELS + 'payment_provider_v2'
SUB_MCHID = '1900000200'
KEY = "the APIv2 key and the type of signature"
CERTIFICATE = "the merchant certificate, which API v2 wants for refunds"
SUB_APPID = 'wx00000000000000b5'


class CheckV2Case(CheckCase):

    def _check(self):
        with mute_logger(V2, *LOGGERS):
            return super()._check()


@tagged('post_install', '-at_install')
class TestCheckV2(WechatPayV2Common, CheckV2Case):

    def setUp(self):
        super().setUp()
        self.fake_v2.answers[ORDER] = fail_v2('PARAM_ERROR')

    def test_it_tells_what_is_proved(self):
        self._assert_accepted("merchant number", KEY, CERTIFICATE, "AppID wx")
        self.assertEqual(
            [path for path, _values in self.fake_v2.received], [QUERY, REFUND, ORDER],
        )

    def test_what_it_asks_for_can_neither_exist_nor_be_paid(self):
        self._check()
        self._check()
        numbers = [values['out_trade_no'] for _path, values in self.fake_v2.received]
        self.assertEqual(len(set(numbers)), 6)
        for number in numbers:
            self.assertRegex(number, r'^check-[0-9a-f]{16}$')
        order = self.fake_v2.received[2][1]
        self.assertEqual(order['openid'], 'oCHECK0000000000000000000000')
        self.assertEqual(order['total_fee'], '1')
        self.assertFalse(self.env['payment.transaction'].search([
            ('provider_id', '=', self.provider.id),
        ]))

    def test_a_key_that_is_not_taken(self):
        self.fake_v2.answers[QUERY] = not_taken_v2("签名错误")
        self._assert_found('v2_not_taken', "签名错误")
        self.assertIn("APIv2 key", self.provider.wechat_last_error)
        self.assertNotIn(REFUND, [path for path, _values in self.fake_v2.received])

    def test_the_v3_key_in_its_place(self):
        self.provider.wechat_api_v3_key = API_V2_KEY
        self.fake_v2.answers[QUERY] = not_taken_v2()
        self._assert_found('v2_same_keys', "in place of the other")

    def test_the_other_type_of_signature(self):
        def answer(values):
            if 'sign_type' in values:
                return not_taken_v2()
            self.assertEqual(values['sign'], sign_v2(values, sign_type='MD5'))
            return fail_v2('ORDERNOTEXIST', sign_type='MD5')
        self.fake_v2.answers[QUERY] = answer
        self._assert_found('v2_sign_type', "MD5")
        self.assertEqual(self.provider.wechat_v2_sign_type, 'HMAC-SHA256', "not changed by itself")

    def test_an_answer_that_cannot_be_verified(self):
        self.fake_v2.answers[QUERY] = fail_v2('ORDERNOTEXIST', sign='')
        self._assert_found('v2_signature', "not signed by WeChat Pay")

    def test_a_network_that_does_not_reach_wechat_pay(self):
        self.env['ir.config_parameter'].set_param('wechat.pay_url', 'http://127.0.0.1:9')
        self._assert_found('unreachable', "api.mch.weixin.qq.com")

    def test_an_appid_that_is_not_bound(self):
        for path in (QUERY, ORDER):
            with self.subTest(path):
                self.fake_v2.answers[path] = fail_v2('APPID_MCHID_NOT_MATCH')
                self._assert_found('appid', self.app.appid)
                self.fake_v2.answers.pop(path)

    def test_a_merchant_who_may_not_use_it(self):
        self.fake_v2.answers[ORDER] = fail_v2('NOAUTH')
        self._assert_found('api_v2', "NOAUTH")

    def test_a_merchant_number_that_does_not_exist(self):
        self.fake_v2.answers[QUERY] = fail_v2('MCHID_NOT_EXIST')
        self._assert_found('api_v2', "MCHID_NOT_EXIST")

    def test_a_certificate_that_is_not_taken(self):
        for answer in (
            not_taken_v2("证书错误"), fail_v2('CA_ERROR'), (400, {}, b'<html>'), None,
        ):
            with self.subTest(answer and answer[0]):
                self.fake_v2.answers[REFUND] = answer
                self._assert_found('certificate_unknown', self.merchant.serial_no)

    def test_a_certificate_of_another_merchant_or_an_old_one(self):
        self.fake_v2.answers[REFUND] = not_taken_v2("证书错误")
        for pair, reason, text in (
            (KeyPair('1900000077'), 'certificate_other', '1900000077'),
            (get_key_pair('expired'), 'certificate_expired', "expired on"),
        ):
            self.provider.write({
                'wechat_merchant_private_key': pair.private_pem,
                'wechat_merchant_certificate': pair.certificate_pem,
            })
            self._assert_found(reason, text)

    def test_an_answer_that_does_not_prove_the_certificate(self):
        for code in ('SYSTEMERROR', 'NEW_CODE', 'ERROR'):
            with self.subTest(code):
                self.fake_v2.answers[REFUND] = fail_v2(code)
                self._assert_accepted(KEY, unproved=(CERTIFICATE,))

    def test_a_merchant_who_may_not_refund(self):
        self.fake_v2.answers[REFUND] = fail_v2('NOAUTH')
        self._assert_found('api_v2', "NOAUTH")

    def test_a_busy_wechat_pay_is_no_answer(self):
        self.fake_v2.answers[QUERY] = fail_v2('SYSTEMERROR')
        self._assert_found('unreachable', "SYSTEMERROR")

    def test_one_key_for_both_versions_is_remarked(self):
        self.provider.wechat_api_v3_key = API_V2_KEY
        self.assertIn("is the same as the APIv3 key", self._check())

    def test_a_service_provider_without_rights_for_the_sub_merchant(self):
        self.provider.wechat_sub_mch_id = SUB_MCHID
        for path in (QUERY, ORDER):
            with self.subTest(path):
                self.fake_v2.answers[path] = fail_v2('NOAUTH')
                self._assert_found('sub_merchant', SUB_MCHID)
                self.assertIn(MCHID, self.provider.wechat_last_error)
                self.fake_v2.answers.pop(path)

    def test_all_calls_of_a_service_provider_name_the_sub_merchant_and_its_app(self):
        sub_app = self.env['wechat.app'].create({
            'name': "Shop", 'app_type': 'miniprogram', 'appid': SUB_APPID,
            'company_id': self.company.id, 'sequence': 9,
        })
        self.provider.write({
            'wechat_sub_mch_id': SUB_MCHID, 'wechat_sub_appid': SUB_APPID,
            'wechat_app_ids': [(4, sub_app.id)],
        })
        self._assert_accepted(self.app.appid, SUB_APPID)
        for _path, values in self.fake_v2.received:
            self.assertEqual(values['sub_mch_id'], SUB_MCHID)
            self.assertEqual(values['appid'], self.app.appid)
        order = self.fake_v2.received[-1][1]
        self.assertEqual(order['sub_appid'], SUB_APPID)
        self.assertIn('sub_openid', order)


@tagged('post_install', '-at_install')
class TestCheckV3WithV2Key(CheckV2Case):
    """A provider of API v3 that has an APIv2 key for payment codes and red packets."""

    def setUp(self):
        super().setUp()
        self.provider.wechat_api_v2_key = API_V2_KEY
        self.fake.override('POST /v3/pay/transactions/jsapi', lambda request: self.fake.error(
            400, 'PARAM_ERROR',
        ))
        for path in (QUERY, REFUND):
            self.fake.answer('POST', path, lambda request: fail_v2('ORDERNOTEXIST'))

    def test_both_are_proved(self):
        self._assert_accepted("private key and the serial number", KEY, CERTIFICATE, "AppID wx")
        self.assertFalse(self.fake.calls(ORDER), "orders are made with v3")

    def test_a_wrong_v2_key_is_found(self):
        self.fake.answer('POST', QUERY, lambda request: not_taken_v2())
        self._assert_found('v2_not_taken', "APIv2 key")

    def test_without_the_certificate_only_the_key_is_proved(self):
        serial_no = self.provider.wechat_merchant_serial
        self.provider.wechat_merchant_certificate = False
        self.provider.wechat_merchant_serial = serial_no
        self._assert_accepted(KEY, unproved=(CERTIFICATE,))
        self.assertFalse(self.fake.calls(REFUND))

    def test_without_a_v2_key_nothing_of_v2_is_called(self):
        self.provider.wechat_api_v2_key = False
        self._check()
        self.assertFalse(self.fake.calls(QUERY))

    def test_a_service_provider_is_checked_by_its_own_paths(self):
        self.provider.write({'wechat_sub_mch_id': SUB_MCHID, 'wechat_api_v2_key': False})
        self.fake.override(
            'out-trade-no', lambda request: self.fake.error(404, 'ORDER_NOT_EXIST'),
        )
        self.fake.override('partner/transactions/jsapi', lambda request: self.fake.error(
            400, 'PARAM_ERROR',
        ))
        self._assert_accepted("AppID wx")
        (query,) = [r for r in self.fake.requests if '/out-trade-no/' in r.path]
        self.assertTrue(query.path.startswith('/v3/pay/partner/transactions/'))
        self.assertEqual(query.query, {'sp_mchid': MCHID, 'sub_mchid': SUB_MCHID})
        (order,) = [r for r in self.fake.requests if r.path.endswith('/jsapi')]
        self.assertEqual(order.json['sub_mchid'], SUB_MCHID)
        self.assertEqual(list(order.json['payer']), ['sp_openid'])

    def test_a_service_provider_without_rights_for_the_sub_merchant(self):
        self.provider.write({'wechat_sub_mch_id': SUB_MCHID, 'wechat_api_v2_key': False})
        for path in ('out-trade-no', 'partner/transactions/jsapi'):
            with self.subTest(path):
                self.fake.override(path, lambda request: self.fake.error(403, 'NO_AUTH'))
                self._assert_found('sub_merchant', SUB_MCHID)


@tagged('post_install', '-at_install', '-standard', 'wechat_sandbox')
class TestSandboxCheckV2(WechatPayV2SandboxCommon, CheckV2Case):

    def test_all_is_proved_with_each_type_of_signature(self):
        for sign_type in ('HMAC-SHA256', 'MD5'):
            with self.subTest(sign_type):
                self._connect_v2_sandbox(sign_type)
                self._assert_accepted("merchant number", KEY, CERTIFICATE, "AppID wx")

    def test_what_is_wrong_is_found(self):
        self._connect_v2_sandbox()
        for values, reason in (
            ({'wechat_v2_sign_type': 'MD5'}, 'v2_sign_type'),
            ({'wechat_api_v2_key': '0' * 32}, 'v2_not_taken'),
            ({'wechat_mch_id': '1900000099'}, 'v2_not_taken'),
            ({'wechat_merchant_private_key': self.merchant.private_pem,
              'wechat_merchant_certificate': self.merchant.certificate_pem},
             'certificate_unknown'),
            ({'wechat_sub_mch_id': SUB_MCHID}, 'sub_merchant'),
        ):
            with self.subTest(reason, fields=list(values)):
                old = {name: self.provider[name] for name in values}
                self.provider.write(values)
                message = self._check()
                self.assertEqual(self.provider.wechat_error_reason, reason, message)
                self.provider.write(old)

    def test_a_service_provider_is_proved_in_both_versions(self):
        self._connect_v2_sandbox(sub_merchant={'mchid': SUB_MCHID, 'appids': []})
        self._assert_accepted(KEY, CERTIFICATE, "AppID wx")
        merchant = self._control('GET', 'world')['merchants'][0]
        self.provider.write({
            'wechat_api_version': 'v3',
            'wechat_api_v3_key': merchant['api_v3_key'],
            'wechat_pay_public_key_id': merchant['public_key_id'],
            'wechat_pay_public_key': merchant['public_key'],
        })
        self._assert_accepted("the private key and the serial number", KEY, "AppID wx")
        self.provider.wechat_sub_mch_id = '1900000201'
        self._check()
        self.assertEqual(self.provider.wechat_error_reason, 'sub_merchant')
