# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What an administrator sees of an app: whether it works, and what to do if not."""

from psycopg2 import OperationalError

from odoo import api, fields, models
from odoo.tools import SQL

from odoo.addons.wechat.exceptions import WeChatError
from odoo.addons.wechat.protocol import errcodes

# Failures that say something about the app or its connection, not about one call or its user.
RECORDED_WORDS = ('misconfigured', 'wechat_unavailable')
RECORDED_ERRCODES = (45009,)

# Another value of one of them may mend what did not work.
CREDENTIAL_FIELDS = frozenset({'appid', 'secret', 'token_source', 'hub_url', 'hub_key'})

STATE_FIELDS = ('state', 'last_errcode', 'last_error_code', 'last_error', 'last_error_date')


class WechatApp(models.Model):
    _inherit = 'wechat.app'

    state = fields.Selection(
        string="Status",
        selection=[('new', "Not checked"), ('ok', "Works"), ('error', "Does not work")],
        readonly=True,
        required=True,
        default='new',
        copy=False,
    )
    last_errcode = fields.Integer(
        string="Error Code",
        help="WeChat's number of the last error; 0 if there was no answer.",
        readonly=True,
        copy=False,
    )
    last_error_code = fields.Char(string="Kind of Error", readonly=True, copy=False)
    last_error = fields.Char(
        help="What WeChat answered, in its own words.",
        readonly=True,
        copy=False,
    )
    last_error_date = fields.Datetime(string="Since", readonly=True, copy=False)
    last_check = fields.Datetime(readonly=True, copy=False)
    advice = fields.Text(string="What to Do", compute='_compute_advice')
    token_expires_at = fields.Datetime(
        string="Token Valid Until",
        help="When the access token that is kept expires. It is renewed five minutes before, by"
             " the first call that needs it.",
        compute='_compute_token_expires_at',
    )
    token_ids = fields.One2many(
        string="Tokens and Tickets", comodel_name='wechat.token', inverse_name='app_id',
        groups='base.group_system',
    )

    @api.depends('state', 'last_errcode', 'last_error_code')
    @api.depends_context('lang')
    def _compute_advice(self):
        for app in self:
            if app.state != 'error':
                app.advice = False
            elif app.last_errcode:
                app.advice = errcodes.describe(
                    app.last_errcode, self.env.lang, errmsg=app.last_error or '',
                )
                if app._has_token_source('hub'):
                    app.advice = self.env._("On the hub: %(advice)s", advice=app.advice)
            elif app.last_error_code in app._hub_advices():
                app.advice = app._hub_advices()[app.last_error_code]
            elif app.last_error_code == 'misconfigured':
                app.advice = self.env._("Enter the AppSecret and check again.")
            else:
                app.advice = self.env._(
                    "There was no usable answer from WeChat. Check that this server can reach"
                    " api.weixin.qq.com by https (name resolution, firewall, proxy), then check"
                    " again."
                )

    @api.depends('token_ids.expires_at')
    def _compute_token_expires_at(self):
        now = fields.Datetime.now()
        for app in self:
            token_sudo = app.sudo().token_ids.filtered(lambda token: token.kind == 'access_token')
            expires_at = token_sudo.expires_at
            app.token_expires_at = expires_at if expires_at and expires_at > now else False

    # === CRUD METHODS === #

    def write(self, vals):
        # What WeChat said of the old credentials says nothing about new ones.
        if not CREDENTIAL_FIELDS.isdisjoint(vals) and 'state' not in vals:
            vals = {**vals, **self._success_values(), 'state': 'new'}
        return super().write(vals)

    # === ACTION METHODS === #

    def action_check_credentials(self):
        """Ask WeChat whether the AppID and the AppSecret are right, and tell the user.

        :return: A notification.
        :rtype: dict
        """
        self.ensure_one()
        self.check_access('write')
        try:
            self._check_credentials()
        except WeChatError as error:
            kind, message = 'danger', str(error)
            title = self.env._("%(app)s does not work", app=self.name)
        else:
            kind, title = 'success', self.env._("%(app)s works", app=self.name)
            message = (
                self.env._("The token hub accepts the hub key.") if self._has_token_source('hub')
                else self.env._("WeChat accepts the AppID and the AppSecret.")
            )
        return {
            'type': 'ir.actions.client',
            'tag': 'display_notification',
            'params': {
                'type': kind,
                'title': title,
                'message': message,
                'sticky': kind == 'danger',
                'next': {'type': 'ir.actions.client', 'tag': 'soft_reload'},
            },
        }

    # === BUSINESS METHODS === #

    def _check_credentials(self):
        """Ask WeChat for a token with the AppID and the AppSecret, and store what came of it.

        :return: None
        :raise WeChatError: If WeChat does not accept them or cannot be asked.
        """
        self.ensure_one()
        now = fields.Datetime.now()
        failure = None
        try:
            self._try_credentials()
        except WeChatError as error:
            failure = error
        values = self._failure_values(failure) if failure else self._success_values()
        self._store_state({**values, 'last_check': now}, or_here=True)
        if failure:
            raise failure

    def _try_credentials(self):
        """Make a call that shows whether the app works. Other sources of tokens override this.

        :raise WeChatError: If it does not.
        """
        self._fetch_token('access_token')

    def _note_success(self):
        """Store that WeChat accepted a call, if that is news."""
        if self.sudo().state != 'ok':
            self._store_state(self._success_values())

    def _note_failure(self, error):
        """Store why a call failed, if it says something about the app and is news.

        The caller's transaction will be rolled back, so this is a transaction of its own.

        :param WeChatError error: The failure.
        """
        if error.code in RECORDED_WORDS or error.errcode in RECORDED_ERRCODES:
            values = self._failure_values(error)
            app_sudo = self.sudo()
            news = ('state', 'last_errcode', 'last_error_code')
            if any(app_sudo[name] != values[name] for name in news):
                self._store_state(values)

    def _success_values(self):
        return {
            'state': 'ok', 'last_errcode': 0, 'last_error_code': False, 'last_error': False,
            'last_error_date': False,
        }

    def _failure_values(self, error):
        return {
            'state': 'error',
            'last_errcode': getattr(error, 'advice_errcode', None) or error.errcode or 0,
            'last_error_code': getattr(error, 'advice_word', None) or error.code,
            'last_error': ' '.join(
                str(part) for part in (error.errcode, getattr(error, 'errmsg', '')) if part
            ) or False,
            'last_error_date': fields.Datetime.now(),
        }

    def _store_state(self, values, or_here=False):
        """Write fields of the state in a transaction of its own.

        The row may be locked by the caller's own transaction: waiting for it would be for ever.

        :param dict values: The values.
        :param bool or_here: Whether to write in the caller's transaction if the row is locked;
            otherwise nothing is written then.
        """
        self.ensure_one()
        written = False
        try:
            with self.env.registry.cursor() as cr:
                cr.execute(SQL("SELECT id FROM wechat_app WHERE id = %s", self.id))
                visible = bool(cr.rowcount)
                cr.execute(SQL(
                    "SELECT id FROM wechat_app WHERE id = %s FOR NO KEY UPDATE SKIP LOCKED",
                    self.id,
                ), log_exceptions=False)
                if cr.rowcount:
                    cr.execute(SQL(
                        "UPDATE wechat_app SET %s WHERE id = %s",
                        SQL(", ").join(
                            SQL("%s = %s", SQL.identifier(name), None if value is False else value)
                            for name, value in values.items()
                        ),
                        self.id,
                    ), log_exceptions=False)
                    written = True
        except OperationalError:  # Somebody else is writing it just now.
            visible, written = True, False
        app_sudo = self.sudo()
        if written:
            for name, value in values.items():
                field = self._fields[name]
                field._update_cache(app_sudo, field.convert_to_cache(value, app_sudo))
        elif or_here or not visible:
            app_sudo.write(values)
