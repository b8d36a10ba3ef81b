# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""An identity of an official account: whether the person follows it, and messages to them."""

from odoo import fields, models

from odoo.addons.wechat.exceptions import WeChatError

NOT_FOLLOWING_ERRCODE = 43004


class WechatIdentity(models.Model):
    _inherit = 'wechat.identity'

    is_follower = fields.Boolean(string="Follows", readonly=True, copy=False, index=True)
    followed_at = fields.Datetime(string="Follows Since", readonly=True, copy=False)
    unfollowed_at = fields.Datetime(string="Left At", readonly=True, copy=False)
    # When a synchronisation last met this person among the followers.
    follower_seen_at = fields.Datetime(readonly=True, copy=False)

    # === FOLLOWERS === #

    def _set_follower(self, is_follower, moment=None):
        """Store that these people follow the account, or do not any more.

        :param bool is_follower: Whether they follow.
        :param datetime moment: Since when; now by default.
        """
        moment = moment or fields.Datetime.now()
        for identity in self.sudo():
            if is_follower:
                identity.write({
                    'is_follower': True, 'unfollowed_at': False,
                    'followed_at': identity.followed_at
                    if identity.is_follower and identity.followed_at else moment,
                })
            else:
                identity.write({'is_follower': False, 'unfollowed_at': moment})

    # === TEMPLATE MESSAGES === #

    def _get_message_rank(self):
        """Override of `wechat`: followers first, those who left last."""
        rank = super()._get_message_rank()
        return rank + (2 if self.is_follower else 0 if self.unfollowed_at else 1)

    def _check_may_receive(self, template):
        """Override of `wechat`: WeChat delivers template messages to followers only.

        Who was never seen following or leaving is tried: WeChat knows.
        """
        super()._check_may_receive(template)
        if template.kind == 'template' and self.unfollowed_at and not self.is_follower:
            raise WeChatError(self.env._(
                "%(person)s does not follow the account any more, and template messages reach"
                " followers only.", person=self.display_name,
            ), code='not_linked', errcode=NOT_FOLLOWING_ERRCODE)

    def _note_message_refused(self, error):
        """Override of `wechat`: remember that somebody does not follow."""
        super()._note_message_refused(error)
        if error.errcode == NOT_FOLLOWING_ERRCODE:
            self._set_follower(False)

    def _send_template_message(
        self, template, data, url=None, miniprogram=None, client_msg_id=None,
    ):
        """Send this follower a template message now (wechat-platform.md, section 6.1).

        What should be sent once whatever happens goes through the queue instead
        (`template._queue(records)`).

        :param template: A `wechat.message.template`, or WeChat's id of one.
        :param dict data: The value of each field by its key: a text, or `{'value', 'color'}` with a
            colour as `#RRGGBB`.
        :param str url: The page that a tap opens.
        :param dict miniprogram: The mini-program page that a tap opens: `{'appid', 'pagepath'}`.
        :param str client_msg_id: Within some minutes WeChat sends the same one once only.
        :return: WeChat's number of the message.
        :rtype: str
        :raise WeChatError: If WeChat refuses, as for somebody who does not follow, or cannot be
            asked.
        """
        self.ensure_one()
        is_record = isinstance(template, models.BaseModel)
        payload = {'data': {
            key: dict(value) if isinstance(value, dict) else {'value': str(value)}
            for key, value in data.items()
        }}
        payload.update(
            (name, value) for name, value in (('url', url), ('miniprogram', miniprogram)) if value
        )
        logs = self.env['wechat.message.log'].sudo()
        client_msg_id = client_msg_id or logs._fields['client_msg_id'].default(logs)
        msgid = self._call_template_send(
            template.template_id if is_record else template, client_msg_id=client_msg_id, **payload,
        )
        known = template if is_record else self.env['wechat.message.template'].sudo().search(
            [('app_id', '=', self.app_id.id), ('template_id', '=', template)], limit=1,
        )
        if not logs.search_count([('client_msg_id', '=', client_msg_id)], limit=1):
            logs.create({
                'app_id': self.app_id.id, 'identity_id': self.id, 'template_id': known.id,
                'kind': 'template', 'partner_id': (self.partner_id or self.user_id.partner_id).id,
                'payload': payload, 'client_msg_id': client_msg_id, 'state': 'sent',
                'msgid': msgid, 'sent_at': fields.Datetime.now(),
            })
        return msgid

    def _call_template_send(
        self, template_id, data, url=None, miniprogram=None, client_msg_id=None,
    ):
        """Make the call of :meth:`_send_template_message`, and no note of it.

        :return: WeChat's number of the message.
        :rtype: str
        """
        self.ensure_one()
        body = {'touser': self.openid, 'template_id': template_id, 'data': data}
        for name, value in (
            ('url', url), ('miniprogram', miniprogram), ('client_msg_id', client_msg_id),
        ):
            if value:
                body[name] = value
        answer = self.sudo().app_id._request('POST', '/cgi-bin/message/template/send', json=body)
        return str(answer.get('msgid') or '')
