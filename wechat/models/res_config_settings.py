# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, fields, models
from odoo.exceptions import UserError


class ResConfigSettings(models.TransientModel):
    _inherit = 'res.config.settings'

    # Nothing of these is stored with the settings: they are read from and written to the company's
    # default mini-program, and the secret is never read.
    wechat_miniprogram_id = fields.Many2one(
        string="Mini-program", comodel_name='wechat.app', compute='_compute_wechat_miniprogram',
    )
    wechat_miniprogram_appid = fields.Char(
        string="AppID",
        compute='_compute_wechat_miniprogram',
        inverse='_inverse_wechat_miniprogram',
        groups='base.group_system',
    )
    wechat_miniprogram_secret = fields.Char(
        string="AppSecret",
        compute='_compute_wechat_miniprogram',
        inverse='_inverse_wechat_miniprogram',
        groups='base.group_system',
    )
    wechat_miniprogram_has_secret = fields.Boolean(
        string="AppSecret Stored", compute='_compute_wechat_miniprogram',
    )
    wechat_miniprogram_state = fields.Selection(related='wechat_miniprogram_id.state')
    wechat_miniprogram_last_error = fields.Char(related='wechat_miniprogram_id.last_error')
    wechat_miniprogram_advice = fields.Text(related='wechat_miniprogram_id.advice')

    @api.depends('company_id')
    def _compute_wechat_miniprogram(self):
        for settings in self:
            app = self.env['wechat.app']._get_default('miniprogram', settings.company_id)
            settings.wechat_miniprogram_id = app
            settings.wechat_miniprogram_appid = app.appid
            settings.wechat_miniprogram_secret = False
            settings.wechat_miniprogram_has_secret = app.has_secret

    def _inverse_wechat_miniprogram(self):
        """Write what was entered to the company's default mini-program, creating it if need be.

        An empty secret means that the stored one stays.
        """
        for settings in self:
            self.env['wechat.app']._store_default(
                'miniprogram', settings.company_id,
                appid=settings.wechat_miniprogram_appid, secret=settings.wechat_miniprogram_secret,
                name=self.env._("%(company)s mini-program", company=settings.company_id.name),
                missing=self.env._(
                    "The AppID is missing. To stop using a mini-program, archive it in WeChat ▸"
                    " Apps."
                ),
            )

    def action_wechat_check_miniprogram(self):
        """Ask WeChat whether the AppID and the AppSecret are right, and tell the user."""
        self.ensure_one()
        app = self.env['wechat.app']._get_default('miniprogram', self.company_id)
        if not app:
            raise UserError(self.env._(
                "Enter the AppID and the AppSecret of the mini-program first."
            ))
        return app.action_check_credentials()
