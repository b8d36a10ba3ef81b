# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import fields, models


class WechatToken(models.Model):
    _name = 'wechat.token'
    _description = "WeChat Token"
    _order = 'app_id, kind'
    _rec_name = 'kind'
    _log_access = False  # Written by SQL, under a lock and in transactions of their own.

    app_id = fields.Many2one(
        comodel_name='wechat.app', required=True, ondelete='cascade', readonly=True,
    )
    kind = fields.Char(
        help="access_token, jsapi_ticket, wx_card_ticket …", required=True,
        readonly=True,
    )
    value = fields.Char(
        groups=fields.NO_ACCESS, copy=False, prefetch=False,
    )
    expires_at = fields.Datetime(string="Expires", readonly=True)
    lifetime = fields.Integer(
        string="Lifetime (Seconds)", help="How long it was valid when it was fetched.",
        readonly=True,
    )
    forced_at = fields.Datetime(
        string="Last Forced Renewal",
        help="When WeChat last did not accept it, and another one was asked for.",
        readonly=True,
    )
    failed_at = fields.Datetime(
        string="Renewal Failed",
        help="When it could last not be renewed; it is used until it expires.",
        readonly=True,
    )

    _app_kind_unique = models.Constraint(
        'UNIQUE (app_id, kind)', "An app has one token of each kind.",
    )
