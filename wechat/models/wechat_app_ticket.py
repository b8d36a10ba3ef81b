# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Tickets, which sign pages and cards (wechat-platform.md, section 3.5)."""

from odoo import models

# What WeChat calls the kinds of tickets.
TICKET_TYPES = {'jsapi_ticket': 'jsapi', 'wx_card_ticket': 'wx_card'}


class WechatApp(models.Model):
    _inherit = 'wechat.app'

    def _fetch_ticket(self, kind):
        """Ask WeChat for a ticket. This runs under the lock of the ticket's row; the access token
        that it needs has a lock of its own, which nobody takes the other way round.

        :param str kind: One of :data:`TICKET_TYPES`.
        :return: The ticket and the seconds that it is valid.
        :rtype: tuple[str, int]
        :raise WeChatError: If there is none to be had.
        """
        self.ensure_one()
        path = '/cgi-bin/ticket/getticket'
        answer = self._request('GET', path, params={'type': TICKET_TYPES[kind]})
        return self._check_token_answer(
            answer.get('ticket'), answer.get('expires_in'), 'GET', path,
        )
