# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import fields, models


class WechatHubKeyIssue(models.TransientModel):
    """Issue a hub key, and show it once."""

    _name = 'wechat.hub.key.issue'
    _description = "Issue a WeChat Hub Key"

    name = fields.Char(
        string="System", help="Which system gets the key, as it is called in the log.",
        required=True,
    )
    app_ids = fields.Many2many(string="Apps", comodel_name='wechat.app', required=True)
    access_token = fields.Boolean(string="Access tokens", default=True)
    jsapi_ticket = fields.Boolean(string="Tickets for pages (jsapi_ticket)", default=True)
    wx_card_ticket = fields.Boolean(string="Tickets for cards (wx_card_ticket)", default=True)
    component_access_token = fields.Boolean(string="Tokens of the third-party platform itself")
    authorizer_access_token = fields.Boolean(
        string="Access tokens of authorized accounts",
        help="Of accounts that have authorized the third-party platform.",
    )

    def action_issue(self):
        """Issue the key.

        :return: The action that shows it; it is in its context only.
        :rtype: dict
        """
        self.ensure_one()
        HubKey = self.env['wechat.hub.key']
        kinds = [kind for kind in HubKey._known_kinds() if self[kind]]
        key = HubKey._issue(self.name, self.app_ids, kinds)
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._("Hub Key for %(system)s", system=self.name),
            'res_model': 'wechat.hub.key.show',
            'views': [(False, 'form')],
            'target': 'new',
            'context': {'default_key': key},
        }


class WechatHubKeyShow(models.AbstractModel):
    """Show a new hub key; an abstract model, so that it is stored nowhere."""

    _name = 'wechat.hub.key.show'
    _description = "Show a WeChat Hub Key"

    id = fields.Id()  # The web client asks for the default values of records with an id only.
    key = fields.Char(readonly=True)
