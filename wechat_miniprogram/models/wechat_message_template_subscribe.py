# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ..addressing import render_page
from ..protocol import codes, subscriptions


class WechatMessageTemplate(models.Model):
    _inherit = 'wechat.message.template'

    kind = fields.Selection(
        selection_add=[('subscribe', "Subscribe message")], ondelete={'subscribe': 'cascade'},
    )
    is_long_term = fields.Boolean(
        string="Long-term",
        help="A consent is good for any number of messages. Otherwise each tap on “Allow” is good"
             " for one.",
        readonly=True,
    )
    consent_count = fields.Integer(string="Consents", compute='_compute_consent_count')

    def _compute_consent_count(self):
        domain = [
            ('template_id', 'in', self.ids),
            '|', ('is_permanent', '=', True), ('remaining', '>', 0),
        ]
        counts = dict(self.env['wechat.subscribe.consent']._read_group(
            domain, ['template_id'], ['__count'],
        ))
        for template in self:
            template.consent_count = counts.get(template, 0)

    @api.constrains('page', 'kind')
    def _check_subscribe_page(self):
        for template in self.filtered(lambda one: one.kind == 'subscribe' and one.page):
            path = template.page.partition('?')[0].strip().lstrip('/')
            if '{{' not in path and not codes.is_page(path):
                raise ValidationError(self.env._(
                    "“%(page)s” cannot be a page: enter the path as app.json has it, as"
                    " pages/order/order?id={{ object.id }}.", page=template.page,
                ))

    # === ACTION METHODS === #

    def action_open_consents(self):
        """Show who may be sent the message."""
        self.ensure_one()
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._("Consents"),
            'res_model': 'wechat.subscribe.consent',
            'view_mode': 'list',
            'domain': [('template_id', '=', self.id)],
        }

    # === RENDERING === #

    def _find_problems(self, values):
        """Override of `wechat` to check values that come from a list."""
        problems = super()._find_problems(values)
        for line in self.line_ids:
            value = values.get(line.key)
            if value and line.options and value not in line.options:
                problems.append(self.env._(
                    "%(label)s: “%(value)s” does not fit. %(rule)s",
                    label=line.label, value=value, rule=line.rule,
                ))
        return problems

    def _prepare_payload(self, record, values):
        """Override of `wechat` to add the page and the language (wechat-platform.md, 6.2)."""
        payload = super()._prepare_payload(record, values)
        if self.kind == 'subscribe':
            page = render_page(record, self.page)
            if page:
                payload['page'] = page
            payload['lang'] = subscriptions.language(record.env.lang)
        return payload


class WechatMessageTemplateLine(models.Model):
    _inherit = 'wechat.message.template.line'

    options = fields.Json(string="Values", readonly=True)

    @api.depends('options')
    def _compute_rule(self):
        """Override of `wechat` to name the values that there are."""
        super()._compute_rule()
        for line in self.filtered('options'):
            line.rule = self.env._("One of: %(values)s", values=', '.join(line.options))
