# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What a mini-program knows of its users: settings, and WeChat's news of them."""

import logging
import re

from odoo import fields, models

_logger = logging.getLogger(__name__)


class WechatApp(models.Model):
    _inherit = 'wechat.app'

    join_customer_by_phone = fields.Boolean(
        string="Join Known Customers by Phone",
        help="Somebody whose phone number WeChat has verified becomes the customer whom your"
             " employees entered with this number, if there is exactly one who has no user yet."
             " Numbers are passed on to new owners: choose this only if your customers' numbers are"
             " up to date. It is noted on the contact and can be undone on the identity.",
    )

    def _cached_lookup_fields(self):
        """Override of `wechat`: the rules of sessions are cached too."""
        return super()._cached_lookup_fields() | {'login_duration', 'accept_session_header'}

    # === EVENTS === #

    def _on_event_user_authorization_revoke(self, message):
        """Delete what a person no longer lets us have (wechat-platform.md 7.5)."""
        identity = self._get_event_identity(message)
        kinds = {int(number) for number in re.findall(
            r'[0-9]{1,4}', message.text('RevokeInfo'), re.ASCII,
        )}
        if identity and kinds:
            identity._forget_revoked(kinds)

    def _on_event_user_authorization_cancellation(self, message):
        """Close the account of a person who has cancelled it with WeChat."""
        self._get_event_identity(message)._leave()

    def _get_event_identity(self, message):
        """Return the identity that an event of `OpenID` is about; empty if there is none.

        In plain mode anybody may have written the event: nothing is done then.

        :param wechat.protocol.messages.Message message: The event.
        :rtype: wechat.identity
        """
        self.ensure_one()
        nobody = self.env['wechat.identity'].sudo()
        if not message.is_body_signed:
            _logger.warning(
                "App %s got the event %s in plain mode, which proves nothing: nothing was deleted."
                " Choose the secure mode.", self.id, message.event,
            )
            return nobody
        if message.text('AppID') not in ('', self.sudo().appid):
            return nobody
        openid = message.text('OpenID')
        return self._get_identity(openid) if openid else nobody
