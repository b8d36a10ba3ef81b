# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = 'res.config.settings'

    # Those of the company's default mini-program.
    wechat_miniprogram_allow_signup = fields.Boolean(
        related='wechat_miniprogram_id.allow_signup', readonly=False,
    )
    wechat_miniprogram_join_customer_by_phone = fields.Boolean(
        related='wechat_miniprogram_id.join_customer_by_phone', readonly=False,
    )
    wechat_miniprogram_accept_session_header = fields.Boolean(
        related='wechat_miniprogram_id.accept_session_header', readonly=False,
    )
    wechat_miniprogram_login_duration = fields.Integer(
        related='wechat_miniprogram_id.login_duration', readonly=False,
    )
