# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import re

from odoo import api, models
from odoo.exceptions import ValidationError

from odoo.addons.wechat_payment.protocol import keys


class PaymentProvider(models.Model):
    """What keys and certificates must be: of the right kind, in pairs, all there when in use."""

    _inherit = 'payment.provider'

    # === COMPUTE METHODS === #

    @api.depends('wechat_merchant_certificate')
    def _compute_wechat_merchant_serial(self):
        """Read the serial from the certificate, and keep a typed one where there is none."""
        for provider in self:
            certificate = provider.wechat_merchant_certificate
            if not certificate:
                provider.wechat_merchant_serial = provider.wechat_merchant_serial
                continue
            try:
                serial_no = keys.read_certificate(certificate)['serial_no']
            except keys.KeyFormatError:
                continue  # `_check_wechat_keys` says so when the record is saved.
            provider.wechat_merchant_serial = serial_no

    # === CONSTRAINT METHODS === #

    @api.constrains(
        'wechat_api_v3_key', 'wechat_merchant_private_key', 'wechat_merchant_certificate',
        'wechat_merchant_serial', 'wechat_pay_public_key', 'wechat_pay_public_key_id',
    )
    def _check_wechat_keys(self):
        """Check kind and length of each key, and that key and certificate are a pair."""
        for provider in self:
            if message := provider._wechat_find_key_problem():
                raise ValidationError(message)

    @api.constrains(
        'code', 'state', 'wechat_api_v3_key', 'wechat_merchant_private_key',
        'wechat_merchant_serial', 'wechat_pay_public_key', 'wechat_pay_public_key_id',
        'wechat_certificate_ids', 'wechat_api_version', 'wechat_api_v2_key',
        'wechat_merchant_certificate',
    )
    def _check_wechat_complete(self):
        """Check that an enabled provider can sign, decrypt and verify."""
        for provider in self:
            if provider.code != 'wechat_pay' or provider.state == 'disabled':
                continue
            if missing := provider._wechat_get_missing_credentials():
                message = self.env._(
                    "WeChat Pay cannot be enabled yet. Missing: %(fields)s.",
                    fields=', '.join(missing),
                )
                if not provider._wechat_get_missing_credentials(with_trust=False):
                    message = self.env._(
                        "%(message)s A merchant who has no public key fetches the platform"
                        " certificates instead.",
                        message=message,
                    )
                raise ValidationError(message)

    # === BUSINESS METHODS === #

    def _wechat_find_key_problem(self):
        """Return what is wrong with the keys as they are, or `None`.

        :return: A text for the administrator.
        :rtype: str|None
        """
        self.ensure_one()
        api_v3_key = self.wechat_api_v3_key
        if api_v3_key and (len(api_v3_key) != 32 or not api_v3_key.isascii()):
            return self.env._(
                "The APIv3 key must be exactly 32 plain letters and digits; this one has"
                " %(length)s characters. Set it anew on pay.weixin.qq.com, Account Center ▸ API"
                " security.",
                length=len(api_v3_key),
            )
        if self.wechat_merchant_private_key:
            try:
                keys.load_private_key(self.wechat_merchant_private_key)
            except keys.KeyFormatError:
                return self.env._(
                    "The merchant private key cannot be read. Paste the whole file"
                    " apiclient_key.pem, from -----BEGIN PRIVATE KEY----- to -----END PRIVATE"
                    " KEY-----."
                )
        if self.wechat_merchant_certificate:
            try:
                keys.load_public_key(self.wechat_merchant_certificate)
                certificate = keys.read_certificate(self.wechat_merchant_certificate)
            except keys.KeyFormatError:
                return self.env._(
                    "The merchant certificate cannot be read. Paste the whole file"
                    " apiclient_cert.pem, from -----BEGIN CERTIFICATE----- to -----END"
                    " CERTIFICATE-----."
                )
            if self.wechat_merchant_private_key and not keys.is_pair(
                self.wechat_merchant_private_key, self.wechat_merchant_certificate
            ):
                return self.env._(
                    "The merchant private key and the merchant certificate do not belong together."
                    " Take both files from the same folder of the certificate tool."
                )
            if self.wechat_merchant_serial != certificate['serial_no']:
                return self.env._(
                    "The serial number is not the one of the certificate, which is %(serial)s.",
                    serial=certificate['serial_no'],
                )
        elif self.wechat_merchant_serial and not re.fullmatch(
            r'[0-9A-F]{16,40}', self.wechat_merchant_serial
        ):
            return self.env._(
                "A certificate serial number has up to 40 characters out of 0-9 and A-F, as"
                " pay.weixin.qq.com shows it. Paste the certificate and it is filled in."
            )
        if self.wechat_pay_public_key:
            try:
                keys.load_public_key(self.wechat_pay_public_key)
            except keys.KeyFormatError:
                return self.env._(
                    "The WeChat Pay public key cannot be read. Paste the whole file pub_key.pem,"
                    " from -----BEGIN PUBLIC KEY----- to -----END PUBLIC KEY-----."
                )
            if self.wechat_merchant_private_key and keys.is_pair(
                self.wechat_merchant_private_key, self.wechat_pay_public_key
            ):
                return self.env._(
                    "This is the merchant's own public key. Download the WeChat Pay public key"
                    " (pub_key.pem) from Account Center ▸ API security."
                )
        if self.wechat_pay_public_key_id and not re.fullmatch(
            r'PUB_KEY_ID_[0-9A-Za-z]{1,64}', self.wechat_pay_public_key_id
        ):
            return self.env._(
                "A public key ID starts with PUB_KEY_ID_, as pay.weixin.qq.com shows it beside the"
                " public key."
            )
        if bool(self.wechat_pay_public_key) != bool(self.wechat_pay_public_key_id):
            return self.env._("The WeChat Pay public key and its ID are only of use together.")
        return None

    def _wechat_get_missing_credentials(self, with_trust=True):
        """Return the labels of what an enabled provider still lacks.

        :param bool with_trust: Whether a key to verify WeChat Pay with is among them.
        :rtype: list[str]
        """
        self.ensure_one()
        if self.wechat_api_version == 'v2':
            # The key signs and verifies; refunds want the certificate with its private key.
            names = [
                'wechat_api_v2_key', 'wechat_merchant_private_key', 'wechat_merchant_certificate',
            ]
        else:
            names = ['wechat_api_v3_key', 'wechat_merchant_private_key', 'wechat_merchant_serial']
            if with_trust and not self.wechat_certificate_ids._filter_valid():
                names += ['wechat_pay_public_key_id', 'wechat_pay_public_key']
        return [
            self._fields[name].get_description(self.env, ['string'])['string']
            for name in names if not self[name]
        ]
