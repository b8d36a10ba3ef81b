# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Template messages of an official account: its templates, and what became of messages."""

import time

from odoo import fields, models
from odoo.exceptions import UserError

# WeChat may tell of a delivery before our own note of the message is committed.
DELIVERY_WAITS = (0.3, 0.7, 1.0)


class WechatApp(models.Model):
    _inherit = 'wechat.app'

    template_count = fields.Integer(compute='_compute_template_count')

    def _compute_template_count(self):
        counts = dict(self.env['wechat.message.template']._read_group(
            [('app_id', 'in', self.ids), ('kind', '=', 'template')], ['app_id'], ['__count'],
        ))
        for app in self:
            app.template_count = counts.get(app, 0)

    # === ACTION METHODS === #

    def action_fetch_templates(self):
        """Fetch the templates of the account and tell the user what changed.

        :return: The list of templates.
        :rtype: dict
        """
        self.ensure_one()
        self.check_access('write')
        self._check_is_official_account()
        count = self._fetch_templates()
        message = self.env._("Templates of the account: %(count)s.", count=count)
        if not count:
            message = self.env._(
                "The account has no templates. Add some on mp.weixin.qq.com, Advertising and"
                " services ▸ Template messages (广告与服务 ▸ 模板消息), and fetch again."
            )
        return {
            'type': 'ir.actions.client',
            'tag': 'display_notification',
            'params': {
                'type': 'success' if count else 'warning',
                'message': message,
                'next': self.action_open_templates(),
            },
        }

    def action_open_templates(self):
        """Show the templates of the account."""
        self.ensure_one()
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._("Message Templates"),
            'res_model': 'wechat.message.template',
            'views': [(False, 'list'), (False, 'form')],
            'domain': [('app_id', '=', self.id)],
        }

    # === BUSINESS METHODS === #

    def _check_is_official_account(self):
        """Refuse what only official accounts have.

        :raise UserError: If the app is something else.
        """
        for app in self:
            if app.app_type != 'official_account':
                raise UserError(self.env._(
                    "%(app)s is not an official account.", app=app.name,
                ))

    def _fetch_templates(self):
        """Store the templates that the account has now; archive those that it has no longer.

        :return: How many there are.
        :rtype: int
        :raise WeChatError: If WeChat does not answer with them.
        """
        self.ensure_one()
        answer = self._request('GET', '/cgi-bin/template/get_all_private_template')
        return len(self.env['wechat.message.template']._store_listed(self, 'template', {
            item['template_id']: {
                'name': item.get('title') or item['template_id'],
                'content': item.get('content') or '',
                'example': item.get('example') or '',
            } for item in answer.get('template_list') or () if item.get('template_id')
        }))

    # === EVENTS === #

    def _on_event_templatesendjobfinish(self, message):
        """Override of `wechat`: note whether a template message was delivered.

        It changes the note only: neither a consent nor a message depends on it.
        """
        msgid, status = message.get('MsgID'), message.get('Status') or ''
        if not msgid or self._note_delivery(msgid, status):
            return None
        if self.env['wechat.message.log'].sudo().search_count(
            [('app_id', '=', self.id), ('state', '=', 'sending')], limit=1,
        ):
            for seconds in DELIVERY_WAITS:
                time.sleep(seconds)
                # This transaction's snapshot is older than the note: a new one sees it.
                with self.env.registry.cursor() as cr:
                    if self.with_env(self.env(cr=cr))._note_delivery(msgid, status):
                        return None
        return super()._on_event_templatesendjobfinish(message)

    def _note_delivery(self, msgid, status):
        """Note whether a template message was delivered.

        :param str msgid: WeChat's number of the message.
        :param str status: What WeChat says: `success`, or why not.
        :return: Whether the app has sent such a message.
        :rtype: bool
        """
        log = self.env['wechat.message.log'].sudo().search(
            [('app_id', '=', self.id), ('msgid', '=', msgid)], limit=1,
        )
        if log.state == 'sent':
            blocked = 'user block' in status
            if status == 'success':
                log.state = 'delivered'
            elif blocked:
                log.write({'state': 'failed', 'error_code': 'user_blocked', 'error': self.env._(
                    "The customer does not accept messages of the account.",
                )})
            else:
                log.write({'state': 'failed', 'error_code': 'wechat_busy', 'error': self.env._(
                    "WeChat could not deliver the message (%(status)s).", status=status[:100],
                )})
        return bool(log)
