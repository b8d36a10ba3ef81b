# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Subscribe messages to a person (wechat-platform.md, section 6.2)."""

import random
import re
import time

from odoo import fields, models

from odoo.addons.wechat.exceptions import WeChatError, WeChatRefused, WeChatUnknown
from odoo.addons.wechat.protocol import message_values

from ..protocol import subscriptions

SEND = '/cgi-bin/message/subscribe/send'
NO_CONSENT, BAD_VALUE, PARALLEL, BUSY = 43101, 47003, 43108, -1
# Seconds between the tries when another message to the same person was being sent.
PARALLEL_WAITS = (0.5, 1.0, 2.0)


class WechatIdentity(models.Model):
    _inherit = 'wechat.identity'

    consent_ids = fields.One2many(
        string="Consents", comodel_name='wechat.subscribe.consent', inverse_name='identity_id',
        groups='wechat.group_user',
    )

    def _anonymize(self):
        """Override of `wechat`: who has left has agreed to nothing."""
        self.sudo().consent_ids.unlink()
        return super()._anonymize()

    # === HOOKS OF THE QUEUE === #

    def _check_may_receive(self, template):
        """Override of `wechat`: subscribe messages need a consent that was not used."""
        super()._check_may_receive(template)
        if template.kind == 'subscribe' and not (
            self.env['wechat.subscribe.consent']._allows(self, template)
        ):
            raise self._no_consent_error()

    # === SENDING === #

    def _send_subscribe_message(self, template, page, data):
        """Send this person a subscribe message now, and use one consent for it.

        What became of it is written down, also if the caller's transaction is rolled back. Nothing
        is sent twice: if WeChat does not answer, the outcome is unknown and the consent counts as
        used. What should be sent once whatever happens goes through the queue instead
        (`template._queue(records)`).

        :param template: A `wechat.message.template` of this mini-program, or WeChat's id of one.
        :param str page: The page that a tap opens, with its query; empty for none.
        :param dict data: The value of each field by its key: a text, or `{'value': text}`. Texts
            that are too long are cut where WeChat's types allow it.
        :return: WeChat's number of the message; empty if it told none.
        :rtype: str
        :raise WeChatError: `user_blocked` without a consent, or if WeChat says so (43101);
            `bad_request` for values or pages that do not fit, templates of another app, or what
            WeChat refuses; others as of every call
        """
        self.ensure_one()
        identity = self.sudo()
        template = identity.app_id._get_subscribe_template(template)
        partner = identity.partner_id or identity.user_id.partner_id
        payload = {
            'data': identity._fit_subscribe_data(template, data),
            'lang': subscriptions.language(partner.lang or identity.app_id.lang),
        }
        page = (page or '').strip().lstrip('/')
        if page:
            path, _mark, query = page.partition('?')
            identity.app_id._check_target(path, query)
            payload['page'] = page
        log_id = identity._note_subscribe_message(template, payload)
        try:
            msgid = identity._call_subscribe_send(template, payload)
        except WeChatError as error:
            logs = self.env['wechat.message.log']
            state = 'unknown' if isinstance(error, WeChatUnknown) and error.sent else 'failed'
            identity._update_subscribe_note(log_id, logs._failure_values(error, state))
            raise
        identity._update_subscribe_note(log_id, {
            'state': 'sent', 'msgid': msgid, 'sent_at': fields.Datetime.now(),
        })
        return msgid

    def _fit_subscribe_data(self, template, data):
        """Return the values of a message as WeChat takes them.

        :rtype: dict
        :raise WeChatError: `bad_request`, naming the fields that do not fit
        """
        values = {
            key: value.get('value') if isinstance(value, dict) else value
            for key, value in (data or {}).items()
        }
        keys = {line.key: line.value_type for line in template.line_ids}
        unknown = values.keys() - keys.keys()
        if unknown:
            raise WeChatError(self.env._(
                "The template has no field %(names)s.", names=', '.join(sorted(unknown)),
            ), code='bad_request')
        values = {
            key: message_values.fit(keys[key], '' if value is None else str(value))
            for key, value in values.items()
        }
        problems = template._find_problems(values)
        if problems:
            raise WeChatError(' '.join(problems), code='bad_request')
        return {key: {'value': values[key]} for key in keys}

    def _call_subscribe_send(self, template, payload, has_consent=False):
        """Use a consent and make the call.

        The consent is given back if WeChat certainly did not take it. An error says by
        `keeps_consent` whether it counts as used all the same.

        :param wechat.message.template template: The template.
        :param dict payload: `data`, `lang`, and `page` if a tap opens one.
        :param bool has_consent: Whether an earlier try of this message has used one already.
        :return: WeChat's number of the message; empty if it told none.
        :rtype: str
        :raise WeChatError: If there is no consent, or WeChat refuses or cannot be asked.
        """
        self.ensure_one()
        consents = self.env['wechat.subscribe.consent'].sudo()
        app = self.sudo().app_id
        body = {
            'touser': self.openid,
            'template_id': template.template_id,
            'miniprogram_state': app.miniprogram_state,
            **payload,
        }
        if not has_consent and not consents._take(self, template):
            raise self._no_consent_error()
        try:
            answer = self._request_serially(app, body)
        except WeChatError as error:
            error.keeps_consent = not self._is_certainly_not_taken(error)
            if error.errcode == NO_CONSENT:
                consents._withdraw(self, template)
            elif not error.keeps_consent:
                consents._give_back(self, template)
            if error.errcode == BAD_VALUE:
                self._name_bad_value(error, template, payload['data'])
            raise
        return str(answer.get('msgid') or '')

    def _request_serially(self, app, body):
        """Make the call, again after a moment if another message to the person was in its way."""
        for seconds in PARALLEL_WAITS:
            try:
                return app._request('POST', SEND, json=body)
            except WeChatRefused as error:
                if error.errcode != PARALLEL:
                    raise
            time.sleep(seconds * random.uniform(0.5, 1.5))  # noqa: S311 - jitter
        return app._request('POST', SEND, json=body)

    def _is_certainly_not_taken(self, error):
        """Return whether WeChat has certainly not sent a message that ended in this error.

        "System busy" says nothing of the kind, nor does a missing answer.
        """
        if isinstance(error, WeChatUnknown):
            return not error.sent
        return error.errcode != BUSY

    def _name_bad_value(self, error, template, data):
        """Say in an error which value WeChat did not take: its words name the field."""
        for line in template.line_ids:
            if re.search(rf'\b{re.escape(line.key)}\b', getattr(error, 'errmsg', ''), re.ASCII):
                error.refused_key = line.key
                error.args = (line._describe_refusal(data.get(line.key, {}).get('value', '')),)
                return

    def _no_consent_error(self):
        error = WeChatError(self.env._(
            "%(person)s has not agreed to this message, or all their consents have been used. One"
            " tap on “Allow” in the mini-program is good for one message.",
            person=self.display_name,
        ), code='user_blocked')
        error.keeps_consent = False
        return error

    # === NOTES === #

    def _note_subscribe_message(self, template, payload):
        """Write down that a message is being sent, in a transaction of its own.

        :return: The id of the note; `None` if this person is known to this transaction only.
        :rtype: int | None
        """
        with self.env.registry.cursor() as cr:
            env = self.env(cr=cr)
            if not (env[self._name].browse(self.id).exists()
                    and env[template._name].browse(template.id).exists()):
                return None
            return env['wechat.message.log'].sudo().create({
                'app_id': self.app_id.id,
                'identity_id': self.id,
                'template_id': template.id,
                'kind': 'subscribe',
                'partner_id': (self.partner_id or self.user_id.partner_id).id,
                'payload': payload,
                'state': 'sending',
                'claimed_at': fields.Datetime.now(),
            }).id

    def _update_subscribe_note(self, log_id, values):
        """Write down what became of a message, in a transaction of its own."""
        if log_id:
            with self.env.registry.cursor() as cr:
                self.env(cr=cr)['wechat.message.log'].sudo().browse(log_id).write(values)
            self.env['wechat.message.log'].invalidate_model()
