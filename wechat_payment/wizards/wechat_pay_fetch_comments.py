# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from datetime import datetime, timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

from odoo.addons.wechat.exceptions import WeChatError
from odoo.addons.wechat_payment.protocol.v2_comments import BEIJING


class WechatPayFetchComments(models.TransientModel):
    """Fetches what customers wrote about their payments, of all providers of the companies."""

    _name = 'wechat.pay.fetch.comments'
    _description = "WeChat Pay: Fetch Comments"

    date_from = fields.Date(
        string="From", required=True,
        default=lambda self: self._get_today() - timedelta(days=7),
    )
    date_to = fields.Date(
        string="To", required=True, default=lambda self: self._get_today(),
    )

    @api.constrains('date_from', 'date_to')
    def _check_dates(self):
        for wizard in self:
            if wizard.date_from > wizard.date_to:
                raise ValidationError(self.env._("The first day must not be after the last one."))

    @api.model
    def _get_today(self):
        """Return which day it is where WeChat Pay counts days.

        :rtype: date
        """
        return datetime.now(BEIJING).date()

    def action_fetch(self):
        """Fetch the comments, and say how many are new.

        What one merchant refuses does not keep the others' comments from being kept.

        :return: The notification for the user.
        :rtype: dict
        :raise UserError: If there is no provider to ask.
        """
        self.ensure_one()
        providers = self.env['payment.provider'].sudo().search([
            ('code', '=', 'wechat_pay'), ('state', '!=', 'disabled'),
            ('company_id', 'in', self.env.companies.ids),
        ]).filtered(lambda provider: provider._wechat_has_v2())
        if not providers:
            raise UserError(self.env._(
                "Comments come through API v2 only. Add the APIv2 key and the merchant certificate"
                " to a payment provider of WeChat Pay: pay.weixin.qq.com, Account Center ▸ API"
                " security, has both."
            ))
        lines, has_failed = [], False
        for provider in providers:
            try:
                comments, unreadable = provider._wechat_fetch_comments(self.date_from, self.date_to)
            except (WeChatError, UserError) as error:
                has_failed = True
                result = str(error)
            else:
                has_failed = has_failed or bool(unreadable)
                result = self.env._("%(count)s new comments.", count=len(comments))
                if unreadable:
                    result += self.env._(" %(count)s could not be read.", count=unreadable)
            lines.append(f'{provider.name}: {result}' if len(providers) > 1 else result)
        return {
            'type': 'ir.actions.client',
            'tag': 'display_notification',
            'params': {
                'title': self.env._("Comments"),
                'message': '\n'.join(lines),
                'type': 'warning' if has_failed else 'success',
                'sticky': has_failed,
                'next': {'type': 'ir.actions.client', 'tag': 'soft_reload'},
            },
        }
