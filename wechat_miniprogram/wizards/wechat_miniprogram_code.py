# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import base64
import re

from odoo import api, fields, models
from odoo.exceptions import UserError

from odoo.addons.wechat_miniprogram.models.wechat_app_code import DEFAULT_WIDTH
from odoo.addons.wechat_miniprogram.protocol import codes

MAX_RECORDS = 50  # each is a call


class WechatMiniprogramCode(models.TransientModel):
    _name = 'wechat.miniprogram.code'
    _inherit = 'wechat.miniprogram.target'
    _description = "Mini-program Code"

    kind = fields.Selection(
        selection=[('unlimited', "Without limit"), ('limited', "One of 100 000")],
        help="A mini-program may have any number of codes of the first kind. Of the second, whose"
             " parameters may be longer, it may have 100 000, for ever.",
        required=True,
        default='unlimited',
    )
    width = fields.Integer(
        string="Width (Pixels)", help="280 to 1280.", required=True, default=DEFAULT_WIDTH,
    )
    is_hyaline = fields.Boolean(string="Transparent Ground")
    check_path = fields.Boolean(
        string="Page Must Be Published",
        help="WeChat refuses a code to a page that the published version does not have.",
        default=True,
    )
    line_ids = fields.One2many(
        string="Codes", comodel_name='wechat.miniprogram.code.line', inverse_name='wizard_id',
        readonly=True,
    )
    is_made = fields.Boolean(compute='_compute_is_made')

    @api.depends('line_ids')
    def _compute_is_made(self):
        for wizard in self:
            wizard.is_made = bool(wizard.line_ids)

    # === ACTION METHODS === #

    def action_make(self):
        """Have WeChat make a code for each record, or one for the page.

        :return: The window with the codes.
        :rtype: dict
        """
        self.ensure_one()
        self._check_target()
        records = self._get_records()
        if len(records) > MAX_RECORDS:
            raise UserError(self.env._(
                "At most %(most)s codes are made at once: choose fewer records.", most=MAX_RECORDS,
            ))
        made = [self._make_line(record) for record in records or [records]]
        self.line_ids.unlink()
        self.env['wechat.miniprogram.code.line'].create(made)
        return self._reopen(self.env._("Mini-program Code"))

    def action_print(self):
        """Print the codes."""
        self.ensure_one()
        report = self.env.ref('wechat_miniprogram.action_report_code')
        return report.report_action(self.line_ids, config=False)

    def action_back(self):
        """Forget the codes, to make others."""
        self.ensure_one()
        self.line_ids.unlink()
        return self._reopen(self.env._("Mini-program Code"))

    def action_make_link(self):
        """Open the wizard that makes a link to the same page."""
        self.ensure_one()
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._("Mini-program Link"),
            'res_model': 'wechat.miniprogram.link',
            'view_mode': 'form',
            'target': 'new',
            'context': {
                'default_page_id': self.page_id.id, 'default_app_id': self.app_id.id,
                'default_path': self.path, 'default_res_model': self.res_model,
                'default_res_ids': self.res_ids, 'default_query': self.query,
            },
        }

    # === BUSINESS METHODS === #

    def _make_line(self, record):
        """Return the values of the line with the code of one record.

        :param record: The record; empty for the page by itself.
        :raise WeChatError: If WeChat does not make it.
        """
        path = (self.path or '').strip().lstrip('/')
        query = (self.query or '') if not record else self._query_of(record)
        app = self.app_id.sudo()
        options = {
            'width': self.width, 'env_version': self.env_version, 'is_hyaline': self.is_hyaline,
        }
        scene = False
        if self.kind == 'limited':
            image = app._make_code(f'{path}?{query}' if query else path, **options)
        else:
            # A code without parameters needs a scene all the same.
            scene = app._make_scene(query or 'from=odoo')
            image = app._make_unlimited_code(
                scene, path, check_path=self.check_path, **options,
            )
        name = record.sudo().display_name if record else self.page_id.sudo().name or path
        return {
            'wizard_id': self.id,
            'name': name or app.name,
            'app_name': app.name,
            'target': f'{path}?{query}' if query else path,
            'scene': scene,
            'image': base64.b64encode(image),
            'mimetype': codes.image_type(image),
        }


class WechatMiniprogramCodeLine(models.TransientModel):
    _name = 'wechat.miniprogram.code.line'
    _description = "Mini-program Code"
    _order = 'id'

    wizard_id = fields.Many2one(
        comodel_name='wechat.miniprogram.code', required=True, ondelete='cascade',
    )
    name = fields.Char(required=True)
    app_name = fields.Char(string="Mini-program")
    target = fields.Char(string="Leads To")
    scene = fields.Char()
    image = fields.Binary(string="Code")
    mimetype = fields.Char()
    filename = fields.Char(compute='_compute_filename')

    @api.depends('name', 'mimetype')
    def _compute_filename(self):
        for line in self:
            stem = re.sub(r'[^\w\-]+', '-', line.name or '').strip('-')[:60] or 'code'
            line.filename = stem + ('.png' if line.mimetype == 'image/png' else '.jpg')

    def action_download(self):
        """Download the picture."""
        self.ensure_one()
        return {
            'type': 'ir.actions.act_url',
            'url': f'/web/content/{self._name}/{self.id}/image?filename_field=filename'
                   '&download=true',
            'target': 'download',
        }
