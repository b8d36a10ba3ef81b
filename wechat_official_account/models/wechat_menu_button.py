# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, fields, models
from odoo.exceptions import ValidationError

from odoo.addons.wechat_official_account.protocol import menus


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
                raise ValidationError(self.env._(
                    "“%(button)s”: %(problem)s", button=button.name, problem=problem,
                ))

    def _find_problem(self):
        """Return why WeChat would not take the button, in words; None if it would."""
        limit = menus.MAX_SUB_NAME_BYTES if self.parent_id else menus.MAX_NAME_BYTES
        if menus.is_too_long(self.name, limit):
            return self.env._(
                "the name is too long. WeChat takes %(limit)s bytes here, which are %(chinese)s"
                " Chinese characters.", limit=limit, chinese=limit // 3,
            )
        if bool(self.menu_id) == bool(self.parent_id) or self.parent_id.parent_id:
            return self.env._("a menu has two levels.")
        if self.is_group and not self.parent_id:
            if not self.child_ids:
                return None  # They may still be coming; publishing asks again.
            if len(self.child_ids) > menus.MAX_SUB_BUTTONS:
                return self.env._(
                    "there may be %(limit)s buttons below it at most.", limit=menus.MAX_SUB_BUTTONS,
                )
            return None
        if self.button_type in menus.KEY_TYPES:
            if not self.key or menus.is_too_long(self.key, menus.MAX_KEY_BYTES):
                return self.env._(
                    "enter a key of up to %(limit)s bytes.", limit=menus.MAX_KEY_BYTES,
                )
        elif self.button_type == 'media_id':
            if not self.media_id:
                return self.env._("enter the media_id of a permanent material.")
        else:
            if not menus.is_web_address(self.url):
                return self.env._("enter a complete web address, as https://example.com/page.")
            if menus.is_too_long(self.url, menus.MAX_URL_BYTES):
                return self.env._(
                    "the address is too long: WeChat takes %(limit)s bytes.",
                    limit=menus.MAX_URL_BYTES,
                )
            if self.button_type == 'miniprogram' and not (self.appid and self.pagepath):
                return self.env._("enter the mini-program's AppID and the page.")
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
