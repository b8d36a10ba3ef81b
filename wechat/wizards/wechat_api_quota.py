# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import fields, models


class WechatApiQuota(models.TransientModel):
    """Ask WeChat how often one of its APIs may still be called today."""

    _name = 'wechat.api.quota'
    _description = "Quota of a WeChat API"

    app_id = fields.Many2one(comodel_name='wechat.app', required=True, ondelete='cascade')
    path = fields.Char(
        string="API",
        help="The path of the API, as its documentation writes it.",
        required=True,
        default='/cgi-bin/message/custom/send',
    )
    asked_path = fields.Char(readonly=True)
    daily_limit = fields.Integer(string="Calls a Day", readonly=True)
    used = fields.Integer(string="Used Today", readonly=True)
    remain = fields.Integer(string="Left Today", readonly=True)
    call_count = fields.Integer(string="Calls per Interval", readonly=True)
    refresh_second = fields.Integer(string="Interval (Seconds)", readonly=True)

    def action_ask(self):
        """Ask WeChat, and show the answer.

        :return: The action that shows the form again.
        :rtype: dict
        """
        self.ensure_one()
        self.app_id.check_access('write')
        path = self.path.strip()
        self.write({**self.app_id._get_quota(path), 'path': path, 'asked_path': path})
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._("Quota of an API"),
            'res_model': self._name,
            'res_id': self.id,
            'views': [(False, 'form')],
            'target': 'new',
        }
