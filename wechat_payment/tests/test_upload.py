# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import base64

from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    load_pem_private_key,
    pkcs12,
)
from cryptography.x509 import load_pem_x509_certificate

from odoo.exceptions import AccessError, ValidationError
from odoo.tests import Form, tagged

from odoo.addons.wechat_payment.models.payment_provider_upload import FILE_FIELDS
from odoo.addons.wechat_payment.tests.common import API_V3_KEY, MCHID, WechatPayCommon
from odoo.addons.wechat_payment.tests.fake_wechat_pay import PUBLIC_KEY_ID, KeyPair, get_key_pair


def encode(content):
    return base64.b64encode(content.encode() if isinstance(content, str) else content)


def build_p12(pair, password=MCHID):
    return encode(pkcs12.serialize_key_and_certificates(
        b'Tenpay Certificate', load_pem_private_key(pair.private_pem.encode(), None),
        load_pem_x509_certificate(pair.certificate_pem.encode()), None,
        BestAvailableEncryption(password.encode()),
    ))


@tagged('post_install', '-at_install')
class TestUpload(WechatPayCommon):

    def setUp(self):
        super().setUp()
        self.other = get_key_pair('other')

    def _assert_merchant(self, pair):
        private_key = self.provider.wechat_merchant_private_key
        self.assertEqual(private_key.strip(), pair.private_pem.strip())
        self.assertEqual(self.provider.wechat_merchant_serial, pair.serial_no)

    def _assert_refused(self, values, text):
        before = self.provider.wechat_merchant_private_key
        with self.assertRaises(ValidationError) as caught:
            self.provider.write(values)
        self.assertIn(text, str(caught.exception))
        self.assertNotIn('PRIVATE KEY-----\n', str(caught.exception))
        self.assertEqual(self.provider.wechat_merchant_private_key, before)

    def test_key_and_certificate_are_taken_together(self):
        self.provider.write({
            'wechat_private_key_file': encode(self.other.private_pem),
            'wechat_certificate_file': encode(self.other.certificate_pem),
        })
        self._assert_merchant(self.other)

    def test_files_in_the_wrong_place_are_put_where_they_belong(self):
        self.provider.write({
            'wechat_private_key_file': encode(self.other.certificate_pem),
            'wechat_certificate_file': encode(get_key_pair('wechat 2').public_pem),
            'wechat_public_key_file': encode(self.other.private_pem),
        })
        self._assert_merchant(self.other)
        self.assertEqual(
            self.provider.wechat_pay_public_key.strip(),
            get_key_pair('wechat 2').public_pem.strip(),
        )
        self.assertEqual(self.provider.wechat_pay_public_key_id, PUBLIC_KEY_ID)

    def test_a_p12_file_gives_both(self):
        self.provider.wechat_pkcs12_file = build_p12(self.other)
        self._assert_merchant(self.other)

    def test_the_p12_files_password_is_the_number_that_is_entered_with_it(self):
        self.provider.write({
            'wechat_mch_id': '1900000009',
            'wechat_pkcs12_file': build_p12(self.other, '1900000009'),
        })
        self._assert_merchant(self.other)

    def test_a_p12_file_of_another_merchant_is_refused(self):
        self._assert_refused(
            {'wechat_pkcs12_file': build_p12(self.other, '1900000009')}, "merchant number",
        )
        self.provider.state = 'disabled'
        self.provider.wechat_mch_id = False
        self._assert_refused({'wechat_pkcs12_file': build_p12(self.other)}, "first")

    def test_pairs_are_checked(self):
        self._assert_refused(
            {'wechat_private_key_file': encode(self.other.private_pem)}, "belong together",
        )
        self._assert_refused(
            {'wechat_public_key_file': encode(self.merchant.public_pem)}, "merchant's own",
        )

    def test_what_stands_around_a_key_is_left_out(self):
        text = 'Bag Attributes\r\n    friendlyName: Tenpay\r\n' + (
            self.other.private_pem.replace('\n', '\r\n')
        )
        chain = self.other.certificate_pem + get_key_pair('platform').certificate_pem
        self.provider.write({
            'wechat_private_key_file': encode(text),
            'wechat_certificate_file': encode(b'\xef\xbb\xbf' + chain.encode()),
        })
        self._assert_merchant(self.other)

    def test_a_platform_certificate_is_kept_as_one(self):
        platform = KeyPair('Tenpay.com sign')
        self.provider.wechat_certificate_file = encode(platform.certificate_pem)
        self.assertEqual(self.provider.wechat_certificate_ids.serial_no, platform.serial_no)
        self.assertEqual(self.provider.wechat_certificate_ids.source, 'manual')
        self._assert_merchant(self.merchant)

    def test_other_files_are_refused_with_help(self):
        cut = self.other.private_pem[:300]
        for content, text in (
            ('hello', "none of the files"),
            (b'\x89PNG\r\n', "none of the files"),
            ('x' * 70000, "none of the files"),
            (cut, "damaged"),
            (self.other.private_pem.replace('M', '!'), "damaged"),
            (b'\x30\x82\x01\x00garbage', "cannot be opened"),
        ):
            for name in FILE_FIELDS:
                with self.subTest(text, field=name):
                    self._assert_refused({name: encode(content)}, text)

    def test_the_form_takes_files_and_never_gives_them_back(self):
        form = Form(self.provider, 'payment.payment_provider_form')
        form.wechat_pkcs12_file = build_p12(self.other)
        form.save()
        self._assert_merchant(self.other)
        for name in FILE_FIELDS:
            self.assertFalse(self.provider.read([name])[0][name])
            with self.assertRaises(AccessError):
                self.provider.with_user(self.internal_user).read([name])

    def test_everything_can_be_entered_and_enabled_at_once(self):
        self.provider.write({'state': 'disabled', **self.provider._get_reset_values()})
        self.assertFalse(self.provider.wechat_merchant_private_key)
        self.provider.write({
            'state': 'enabled',
            'wechat_mch_id': MCHID,
            'wechat_api_v3_key_input': API_V3_KEY,
            'wechat_pkcs12_file': build_p12(self.other),
            'wechat_pay_public_key_id': PUBLIC_KEY_ID,
            'wechat_public_key_file': encode(self.wechat.public_pem),
        })
        self._assert_merchant(self.other)
        self.assertEqual(self.provider.state, 'enabled')

    def test_a_merchant_number_belongs_to_one_enabled_provider_of_a_company(self):
        copy = self.provider.copy()
        values = {
            'wechat_mch_id': MCHID, 'wechat_api_v3_key': API_V3_KEY,
            'wechat_pkcs12_file': build_p12(self.other),
            'wechat_pay_public_key_id': PUBLIC_KEY_ID,
            'wechat_pay_public_key': self.wechat.public_pem,
        }
        copy.write(values)
        with self.assertRaises(ValidationError) as caught:
            copy.state = 'enabled'
        self.assertIn("already used", str(caught.exception))
        copy.wechat_mch_id = '1900000009'
        copy.state = 'enabled'
