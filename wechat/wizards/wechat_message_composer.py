# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import UserError

from odoo.addons.wechat.exceptions import WeChatError
from odoo.addons.wechat.models.wechat_message_log import render_card


class WechatMessageComposer(models.TransientModel):
    _name = 'wechat.message.composer'
    _description = "Send by WeChat"

    template_id = fields.Many2one(
        comodel_name='wechat.message.template', required=True, ondelete='cascade',
    )
    is_preview = fields.Boolean()
    res_model = fields.Char(related='template_id.model')
    res_ids = fields.Json(string="Records")
    record_ref = fields.Reference(string="Record", selection='_selection_record_ref')
    count = fields.Integer(string="Number of Records", compute='_compute_count')
    partner_name = fields.Char(string="Recipient", compute='_compute_preview')
    preview = fields.Html(string="Message", compute='_compute_preview', sanitize=False)
    problem = fields.Text(string="Cannot Be Sent", compute='_compute_preview')
    jump_to = fields.Char(string="A Tap Opens", compute='_compute_preview')

    # === COMPUTE METHODS === #

    @api.model
    def _selection_record_ref(self):
        return [
            (model.model, model.name)
            for model in self.env['ir.model'].sudo().search([('transient', '=', False)])
        ]

    @api.model
    def default_get(self, fields):
        values = super().default_get(fields)
        template = self.env['wechat.message.template'].browse(values.get('template_id'))
        model = self.env.get(template.model or '')
        if model is None:
            return values
        ids = values.get('res_ids')
        if not ids and self.env.context.get('active_model') == model._name:
            ids = self.env.context.get('active_ids') or []
        records = model.browse(ids or ())
        if values.get('is_preview') or not records:
            records = model.search([], limit=1)
        else:
            values['res_ids'] = records.ids
        if records:
            values['record_ref'] = f'{model._name},{records[0].id}'
        return values

    @api.depends('res_ids')
    def _compute_count(self):
        for composer in self:
            composer.count = len(composer.res_ids or ())

    @api.depends('template_id', 'record_ref')
    @api.depends_context('lang')
    def _compute_preview(self):
        for composer in self:
            composer.preview = composer.problem = False
            composer.partner_name = composer.jump_to = False
            template, record = composer.template_id.sudo(), composer.record_ref
            if not template or not record:
                continue
            if record._name != template.model:
                composer.problem = self.env._("The template is not for these records.")
                continue
            if not record.has_access('read'):
                composer.problem = self.env._("You may not read this record.")
                continue
            composer._preview_record(template, record.sudo())

    def _preview_record(self, template, record):
        """Fill in what would be sent about a record, and what stands in its way."""
        try:
            partner = template._get_partner(record)
            record = template._localized(record, partner)
            values = template._render_values(record)
            data = template._prepare_payload(record, values)
        except (UserError, KeyError) as error:
            self.problem = str(error)
            return
        self.partner_name = partner.display_name
        self.preview = render_card(template.name, [
            (line.label, values[line.key] or Markup('<em>—</em>'), line.color)
            for line in template.line_ids
        ])
        jump = data.get('miniprogram') or {}
        self.jump_to = (
            ' '.join(jump.values()) if jump else data.get('url') or data.get('page')
        )
        try:
            template._prepare_log_message(record, template._get_identity(partner))
        except (WeChatError, UserError) as error:
            self.problem = str(error)

    # === ACTION METHODS === #

    def action_send(self):
        """Queue a message about each record and tell the user what became of them.

        :return: A notification.
        :rtype: dict
        """
        self.ensure_one()
        self.template_id.check_access('read')
        records = self.env[self.template_id.model].browse(self.res_ids or ())
        if not records:
            raise UserError(self.env._("There is no record to send a message about."))
        # The template reads what it needs of a record, but only of those that the user may read.
        records.check_access('read')
        logs = self.template_id._queue(records)
        failed = logs.filtered(lambda log: log.state == 'failed')
        queued = len(logs) - len(failed)
        messages = []
        if queued:
            messages.append(self.env._("Messages on their way: %(count)s.", count=queued))
        if failed:
            messages.append(self.env._(
                "Messages that cannot be sent: %(count)s. %(reason)s",
                count=len(failed), reason=failed[0].error,
            ))
        return {
            'type': 'ir.actions.client',
            'tag': 'display_notification',
            'params': {
                'type': 'warning' if failed else 'success',
                'message': ' '.join(messages),
                'sticky': bool(failed),
                'next': {'type': 'ir.actions.act_window_close'},
            },
        }
