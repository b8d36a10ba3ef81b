# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from datetime import timedelta

from odoo import fields, models

from odoo.addons.wechat_miniprogram.protocol import codes


class WechatMiniprogramLink(models.TransientModel):
    _name = 'wechat.miniprogram.link'
    _inherit = 'wechat.miniprogram.target'
    _description = "Mini-program Link"

    kind = fields.Selection(
        selection=[
            ('url_link', "URL Link"),
            ('scheme', "URL Scheme"),
            ('short_link', "Short Link"),
        ],
        help="A URL Link opens the mini-program from short messages, mails and web pages, a URL"
             " Scheme from pages and apps on a phone, a Short Link from chats in WeChat.",
        required=True,
        default='url_link',
    )
    days = fields.Integer(
        string="Valid For (Days)", help="At most 30 days.", default=codes.EXPIRY_DAYS,
    )
    title = fields.Char(help="What the link shows in the chat.", size=codes.TITLE_LENGTH)
    is_permanent = fields.Boolean(
        string="For Ever", help="A mini-program may have 100 000 short links that stay.",
    )
    url = fields.Char(string="Link", readonly=True)
    expires_at = fields.Datetime(string="Valid Until", readonly=True)

    # === ACTION METHODS === #

    def action_make(self):
        """Have WeChat make the link.

        :return: The window with it.
        :rtype: dict
        """
        self.ensure_one()
        self._check_target()
        app = self.app_id.sudo()
        path, query = (self.path or '').strip().lstrip('/'), self._read_query()
        if self.kind == 'short_link':
            url = app._make_short_link(
                path, query, title=self.title or '', is_permanent=self.is_permanent,
            )
            days = 0 if self.is_permanent else codes.EXPIRY_DAYS
        else:
            make = app._make_url_link if self.kind == 'url_link' else app._make_scheme
            url, days = make(path, query, days=self.days, env_version=self.env_version), self.days
        self.write({
            'url': url,
            'expires_at': fields.Datetime.now() + timedelta(days=days) if days else False,
        })
        return self._reopen(self.env._("Mini-program Link"))

    def action_back(self):
        """Forget the link, to make another."""
        self.ensure_one()
        self.write({'url': False, 'expires_at': False})
        return self._reopen(self.env._("Mini-program Link"))

    # === BUSINESS METHODS === #

    def _read_query(self):
        """Return the parameters: those of the record, if it is about one."""
        record = self._get_records()[:1]
        return self._query_of(record) if record else self.query or ''
