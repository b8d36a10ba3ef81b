# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import fields, models

# What a payment page asks WeChat for: who pays, and nothing that logs anybody in. `next` holds the
# reference of the transaction then.
PAY_INTENT = 'pay'


class WechatOauthState(models.Model):
    _inherit = 'wechat.oauth.state'

    intent = fields.Selection(
        selection_add=[(PAY_INTENT, "Pay")], ondelete={PAY_INTENT: 'cascade'},
    )
