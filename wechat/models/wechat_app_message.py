# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What an app does with the messages that WeChat pushes (wechat-platform.md, sections 6.4, 7.5)."""

import logging
import re

from psycopg2.errors import UniqueViolation

from odoo import models
from odoo.exceptions import ConcurrencyError

from odoo.addons.wechat.exceptions import WeChatError
from odoo.addons.wechat.protocol import replies

_logger = logging.getLogger(__name__)

HANDLER_NAME = re.compile(r'[a-z0-9_]{1,64}', re.ASCII)


class WechatApp(models.Model):
    _inherit = 'wechat.app'

    # === HOOKS === #

    def _on_message(self, message):
        """Handle a message that WeChat pushed, and say what it is answered with.

        Messages go to `_on_message_<type>`, events to `_on_event_<event>`, if there is such a
        method; names are in lower case. Each pushed message comes here once, in a transaction of
        its own, as superuser, with the app's company and language. A handler that takes longer than
        four seconds is answered for, and its reply goes out as a customer-service message.

        In plain mode (`message.is_body_signed` is False) anybody may have written the message: no
        consent, ticket or authorisation may change by it.

        :param wechat.protocol.messages.Message message: The message.
        :return: `None`, a text, or a reply of :mod:`odoo.addons.wechat.protocol.replies`.
        """
        self.ensure_one()
        is_event = message.msg_type == 'event'
        name = message.event if is_event else message.msg_type
        if HANDLER_NAME.fullmatch(name):
            handler = getattr(self, f"_on_{'event' if is_event else 'message'}_{name}", None)
            if handler:
                return handler(message)
        return self._on_unhandled(message)

    def _on_unhandled(self, message):
        """Take note of a message that nothing handles.

        :return: None
        """
        _logger.info(
            "App %s got a message that nothing handles: %s", self.id,
            repr(' '.join(filter(None, (message.msg_type, message.event)))[:100]),
        )

    # The messages of people. Addons that handle them call `super()` for what they do not answer.

    def _on_message_text(self, message):
        return self._on_unhandled(message)

    def _on_message_image(self, message):
        return self._on_unhandled(message)

    def _on_message_voice(self, message):
        return self._on_unhandled(message)

    def _on_message_video(self, message):
        return self._on_unhandled(message)

    def _on_message_shortvideo(self, message):
        return self._on_unhandled(message)

    def _on_message_location(self, message):
        return self._on_unhandled(message)

    def _on_message_link(self, message):
        return self._on_unhandled(message)

    def _on_message_miniprogrampage(self, message):
        return self._on_unhandled(message)

    # The events of official accounts.

    def _on_event_subscribe(self, message):
        return self._on_unhandled(message)

    def _on_event_unsubscribe(self, message):
        """Delete what WeChat told of somebody who left, as it demands.

        :return: None
        """
        if message.is_body_signed:
            self._get_identity(message.openid)._anonymize()
        else:
            _logger.warning(
                "App %s got an unsubscribe event in plain mode, which proves nothing: nothing was"
                " deleted. Choose the secure mode.", self.id,
            )

    def _on_event_scan(self, message):
        return self._on_unhandled(message)

    def _on_event_click(self, message):
        return self._on_unhandled(message)

    def _on_event_view(self, message):
        return self._on_unhandled(message)

    def _on_event_location(self, message):
        return self._on_unhandled(message)

    def _on_event_templatesendjobfinish(self, message):
        return self._on_unhandled(message)

    # The events of mini-programs.

    def _on_event_user_enter_tempsession(self, message):
        return self._on_unhandled(message)

    def _on_event_subscribe_msg_popup_event(self, message):
        return self._on_unhandled(message)

    def _on_event_subscribe_msg_change_event(self, message):
        return self._on_unhandled(message)

    def _on_event_subscribe_msg_sent_event(self, message):
        return self._on_unhandled(message)

    def _on_event_user_info_modified(self, message):
        return self._on_unhandled(message)

    def _on_event_user_authorization_revoke(self, message):
        return self._on_unhandled(message)

    def _on_event_user_authorization_cancellation(self, message):
        return self._on_unhandled(message)

    def _on_event_wxa_media_check(self, message):
        return self._on_unhandled(message)

    def _on_event_trade_manage_remind_access_api(self, message):
        return self._on_unhandled(message)

    def _on_event_wxa_trade_controlled(self, message):
        return self._on_unhandled(message)

    def _on_event_trade_manage_remind_shipping(self, message):
        return self._on_unhandled(message)

    def _on_event_trade_manage_order_settlement(self, message):
        return self._on_unhandled(message)

    # === IDENTITIES === #

    def _get_identity(self, openid, create=False):
        """Return the identity of an openid of this app.

        :param str openid: The openid.
        :param bool create: Whether to make one, without a user, for somebody who has none yet.
        :return: The identity in sudo; empty if there is none.
        :rtype: wechat.identity
        :raise ConcurrencyError: If another transaction made it just now; Odoo repeats this one.
        """
        self.ensure_one()
        identities_sudo = self.env['wechat.identity'].sudo()
        identity = identities_sudo.search(
            [('app_id', '=', self.id), ('openid', '=', openid)], limit=1,
        )
        if identity or not create or not openid:
            return identity
        try:
            with self.env.cr.savepoint():
                return identities_sudo.create({'app_id': self.id, 'openid': openid})
        except UniqueViolation as error:
            if error.diag.table_name != identities_sudo._table:
                raise
            raise ConcurrencyError("The WeChat identity has just been created") from None

    # === CUSTOMER-SERVICE MESSAGES === #

    def _send_customer_service_message(self, openid, message):
        """Send a customer-service message: within 48 hours of somebody's last message (6.4).

        :param str openid: Who gets it.
        :param message: A text, or a reply of :mod:`odoo.addons.wechat.protocol.replies`.
        :return: WeChat's answer.
        :rtype: dict
        :raise WeChatRefused: If WeChat does not send it; the text says what to do.
        :raise WeChatUnknown: If nobody knows whether it was sent.
        :raise WeChatError: `bad_request` for what is no such message.
        """
        self.ensure_one()
        try:
            reply = replies.check(message)
            if not reply:
                raise replies.ReplyError("There is nothing to send.")
            body = replies.to_customer_service(reply, openid)
        except replies.ReplyError as error:
            raise WeChatError(str(error), code='bad_request') from None
        return self._request('POST', '/cgi-bin/message/custom/send', json=body)

    def _send_typing(self, openid, is_typing=True):
        """Show somebody in the chat that an answer is being written, or no longer.

        :param str openid: Who sees it.
        :param bool is_typing: Whether an answer is being written.
        :raise WeChatError: If WeChat does not show it.
        """
        self.ensure_one()
        self._request('POST', '/cgi-bin/message/custom/typing', json={
            'touser': openid, 'command': 'Typing' if is_typing else 'CancelTyping',
        })

    def _passive_reply_types(self):
        """Return the types of reply that the answer to a push may hold; None for all (7.4).

        Mini-programs can only hand the chat over: everything else is sent to the customer.
        """
        if self.app_type == 'miniprogram':
            return ('transfer_customer_service',)
        return None
