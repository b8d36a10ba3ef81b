# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, fields, models
from odoo.exceptions import UserError


class ResConfigSettings(models.TransientModel):
    _inherit = 'res.config.settings'

    # As with the mini-program nothing is stored with the settings, and the secret is never read.
    wechat_official_account_id = fields.Many2one(
        string="Official Account", comodel_name='wechat.app',
        compute='_compute_wechat_official_account',
    )
    wechat_official_account_appid = fields.Char(
        string="Official Account's AppID",
        compute='_compute_wechat_official_account',
        inverse='_inverse_wechat_official_account',
        groups='base.group_system',
    )
    wechat_official_account_secret = fields.Char(
        string="Official Account's AppSecret",
        compute='_compute_wechat_official_account',
        inverse='_inverse_wechat_official_account',
        groups='base.group_system',
    )
    wechat_official_account_has_secret = fields.Boolean(
        string="Official Account's AppSecret Stored", compute='_compute_wechat_official_account',
    )
    wechat_official_account_state = fields.Selection(
        string="Status of the Official Account", related='wechat_official_account_id.state',
    )
    wechat_official_account_last_error = fields.Char(
        string="Last Error of the Official Account",
        related='wechat_official_account_id.last_error',
    )
    wechat_official_account_advice = fields.Text(
        string="What to Do About the Official Account", related='wechat_official_account_id.advice',
    )

    @api.depends('company_id')
    def _compute_wechat_official_account(self):
        for settings in self:
            app = self.env['wechat.app']._get_default('official_account', settings.company_id)
            settings.wechat_official_account_id = app
            settings.wechat_official_account_appid = app.appid
            settings.wechat_official_account_secret = False
            settings.wechat_official_account_has_secret = app.has_secret

    def _inverse_wechat_official_account(self):
        """Write what was entered to the company's default official account, creating it if need be.

        An empty secret means that the stored one stays.
        """
        for settings in self:
            self.env['wechat.app']._store_default(
                'official_account', settings.company_id,
                appid=settings.wechat_official_account_appid,
                secret=settings.wechat_official_account_secret,
                name=self.env._("%(company)s official account", company=settings.company_id.name),
                missing=self.env._(
                    "The AppID is missing. To stop using an official account, archive it in WeChat"
                    " ▸ Apps."
                ),
            )

    def action_wechat_check_official_account(self):
        """Ask WeChat whether the AppID and the AppSecret are right, and tell the user."""
        self.ensure_one()
        app = self.env['wechat.app']._get_default('official_account', self.company_id)
        if not app:
            raise UserError(self.env._(
                "Enter the AppID and the AppSecret of the official account first."
            ))
        return app.action_check_credentials()
