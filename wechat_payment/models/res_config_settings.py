# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, fields, models
from odoo.fields import Command


class ResConfigSettings(models.TransientModel):
    _inherit = 'res.config.settings'

    # Nothing of these is stored with the settings: they are read from and written to the company's
    # provider, all at once because the keys are checked together. Keys are never read.
    wechat_pay_provider_id = fields.Many2one(
        comodel_name='payment.provider', compute='_compute_wechat_pay',
    )
    wechat_pay_state = fields.Selection(
        string="WeChat Pay",
        selection=[('disabled', "Disabled"), ('enabled', "Enabled"), ('test', "Test Mode")],
        compute='_compute_wechat_pay', inverse='_inverse_wechat_pay', groups='base.group_system',
    )
    wechat_pay_mch_id = fields.Char(
        string="Merchant Number", compute='_compute_wechat_pay', inverse='_inverse_wechat_pay',
        groups='base.group_system',
    )
    wechat_pay_sub_mch_id = fields.Char(
        string="Sub-merchant Number", compute='_compute_wechat_pay', inverse='_inverse_wechat_pay',
        groups='base.group_system',
    )
    wechat_pay_sub_appid = fields.Char(
        string="Sub-merchant AppID", compute='_compute_wechat_pay', inverse='_inverse_wechat_pay',
        groups='base.group_system',
    )
    wechat_pay_api_version = fields.Selection(
        string="API Version", selection=[('v3', "API v3"), ('v2', "API v2")],
        compute='_compute_wechat_pay', inverse='_inverse_wechat_pay', groups='base.group_system',
    )
    wechat_pay_api_v2_key = fields.Char(
        string="APIv2 Key", compute='_compute_wechat_pay', inverse='_inverse_wechat_pay',
        groups='base.group_system',
    )
    wechat_pay_v2_sign_type = fields.Selection(
        string="Type of Signature", selection=[('HMAC-SHA256', 'HMAC-SHA256'), ('MD5', 'MD5')],
        compute='_compute_wechat_pay', inverse='_inverse_wechat_pay', groups='base.group_system',
    )
    wechat_pay_api_v3_key = fields.Char(
        string="APIv3 Key", compute='_compute_wechat_pay', inverse='_inverse_wechat_pay',
        groups='base.group_system',
    )
    wechat_pay_merchant_private_key = fields.Text(
        string="Merchant Private Key", compute='_compute_wechat_pay',
        inverse='_inverse_wechat_pay', groups='base.group_system',
    )
    wechat_pay_merchant_certificate = fields.Text(
        string="Merchant Certificate", compute='_compute_wechat_pay',
        inverse='_inverse_wechat_pay', groups='base.group_system',
    )
    wechat_pay_key_id = fields.Char(
        string="Public Key ID", compute='_compute_wechat_pay', inverse='_inverse_wechat_pay',
        groups='base.group_system',
    )
    wechat_pay_key = fields.Text(
        string="Public Key", compute='_compute_wechat_pay', inverse='_inverse_wechat_pay',
        groups='base.group_system',
    )
    wechat_pay_notify_base_url = fields.Char(
        string="Notification Base Address", compute='_compute_wechat_pay',
        inverse='_inverse_wechat_pay', groups='base.group_system',
    )
    wechat_pay_has_api_v3_key = fields.Boolean(
        related='wechat_pay_provider_id.wechat_has_api_v3_key',
    )
    wechat_pay_has_api_v2_key = fields.Boolean(
        related='wechat_pay_provider_id.wechat_has_api_v2_key',
    )
    wechat_pay_has_same_keys = fields.Boolean(
        related='wechat_pay_provider_id.wechat_has_same_keys',
    )
    wechat_pay_has_merchant_private_key = fields.Boolean(
        related='wechat_pay_provider_id.wechat_has_merchant_private_key',
    )
    wechat_pay_has_merchant_certificate = fields.Boolean(
        related='wechat_pay_provider_id.wechat_has_merchant_certificate',
    )
    wechat_pay_has_key = fields.Boolean(
        related='wechat_pay_provider_id.wechat_has_pay_public_key',
    )
    wechat_pay_check_state = fields.Selection(related='wechat_pay_provider_id.wechat_check_state')
    wechat_pay_last_error = fields.Text(
        string="WeChat Pay Error", related='wechat_pay_provider_id.wechat_last_error',
    )

    # === COMPUTE METHODS === #

    @api.depends('company_id')
    def _compute_wechat_pay(self):
        for settings in self:
            provider = settings._get_wechat_pay_provider()
            settings.wechat_pay_provider_id = provider
            settings.wechat_pay_state = provider.state
            settings.wechat_pay_mch_id = provider.wechat_mch_id
            settings.wechat_pay_sub_mch_id = provider.wechat_sub_mch_id
            settings.wechat_pay_sub_appid = provider.wechat_sub_appid
            settings.wechat_pay_api_version = provider.wechat_api_version
            settings.wechat_pay_v2_sign_type = provider.wechat_v2_sign_type
            settings.wechat_pay_api_v2_key = False
            settings.wechat_pay_api_v3_key = False
            settings.wechat_pay_merchant_private_key = False
            settings.wechat_pay_merchant_certificate = False
            settings.wechat_pay_key_id = provider.wechat_pay_public_key_id
            settings.wechat_pay_key = False
            settings.wechat_pay_notify_base_url = provider.wechat_notify_base_url

    def _inverse_wechat_pay(self):
        """Write what changed to the company's provider; an empty key stays as it is."""
        for settings in self:
            provider = settings._get_wechat_pay_provider()
            if not provider:
                continue
            values = {
                'state': settings.wechat_pay_state,
                'wechat_mch_id': settings.wechat_pay_mch_id,
                'wechat_sub_mch_id': settings.wechat_pay_sub_mch_id,
                'wechat_sub_appid': settings.wechat_pay_sub_appid,
                'wechat_api_version': settings.wechat_pay_api_version,
                'wechat_v2_sign_type': settings.wechat_pay_v2_sign_type,
                'wechat_pay_public_key_id': settings.wechat_pay_key_id,
                'wechat_notify_base_url': settings.wechat_pay_notify_base_url,
            }
            values = {
                name: value for name, value in values.items()
                if (value or False) != (provider[name] or False)
            }
            for name in ('state', 'wechat_api_version', 'wechat_v2_sign_type'):
                if not values.get(name, True):
                    del values[name]
            entered = {
                'wechat_api_v2_key': settings.wechat_pay_api_v2_key,
                'wechat_api_v3_key': settings.wechat_pay_api_v3_key,
                'wechat_merchant_private_key': settings.wechat_pay_merchant_private_key,
                'wechat_merchant_certificate': settings.wechat_pay_merchant_certificate,
                'wechat_pay_public_key': settings.wechat_pay_key,
            }
            values.update({name: value for name, value in entered.items() if value})
            if values.get('state') == 'enabled':
                values['is_published'] = True
            if values:
                provider.write(values)

    def _get_wechat_pay_provider(self):
        """Return the WeChat Pay provider of the company, or of the company it belongs to.

        :rtype: payment.provider
        """
        self.ensure_one()
        return self.env['payment.provider'].search([
            ('code', '=', 'wechat_pay'),
            *self.env['payment.provider']._check_company_domain(self.company_id),
        ], limit=1)

    # === CRUD METHODS === #

    def set_values(self):
        """Override of `base` to allow payments in the company's mini-program."""
        result = super().set_values()
        provider = self._get_wechat_pay_provider()
        app = self.env['wechat.app']._get_default('miniprogram', self.company_id)
        if provider and provider.state != 'disabled' and app and not provider.wechat_app_ids:
            provider.wechat_app_ids = [Command.link(app.id)]
        return result

    # === ACTION METHODS === #

    def action_wechat_pay_check_credentials(self):
        """Check the credentials of the company's provider.

        :return: The notification for the administrator.
        :rtype: dict
        """
        self.ensure_one()
        return self._get_wechat_pay_provider().action_wechat_check_credentials()

    def action_wechat_pay_open_provider(self):
        """Open the form of the company's provider.

        :return: The window action.
        :rtype: dict
        """
        self.ensure_one()
        return {
            'type': 'ir.actions.act_window',
            'res_model': 'payment.provider',
            'view_mode': 'form',
            'res_id': self._get_wechat_pay_provider().id,
        }
