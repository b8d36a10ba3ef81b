# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The answers that the rules give to pushed messages."""

import logging

from odoo import models

from odoo.addons.wechat.exceptions import WeChatError

_logger = logging.getLogger(__name__)

ANSWERED_EVENTS = ('subscribe', 'scan', 'click')


class WechatApp(models.Model):
    _inherit = 'wechat.app'

    def _on_message(self, message):
        """Override of `wechat`: what nothing else answers is answered by the rules."""
        reply = super()._on_message(message)
        if reply is None and self.app_type == 'official_account':
            return self._get_auto_reply(message)
        return reply

    def _get_auto_reply(self, message):
        """Return what the first rule that fits answers to a message.

        :param wechat.protocol.messages.Message message: The message.
        :return: A reply; `None` for nothing.
        :rtype: dict | None
        """
        rules = self.env['wechat.reply.rule'].sudo().search([('app_id', '=', self.id)])
        if not rules:
            return None
        if message.msg_type == 'event':
            if message.event not in ANSWERED_EVENTS:
                return None
            rule = rules._find_for_event(message.event, message.get('EventKey') or '')
        else:
            rule = rules._find_for_text(message.get('Content') or '')
        if not rule:
            return None
        # In plain mode the answer goes to whoever wrote the openid of somebody else.
        identity = self._get_identity(message.openid if message.is_body_signed else '')
        try:
            return rule._answer(identity, message)
        except WeChatError as error:
            _logger.warning("The auto-reply rule %s cannot answer: %s", rule.id, error)
            return None
