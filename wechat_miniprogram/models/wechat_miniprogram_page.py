# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, fields, models
from odoo.exceptions import ValidationError

from odoo.addons.wechat import rendering
from odoo.addons.wechat_miniprogram.addressing import render_query
from odoo.addons.wechat_miniprogram.protocol import codes


class WechatMiniprogramPage(models.Model):
    """A page of a mini-program, and the records that it shows: what codes and links lead to."""

    _name = 'wechat.miniprogram.page'
    _description = "Mini-program Page"
    _order = 'sequence, id'

    name = fields.Char(required=True, translate=True)
    active = fields.Boolean(default=True)
    sequence = fields.Integer(default=10)
    app_id = fields.Many2one(
        string="Mini-program", comodel_name='wechat.app', required=True, index=True,
        domain=[('app_type', '=', 'miniprogram')], ondelete='cascade',
        default=lambda self: self.env['wechat.app']._get_default('miniprogram', self.env.company),
    )
    company_id = fields.Many2one(string="Company", related='app_id.company_id')
    path = fields.Char(
        string="Page",
        help="The path as app.json has it, without a leading slash: pages/product/product.",
        required=True,
    )
    model_id = fields.Many2one(
        string="Shows",
        help="The records that the page shows, as products. Empty for a page that shows always the"
             " same.",
        comodel_name='ir.model',
        domain=[('transient', '=', False), ('abstract', '=', False)],
        ondelete='cascade',
    )
    model = fields.Char(string="Model Name", related='model_id.model', store=True)
    query = fields.Char(
        string="Parameters",
        help="What the page is told, as id={{ object.id }}. Anybody can read it out of a code: it"
             " says what is meant and gives no right to see it.",
    )
    action_id = fields.Many2one(
        comodel_name='ir.actions.act_window', readonly=True, copy=False,
    )

    # === CONSTRAINT METHODS === #

    @api.constrains('path')
    def _check_path(self):
        for page in self:
            if not codes.is_page(page.path):
                raise ValidationError(self.env._(
                    "“%(path)s” cannot be a page: enter the path as app.json has it, without a"
                    " leading slash and without parameters.", path=page.path,
                ))

    @api.constrains('app_id')
    def _check_app(self):
        for page in self:
            if page.app_id.app_type != 'miniprogram':
                raise ValidationError(self.env._("Pages belong to mini-programs only."))

    @api.constrains('query', 'model_id')
    def _check_query(self):
        for page in self:
            if page.model_id:
                model = self.env.get(page.model)
                if model is None or model._abstract or model._transient:
                    raise ValidationError(self.env._("No page can show these records."))
                rendering.check_text(model, page.query)
            elif '{{' in (page.query or ''):
                raise ValidationError(self.env._(
                    "Choose first which records the page shows."
                ))

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        return super().create([self._strip_path(vals) for vals in vals_list])

    def write(self, vals):
        if 'model_id' in vals:
            # The action would offer the page on records that it no longer shows.
            self.filtered(
                lambda page: page.model_id.id != vals['model_id'],
            ).sudo().action_id.unlink()
        if vals.get('active') is False:
            self.sudo().action_id.unlink()
        return super().write(self._strip_path(vals))

    def unlink(self):
        self.sudo().action_id.unlink()
        return super().unlink()

    @api.model
    def _strip_path(self, vals):
        """Return values without the slash with which paths are often copied."""
        if isinstance(vals.get('path'), str):
            return {**vals, 'path': vals['path'].strip().lstrip('/')}
        return vals

    # === ACTION METHODS === #

    def action_make_code(self):
        """Open the wizard that makes codes."""
        return self._open_wizard('wechat.miniprogram.code', self.env._("Mini-program Code"))

    def action_make_link(self):
        """Open the wizard that makes links."""
        return self._open_wizard('wechat.miniprogram.link', self.env._("Mini-program Link"))

    def _open_wizard(self, model, name):
        self.ensure_one()
        return {
            'type': 'ir.actions.act_window',
            'name': name,
            'res_model': model,
            'view_mode': 'form',
            'target': 'new',
            'context': {'default_page_id': self.id},
        }

    def action_add_to_menu(self):
        """Offer codes that lead to the page in the Action menu of its records."""
        self.check_access('write')
        group = self.env.ref('wechat.group_user')
        for page in self.filtered('model_id'):
            if not page.action_id:
                page.action_id = self.env['ir.actions.act_window'].sudo().create({
                    'name': self.env._("Mini-program Code: %(page)s", page=page.name),
                    'res_model': 'wechat.miniprogram.code',
                    'view_mode': 'form',
                    'target': 'new',
                    'context': {'default_page_id': page.id},
                    'binding_model_id': page.model_id.id,
                    'group_ids': [fields.Command.link(group.id)],
                })
        return True

    def action_remove_from_menu(self):
        """Take the page out of the Action menu of its records."""
        self.check_access('write')
        self.sudo().action_id.unlink()
        return True

    # === BUSINESS METHODS === #

    def _render_query(self, record):
        """Return what the page is told about a record, fit for an address.

        :param record: A record that the page shows, or an empty one.
        :rtype: str
        """
        self.ensure_one()
        return render_query(record, self.query)
