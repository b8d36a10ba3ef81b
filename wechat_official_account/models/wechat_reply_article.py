# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, fields, models
from odoo.exceptions import ValidationError

from odoo.addons.wechat_official_account.protocol import menus


class WechatReplyArticle(models.Model):
    _name = 'wechat.reply.article'
    _description = "WeChat Auto-Reply Article"
    _order = 'rule_id, sequence, id'
    _rec_name = 'title'

    rule_id = fields.Many2one(
        comodel_name='wechat.reply.rule', required=True, index=True, ondelete='cascade',
    )
    sequence = fields.Integer(default=10)
    title = fields.Char(required=True)
    description = fields.Char()
    url = fields.Char(string="Page", required=True)
    picurl = fields.Char(
        string="Picture Address", help="A JPG or PNG picture on the web; 360 × 200 looks best.",
    )

    @api.constrains('url', 'picurl')
    def _check_addresses(self):
        for article in self:
            for address in filter(None, (article.url, article.picurl)):
                if not menus.is_web_address(address):
                    raise ValidationError(self.env._(
                        "“%(address)s” is not a complete web address, as https://example.com/page.",
                        address=address,
                    ))

    def _to_reply(self):
        return {
            'title': self.title, 'description': self.description or '', 'url': self.url,
            'picurl': self.picurl or '',
        }
