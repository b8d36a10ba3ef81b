# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import base64

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs12

from odoo.exceptions import AccessError, ValidationError
from odoo.modules.neutralize import get_neutralization_queries
from odoo.tests import Form, tagged

from odoo.addons.payment.const import SENSITIVE_KEYS
from odoo.addons.wechat_payment.tests.fake_wechat_pay import API_V2_KEY, API_V3_KEY
from odoo.addons.wechat_payment.tests.fake_wechat_pay_v2 import WechatPayV2Common

SECRETS = ('wechat_api_v2_key', 'wechat_merchant_private_key')
SUB_MCHID = '1900000200'


@tagged('post_install', '-at_install')
class TestProviderV2(WechatPayV2Common):

    def _assert_refused(self, values, text):
        with self.subTest(text, fields=list(values)):
            with self.assertRaises(ValidationError) as caught:
                self.provider.write(values)
            self.assertIn(text, str(caught.exception))

    def test_hmac_is_the_type_of_signature_unless_another_is_chosen(self):
        self.assertEqual(self.provider.wechat_v2_sign_type, 'HMAC-SHA256')

    def test_an_enabled_provider_of_v2_needs_no_credentials_of_v3(self):
        self.assertEqual(self.provider.state, 'test')
        self.provider.state = 'enabled'
        self.assertFalse(self.provider.wechat_api_v3_key)

    def test_an_enabled_provider_of_v2_must_be_able_to_sign_and_to_refund(self):
        for name, label in (
            ('wechat_api_v2_key', "APIv2 Key"),
            ('wechat_merchant_private_key', "Merchant Private Key"),
            ('wechat_merchant_certificate', "Merchant Certificate"),
        ):
            self._assert_refused({name: False}, label)

    def test_a_provider_changes_its_version_only_with_the_keys_of_the_other(self):
        self._assert_refused({'wechat_api_version': 'v3'}, "APIv3 Key")
        self.provider.write({
            'wechat_api_version': 'v3', 'wechat_api_v3_key': API_V3_KEY,
            'wechat_pay_public_key_id': 'PUB_KEY_ID_01',
            'wechat_pay_public_key': self.wechat.public_pem,
        })
        self.assertTrue(self.provider._wechat_has_v2(), "its old orders are still finished")
        self.provider.wechat_api_v2_key = False
        self._assert_refused({'wechat_api_version': 'v2'}, "APIv2 Key")

    def test_a_key_that_cannot_be_one_is_refused(self):
        for key in ('short', 'x' * 33, "密" * 32, 'x' * 31 + '-'):
            self._assert_refused({'wechat_api_v2_key': key}, "32 plain letters and digits")
        self.provider.wechat_api_v2_key = f' {API_V2_KEY}\n'
        self.assertEqual(self.provider.wechat_api_v2_key, API_V2_KEY)

    def test_one_key_for_both_versions_is_pointed_out(self):
        self.assertFalse(self.provider.wechat_has_same_keys)
        self.provider.wechat_api_v3_key = API_V2_KEY
        self.assertTrue(self.provider.wechat_has_same_keys)
        self.provider.write({'wechat_api_v3_key': False})
        self.assertFalse(self.provider.wechat_has_same_keys)

    def test_a_sub_merchant_is_another_merchant(self):
        self._assert_refused({'wechat_sub_mch_id': 'wx0000000000000003'}, "digits only")
        self._assert_refused(
            {'wechat_sub_mch_id': self.provider.wechat_mch_id}, "service provider's",
        )
        self._assert_refused({'wechat_sub_appid': 'wx0000000000000003'}, "sub-merchant number")
        self._assert_refused(
            {'wechat_sub_mch_id': SUB_MCHID, 'wechat_sub_appid': SUB_MCHID}, "not an AppID",
        )
        self.assertFalse(self.provider._wechat_is_partner())
        self.provider.write({
            'wechat_sub_mch_id': f' {SUB_MCHID} ', 'wechat_sub_appid': 'wx0000000000000003',
        })
        self.assertTrue(self.provider._wechat_is_partner())
        self.assertEqual(self.provider.wechat_sub_mch_id, SUB_MCHID)

    def test_one_service_provider_serves_several_sub_merchants_of_a_company(self):
        values = {
            'state': 'test', 'wechat_mch_id': self.provider.wechat_mch_id,
            'wechat_api_v2_key': API_V2_KEY, 'wechat_sub_mch_id': SUB_MCHID,
            'wechat_merchant_private_key': self.merchant.private_pem,
            'wechat_merchant_certificate': self.merchant.certificate_pem,
        }
        self.provider.wechat_sub_mch_id = '1900000201'
        second = self.provider.copy()
        second.write(values)
        for number in (SUB_MCHID, f'{SUB_MCHID} '):
            self._assert_refused({'wechat_sub_mch_id': number}, "already used")
        self.provider.write({'wechat_sub_mch_id': ''})
        with self.assertRaises(ValidationError):
            second.wechat_sub_mch_id = False

    def test_keys_are_not_copied(self):
        self.provider.wechat_sub_mch_id = SUB_MCHID
        copy = self.provider.copy()
        for name in (*SECRETS, 'wechat_sub_mch_id', 'wechat_sub_appid'):
            self.assertFalse(copy[name], name)

    def test_only_settings_administrators_read_the_key(self):
        provider = self.provider.with_user(self.internal_user)
        for name in ('wechat_api_v2_key', 'wechat_sub_mch_id', 'wechat_has_same_keys'):
            with self.subTest(name), self.assertRaises(AccessError):
                provider.read([name])

    def test_neither_logs_nor_forms_get_the_key(self):
        self.assertLessEqual({'wechat_api_v2_key', 'wechat_api_v2_key_input'}, SENSITIVE_KEYS)
        form = Form(self.provider, 'payment.payment_provider_form')
        self.assertNotIn('wechat_api_v2_key', form._view['fields'])
        self.assertFalse(form.wechat_api_v2_key_input)
        form.wechat_sub_mch_id = SUB_MCHID
        form.save()
        self.assertEqual(self.provider.wechat_api_v2_key, API_V2_KEY, "empty means unchanged")
        with Form(self.provider, 'payment.payment_provider_form') as form:
            form.wechat_api_v2_key_input = API_V2_KEY[::-1]
        self.assertEqual(self.provider.wechat_api_v2_key, API_V2_KEY[::-1])

    def test_a_reset_and_an_uninstallation_forget_the_key(self):
        self.assertIn('wechat_api_v2_key', self.provider._get_reset_values())
        self.assertIn('wechat_api_v2_key', self.provider._get_removal_values())
        self.provider.wechat_sub_mch_id = SUB_MCHID
        self.provider.action_reset_credentials()
        for name in (*SECRETS, 'wechat_sub_mch_id'):
            self.assertFalse(self.provider[name], name)

    def test_a_neutralized_copy_has_no_key(self):
        self.provider.wechat_sub_mch_id = SUB_MCHID
        self.env.flush_all()
        for query in get_neutralization_queries(['wechat_payment']):
            self.env.cr.execute(query)
        self.env.invalidate_all()
        for name in (*SECRETS, 'wechat_sub_mch_id'):
            self.assertFalse(self.provider[name], name)

    # === SETTINGS AND FILES === #

    def test_the_settings_page_writes_all_of_it_at_once(self):
        self.provider.write({'state': 'disabled', **self.provider._get_reset_values()})
        self.provider.wechat_api_version = 'v3'
        settings = Form(self.env['res.config.settings'])
        settings.wechat_pay_mch_id = '1900000001'
        settings.wechat_pay_sub_mch_id = SUB_MCHID
        settings.wechat_pay_api_version = 'v2'
        settings.wechat_pay_api_v2_key = API_V2_KEY
        settings.wechat_pay_v2_sign_type = 'MD5'
        settings.wechat_pay_merchant_private_key = self.merchant.private_pem
        settings.wechat_pay_merchant_certificate = self.merchant.certificate_pem
        settings.wechat_pay_state = 'enabled'
        settings.save().execute()
        self.assertEqual(self.provider.state, 'enabled')
        self.assertEqual(
            (self.provider.wechat_api_version, self.provider.wechat_v2_sign_type), ('v2', 'MD5'),
        )
        self.assertEqual(self.provider.wechat_sub_mch_id, SUB_MCHID)
        settings = Form(self.env['res.config.settings'])
        self.assertFalse(settings.wechat_pay_api_v2_key, "never shown again")
        self.assertTrue(settings.wechat_pay_has_api_v2_key)
        settings.wechat_pay_sub_mch_id = False
        settings.save().execute()
        self.assertEqual(self.provider.wechat_api_v2_key, API_V2_KEY, "empty means unchanged")
        self.assertFalse(self.provider.wechat_sub_mch_id)

    def test_one_file_is_all_that_v2_needs_beside_its_key(self):
        self.provider.write({
            'state': 'disabled', 'wechat_merchant_private_key': False,
            'wechat_merchant_certificate': False,
        })
        with Form(self.provider, 'payment.payment_provider_form') as form:
            form.wechat_pkcs12_file = base64.b64encode(pkcs12.serialize_key_and_certificates(
                None, self.merchant.key,
                x509.load_pem_x509_certificate(self.merchant.certificate_pem.encode()), None,
                serialization.BestAvailableEncryption(self.provider.wechat_mch_id.encode()),
            ))
            form.state = 'test'
        self.assertTrue(self.provider._wechat_get_client_certificate())
