# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What WeChat tells a third-party platform (wechat-platform.md, 11.1 and 11.3)."""

import logging
from datetime import datetime, timedelta, timezone

from odoo import api, fields, models

from odoo.addons.wechat.protocol import push as push_protocol

from ..protocol import authorization

_logger = logging.getLogger(__name__)

WINDOW = timedelta(seconds=push_protocol.WINDOW)


class WechatApp(models.Model):
    _inherit = 'wechat.app'

    @api.model
    def _get_by_component_appid(self, appid):
        """Return the third-party platform in sudo that gets events here; may be empty."""
        app_sudo = self.sudo()._get_by_appid(appid, app_type='component')
        return app_sudo.filtered(lambda app: app.push_token and app.push_aes_key)

    def _open_component_push(self, query, body):
        """Return what WeChat pushed to the platform. Only what is encrypted is believed.

        :param dict query: The parameters of the address.
        :param bytes body: The body.
        :rtype: wechat.protocol.push.Push
        :raise PushRefused: If it is not believed.
        """
        self.ensure_one()
        try:
            return push_protocol.receive(self._push_crypto(), 'secure', query, body)
        except push_protocol.PushRefused as refused:
            self._note_push_problem(refused.reason, query)
            raise

    def _open_component_event(self, query, body):
        """Return the fields of an event that WeChat pushed to the platform.

        :param dict query: The parameters of the address.
        :param bytes body: The body.
        :rtype: wechat.protocol.messages.Message
        :raise PushRefused: If it is not believed.
        """
        message = self._open_component_push(query, body).message
        reason = None
        if message.text('AppId') != self.sudo().appid:
            reason = 'appid_mismatch'
        elif not message.text('InfoType') or self._event_date(message) is None:
            reason = 'body'
        elif self._event_date(message) > fields.Datetime.now() + WINDOW:
            reason = 'timestamp'  # No later ticket could ever take its place.
        if reason:
            self._note_push_problem(reason, query)
            raise push_protocol.PushRefused(reason)
        return message

    @api.model
    def _event_date(self, message):
        """Return when WeChat made an event (datetime in UTC); None if it does not say."""
        seconds = authorization.read_time(message.text('CreateTime'))
        if not seconds:
            return None
        try:
            return datetime.fromtimestamp(seconds, timezone.utc).replace(tzinfo=None)
        except (OverflowError, ValueError):
            return None

    def _on_component_event(self, message):
        """Handle an event. Each may come again, late and in another order.

        :param wechat.protocol.messages.Message message: Its fields.
        :return: None
        """
        self.ensure_one()
        info_type = message.text('InfoType').strip().lower()
        if info_type == 'component_verify_ticket':
            self._on_component_verify_ticket(message)
        elif info_type in ('authorized', 'updateauthorized'):
            self._on_component_authorized(message)
        elif info_type == 'unauthorized':
            self._on_component_unauthorized(message)
        else:
            _logger.info("App %s got an event that nothing handles: %.64s", self.id, info_type)

    def _on_component_verify_ticket(self, message):
        ticket = message.text('ComponentVerifyTicket')
        if authorization.is_value(ticket):
            self._store_ticket(ticket, self._event_date(message))

    def _on_component_authorized(self, message):
        """Have the code exchanged after WeChat was answered: it waits five seconds only."""
        code = message.text('AuthorizationCode')
        if not authorization.is_value(code):
            return
        self.env['wechat.authorization'].sudo()._store(
            self, code, message.text('AuthorizerAppid'), self._event_date(message))
        self.env.ref('wechat_open_platform.cron_take_authorizations').sudo()._trigger()

    def _on_component_unauthorized(self, message):
        """Stop using the account. Nothing of its users is deleted."""
        account = self.sudo().with_context(active_test=False).authorizer_ids.filtered(
            lambda app: app.appid == message.text('AuthorizerAppid'))
        date = self._event_date(message)
        if account and (not account.authorization_date or account.authorization_date <= date):
            account._end_authorization(date)

    def _end_authorization(self, date):
        """Drop the tokens of an account that is no longer authorised.

        :param datetime date: Since when.
        """
        for account in self.sudo():
            if account.authorization_state == 'unauthorized':
                continue
            account._drop_tokens()
            account.write({
                'authorization_state': 'unauthorized',
                'authorization_date': date,
                'authorization_scopes': False,
                **account._failure_values(account._component_error('not_authorized')),
            })
            _logger.info("App %s is no longer authorised.", account.id)
