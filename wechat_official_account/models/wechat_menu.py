# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The custom menu of an official account, edited in Odoo and published at WeChat."""

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

from odoo.addons.wechat.exceptions import WeChatError
from odoo.addons.wechat_official_account.protocol import menus

NO_MENU_ERRCODE = 46003


class WechatMenu(models.Model):
    _name = 'wechat.menu'
    _description = "WeChat Custom Menu"
    _order = 'app_id'
    _rec_name = 'app_id'

    app_id = fields.Many2one(
        string="Official Account",
        comodel_name='wechat.app',
        domain=[('app_type', '=', 'official_account')],
        required=True,
        ondelete='cascade',
        default=lambda self: self.env['wechat.app']._get_default(
            'official_account', self.env.company),
    )
    company_id = fields.Many2one(string="Company", related='app_id.company_id')
    button_ids = fields.One2many(
        string="Buttons",
        comodel_name='wechat.menu.button',
        inverse_name='menu_id',
        domain=[('parent_id', '=', False)],
    )
    state = fields.Selection(
        string="Status",
        selection=[
            ('draft', "Not published"), ('published', "Published"), ('changed', "Changed since"),
        ],
        compute='_compute_state',
    )
    published = fields.Json(readonly=True, copy=False)
    published_at = fields.Datetime(readonly=True, copy=False)
    preview = fields.Html(compute='_compute_preview', sanitize=False)

    _app_unique = models.Constraint('UNIQUE (app_id)', "The account has a menu already.")

    # === COMPUTE METHODS === #

    @api.depends('published', 'button_ids', *(
        f'button_ids.{prefix}{name}' for prefix in ('', 'child_ids.') for name in (
            'sequence', 'name', 'button_type', 'key', 'url', 'appid', 'pagepath', 'media_id',
        )
    ))
    def _compute_state(self):
        for menu in self:
            if not menu.published:
                menu.state = 'draft'
            else:
                menu.state = 'published' if menu._build() == menu.published else 'changed'

    @api.depends('button_ids.name', 'button_ids.sequence', 'button_ids.child_ids.name',
                 'button_ids.child_ids.sequence')
    def _compute_preview(self):
        for menu in self:
            menu.preview = self.env['ir.qweb']._render(
                'wechat_official_account.menu_preview', {'menu': menu},
            )

    # === CONSTRAINT METHODS === #

    @api.constrains('app_id')
    def _check_app_id(self):
        self.app_id._check_is_official_account()

    @api.constrains('button_ids')
    def _check_button_count(self):
        for menu in self:
            if len(menu.button_ids) > menus.MAX_BUTTONS:
                raise ValidationError(self.env._(
                    "A menu has %(limit)s buttons at most, each with up to %(sub_limit)s buttons"
                    " below it.", limit=menus.MAX_BUTTONS, sub_limit=menus.MAX_SUB_BUTTONS,
                ))

    # === ACTION METHODS === #

    def action_publish(self):
        """Publish the menu: everybody sees it within minutes.

        :return: A notification.
        :rtype: dict
        """
        self.ensure_one()
        self.check_access('write')
        if not self.button_ids:
            raise UserError(self.env._("The menu has no buttons yet."))
        self.button_ids._check_button()
        self.button_ids.child_ids._check_button()
        empty = self.button_ids.filtered(lambda button: button.is_group and not button.child_ids)
        if empty:
            raise UserError(self.env._(
                "“%(button)s” opens more buttons, but there are none below it.",
                button=empty[0].name,
            ))
        built = self._build()
        self.app_id._request('POST', '/cgi-bin/menu/create', json=built)
        self.write({'published': built, 'published_at': fields.Datetime.now()})
        return self._notify(self.env._(
            "The menu is published. Phones show it within five minutes, or at once to whoever"
            " follows the account anew."
        ))

    def action_fetch(self):
        """Replace the buttons with those of the menu that the account has now.

        :return: A notification.
        :rtype: dict
        """
        self.ensure_one()
        self.check_access('write')
        try:
            answer = self.app_id._request('GET', '/cgi-bin/menu/get')
        except WeChatError as error:
            if error.errcode != NO_MENU_ERRCODE:
                raise
            self.published = False
            return self._notify(self.env._("The account has no menu at WeChat."), 'warning')
        buttons, unknown = menus.parse(answer)
        self.button_ids.unlink()
        for sequence, button in enumerate(buttons):
            parent = self.env['wechat.menu.button'].create(
                self._prepare_button(button, sequence, menu_id=self.id))
            self.env['wechat.menu.button'].create([
                self._prepare_button(child, index, parent_id=parent.id)
                for index, child in enumerate(button.get('children') or ())
            ])
        self.invalidate_recordset()
        self.write({'published': self._build(), 'published_at': fields.Datetime.now()})
        if unknown:
            return self._notify(self.env._(
                "The menu was fetched without the buttons that Odoo does not know (%(types)s)."
                " Publishing it would remove them.", types=', '.join(sorted(set(unknown))),
            ), 'warning')
        return self._notify(self.env._("The menu was fetched."))

    def action_remove(self):
        """Remove the menu at WeChat; what was edited here stays.

        :return: A notification.
        :rtype: dict
        """
        self.ensure_one()
        self.check_access('write')
        self.app_id._request('GET', '/cgi-bin/menu/delete')
        self.write({'published': False, 'published_at': False})
        return self._notify(self.env._("The menu was removed from the account."))

    # === BUSINESS METHODS === #

    def _build(self):
        """Return the menu as WeChat takes it.

        :rtype: dict
        """
        self.ensure_one()
        return menus.build([button._to_values() for button in self.button_ids.sorted()])

    @api.model
    def _prepare_button(self, button, sequence, **values):
        """Return the values of a button that WeChat answered."""
        return {
            'name': button['name'],
            'sequence': sequence,
            'button_type': button.get('type') or 'view',
            **{name: button.get(name) or False
               for name in ('key', 'url', 'appid', 'pagepath', 'media_id')},
            **({'is_group': True} if button.get('children') else {}),
            **values,
        }

    def _notify(self, message, kind='success'):
        return {
            'type': 'ir.actions.client',
            'tag': 'display_notification',
            'params': {
                'type': kind,
                'message': message,
                'next': {'type': 'ir.actions.client', 'tag': 'soft_reload'},
            },
        }
