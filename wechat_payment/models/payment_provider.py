# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import ipaddress
import re
from urllib.parse import urlsplit

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.fields import Command

from odoo.addons.wechat_payment import const
from odoo.addons.wechat_payment.controllers.main import WechatPayController


class PaymentProvider(models.Model):
    _inherit = 'payment.provider'

    code = fields.Selection(
        selection_add=[('wechat_pay', "WeChat Pay")], ondelete={'wechat_pay': 'set default'},
    )
    wechat_mch_id = fields.Char(
        string="Merchant Number", required_if_provider='wechat_pay', copy=False,
        groups='base.group_system',
        help="商户号: pay.weixin.qq.com, Account Center ▸ Merchant information.",
    )
    wechat_app_ids = fields.Many2many(
        string="Apps", comodel_name='wechat.app', relation='wechat_pay_provider_app_rel',
        column1='provider_id', column2='app_id', copy=False, check_company=True,
        help="The mini-programs and accounts in which customers pay this merchant. Each must be"
             " bound to the merchant number: pay.weixin.qq.com, Product Center ▸ AppID account"
             " management.",
    )
    wechat_notify_base_url = fields.Char(
        string="Notification Base Address", copy=False, groups='base.group_system',
        help="The public https address under which WeChat Pay reaches this Odoo, as"
             " https://shop.example.com. Empty: the system parameter web.base.url.",
    )
    wechat_api_version = fields.Selection(
        string="API Version", selection=[('v3', "API v3"), ('v2', "API v2")], default='v3',
        required=True, groups='base.group_system',
        help="API v3 unless this merchant has no APIv3 key. Payments that were begun with the other"
             " version are finished with it as long as its keys are kept here.",
    )
    wechat_api_v3_key = fields.Char(
        string="APIv3 Key", copy=False, prefetch=False, groups='base.group_system',
        help="APIv3密钥: Account Center ▸ API security. 32 characters that you chose; they cannot"
             " be read back there, only set anew.",
    )
    wechat_merchant_certificate = fields.Text(
        string="Merchant Certificate", copy=False, prefetch=False, groups='base.group_system',
        help="File apiclient_cert.pem: Account Center ▸ API security ▸ Merchant API certificate."
             " The serial number is read from it.",
    )
    wechat_merchant_serial = fields.Char(
        string="Certificate Serial Number", copy=False, groups='base.group_system',
        compute='_compute_wechat_merchant_serial', store=True, readonly=False,
        help="证书序列号 of the merchant certificate. Read from the certificate if you paste that.",
    )
    wechat_merchant_private_key = fields.Text(
        string="Merchant Private Key", copy=False, prefetch=False, groups='base.group_system',
        help="File apiclient_key.pem, made together with the merchant certificate.",
    )
    wechat_pay_public_key_id = fields.Char(
        string="WeChat Pay Public Key ID", copy=False, groups='base.group_system',
        help="公钥ID: PUB_KEY_ID_ and digits, Account Center ▸ API security ▸ WeChat Pay public"
             " key.",
    )
    wechat_pay_public_key = fields.Text(
        string="WeChat Pay Public Key", copy=False, prefetch=False, groups='base.group_system',
        help="File pub_key.pem from the same place. It proves that an answer is from WeChat Pay.",
    )
    wechat_certificate_ids = fields.One2many(
        string="Platform Certificates", comodel_name='wechat.pay.certificate',
        inverse_name='provider_id', copy=False,
        help="Only for merchants that have no WeChat Pay public key, or are switching to it.",
    )
    # What is entered in forms. What is stored is not sent back to a browser (secrets must not be,
    # and long texts are of no use there); empty means unchanged.
    wechat_api_v3_key_input = fields.Char(
        string="Enter APIv3 Key", compute='_compute_wechat_inputs',
        readonly=False, groups='base.group_system',
        help="APIv3密钥: Account Center ▸ API security. 32 characters that you chose; they cannot"
             " be read back there, only set anew.",
    )
    wechat_merchant_private_key_input = fields.Text(
        string="Enter Merchant Private Key", compute='_compute_wechat_inputs',
        readonly=False, groups='base.group_system',
        help="The text of apiclient_key.pem, made together with the merchant certificate.",
    )
    wechat_merchant_certificate_input = fields.Text(
        string="Enter Merchant Certificate", compute='_compute_wechat_inputs',
        readonly=False, groups='base.group_system',
        help="The text of apiclient_cert.pem: Account Center ▸ API security ▸ Merchant API"
             " certificate. The serial number is read from it.",
    )
    wechat_pay_public_key_input = fields.Text(
        string="Enter WeChat Pay Public Key", compute='_compute_wechat_inputs',
        readonly=False, groups='base.group_system',
        help="The text of pub_key.pem from the same place. It proves that an answer is from WeChat"
             " Pay. Clear the ID to remove the key.",
    )
    wechat_has_api_v3_key = fields.Boolean(
        compute='_compute_wechat_has_keys', groups='base.group_system',
    )
    wechat_has_merchant_private_key = fields.Boolean(
        compute='_compute_wechat_has_keys', groups='base.group_system',
    )
    wechat_has_merchant_certificate = fields.Boolean(
        compute='_compute_wechat_has_keys', groups='base.group_system',
    )
    wechat_has_pay_public_key = fields.Boolean(
        compute='_compute_wechat_has_keys', groups='base.group_system',
    )

    # === COMPUTE METHODS === #

    def _compute_wechat_inputs(self):
        for name in const.ENTERED_KEYS:
            self[f'wechat_{name}_input'] = False

    @api.depends(lambda self: [f'wechat_{name}' for name in const.ENTERED_KEYS])
    def _compute_wechat_has_keys(self):
        for provider in self:
            for name in const.ENTERED_KEYS:
                provider[f'wechat_has_{name}'] = bool(provider[f'wechat_{name}'])

    # === CONSTRAINT METHODS === #

    @api.constrains('wechat_mch_id')
    def _check_wechat_mch_id(self):
        for provider in self:
            if provider.wechat_mch_id and not re.fullmatch(r'[0-9]{6,32}', provider.wechat_mch_id):
                raise ValidationError(self.env._(
                    "A merchant number (商户号) has digits only, usually ten. An AppID starts with"
                    " wx and belongs to the app."
                ))

    @api.constrains('code', 'state', 'wechat_mch_id', 'wechat_sub_mch_id', 'company_id')
    def _check_wechat_merchant_once(self):
        """Check that a payment can only be one provider's: two of one merchant would share all."""
        for provider in self:
            if provider.code != 'wechat_pay' or provider.state == 'disabled':
                continue
            if other := self.search([
                ('id', '!=', provider.id),
                ('code', '=', 'wechat_pay'),
                ('state', '!=', 'disabled'),
                ('company_id', '=', provider.company_id.id),
                ('wechat_mch_id', '=', provider.wechat_mch_id),
                ('wechat_sub_mch_id', '=', provider.wechat_sub_mch_id),
            ], limit=1):
                raise ValidationError(self.env._(
                    "Merchant number %(number)s is already used by the provider %(name)s of this"
                    " company. Add the apps there, or disable one of the two.",
                    number=provider.wechat_mch_id, name=other.display_name,
                ))

    @api.constrains('wechat_notify_base_url')
    def _check_wechat_notify_base_url(self):
        for provider in self:
            url = provider.wechat_notify_base_url
            if url and not self._wechat_is_public_base_url(url):
                raise ValidationError(self.env._(
                    "The notification base address must be https://host, without a query, as"
                    " https://shop.example.com. WeChat Pay does not call plain http."
                ))

    @api.model
    def _wechat_is_public_base_url(self, url):
        """Tell whether WeChat Pay (or a sandbox on this machine) can be given this address.

        :param str url: A base address.
        :rtype: bool
        """
        try:
            parts = urlsplit(url)
            host = parts.hostname
            _port = parts.port  # Raises if it is no number.
        except ValueError:
            return False
        if not host or parts.username or parts.query or parts.fragment:
            return False
        if parts.scheme == 'https':
            return True
        try:
            is_loopback = ipaddress.ip_address(host).is_loopback
        except ValueError:
            is_loopback = host == 'localhost'
        return parts.scheme == 'http' and is_loopback

    # === CRUD METHODS === #

    @api.model
    def _wechat_normalize_values(self, values):
        """Strip what is pasted: blanks around keys are not part of them."""
        for name in (
            'wechat_mch_id', 'wechat_api_v3_key', 'wechat_merchant_serial',
            'wechat_merchant_certificate', 'wechat_merchant_private_key',
            'wechat_pay_public_key_id', 'wechat_pay_public_key', 'wechat_notify_base_url',
            'wechat_api_v2_key', 'wechat_sub_mch_id', 'wechat_sub_appid',
        ):
            if isinstance(values.get(name), str):
                values[name] = values[name].strip() or False
        if 'wechat_pay_public_key_id' in values and not values['wechat_pay_public_key_id']:
            values['wechat_pay_public_key'] = False  # One is of no use without the other.
        if 'wechat_mch_id' in values:
            values['wechat_certificates_fetched'] = False  # They are another merchant's.
        if values.get('wechat_merchant_serial'):
            values['wechat_merchant_serial'] = values['wechat_merchant_serial'].upper()
        if values.get('wechat_notify_base_url'):
            values['wechat_notify_base_url'] = values['wechat_notify_base_url'].rstrip('/')
        return values

    @api.model_create_multi
    def create(self, vals_list):
        return super().create([self._wechat_normalize_values(dict(vals)) for vals in vals_list])

    def write(self, vals):
        return super().write(self._wechat_normalize_values(dict(vals)))

    # === BUSINESS METHODS - PAYMENT FLOW === #

    def _get_supported_currencies(self):
        """Override of `payment` to return CNY, the only currency of a mainland merchant."""
        supported_currencies = super()._get_supported_currencies()
        if self.code == 'wechat_pay':
            supported_currencies = supported_currencies.filtered(
                lambda c: c.name in const.SUPPORTED_CURRENCIES
            )
        return supported_currencies

    def _get_default_payment_method_codes(self):
        """Override of `payment` to return the default payment method codes."""
        self.ensure_one()
        if self.code != 'wechat_pay':
            return super()._get_default_payment_method_codes()
        return const.DEFAULT_PAYMENT_METHOD_CODES

    # === GETTERS === #

    def _get_reset_values(self):
        """Override of `payment` to clear the credentials."""
        if self.code != 'wechat_pay':
            return super()._get_reset_values()
        return {
            **dict.fromkeys((
                'wechat_mch_id', 'wechat_api_v3_key', 'wechat_merchant_certificate',
                'wechat_merchant_serial', 'wechat_merchant_private_key',
                'wechat_pay_public_key_id', 'wechat_pay_public_key', 'wechat_api_v2_key',
                'wechat_sub_mch_id', 'wechat_sub_appid',
            )),
            'wechat_certificate_ids': [Command.clear()],
        }

    def _get_removal_values(self):
        """Override of `payment` to forget the credentials of a removed provider."""
        return {
            **super()._get_removal_values(),
            **dict.fromkeys((
                'wechat_api_v3_key', 'wechat_api_v2_key', 'wechat_merchant_private_key',
                'wechat_merchant_certificate',
            )),
        }

    def _wechat_get_notify_url(self):
        """Return the address that WeChat Pay notifies.

        It never comes from the request's Host header, which a client may choose.

        :rtype: str
        """
        self.ensure_one()
        base_url = self.wechat_notify_base_url or self.env['ir.config_parameter'].sudo().get_param(
            'web.base.url', ''
        )
        path = WechatPayController._notify_url.replace('<int:provider_id>', str(self.id))
        return base_url.rstrip('/') + path

    # === BUSINESS METHODS - NOTIFICATIONS === #

    def _wechat_process_event(self, event_type, content):
        """React to a verified event that is neither of a payment nor of a refund. A hook.

        :param str event_type: WeChat Pay's name of the event (A7.1).
        :param dict content: The decrypted resource.
        :return: Whether somebody knows this kind of event.
        :rtype: bool
        """
        self.ensure_one()
        return False
