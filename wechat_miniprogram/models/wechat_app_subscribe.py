# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Subscribe messages of a mini-program: its templates, and what WeChat tells of consents."""

import logging
from datetime import timedelta

from odoo import fields, models
from odoo.exceptions import UserError

from odoo.addons.wechat.exceptions import WeChatError

from ..protocol import content_checks, subscriptions

_logger = logging.getLogger(__name__)

# How long after a message WeChat may tell what became of it.
REPORT_WINDOW = timedelta(minutes=30)


class WechatApp(models.Model):
    _inherit = 'wechat.app'

    miniprogram_state = fields.Selection(
        string="Messages Open",
        help="Which version of the mini-program a tap on a subscribe message opens.",
        selection=[
            ('formal', "The published version"),
            ('trial', "The trial version"),
            ('developer', "The development version"),
        ],
        required=True,
        default='formal',
    )
    subscribe_template_count = fields.Integer(compute='_compute_subscribe_template_count')

    def _compute_subscribe_template_count(self):
        counts = dict(self.env['wechat.message.template']._read_group(
            [('app_id', 'in', self.ids), ('kind', '=', 'subscribe')], ['app_id'], ['__count'],
        ))
        for app in self:
            app.subscribe_template_count = counts.get(app, 0)

    # === ACTION METHODS === #

    def action_fetch_subscribe_templates(self):
        """Fetch the templates of the mini-program and tell the user what there is.

        :return: The list of templates.
        :rtype: dict
        """
        self.ensure_one()
        self.check_access('write')
        if self.app_type != 'miniprogram':
            raise UserError(self.env._("%(app)s is not a mini-program.", app=self.name))
        count = self._fetch_subscribe_templates()
        message = self.env._("Templates of the mini-program: %(count)s.", count=count)
        if not count:
            message = self.env._(
                "The mini-program has no templates. Add some on mp.weixin.qq.com, Functions ▸"
                " Subscribe messages (功能 ▸ 订阅消息), and fetch again."
            )
        return {
            'type': 'ir.actions.client',
            'tag': 'display_notification',
            'params': {
                'type': 'success' if count else 'warning',
                'message': message,
                'next': self.action_open_subscribe_templates(),
            },
        }

    def action_open_subscribe_templates(self):
        """Show the templates of the mini-program."""
        self.ensure_one()
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._("Message Templates"),
            'res_model': 'wechat.message.template',
            'views': [(False, 'list'), (False, 'form')],
            'domain': [('app_id', '=', self.id)],
        }

    # === TEMPLATES === #

    def _fetch_subscribe_templates(self):
        """Store the templates that the mini-program has now; archive those it has no longer.

        :return: How many there are.
        :rtype: int
        :raise WeChatError: If WeChat does not answer with them.
        """
        self.ensure_one()
        answer = self._request('GET', '/wxaapi/newtmpl/gettemplate')
        listed = {
            item['priTmplId']: item for item in answer.get('data') or ()
            if isinstance(item, dict) and item.get('priTmplId')
        }
        stored = self.env['wechat.message.template']._store_listed(self, 'subscribe', {
            template_id: {
                'name': item.get('title') or template_id,
                'content': item.get('content') or '',
                'example': item.get('example') or '',
                'is_long_term': item.get('type') == subscriptions.LONG_TERM,
            } for template_id, item in listed.items()
        })
        for template_id, template in stored.items():
            options = subscriptions.read_options(listed[template_id].get('keywordEnumValueList'))
            for line in template.line_ids:
                if (line.options or []) != options.get(line.key, []):
                    line.options = options.get(line.key)
        return len(listed)

    def _get_subscribe_template(self, template):
        """Return a template of this mini-program.

        :param template: The template, or WeChat's id of it.
        :return: It, in sudo.
        :rtype: wechat.message.template
        :raise WeChatError: `bad_request` if it is another app's, another kind's, or unknown.
        """
        self.ensure_one()
        templates = self.env['wechat.message.template'].sudo()
        if isinstance(template, models.BaseModel):
            found = template.sudo()
        else:
            found = templates.search(
                [('app_id', '=', self.id), ('template_id', '=', template)], limit=1,
            ) if isinstance(template, str) else templates
        if len(found) != 1 or found.app_id != self or found.kind != 'subscribe':
            raise WeChatError(self.env._(
                "%(app)s has no such template of subscribe messages. If it is a new one, fetch the"
                " templates of the mini-program first.", app=self.sudo().name,
            ), code='bad_request')
        return found

    # === EVENTS === #

    def _on_event_subscribe_msg_popup_event(self, message):
        """Override of `wechat`: somebody answered when the mini-program asked."""
        for identity, template, item in self._read_subscriptions(message):
            answer = str(item.get('SubscribeStatusString'))
            if answer in subscriptions.ANSWERS:
                self.env['wechat.subscribe.consent']._record(
                    identity, template, answer, subscriptions.EVENT, message.key,
                )

    def _on_event_subscribe_msg_change_event(self, message):
        """Override of `wechat`: somebody turned a message off in the settings."""
        for identity, template, item in self._read_subscriptions(message):
            if item.get('SubscribeStatusString') == 'reject':
                self.env['wechat.subscribe.consent']._withdraw(identity, template, 'reject')

    def _on_event_subscribe_msg_sent_event(self, message):
        """Override of `wechat`: what became of a message."""
        for identity, template, item in self._read_subscriptions(message):
            log = self._find_subscribe_message(identity, template, str(item.get('MsgID') or ''))
            errcode = content_checks.read_number(item.get('ErrorCode'))
            if errcode == 43101:
                self.env['wechat.subscribe.consent']._withdraw(identity, template)
            if log and not errcode:
                log.write({'state': 'delivered'})
            elif log:
                log.write({'state': 'failed', 'errcode': errcode, 'error_code': 'bad_request',
                           'error': str(item.get('ErrorStatus') or '')[:200]})

    def _read_subscriptions(self, message):
        """Return what an event about subscribe messages is about.

        Events that anybody could have written (plain mode) are about nothing, and so is what
        concerns people or templates that are not known here.

        :return: (identity, template, WeChat's entry) of each
        :rtype: list
        """
        if not message.is_body_signed:
            _logger.warning(
                "App %s got the event %s in plain mode, which proves nothing: it was not applied."
                " Choose the secure mode.", self.id, message.event,
            )
            return []
        identity = self._get_identity(message.openid)
        entries = message.get('List')
        found = []
        for item in entries if identity and isinstance(entries, list) else ():
            if not isinstance(item, dict):
                continue
            try:
                template = self._get_subscribe_template(item.get('TemplateId'))
            except WeChatError:
                continue
            found.append((identity, template, item))
        return found

    def _find_subscribe_message(self, identity, template, msgid):
        """Return the note of a message that WeChat tells of.

        WeChat does not always say at once which number a message has; then it is the only one to
        this person that nothing was told of yet, or none.

        :rtype: wechat.message.log
        """
        logs = self.env['wechat.message.log'].sudo()
        domain = [
            ('app_id', '=', self.id), ('identity_id', '=', identity.id),
            ('template_id', '=', template.id),
        ]
        log = logs.search([*domain, ('msgid', '=', msgid)], limit=1) if msgid else logs
        if log:
            return log.filtered(lambda one: one.state in ('sent', 'unknown'))
        candidates = logs.search([
            *domain, ('msgid', 'in', (False, '')), ('state', 'in', ('sent', 'unknown')),
            ('write_date', '>', fields.Datetime.now() - REPORT_WINDOW),
        ], limit=2)
        return candidates if len(candidates) == 1 else logs
