# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import logging

from odoo.exceptions import AccessError, ValidationError
from odoo.modules.neutralize import get_neutralization_queries
from odoo.tests import Form, tagged
from odoo.tools import mute_logger

from odoo.addons.payment.const import SENSITIVE_KEYS
from odoo.addons.payment.logging import SensitiveDataFilter
from odoo.addons.wechat_payment.const import ENTERED_KEYS
from odoo.addons.wechat_payment.tests.common import API_V3_KEY, WechatPayCommon
from odoo.addons.wechat_payment.tests.fake_wechat_pay import API_V2_KEY, get_key_pair

API = 'odoo.addons.wechat_payment.models.payment_provider_api'


@tagged('post_install', '-at_install')
class TestProvider(WechatPayCommon):

    def test_the_serial_is_read_from_the_certificate(self):
        self.assertEqual(self.provider.wechat_merchant_serial, self.merchant.serial_no)

    def test_a_typed_serial_stays_where_there_is_no_certificate(self):
        self.provider.wechat_merchant_certificate = False
        self.provider.wechat_merchant_serial = 'abcdef0123456789abcdef'
        self.assertEqual(self.provider.wechat_merchant_serial, 'ABCDEF0123456789ABCDEF')

    def test_wrong_keys_are_refused_when_saved(self):
        other = get_key_pair('wechat')
        for values, text in (
            ({'wechat_api_v3_key': 'short'}, "32"),
            ({'wechat_api_v3_key': "密" * 32}, "32"),
            ({'wechat_merchant_private_key': 'no key'}, "apiclient_key.pem"),
            ({'wechat_merchant_private_key': other.public_pem}, "apiclient_key.pem"),
            ({'wechat_merchant_private_key': other.private_pem}, "belong together"),
            ({'wechat_merchant_certificate': 'no certificate'}, "apiclient_cert.pem"),
            ({'wechat_merchant_certificate': other.certificate_pem}, "belong together"),
            ({'wechat_merchant_serial': '0123456789ABCDEF'}, "serial"),
            ({'wechat_pay_public_key': 'no key'}, "pub_key.pem"),
            ({'wechat_pay_public_key': other.private_pem}, "pub_key.pem"),
            ({'wechat_pay_public_key': self.merchant.public_pem}, "merchant's own"),
            ({'wechat_pay_public_key_id': '0119000000012026'}, "PUB_KEY_ID_"),
            ({'wechat_pay_public_key_id': False}, "Public Key ID"),
            ({'wechat_mch_id': 'wx0000000000000002'}, "merchant number"),
            ({'wechat_notify_base_url': 'http://shop.example.com'}, "https"),
            ({'wechat_notify_base_url': 'https://shop.example.com/?db=a'}, "https"),
            ({'wechat_notify_base_url': 'shop.example.com'}, "https"),
        ):
            with self.subTest(text, fields=list(values)):
                with self.assertRaises(ValidationError) as caught:
                    self.provider.write(values)
                self.assertIn(text, str(caught.exception))
            for value in values.values():
                if value and len(str(value)) > 32:
                    self.assertNotIn(value, str(caught.exception))

    def test_an_enabled_provider_must_be_able_to_sign_decrypt_and_verify(self):
        for name in (
            'wechat_api_v3_key', 'wechat_merchant_private_key', 'wechat_mch_id',
        ):
            with self.subTest(name), self.assertRaises(ValidationError):
                self.provider.write({name: False})
        with self.assertRaises(ValidationError):
            self.provider.write({'wechat_pay_public_key': False, 'wechat_pay_public_key_id': False})

    def test_a_platform_certificate_serves_instead_of_the_public_key(self):
        self.provider.wechat_certificate_ids = [
            (0, 0, {'certificate': get_key_pair('platform').certificate_pem}),
        ]
        self.provider.write({'wechat_pay_public_key': False, 'wechat_pay_public_key_id': False})
        self.assertEqual(
            list(self.provider._wechat_get_verification_keys()),
            [get_key_pair('platform').serial_no],
        )

    def test_a_certificate_record_tells_its_serial_and_validity(self):
        platform = get_key_pair('platform')
        certificate = self.env['wechat.pay.certificate'].create({
            'provider_id': self.provider.id, 'certificate': platform.certificate_pem,
        })
        self.assertEqual(certificate.serial_no, platform.serial_no)
        self.assertLess(certificate.effective_time, certificate.expire_time)
        for text in ('no certificate', self.merchant.certificate_pem, platform.public_pem):
            with self.subTest(text[:30]), self.assertRaises(ValidationError):
                self.env['wechat.pay.certificate'].create({
                    'provider_id': self.provider.id, 'certificate': text,
                })

    def test_it_takes_cny_only(self):
        self.assertEqual(self.provider.available_currency_ids, self.currency_cny)

    def test_its_payment_method_is_the_one_of_core(self):
        method = self.env.ref('payment.payment_method_wechat_pay')
        self.assertIn(method, self.provider.payment_method_ids)
        self.assertEqual(self.provider._get_default_payment_method_codes(), {'wechat_pay'})

    def test_credentials_are_not_copied(self):
        copy = self.provider.copy()
        for name in (
            'wechat_mch_id', 'wechat_api_v3_key', 'wechat_merchant_private_key',
            'wechat_merchant_certificate', 'wechat_pay_public_key', 'wechat_app_ids',
        ):
            self.assertFalse(copy[name], name)

    def test_only_settings_administrators_read_the_credentials(self):
        provider = self.provider.with_user(self.internal_user)
        for name in ('wechat_api_v3_key', 'wechat_merchant_private_key'):
            with self.subTest(name), self.assertRaises(AccessError):
                provider.read([name])
        with self.assertRaises(AccessError):
            self.provider.with_user(self.portal_user).action_wechat_check_credentials()

    def test_the_form_never_gets_a_stored_key(self):
        self.provider.wechat_api_v2_key = API_V2_KEY
        form = Form(self.provider, 'payment.payment_provider_form')
        for name in ENTERED_KEYS:
            self.assertFalse(form[f'wechat_{name}_input'])
            self.assertTrue(form[f'wechat_has_{name}'])
            self.assertNotIn(f'wechat_{name}', form._view['fields'])
        form.save()
        self.assertEqual(self.provider.wechat_api_v3_key, API_V3_KEY, "empty means unchanged")
        form.wechat_api_v3_key_input = 'f' * 32
        form.save()
        self.assertEqual(self.provider.wechat_api_v3_key, 'f' * 32)

    def test_clearing_the_public_key_id_removes_the_key(self):
        self.provider.state = 'disabled'
        self.provider.wechat_pay_public_key_id = False
        self.assertFalse(self.provider.wechat_pay_public_key)

    def test_the_check_says_when_all_is_well(self):
        action = self.provider.action_wechat_check_credentials()
        self.assertEqual(action['params']['type'], 'success')
        self.assertEqual(self.provider.wechat_check_state, 'ok')
        self.assertTrue(self.provider.wechat_last_check)

    @mute_logger(API)
    def test_the_check_says_what_is_wrong(self):
        for answer, text in (
            (lambda request: self.fake.error(401, 'SIGN_ERROR'), "replaced or revoked"),
            (lambda request: self.fake.error(400, 'MCH_NOT_EXISTS'), "merchant number"),
            (lambda request: self.fake.error(403, 'NO_AUTH'), "IP allow list"),
            (lambda request: (404, {}, b''), "HTTP 404"),
            (lambda request: self.fake.error(500, 'SYSTEM_ERROR'), "error of its own"),
            (lambda request: (200, {}, b'{}'), "signed"),
            (None, "does not answer"),
        ):
            with self.subTest(text):
                self.fake.override('check-', answer)
                action = self.provider.action_wechat_check_credentials()
                self.assertEqual(action['params']['type'], 'danger')
                self.assertIn(text, action['params']['message'])
                self.assertEqual(self.provider.wechat_check_state, 'error')
                self.assertEqual(self.provider.wechat_last_error, action['params']['message'])

    def test_the_check_finds_what_is_missing_without_a_call(self):
        self.provider.wechat_app_ids = False
        self.assertIn("app", self.provider._wechat_check_credentials())
        self.provider.state = 'disabled'
        self.provider.wechat_api_v3_key = False
        self.assertIn("APIv3", self.provider._wechat_check_credentials())
        self.assertFalse(self.fake.requests)

    def test_the_check_refuses_an_address_that_cannot_be_notified(self):
        self.provider.wechat_notify_base_url = False
        self.env['ir.config_parameter'].set_param('web.base.url', 'http://shop.example.com')
        self.assertIn("notif", self.provider._wechat_check_credentials())
        self.assertFalse(self.fake.requests)

    def test_settings_write_the_companys_provider(self):
        provider = self.provider
        provider.write({'state': 'disabled', 'is_published': False, 'wechat_app_ids': [(5, 0, 0)]})
        settings = self.env['res.config.settings'].create({})
        self.assertEqual(settings.wechat_pay_mch_id, provider.wechat_mch_id)
        self.assertFalse(settings.wechat_pay_api_v3_key)
        self.assertFalse(settings.wechat_pay_merchant_private_key)
        settings.write({
            'wechat_pay_state': 'enabled',
            'wechat_pay_mch_id': ' 1900000009 ',
            'wechat_pay_api_v3_key': 'e' * 32,
            'wechat_pay_merchant_private_key': get_key_pair('other').private_pem,
            'wechat_pay_merchant_certificate': get_key_pair('other').certificate_pem,
        })
        settings.execute()
        self.assertEqual(provider.state, 'enabled')
        self.assertTrue(provider.is_published)
        self.assertEqual(provider.wechat_mch_id, '1900000009')
        self.assertEqual(provider.wechat_api_v3_key, 'e' * 32)
        self.assertEqual(provider.wechat_merchant_serial, get_key_pair('other').serial_no)
        self.assertEqual(provider.wechat_app_ids, self.app)

    def test_settings_leave_an_empty_secret_unchanged(self):
        self.env['res.config.settings'].create({}).execute()
        self.assertEqual(self.provider.wechat_api_v3_key, API_V3_KEY)
        self.assertEqual(
            self.provider.wechat_merchant_private_key, self.merchant.private_pem.strip(),
        )

    def test_the_payment_engines_logs_mask_what_is_secret(self):
        record = logging.LogRecord('payment', logging.INFO, '', 0, "%s %s", (
            {'paySign': 'SECRET1', 'payer': {'openid': 'SECRET2'}},
            str({'wechat_api_v3_key': 'SECRET3', 'code_url': 'SECRET4'}),
        ), None)
        SensitiveDataFilter(SENSITIVE_KEYS).filter(record)
        self.assertNotIn('SECRET', record.getMessage())

    def test_a_neutralized_copy_knows_no_merchant(self):
        self.provider.write({
            'wechat_certificates_fetched': '2026-01-02', 'wechat_certificates_tried': '2026-01-02',
            'wechat_certificate_ids': [
                (0, 0, {'certificate': get_key_pair('platform').certificate_pem}),
            ],
        })
        tx = self._create_wechat_order()
        self.env.flush_all()
        for query in get_neutralization_queries(['wechat_payment']):
            self.env.cr.execute(query)
        self.env.invalidate_all()
        for name in (
            'wechat_mch_id', 'wechat_api_v3_key', 'wechat_merchant_private_key',
            'wechat_certificates_fetched', 'wechat_certificates_tried', 'wechat_certificate_ids',
        ):
            self.assertFalse(self.provider[name], name)
        self.assertFalse(tx.wechat_order_body)
