# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import secrets
import string

from odoo import api, fields, models

LETTERS = string.ascii_letters + string.digits


class WechatPushSecrets(models.TransientModel):
    """Shows a new Token and EncodingAESKey, once. The record itself does not hold them."""

    _name = 'wechat.push.secrets'
    _description = "New Token and EncodingAESKey"

    app_id = fields.Many2one(comodel_name='wechat.app', required=True, readonly=True)
    push_url = fields.Char(string="URL", related='app_id.push_url')
    push_mode = fields.Selection(related='app_id.push_mode')
    token = fields.Char(compute='_compute_secrets')
    aes_key = fields.Char(string="EncodingAESKey", compute='_compute_secrets')

    @api.depends_context('wechat_push_token', 'wechat_push_aes_key')
    def _compute_secrets(self):
        self.token = self.env.context.get('wechat_push_token')
        self.aes_key = self.env.context.get('wechat_push_aes_key')

    @api.model
    def _generate(self, app):
        """Store a new Token and a new EncodingAESKey with an app, and return what shows them.

        :param wechat.app app: The app.
        :return: The window.
        :rtype: dict
        """
        token = ''.join(secrets.choice(LETTERS) for _letter in range(32))
        aes_key = ''.join(secrets.choice(LETTERS) for _letter in range(43))
        app.write({'push_token': token, 'push_aes_key': aes_key})
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._("New Token and EncodingAESKey"),
            'res_model': self._name,
            'res_id': self.create({'app_id': app.id}).id,
            'view_mode': 'form',
            'views': [(False, 'form')],
            'target': 'new',
            'context': {'wechat_push_token': token, 'wechat_push_aes_key': aes_key},
        }
