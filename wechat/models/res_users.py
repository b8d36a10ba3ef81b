# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import fields, models


class ResUsers(models.Model):
    _inherit = 'res.users'

    wechat_identity_ids = fields.One2many(
        string="WeChat Identities", comodel_name='wechat.identity', inverse_name='user_id',
    )

    @property
    def SELF_READABLE_FIELDS(self):
        return super().SELF_READABLE_FIELDS + ['wechat_identity_ids']
