# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import contextlib
import re

from odoo import api, fields, models, tools
from odoo.exceptions import UserError, ValidationError
from odoo.tools import SQL

from odoo.addons.wechat.exceptions import WeChatError
from odoo.addons.wechat.protocol import addresses

SECRET_FIELDS = frozenset({'secret', 'hub_key', 'push_token', 'push_aes_key'})
APPID_PATTERN = re.compile(r'wx[0-9a-zA-Z]{16}', re.ASCII)

# The hosts of WeChat, by the system parameter that may replace them for tests, mirrors and
# sandboxes.
DEFAULT_URLS = {
    'wechat.api_url': 'https://api.weixin.qq.com',
    'wechat.open_url': 'https://open.weixin.qq.com',
    'wechat.mp_url': 'https://mp.weixin.qq.com',
    'wechat.pay_url': 'https://api.mch.weixin.qq.com',
}


class WechatApp(models.Model):
    _name = 'wechat.app'
    _description = "WeChat App"
    _order = 'sequence, id'

    name = fields.Char(required=True)
    app_type = fields.Selection(
        string="Type",
        help="Where the app is registered with WeChat: a mini-program or an official account on"
             " mp.weixin.qq.com, the others on open.weixin.qq.com.",
        selection=[
            ('miniprogram', "Mini-program"),
            ('official_account', "Official account"),
            ('website', "Website application"),
            ('mobile', "Mobile application"),
            ('component', "Third-party platform"),
        ],
        required=True,
        default='miniprogram',
    )
    appid = fields.Char(
        string="AppID",
        help="The AppID that WeChat gave the app: wx and 16 letters or digits.",
        required=True,
        copy=False,
    )
    secret = fields.Char(string="AppSecret", copy=False, groups='base.group_system')
    secret_input = fields.Char(
        string="New AppSecret",
        help="WeChat shows the AppSecret once, when it is made or reset. Leave empty to keep the"
             " one that is stored; it is never shown again.",
        compute='_compute_secret_input',
        inverse='_inverse_secret_input',
        groups='base.group_system',
    )
    has_secret = fields.Boolean(string="AppSecret Stored", compute='_compute_has_secret')
    company_id = fields.Many2one(
        comodel_name='res.company',
        required=True,
        index=True,
        default=lambda self: self.env.company,
    )
    active = fields.Boolean(default=True)
    sequence = fields.Integer(
        help="The first app of a type in a company is its default.",
        default=10,
    )

    # Login.
    login_duration = fields.Integer(
        string="Login Duration (Days)",
        help="How long somebody who logged in with this app stays logged in without using it.",
        default=30,
    )
    session_duration = fields.Integer(
        string="Session Duration (Seconds)",
        help="How long a session of the wafer interface lives.",
        default=2592000,
    )
    allow_signup = fields.Boolean(
        string="Create Unknown Users",
        help="Whoever logs in for the first time gets a portal user. If not, only users who are"
             " linked to a WeChat identity can log in.",
        default=True,
    )
    allow_internal_login = fields.Boolean(
        string="Employees May Log In",
        help="Let internal users log in with WeChat, once an administrator has linked their"
             " identity to their user. Settings administrators never can.",
    )
    accept_session_header = fields.Boolean(
        string="Accept the Session Header",
        help="Accept the header X-Openerp-Session-Id of old clients in place of the session"
             " cookie.",
    )
    share_users = fields.Boolean(
        string="One Person, One User",
        help="Somebody who is known by the unionid from another app, also one of another company,"
             " logs in as the same user.",
        default=True,
    )
    template_user_id = fields.Many2one(
        help="New portal users are copies of this user; by default of Odoo's own portal template.",
        comodel_name='res.users',
        domain=[('share', '=', True)],
        context={'active_test': False},
        ondelete='set null',
    )
    lang = fields.Selection(
        string="Language",
        help="The language of new users.",
        selection=lambda self: self.env['res.lang'].get_installed(),
    )

    # Tokens.
    token_lifetime = fields.Integer(
        string="Token Lifetime (Seconds)",
        help="How long to use a token, in place of the time that WeChat states. A token is renewed"
             " 300 seconds before, or after half of a shorter time. 0: as WeChat states.",
        copy=False,
    )
    token_source = fields.Selection(
        string="Tokens From",
        help="Only one system may fetch the tokens of an AppID from WeChat; others take them from"
             " it.",
        selection=[
            ('wechat', "WeChat"),
            ('hub', "Another system (token hub)"),
            ('component', "Third-party platform"),
        ],
        required=True,
        default='wechat',
    )
    hub_url = fields.Char(
        string="Hub Address",
        help="The base address of the system that the tokens come from: another Odoo with this"
             " addon, or a server that speaks the same routes, as https://erp.example.com.",
        copy=False,
        groups='base.group_system',
    )
    hub_key = fields.Char(
        copy=False, prefetch=False, groups='base.group_system',
    )

    # Message push.
    push_token = fields.Char(
        copy=False, prefetch=False, groups='base.group_system',
    )
    push_aes_key = fields.Char(
        string="EncodingAESKey", copy=False, prefetch=False, groups='base.group_system',
    )
    push_mode = fields.Selection(
        selection=[
            ('plain', "Plain text"),
            ('compatible', "Compatible"),
            ('secure', "Secure"),
        ],
        required=True,
        default='secure',
    )

    identity_ids = fields.One2many(
        string="Identities", comodel_name='wechat.identity', inverse_name='app_id',
    )

    _appid_unique = models.Constraint(
        'UNIQUE (appid)',
        "There is an app with this AppID already. It may be archived or belong to another company.",
    )

    # === COMPUTE METHODS === #

    @api.depends_context('uid')
    def _compute_secret_input(self):
        self.secret_input = False

    def _inverse_secret_input(self):
        for app in self:
            if app.secret_input:
                app.secret = app.secret_input
                app.secret_input = False

    @api.depends('secret')
    def _compute_has_secret(self):
        for app in self:
            app.has_secret = bool(app.sudo().secret)

    # === CONSTRAINT METHODS === #

    @api.constrains('appid')
    def _check_appid(self):
        for app in self:
            if not APPID_PATTERN.fullmatch(app.appid or ''):
                raise ValidationError(self.env._(
                    "“%(appid)s” is not an AppID. An AppID is wx and 16 letters or digits; you"
                    " find it at mp.weixin.qq.com, Development ▸ Development settings (开发管理 ▸"
                    " 开发设置).",
                    appid=app.appid,
                ))

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        apps = super().create([self._strip_values(vals) for vals in vals_list])
        self.env.registry.clear_cache()
        return apps

    def write(self, vals):
        vals = self._strip_values(vals)
        if not SECRET_FIELDS.isdisjoint(vals):
            self._lock_for_secrets()
        if 'appid' in vals:
            changed = self.filtered(lambda app: app.appid != vals['appid'])
            changed._check_appid_may_change()
            self.env['wechat.token'].sudo().search([('app_id', 'in', changed.ids)]).unlink()
        result = super().write(vals)
        if not self._cached_lookup_fields().isdisjoint(vals):
            self.env.registry.clear_cache()
        return result

    def unlink(self):
        result = super().unlink()
        self.env.registry.clear_cache()
        return result

    def _lock_for_secrets(self):
        """Lock the apps before a secret of theirs is written.

        If another transaction has changed an app meanwhile, PostgreSQL refuses this query and not
        the one with the secret: Odoo logs queries that are refused, before it repeats the request.
        """
        self.check_access('write')
        if self.ids:
            self.env.cr.execute(SQL(
                "SELECT id FROM wechat_app WHERE id IN %s ORDER BY id FOR NO KEY UPDATE",
                tuple(self.ids),
            ))

    def _check_appid_may_change(self):
        """Refuse another AppID for apps that have identities: an openid belongs to one AppID.

        :raise UserError: If there are identities.
        """
        identities = self.env['wechat.identity'].sudo().search_count(
            [('app_id', 'in', self.ids)], limit=1,
        )
        if identities:
            raise UserError(self.env._(
                "Users have logged in with this AppID, and their openids mean nothing to another"
                " one. Create a new app for the other AppID and archive this one."
            ))

    @api.model
    def _strip_values(self, vals):
        """Return values without the blanks that copying from WeChat's consoles brings along."""
        return {
            key: value.strip()
            if key in ('appid', 'secret', 'push_token', 'push_aes_key', 'hub_url', 'hub_key')
            and isinstance(value, str) else value
            for key, value in vals.items()
        }

    # === GETTERS === #

    @api.model
    def _cached_lookup_fields(self):
        """Return the names of the fields that the cached look-ups below depend on."""
        return {'appid', 'app_type', 'company_id', 'active', 'sequence', 'token_source'}

    @api.model
    def _get_default(self, app_type, company):
        """Return the default app of a type in a company: the first one.

        :param str app_type: A value of the field `app_type`.
        :param res.company company: The company.
        :return: The app, in the caller's environment; empty if there is none.
        :rtype: wechat.app
        """
        return self.browse(self._get_default_id(app_type, company.id))

    @api.model
    def _store_default(self, app_type, company, *, appid, secret, name, missing):
        """Store what Settings enters of the default app of a type, creating it if need be.

        :param str app_type: A value of the field `app_type`.
        :param res.company company: The company.
        :param appid: The AppID that was entered.
        :param secret: The AppSecret that was entered; empty: the stored one stays.
        :param str name: The name of an app that is created.
        :param str missing: What to say if the AppID was taken away.
        :return: None
        :raise UserError: If the AppID was taken away.
        """
        app = self._get_default(app_type, company)
        appid, secret = (appid or '').strip(), (secret or '').strip()
        values = {}
        if appid != (app.appid or ''):
            values['appid'] = appid
        if secret:
            values['secret'] = secret
        if not values:
            return
        if not appid:
            raise UserError(missing)
        if app:
            app.write(values)
        else:
            self.create({
                'name': name, 'app_type': app_type, 'company_id': company.id, **values,
            })

    @api.model
    @tools.ormcache('app_type', 'company_id')
    def _get_default_id(self, app_type, company_id):
        return self.sudo().search([
            ('app_type', '=', app_type), ('company_id', '=', company_id), ('active', '=', True),
        ], order='sequence, id', limit=1).id

    @api.model
    def _get_by_appid(self, appid, app_type=None):
        """Return the active app with an AppID.

        :param str appid: The AppID.
        :param app_type: The type it must have; ``None`` for any.
        :return: The app, in the caller's environment; empty if there is none.
        :rtype: wechat.app
        """
        if not isinstance(appid, str) or not APPID_PATTERN.fullmatch(appid):
            return self.browse()
        return self.browse(self._get_id_by_appid(appid, app_type))

    @api.model
    @tools.ormcache('appid', 'app_type')
    def _get_id_by_appid(self, appid, app_type):
        domain = [('appid', '=', appid), ('active', '=', True)]
        if app_type:
            domain.append(('app_type', '=', app_type))
        return self.sudo().search(domain, limit=1).id

    @api.model
    def _api_url(self, parameter):
        """Return the base address of one of WeChat's hosts.

        :param str parameter: One of :data:`DEFAULT_URLS`.
        :return: The address without a trailing slash.
        :rtype: str
        :raise WeChatError: If the system parameter holds something else than an https address.
        """
        configured = self.env['ir.config_parameter'].sudo().get_param(parameter)
        with contextlib.suppress(addresses.AddressError):
            return addresses.base_of((configured or DEFAULT_URLS[parameter]).strip())
        raise WeChatError(self.env._(
            "The system parameter %(parameter)s must be an https address without a path, as"
            " %(example)s. (Plain http is accepted on this machine only.)",
            parameter=parameter, example=DEFAULT_URLS[parameter],
        ), code='misconfigured')
