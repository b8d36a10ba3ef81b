# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import json
import os
import time
from datetime import timedelta

import requests

from odoo import fields
from odoo.exceptions import AccessError, ValidationError
from odoo.tests import HttpCase, tagged
from odoo.tools import mute_logger

from odoo.addons.wechat.exceptions import WeChatError, WeChatUnknown, WeChatUnverified
from odoo.addons.wechat_payment.exceptions import WeChatPayMisconfigured
from odoo.addons.wechat_payment.tests.common import MCHID, WechatPayCommon
from odoo.addons.wechat_payment.tests.fake_wechat_pay import get_key_pair

MODELS = 'odoo.addons.wechat_payment.models.'
LOGGERS = (
    MODELS + 'payment_provider_api', MODELS + 'payment_provider_certificates',
    'odoo.addons.wechat_payment.controllers.main',
)
PATH = '/v3/certificates'


@tagged('post_install', '-at_install')
class TestCertificates(WechatPayCommon, HttpCase):

    def setUp(self):
        super().setUp()
        self.old, self.new = get_key_pair('platform'), get_key_pair('platform 2')
        self.fake.certificates = [self.old]

    def _use_certificates(self):
        """Make the provider one of a merchant who has no public key."""
        self.provider.state = 'disabled'
        self.provider.wechat_pay_public_key_id = False

    def _fetch(self):
        return self.provider._wechat_fetch_certificates()

    def _assert_nothing_stored(self, error_class):
        with mute_logger(*LOGGERS), self.assertRaises(error_class) as caught:
            self._fetch()
        self.assertFalse(self.provider.wechat_certificate_ids)
        return caught.exception

    def test_the_first_fetch_is_believed_by_the_key_in_it(self):
        self._use_certificates()
        self.assertEqual(list(self._fetch()), [self.old.serial_no])
        certificate = self.provider.wechat_certificate_ids
        self.assertEqual(certificate.serial_no, self.old.serial_no)
        self.assertEqual(certificate.source, 'fetched')
        self.assertEqual(certificate.state, 'valid')
        self.assertTrue(self.provider.wechat_certificates_fetched)

    def test_after_the_first_fetch_the_provider_can_be_enabled(self):
        self._use_certificates()
        with self.assertRaises(ValidationError) as caught:
            self.provider.state = 'enabled'
        self.assertIn("platform certificates", str(caught.exception))
        action = self.provider.action_wechat_fetch_certificates()
        self.assertEqual(action['params']['type'], 'success')
        self.provider.state = 'enabled'

    def test_fetching_twice_stores_once(self):
        self._fetch()
        self._fetch()
        self.assertEqual(len(self.provider.wechat_certificate_ids), 1)

    def test_several_are_valid_at_once(self):
        self._use_certificates()
        self._fetch()
        self.fake.certificates = [self.old, self.new]  # The new one signs already.
        self.assertEqual(set(self._fetch()), {self.old.serial_no, self.new.serial_no})
        self.assertEqual(
            set(self.provider._wechat_get_verification_keys()),
            {self.old.serial_no, self.new.serial_no},
        )

    def test_an_expired_one_is_kept_and_not_trusted(self):
        expired = get_key_pair('expired')
        self._use_certificates()
        self.fake.certificates = [expired, self.old]
        self.assertEqual(list(self._fetch()), [self.old.serial_no])
        states = {c.serial_no: c.state for c in self.provider.wechat_certificate_ids}
        self.assertEqual(states, {expired.serial_no: 'expired', self.old.serial_no: 'valid'})
        self.assertEqual(
            list(self.provider._wechat_get_verification_keys()), [self.old.serial_no],
        )

    def test_an_answer_signed_by_an_expired_one_is_not_believed(self):
        self._use_certificates()
        self.fake.certificates = [self.old, get_key_pair('expired')]
        self._assert_nothing_stored(WeChatUnverified)

    def test_what_is_not_encrypted_with_our_key_is_not_believed(self):
        self._use_certificates()
        self.provider.wechat_api_v3_key = 'e' * 32
        error = self._assert_nothing_stored(WeChatPayMisconfigured)
        self.assertIn("APIv3", str(error))

    def test_what_is_signed_by_none_of_the_keys_in_it_is_not_believed(self):
        self._use_certificates()
        answer = self.fake._answer_certificates
        for signing in (
            {'key': self.new, 'serial': self.old.serial_no}, {'serial': self.new.serial_no},
            {'key': self.old, 'serial': self.old.serial_no, 'timestamp': int(time.time()) - 400},
        ):
            with self.subTest(signing):
                self.fake.override(PATH, lambda request, signing=signing: self.fake.signed(
                    json.loads(answer(request)[2]), **signing,
                ))
                self._assert_nothing_stored(WeChatUnverified)

    def test_a_certificate_under_another_ones_serial_is_not_believed(self):
        self._use_certificates()
        pair = type('Pair', (), {
            'serial_no': self.new.serial_no, 'certificate_pem': self.old.certificate_pem,
            'sign': self.old.sign,
        })
        self.fake.certificates = [pair]
        self._assert_nothing_stored(WeChatUnknown)

    def test_garbage_is_not_believed(self):
        for content in ({}, {'data': None}, {'data': [{}]}, {'data': ['x']}, {'data': 5}, []):
            with self.subTest(content):
                self.fake.override(PATH, lambda request, c=content: self.fake.signed(c))
                self._assert_nothing_stored(WeChatError)

    def test_a_known_key_must_have_signed_rightly_before_anything_is_read(self):
        self.fake.override(PATH, lambda request: self.fake.signed(
            {'data': []}, key=get_key_pair('merchant'),
        ))
        self._assert_nothing_stored(WeChatUnverified)

    def test_a_merchant_who_must_use_the_public_key_is_told(self):
        self._use_certificates()
        self.fake.certificates = []
        error = self._assert_nothing_stored(WeChatPayMisconfigured)
        self.assertIn("must use the WeChat Pay public key", str(error))
        with mute_logger(*LOGGERS):
            action = self.provider.action_wechat_fetch_certificates()
        self.assertEqual(action['params']['type'], 'danger')
        self.assertIn("pub_key.pem", action['params']['message'])

    @mute_logger(*LOGGERS)
    def test_a_merchant_with_a_public_key_is_told_that_it_is_all_that_is_needed(self):
        self.fake.certificates = []
        action = self.provider.action_wechat_fetch_certificates()
        self.assertEqual(action['params']['type'], 'warning')
        self.assertIn("all that is needed", action['params']['message'])
        self.assertNotEqual(self.provider.wechat_check_state, 'error')

    def test_only_administrators_fetch(self):
        with self.assertRaises(AccessError):
            self.provider.with_user(self.internal_user).action_wechat_fetch_certificates()

    # === RENEWAL === #

    def _run_cron(self):
        with self.enter_registry_test_mode():
            self.env.ref('wechat_payment.cron_wechat_certificates').method_direct_trigger()
        self.env.invalidate_all()

    def test_the_cron_renews_what_is_older_than_half_a_day(self):
        self._use_certificates()
        self._fetch()
        self.provider.state = 'enabled'
        self.fake.certificates = [self.old, self.new]
        self._run_cron()
        self.assertEqual(len(self.provider.wechat_certificate_ids), 1, "not due")
        self.provider.wechat_certificates_fetched -= timedelta(hours=11)
        self._run_cron()
        self.assertEqual(len(self.provider.wechat_certificate_ids), 2)

    def test_the_cron_leaves_merchants_with_a_public_key_alone(self):
        self._run_cron()
        self.assertFalse(self.fake.calls(PATH))

    @mute_logger(*LOGGERS)
    def test_a_renewal_that_fails_is_tried_again_and_told_before_the_last_one_expires(self):
        self._use_certificates()
        self._fetch()
        self.provider.state = 'enabled'
        self.provider.wechat_certificates_fetched = False
        self.provider.wechat_certificate_ids.expire_time = (
            fields.Datetime.now() + timedelta(days=2)
        )
        self.fake.override(PATH, lambda request: self.fake.error(500, 'SYSTEM_ERROR'))
        self._run_cron()
        self._run_cron()
        self.assertEqual(len(self.fake.calls(PATH)), 3)
        self.assertEqual(self.provider.wechat_error_reason, 'certificates_expire')
        self.assertIn("expires on", self.provider.wechat_last_error)

    # === UNKNOWN KEYS === #

    @mute_logger(*LOGGERS)
    def test_an_unknown_serial_makes_us_fetch_once_in_five_minutes(self):
        self._use_certificates()
        self._fetch()
        self.provider.state = 'enabled'
        self.fake.requests.clear()
        self.fake.certificates = [self.old, self.new]
        tx = self._create_wechat_order()
        order = self.fake.pay(tx.reference)
        unknown = get_key_pair('nobody')
        response = self._notify(order, serial=self.new.serial_no, key=self.new)
        self.assertEqual(response.status_code, 200)
        self.assertEqual(tx.state, 'done')
        self.assertEqual(len(self.fake.calls(PATH)), 1)
        self.assertIn(self.new.serial_no, self.provider._wechat_get_verification_keys())
        for _i in range(2):
            response = self._notify(order, serial=unknown.serial_no, key=unknown)
            self.assertEqual(response.status_code, 401)
        self.assertEqual(len(self.fake.calls(PATH)), 1)
        self.provider.wechat_certificates_tried -= timedelta(minutes=5)
        response = self._notify(order, serial=unknown.serial_no, key=self.new)
        self.assertEqual(response.status_code, 401, "no other key is tried")
        self.assertEqual(len(self.fake.calls(PATH)), 2)

    @mute_logger(*LOGGERS)
    def test_an_answer_signed_with_a_new_certificate_is_believed_after_a_fetch(self):
        self._use_certificates()
        self._fetch()
        self.fake.certificates = [self.old, self.new]
        self.fake.override('S00042', lambda request: self.fake.signed(
            {'answer': 1}, serial=self.new.serial_no, key=self.new,
        ))
        path = '/v3/pay/transactions/out-trade-no/S00042'
        self.assertEqual(self.provider._wechat_request('GET', path), {'answer': 1})

    @mute_logger(*LOGGERS)
    def test_an_unknown_serial_makes_no_call_for_who_has_no_certificates(self):
        tx = self._create_wechat_order()
        response = self._notify(
            self.fake.pay(tx.reference), serial=self.new.serial_no, key=self.new,
        )
        self.assertEqual(response.status_code, 401)
        self.assertFalse(self.fake.calls(PATH))

    def test_both_kinds_of_signature_are_believed_during_the_switch_over(self):
        self._fetch()
        for signing in ({}, {'serial': self.old.serial_no, 'key': self.old}):
            tx = self._create_wechat_order()
            response = self._notify(self.fake.pay(tx.reference), **signing)
            self.assertEqual(response.status_code, 200)
            self.assertEqual(tx.state, 'done')


@tagged('post_install', '-at_install', '-standard', 'wechat_sandbox')
class TestSandboxCertificates(WechatPayCommon, HttpCase):
    """Platform certificates against the project's sandbox."""

    def setUp(self):
        super().setUp()
        self.sandbox = os.environ['WECHAT_SANDBOX_URL'].rstrip('/')
        self.env['ir.config_parameter'].set_param('wechat.pay_url', self.sandbox)
        self._control('POST', 'reset')
        merchant = self._control('PATCH', f'merchants/{MCHID}', trust_mode='certificate')
        self.provider.write({
            'state': 'disabled',
            'wechat_api_v3_key': merchant['api_v3_key'],
            'wechat_merchant_private_key': merchant['merchant_private_key'],
            'wechat_merchant_certificate': merchant['merchant_certificate'],
            'wechat_pay_public_key_id': False,
        })

    def _control(self, method, path, /, **body):
        response = requests.request(
            method, f'{self.sandbox}/_sandbox/{path}', json=body or None, timeout=10,
        )
        self.assertEqual(response.status_code, 200, response.text)
        return response.json()

    def test_certificates_are_fetched_rotated_and_used(self):
        self.provider.action_wechat_fetch_certificates()
        self.assertEqual(len(self.provider.wechat_certificate_ids), 1)
        self.provider.state = 'enabled'
        tx = self._create_wechat_order(placed=False)
        self.assertEqual(tx._wechat_query(), {})
        self._control('POST', f'merchants/{MCHID}/certificates')
        self.provider._wechat_fetch_certificates()
        self.assertEqual(len(self.provider.wechat_certificate_ids), 2)
        problems = [
            problem for request in self._control('GET', 'requests')['requests']
            for problem in request['problems'] if 'ORDER_NOT_EXIST' not in problem
        ]
        self.assertEqual(problems, [])

    @mute_logger(*LOGGERS)
    def test_a_merchant_in_public_key_mode_is_told(self):
        self._control('PATCH', f'merchants/{MCHID}', trust_mode='public_key')
        self.assertFalse(self.provider.wechat_pay_public_key)
        action = self.provider.action_wechat_fetch_certificates()
        self.assertIn("must use the WeChat Pay public key", action['params']['message'])

    @mute_logger(*LOGGERS)
    def test_the_backup_host_answers_when_the_main_one_is_broken(self):
        world = self._control('GET', 'world')
        self.env['ir.config_parameter'].set_param('wechat.pay_backup_url', world['backup_url'])
        for action in ({'action': 'drop'}, {'action': 'status', 'status': 502, 'code': ''}):
            self._control(
                'POST', 'faults', path='/v3/certificates', host='main', times=1, **action,
            )
            self.assertEqual(len(self.provider._wechat_fetch_certificates()), 1)
        self.provider.state = 'enabled'
        tx = self._create_wechat_order(placed=False)
        self._control('POST', 'faults', path='/v3/pay/', host='main', times=9, action='drop')
        self.assertEqual(tx._wechat_query(), {})
