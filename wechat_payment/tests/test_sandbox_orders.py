# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import os

import requests

from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.wechat.exceptions import WeChatUnknown, WeChatUnverified
from odoo.addons.wechat_payment.exceptions import WeChatPayRefused
from odoo.addons.wechat_payment.tests.common import WechatPayCommon
from odoo.addons.wechat_payment.tests.fake_wechat_pay import MCHID

API = 'odoo.addons.wechat_payment.models.payment_provider_api'
JSAPI = '/v3/pay/transactions/jsapi'


@tagged('post_install', '-at_install', '-standard', 'wechat_sandbox')
class TestSandboxOrders(WechatPayCommon):
    """Orders against the project's sandbox, whose address is in WECHAT_SANDBOX_URL."""

    def setUp(self):
        super().setUp()
        self.sandbox = os.environ['WECHAT_SANDBOX_URL'].rstrip('/')
        self.env['ir.config_parameter'].set_param('wechat.pay_url', self.sandbox)
        self._control('POST', 'reset')
        merchant = self._control('GET', 'world')['merchants'][0]
        self.assertEqual(merchant['mchid'], MCHID)
        self.merchant_world = merchant
        self.provider.write({
            'wechat_api_v3_key': merchant['api_v3_key'],
            'wechat_merchant_private_key': merchant['merchant_private_key'],
            'wechat_merchant_certificate': merchant['merchant_certificate'],
            'wechat_pay_public_key_id': merchant['public_key_id'],
            'wechat_pay_public_key': merchant['public_key'],
        })
        person = self._control('POST', 'login_code', appid=self.app.appid)
        self.__class__.openid = self.identity.openid = person['openid']
        self.user = person['user']
        self.tx = self._create_wechat_order(19.99, placed=False)

    def _control(self, method, path, /, **body):
        response = requests.request(
            method, f'{self.sandbox}/_sandbox/{path}', json=body or None, timeout=10,
        )
        self.assertEqual(response.status_code, 200, response.text)
        return response.json()

    def _place(self):
        answer = self.provider._wechat_request('POST', JSAPI, payload=self.tx.wechat_order_body)
        self.tx.wechat_prepay_id = answer['prepay_id']

    def _pay(self):
        return self._control(
            'POST', 'request_payment', appid=self.app.appid, user=self.user, notify=False,
            payment=self.tx._wechat_build_client_values(),
        )

    def _problems(self):
        return [
            problem for request in self._control('GET', 'requests')['requests']
            for problem in request['problems']
        ]

    def test_an_order_is_placed_signed_for_the_client_paid_and_found(self):
        self._place()
        self.assertEqual(self.tx._wechat_query()['trade_state'], 'NOTPAY')
        self.assertEqual(self.tx.state, 'draft')
        self.assertEqual(self._pay()['errMsg'], 'requestPayment:ok')
        self.tx._wechat_query()
        self.assertEqual(self.tx.state, 'done')
        self.assertEqual(self._problems(), [])

    def test_the_same_order_again_is_the_same_order(self):
        self._place()
        self._place()
        self.assertEqual(self._pay()['errMsg'], 'requestPayment:ok')
        self.assertEqual(self._problems(), [])

    def test_changed_parameters_under_a_used_number_are_refused(self):
        self._place()
        self.tx.wechat_order_body = self.tx.wechat_order_body.replace('1999', '1998')
        with mute_logger(API), self.assertRaises(WeChatPayRefused) as caught:
            self._place()
        self.assertEqual(caught.exception.wechat_code, 'OUT_TRADE_NO_USED')

    def test_an_unpaid_order_is_closed_and_can_no_longer_be_paid(self):
        self._place()
        self.assertEqual(self.tx._wechat_close()['trade_state'], 'CLOSED')
        self.assertEqual(self.tx.state, 'cancel')
        self.assertIn('fail', self._pay()['errMsg'])

    def test_closing_a_paid_order_finds_the_payment(self):
        self._place()
        self._pay()
        self.tx._wechat_close()
        self.assertEqual(self.tx.state, 'done')

    def test_an_order_that_never_arrived_changes_nothing(self):
        self.assertEqual(self.tx._wechat_query(), {})
        self.assertEqual(self.tx._wechat_close(), {})
        self.assertEqual(self.tx.state, 'draft')

    def test_platform_certificates_serve_as_well(self):
        self._control('PATCH', f'merchants/{MCHID}', trust_mode='certificate')
        self.provider.wechat_certificate_ids = [
            (0, 0, {'certificate': certificate['certificate']})
            for certificate in self.merchant_world['platform_certificates']
        ]
        self.provider.write({'wechat_pay_public_key_id': False, 'wechat_pay_public_key': False})
        self._place()
        self.assertEqual(self.tx._wechat_query()['trade_state'], 'NOTPAY')

    def test_the_check_accepts_the_right_credentials_and_names_the_wrong(self):
        self.assertIsNone(self.provider._wechat_check_credentials())
        self.provider.write({
            'wechat_merchant_certificate': self.merchant.certificate_pem,
            'wechat_merchant_private_key': self.merchant.private_pem,
        })
        with mute_logger(API):
            self.assertIn(self.merchant.serial_no, self.provider._wechat_check_credentials())

    @mute_logger(API)
    def test_faults_on_the_way_back_are_told_apart(self):
        for action, error_class in (
            ('unsigned', WeChatUnverified), ('wrong_signature', WeChatUnverified),
            ('tampered', WeChatUnverified), ('garbage', WeChatUnverified), ('drop', WeChatUnknown),
            ('refuse_before', WeChatUnknown),
        ):
            with self.subTest(action):
                self._control('POST', 'faults', action=action, path=JSAPI)
                with self.assertRaises(error_class):
                    self._place()
        self._place()
        self.assertTrue(self.tx.wechat_prepay_id)

    @mute_logger(API)
    def test_a_foreign_openid_and_an_unbound_app_are_refused(self):
        for change, code in (
            (self.openid, 'PARAM_ERROR'), (self.app.appid, 'APPID_MCHID_NOT_MATCH'),
        ):
            body = self.tx.wechat_order_body.replace(change, 'wx0000000000000009'[:len(change)])
            with self.assertRaises(WeChatPayRefused) as caught:
                self.provider._wechat_request('POST', JSAPI, payload=body)
            self.assertEqual(caught.exception.wechat_code, code)
