# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, fields, models
from odoo.exceptions import UserError


class WechatMiniprogramTarget(models.AbstractModel):
    """What the wizards for codes and for links have in common: where these lead."""

    _name = 'wechat.miniprogram.target'
    _description = "Target in a Mini-program"

    app_id = fields.Many2one(
        string="Mini-program", comodel_name='wechat.app', required=True,
        domain=[('app_type', '=', 'miniprogram')], compute='_compute_target', store=True,
        readonly=False, precompute=True, compute_sudo=False, ondelete='cascade',
    )
    page_id = fields.Many2one(
        comodel_name='wechat.miniprogram.page', ondelete='cascade',
    )
    path = fields.Char(
        string="Page Path",
        help="As app.json has it, without a leading slash: pages/index/index. Empty for the home"
             " page.",
        compute='_compute_target', store=True, readonly=False, precompute=True,
        compute_sudo=False,
    )
    query = fields.Char(
        string="Parameters", help="What the page is told, as id=5.",
        compute='_compute_query', store=True, readonly=False, precompute=True,
        compute_sudo=False,  # nothing of a record that the user may not read
    )
    res_model = fields.Char(string="Model")
    res_ids = fields.Json(string="Records")
    count = fields.Integer(string="Number of Records", compute='_compute_count')
    env_version = fields.Selection(
        string="Version",
        selection=[('release', "Release"), ('trial', "Trial"), ('develop', "Development")],
        required=True,
        default='release',
    )

    # === COMPUTE METHODS === #

    @api.model
    def default_get(self, fields):
        values = super().default_get(fields)
        context = self.env.context
        page = self.env['wechat.miniprogram.page'].browse(values.get('page_id'))
        model, ids = values.get('res_model'), values.get('res_ids')
        if not model and context.get('active_model') not in (
            None, 'wechat.app', 'wechat.miniprogram.page',
        ):
            model, ids = context['active_model'], context.get('active_ids')
        if page and page.model != model:
            model, ids = False, False  # The page says what it shows.
        values.update(res_model=model, res_ids=ids)
        return values

    @api.depends('page_id')
    def _compute_target(self):
        for wizard in self:
            page = wizard.page_id.sudo()
            wizard.app_id = page.app_id or wizard.app_id or self.env['wechat.app']._get_default(
                'miniprogram', self.env.company,
            )
            wizard.path = page.path or wizard.path

    @api.depends('page_id', 'res_model', 'res_ids')
    def _compute_query(self):
        for wizard in self:
            record = wizard._get_records()[:1]
            if wizard.page_id or record:
                wizard.query = wizard._query_of(record)
            else:
                wizard.query = wizard.query or False

    @api.depends('res_ids')
    def _compute_count(self):
        for wizard in self:
            wizard.count = len(wizard.res_ids or ())

    # === BUSINESS METHODS === #

    def _get_records(self):
        """Return the records that it is about, which the user may read; empty if there are none.

        :raise AccessError: If the user may not read them.
        """
        self.ensure_one()
        model = self.env.get(self.res_model or '')
        if model is None or model._abstract or model._transient:
            return self.env['wechat.miniprogram.page'].browse()
        records = model.browse(self.res_ids or ()).exists()
        records.check_access('read')
        return records

    def _query_of(self, record):
        """Return what the page is told about a record.

        What the page's parameters read was checked when they were written; whoever uses the wizard
        must be able to read the record, not each of its fields.

        :rtype: str
        """
        page = self.page_id.sudo()
        if page:
            return page._render_query(record.sudo()) if record or not page.model else ''
        return f'model={record._name}&id={record.id}' if record else ''

    def _check_target(self):
        """Refuse what leads nowhere.

        :raise UserError: If it is no mini-program of the user's companies, or a page of records
            without a record.
        """
        self.ensure_one()
        app, page = self.app_id.sudo(), self.page_id.sudo()
        if page and page.app_id != app:
            raise UserError(self.env._("The page belongs to another mini-program."))
        if page.model and self.res_model != page.model:
            raise UserError(self.env._(
                "The page shows records: choose some in their list, and then the page in the Action"
                " menu."
            ))
        if app.app_type != 'miniprogram':
            raise UserError(self.env._("Choose a mini-program."))
        if app.company_id not in self.env.companies:
            raise UserError(self.env._("The mini-program belongs to another company."))

    def _reopen(self, name):
        """Return the window with what was made.

        :param str name: Its title.
        :rtype: dict
        """
        return {
            'type': 'ir.actions.act_window',
            'name': name,
            'res_model': self._name,
            'res_id': self.id,
            'view_mode': 'form',
            'target': 'new',
        }
