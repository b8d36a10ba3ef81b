# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, fields, models

from odoo.addons.base.models.res_users import check_identity

from ..const import OAUTH_APP_TYPES


class ResUsers(models.Model):
    _inherit = 'res.users'

    wechat_can_bind = fields.Boolean(
        string="WeChat Can Be Bound", compute='_compute_wechat_can_bind',
    )

    @property
    def SELF_READABLE_FIELDS(self):
        return super().SELF_READABLE_FIELDS + ['wechat_can_bind']

    # === COMPUTE METHODS === #

    @api.depends_context('uid', 'company')
    def _compute_wechat_can_bind(self):
        App = self.env['wechat.app'].sudo()
        company = App._get_caller_company()
        can_bind = any(
            App._get_default(OAUTH_APP_TYPES[action], company) for action in ('mp', 'qrcode')
        )
        for user in self:
            user.wechat_can_bind = can_bind and user == self.env.user

    # === ACTION METHODS === #

    @check_identity
    def action_wechat_bind(self):
        """Go to WeChat to bind an account to one's own user."""
        return {
            'type': 'ir.actions.act_url',
            'url': '/wechat/oauth/auto?intent=bind',
            'target': 'self',
        }
