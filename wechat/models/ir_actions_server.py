# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, fields, models


class IrActionsServer(models.Model):
    _inherit = 'ir.actions.server'

    state = fields.Selection(
        selection_add=[('wechat_message', "Send WeChat Message"), ('webhook',)],
        ondelete={'wechat_message': 'cascade'},
    )
    wechat_template_id = fields.Many2one(
        string="WeChat Template",
        comodel_name='wechat.message.template',
        compute='_compute_wechat_template_id',
        store=True,
        readonly=False,
        domain="[('model_id', '=', model_id), ('is_ready', '=', True)]",
        ondelete='set null',
    )

    # === COMPUTE METHODS === #

    @api.depends('model_id', 'state')
    def _compute_wechat_template_id(self):
        self.filtered(
            lambda action: action.state != 'wechat_message'
            or action.model_id != action.wechat_template_id.model_id
        ).wechat_template_id = False

    def _name_depends(self):
        return [*super()._name_depends(), 'wechat_template_id']

    def _generate_action_name(self):
        self.ensure_one()
        if self.state == 'wechat_message' and self.wechat_template_id:
            return self.env._(
                "Send by WeChat: %(template)s", template=self.wechat_template_id.name,
            )
        return super()._generate_action_name()

    @api.model
    def _warning_depends(self):
        return [*super()._warning_depends(), 'wechat_template_id', 'wechat_template_id.active',
                'wechat_template_id.is_ready']

    def _get_warning_messages(self):
        warnings = super()._get_warning_messages()
        template = self.wechat_template_id
        if self.state == 'wechat_message' and template and template.model_id != self.model_id:
            warnings.append(self.env._(
                "The WeChat template “%(template)s” is for other records.", template=template.name,
            ))
        return warnings

    # === BUSINESS METHODS === #

    def _run_action_wechat_message_multi(self, eval_context=None):
        """Queue a message about each record. Nothing of it ends the business flow."""
        if not self.wechat_template_id:
            return False
        records = eval_context.get('records') or eval_context.get('record')
        if records:
            self.wechat_template_id.sudo()._queue(records)
        return False
