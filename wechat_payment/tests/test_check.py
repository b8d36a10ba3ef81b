# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import base64
import json
import os
import time
from unittest.mock import patch

import requests
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from odoo.tests import HttpCase, tagged
from odoo.tools import mute_logger

from odoo.addons.wechat_payment.tests.common import MCHID, WechatPayCommon
from odoo.addons.wechat_payment.tests.fake_wechat_pay import (
    API_V3_KEY,
    PUBLIC_KEY_ID,
    KeyPair,
    get_key_pair,
)

MODELS = 'odoo.addons.wechat_payment.models.'
LOGGERS = (MODELS + 'payment_provider_api', MODELS + 'payment_provider_certificates')
CHECK = MODELS + 'payment_provider_check'
ECHO = '/v3/security/echo'


class CheckCase(WechatPayCommon, HttpCase):

    def _check(self):
        with mute_logger(*LOGGERS):
            action = self.provider.action_wechat_check_credentials()
        self.assertEqual(
            self.provider.wechat_check_state,
            'ok' if action['params']['type'] == 'success' else 'error',
        )
        return action['params']['message']

    def _assert_found(self, reason, text):
        message = self._check()
        self.assertEqual(self.provider.wechat_error_reason, reason)
        self.assertIn(text, message)
        self.assertEqual(self.provider.wechat_last_error, message)

    def _assert_accepted(self, *texts, unproved=()):
        message = self._check()
        self.assertEqual(self.provider.wechat_error_reason, False, message)
        proved, _separator, rest = message.partition(" Not proved yet:")
        for text in texts:
            self.assertIn(text, proved)
        for text in unproved:
            self.assertIn(text, rest)


@tagged('post_install', '-at_install')
class TestCheck(CheckCase):

    def setUp(self):
        super().setUp()
        self.fake.override('POST /v3/pay/transactions/jsapi', self._answer_probe)
        self.bound = True

    def _answer_probe(self, request):
        return self.fake.error(400, 'PARAM_ERROR' if self.bound else 'APPID_MCHID_NOT_MATCH')

    def _answer_echo(self, request):
        body = request.json
        try:
            text = get_key_pair('wechat').key.decrypt(
                base64.b64decode(body['encrypted_echo_message']),
                padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None),  # noqa: S303
            )
        except ValueError:
            return 400, {}, {'code': 'PARAM_ERROR', 'detail': {'field': '/encrypted_echo_message'}}
        self.assertEqual(text.decode(), body['echo_message'])
        self.assertEqual(request.headers['Wechatpay-Serial'], PUBLIC_KEY_ID)
        return self.fake.signed(body)

    def _refuse_all(self, status, code, **extra):
        self.fake.override('.', lambda request: (status, {}, {'code': code, **extra}))

    def test_it_tells_what_is_proved_without_the_echo(self):
        self._assert_accepted(
            "private key", "AppID wx", unproved=("APIv3 key", "key that WeChat Pay signs with"),
        )

    def test_the_echo_proves_the_public_key(self):
        self.fake.override(ECHO, self._answer_echo)
        self._assert_accepted("key that WeChat Pay signs with", unproved=("APIv3 key",))

    def test_certificates_prove_the_apiv3_key(self):
        self.fake.certificates = [get_key_pair('platform')]
        self._assert_accepted("APIv3 key")
        self.assertFalse(self.provider.wechat_certificate_ids, "not needed, so not trusted")

    def test_a_check_of_a_merchant_without_a_public_key_fetches(self):
        self.provider.state = 'disabled'
        self.provider.wechat_pay_public_key_id = False
        self.fake.certificates = [get_key_pair('platform')]
        self._assert_accepted("APIv3 key")
        self.assertEqual(len(self.provider.wechat_certificate_ids), 1)

    def test_a_wrong_private_key_or_serial_without_the_certificate(self):
        self.provider.wechat_merchant_certificate = False
        self._refuse_all(401, 'SIGN_ERROR')
        self._assert_found('key_or_serial', "Upload apiclient_cert.pem")

    def test_a_certificate_that_is_not_the_merchants(self):
        self._refuse_all(401, 'SIGN_ERROR')
        self._assert_found('certificate_unknown', self.merchant.serial_no)

    def test_a_certificate_of_another_merchant(self):
        other = KeyPair('1900000077')
        self.provider.write({
            'wechat_merchant_private_key': other.private_pem,
            'wechat_merchant_certificate': other.certificate_pem,
        })
        self._refuse_all(401, 'SIGN_ERROR')
        self._assert_found('certificate_other', '1900000077')

    def test_a_certificate_that_has_expired(self):
        expired = get_key_pair('expired')
        self.provider.write({
            'wechat_merchant_private_key': expired.private_pem,
            'wechat_merchant_certificate': expired.certificate_pem,
        })
        self._refuse_all(401, 'SIGN_ERROR')
        self._assert_found('certificate_expired', "expired on")

    def test_a_clock_that_is_off(self):
        now = time.time()
        self._refuse_all(401, 'SIGN_ERROR')
        with patch(CHECK + '.time') as clock:
            clock.time.return_value = now + 3600
            self._assert_found('clock_off', "60 minutes")

    def test_an_address_that_is_not_allowed(self):
        self._refuse_all(403, 'NO_AUTH')
        self._assert_found('ip', "IP allow list")

    def test_an_appid_that_is_not_bound(self):
        self.bound = False
        self._assert_found('appid', self.app.appid)

    def test_a_product_that_is_not_applied_for(self):
        self.fake.override('jsapi', lambda request: self.fake.error(403, 'NO_AUTH'))
        self._assert_found('api', "JSAPI")

    def test_a_wrong_apiv3_key(self):
        self.fake.certificates = [get_key_pair('platform')]
        self.provider.wechat_api_v3_key = 'e' * 32
        self._assert_found('api_v3_key_certificates', "APIv3 key is not the one")

    def test_a_public_key_id_of_another_merchant(self):
        self._refuse_all(400, 'PARAM_ERROR', detail={'field': 'Wechatpay-Serial'})
        self._assert_found('public_key_id', PUBLIC_KEY_ID)

    def test_a_public_key_of_another_merchant(self):
        self.provider.wechat_pay_public_key = get_key_pair('other').public_pem
        self.fake.override(ECHO, self._answer_echo)
        self._assert_found('public_key', "pub_key.pem")
        self.fake.override(ECHO, lambda request: self.fake.signed(request.json))
        self._assert_found('public_key', "pub_key.pem")

    def test_a_merchant_who_must_use_the_public_key(self):
        self.provider.state = 'disabled'
        self.provider.wechat_pay_public_key_id = False
        self._assert_found('public_key_only', "must use the WeChat Pay public key")

    def test_no_answer(self):
        self.fake.override('.', None)
        self._assert_found('unreachable', "does not answer")

    def test_an_order_that_is_accepted_against_all_odds_is_closed(self):
        self.fake.overrides.clear()
        self._assert_accepted("AppID wx")
        self.assertEqual([o['trade_state'] for o in self.fake.orders.values()], ['CLOSED'])

    def test_nothing_secret_is_in_what_it_says(self):
        self.fake.override(ECHO, self._answer_echo)
        messages = [self._check()]
        self._refuse_all(401, 'SIGN_ERROR', message=self.merchant.private_pem)
        messages.append(self._check())
        for text in messages:
            self.assertNotIn(API_V3_KEY, text)
            self.assertNotIn('PRIVATE KEY', text)


@tagged('post_install', '-at_install', '-standard', 'wechat_sandbox')
class TestSandboxCheck(CheckCase):
    """The check against the project's sandbox, in both trust modes."""

    def setUp(self):
        super().setUp()
        self.sandbox = os.environ['WECHAT_SANDBOX_URL'].rstrip('/')
        self.env['ir.config_parameter'].set_param('wechat.pay_url', self.sandbox)
        self._control('POST', 'reset')
        merchant = self._control('GET', 'world')['merchants'][0]
        self.keys = merchant
        self.provider.write({
            'wechat_api_v3_key': merchant['api_v3_key'],
            'wechat_merchant_private_key': merchant['merchant_private_key'],
            'wechat_merchant_certificate': merchant['merchant_certificate'],
            'wechat_pay_public_key_id': merchant['public_key_id'],
            'wechat_pay_public_key': merchant['public_key'],
        })

    def _control(self, method, path, /, **body):
        response = requests.request(
            method, f'{self.sandbox}/_sandbox/{path}', data=json.dumps(body) if body else None,
            headers={'Content-Type': 'application/json'}, timeout=10,
        )
        self.assertEqual(response.status_code, 200, response.text)
        return response.json()

    def test_a_right_set_up_is_accepted(self):
        self._assert_accepted(
            "private key", "key that WeChat Pay signs with", "AppID wx", unproved=("APIv3",),
        )

    def test_a_right_set_up_with_certificates_is_accepted(self):
        self._control('PATCH', f'merchants/{MCHID}', trust_mode='certificate')
        self.provider.state = 'disabled'
        self.provider.wechat_pay_public_key_id = False
        self._assert_accepted("APIv3 key", "key that WeChat Pay signs with", "private key")

    def test_wrong_keys_are_told_apart(self):
        provider = self.provider
        provider.wechat_pay_public_key = get_key_pair('other').public_pem
        self._assert_found('public_key', "pub_key.pem")
        provider.wechat_pay_public_key_id = PUBLIC_KEY_ID[:-1] + '9'
        self._assert_found('public_key_id', "another merchant's")
        provider.write({
            'wechat_pay_public_key_id': self.keys['public_key_id'],
            'wechat_pay_public_key': self.keys['public_key'],
            'wechat_merchant_certificate': False,
        })
        provider.wechat_merchant_serial = 'A' * 40
        self._assert_found('key_or_serial', "serial")
        provider.wechat_merchant_serial = self.keys['merchant_serial']
        self._assert_accepted("private key")
        provider.wechat_merchant_private_key = get_key_pair('other').private_pem
        self._assert_found('key_or_serial', "private key")

    def test_an_appid_that_is_not_bound_is_found(self):
        self._control('PATCH', f'merchants/{MCHID}', appids=['wx0000000000000003'])
        self._assert_found('appid', self.app.appid)

    def test_a_wrong_apiv3_key_is_found_with_certificates(self):
        self._control('PATCH', f'merchants/{MCHID}', trust_mode='certificate')
        self.provider.state = 'disabled'
        self.provider.write({'wechat_pay_public_key_id': False, 'wechat_api_v3_key': 'e' * 32})
        self._assert_found('api_v3_key_certificates', "APIv3")
