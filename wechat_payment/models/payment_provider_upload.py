# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import base64
import binascii

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.fields import Command

from odoo.addons.wechat_payment import const
from odoo.addons.wechat_payment.protocol import key_files, keys

FILE_FIELDS = (
    'wechat_private_key_file', 'wechat_certificate_file', 'wechat_pkcs12_file',
    'wechat_public_key_file',
)


class PaymentProvider(models.Model):
    """What is entered and uploaded in forms, put into the fields that keep it.

    All of it is translated before anything is written, so that keys that belong together are
    checked together.
    """

    _inherit = 'payment.provider'

    wechat_private_key_file = fields.Binary(
        string="Upload apiclient_key.pem", compute='_compute_wechat_files', readonly=False,
        groups='base.group_system',
        help="The merchant private key, made with the certificate tool: Account Center ▸ API"
             " security ▸ Merchant API certificate (账户中心 ▸ API安全 ▸ 商户API证书).",
    )
    wechat_certificate_file = fields.Binary(
        string="Upload apiclient_cert.pem", compute='_compute_wechat_files', readonly=False,
        groups='base.group_system',
        help="The merchant certificate, in the same folder as the key. Its serial number is read"
             " from it.",
    )
    wechat_pkcs12_file = fields.Binary(
        string="Upload apiclient_cert.p12", compute='_compute_wechat_files', readonly=False,
        groups='base.group_system',
        help="Private key and certificate in one file. Its password is the merchant number: enter"
             " that first.",
    )
    wechat_public_key_file = fields.Binary(
        string="Upload pub_key.pem", compute='_compute_wechat_files', readonly=False,
        groups='base.group_system',
        help="The WeChat Pay public key: Account Center ▸ API security ▸ WeChat Pay public key"
             " (账户中心 ▸ API安全 ▸ 微信支付公钥).",
    )

    # === COMPUTE METHODS === #

    def _compute_wechat_files(self):
        for name in FILE_FIELDS:
            self[name] = False

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        return super().create([
            self.browse()._wechat_take_entered(dict(vals)) for vals in vals_list
        ])

    def write(self, vals):
        names = {*FILE_FIELDS, *(f'wechat_{name}_input' for name in const.ENTERED_KEYS)}
        if not names.intersection(vals):
            return super().write(vals)
        for provider in self:
            super(PaymentProvider, provider).write(provider._wechat_take_entered(dict(vals)))
        return True

    # === BUSINESS METHODS === #

    def _wechat_take_entered(self, values):
        """Replace what was entered and uploaded by the values of the fields that keep it.

        :param dict values: What a form writes to this record, or creates one with. An empty entry
            leaves a key unchanged.
        :return: The same, without entries and files.
        :rtype: dict
        :raise ValidationError: If a file is not what WeChat Pay hands out.
        """
        for name in const.ENTERED_KEYS:
            if entered := values.pop(f'wechat_{name}_input', False):
                values[f'wechat_{name}'] = entered
        for name in FILE_FIELDS:
            if content := values.pop(name, False):
                self._wechat_take_file(values, self._fields[name].string, content)
        return values

    def _wechat_take_file(self, values, label, content):
        """Put a file where it belongs by what is in it, not by where it was uploaded.

        :param dict values: The values to write, which are added to.
        :param str label: Where it was uploaded, for messages.
        :param content: The file in base64.
        :return: None
        :raise ValidationError: If it is not what WeChat Pay hands out.
        """
        kind = None
        try:
            data = base64.b64decode(content)
            kind = key_files.recognise(data)
            if kind == 'pkcs12':
                mch_id = (values.get('wechat_mch_id') or self.sudo().wechat_mch_id or '').strip()
                if not mch_id:
                    raise ValidationError(self.env._(
                        "Enter the merchant number first: it is the password of"
                        " apiclient_cert.p12."
                    ))
                private_key, certificate = key_files.read_pkcs12(data, mch_id)
                values['wechat_merchant_private_key'] = private_key
                values['wechat_merchant_certificate'] = certificate
                return
            kind, pem = key_files.read_pem(data)
        except (binascii.Error, keys.KeyFormatError):
            raise ValidationError(self._wechat_describe_wrong_file(label, kind)) from None
        if kind == 'private_key':
            values['wechat_merchant_private_key'] = pem
        elif kind == 'public_key':
            values['wechat_pay_public_key'] = pem
        elif self._wechat_is_platform_certificate(pem):
            values['wechat_certificate_ids'] = [
                *(values.get('wechat_certificate_ids') or []),
                Command.create({'certificate': pem}),
            ]
        else:
            values['wechat_merchant_certificate'] = pem

    def _wechat_is_platform_certificate(self, pem):
        """Tell a platform certificate from a merchant's by whom it names.

        Merchants' certificates name the merchant number, WeChat Pay's own name Tenpay (unverified).
        In doubt it is a merchant's, which must belong to the private key and is trusted by nobody.

        :param str pem: The certificate.
        :rtype: bool
        """
        return 'tenpay' in keys.read_certificate(pem)['subject'].lower()

    def _wechat_describe_wrong_file(self, label, kind):
        """Return what is wrong with a file, and which one is wanted.

        :param str label: Where it was uploaded.
        :param str kind: What it seems to be.
        :rtype: str
        """
        if kind == 'pkcs12':
            return self.env._(
                "%(field)s: the file cannot be opened. apiclient_cert.p12 has the merchant number"
                " as its password; compare the number, or upload apiclient_key.pem and"
                " apiclient_cert.pem instead.",
                field=label,
            )
        if kind:
            return self.env._(
                "%(field)s: the file is damaged, or its key is shorter than 2048 bits. Download it"
                " again from pay.weixin.qq.com, Account Center ▸ API security.",
                field=label,
            )
        return self.env._(
            "%(field)s: this is none of the files of WeChat Pay. Wanted are apiclient_key.pem,"
            " apiclient_cert.pem or apiclient_cert.p12 (made with the merchant certificate) and"
            " pub_key.pem (the WeChat Pay public key).",
            field=label,
        )
