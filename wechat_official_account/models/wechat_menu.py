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


class WechatMenuButton(models.Model):
    _name = 'wechat.menu.button'
    _description = "WeChat Menu Button"
    _order = 'sequence, id'

    menu_id = fields.Many2one(
        comodel_name='wechat.menu', index='btree_not_null', ondelete='cascade',
    )
    parent_id = fields.Many2one(
        comodel_name='wechat.menu.button', index='btree_not_null', ondelete='cascade',
    )
    child_ids = fields.One2many(
        string="Buttons Below", comodel_name='wechat.menu.button', inverse_name='parent_id',
    )
    child_count = fields.Integer(string="Buttons Below It", compute='_compute_child_count')
    sequence = fields.Integer(default=10)
    name = fields.Char(required=True)
    is_group = fields.Boolean(string="Opens More Buttons")
    button_type = fields.Selection(
        string="Does",
        selection=[
            ('view', "Opens a web page"),
            ('click', "Answers by a rule"),
            ('miniprogram', "Opens a mini-program"),
            ('media_id', "Sends a material"),
            ('scancode_push', "Scans a code"),
            ('scancode_waitmsg', "Scans a code and waits for the answer"),
            ('pic_sysphoto', "Takes a picture"),
            ('pic_photo_or_album', "Takes or chooses a picture"),
            ('pic_weixin', "Chooses a picture"),
            ('location_select', "Sends a place"),
        ],
        required=True,
        default='view',
    )
    key = fields.Char(help="By this key the auto-reply rules know the button.")
    url = fields.Char(
        string="Page", help="For a mini-program: the page for old versions of WeChat.",
    )
    appid = fields.Char(string="Mini-program's AppID")
    pagepath = fields.Char(string="Page in the Mini-program")
    media_id = fields.Char(string="Material", help="The media_id of a permanent material.")

    # === COMPUTE METHODS === #

    @api.depends('child_ids')
    def _compute_child_count(self):
        for button in self:
            button.child_count = len(button.child_ids)

    # === CONSTRAINT METHODS === #

    @api.constrains(
        'menu_id', 'parent_id', 'child_ids', 'name', 'is_group', 'button_type', 'key', 'url',
        'appid', 'pagepath', 'media_id',
    )
    def _check_button(self):
        for button in self:
            problem = button._find_problem()
            if problem:
                raise ValidationError(f"“{button.name}”: {problem}")

    def _find_problem(self):
        """Return why WeChat would not take the button, in words; None if it would."""
        _ = self.env._
        limit = menus.MAX_SUB_NAME_BYTES if self.parent_id else menus.MAX_NAME_BYTES
        if menus.is_too_long(self.name, limit):
            return _("the name is too long. WeChat takes %(limit)s bytes here, which are"
                     " %(chinese)s Chinese characters.", limit=limit, chinese=limit // 3)
        if bool(self.menu_id) == bool(self.parent_id) or self.parent_id.parent_id:
            return _("a menu has two levels.")
        if self.is_group and not self.parent_id:
            if not self.child_ids:
                return None  # They may still be coming; publishing asks again.
            if len(self.child_ids) > menus.MAX_SUB_BUTTONS:
                return _("there may be %(limit)s buttons below it at most.",
                         limit=menus.MAX_SUB_BUTTONS)
            return None
        if self.button_type in menus.KEY_TYPES:
            if not self.key or menus.is_too_long(self.key, menus.MAX_KEY_BYTES):
                return _("enter a key of up to %(limit)s bytes.", limit=menus.MAX_KEY_BYTES)
        elif self.button_type == 'media_id':
            if not self.media_id:
                return _("enter the media_id of a permanent material.")
        else:
            if not menus.is_web_address(self.url):
                return _("enter a complete web address, as https://example.com/page.")
            if menus.is_too_long(self.url, menus.MAX_URL_BYTES):
                return _("the address is too long: WeChat takes %(limit)s bytes.",
                         limit=menus.MAX_URL_BYTES)
            if self.button_type == 'miniprogram' and not (self.appid and self.pagepath):
                return _("enter the mini-program's AppID and the page.")
        return None

    # === BUSINESS METHODS === #

    def _to_values(self):
        """Return the button in the form that `menus.build` takes."""
        self.ensure_one()
        values = {'name': self.name or '', 'type': self.button_type}
        if self.is_group:
            values['children'] = [child._to_values() for child in self.child_ids.sorted()]
        values.update({
            name: self[name] or '' for name in ('key', 'url', 'appid', 'pagepath', 'media_id')
        })
        return values
