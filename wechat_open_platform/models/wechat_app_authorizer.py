# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""An account that has authorised a third-party platform: everything that other apps do, by the
platform's tokens and secrets (wechat-platform.md, 11.1 and 11.4)."""

from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL

from odoo.addons.wechat.exceptions import WeChatRefused
from odoo.addons.wechat.models.wechat_app_login import LOGIN_TIMEOUT
from odoo.addons.wechat.protocol.push_crypto import PushCrypto

from ..protocol import authorization
from .wechat_app_component import REFRESH_KIND

INVALID_REFRESH_TOKEN = 61023


class WechatApp(models.Model):
    _inherit = 'wechat.app'

    component_id = fields.Many2one(
        string="By Third-party Platform",
        comodel_name='wechat.app',
        domain="[('app_type', '=', 'component'), ('company_id', '=', company_id)]",
        index='btree_not_null',
        ondelete='restrict',
        copy=False,
    )
    authorization_state = fields.Selection(
        string="Authorisation",
        selection=[('authorized', "Authorised"), ('unauthorized', "No longer authorised")],
        readonly=True,
        copy=False,
    )
    authorization_date = fields.Datetime(
        string="Since", help="When the account was authorised, or ceased to be.", readonly=True,
        copy=False,
    )
    authorization_scopes = fields.Char(
        string="Permission Sets",
        help="The numbers of the permission sets (权限集) that the account has granted.",
        readonly=True,
        copy=False,
    )

    # === CRUD METHODS === #

    def write(self, vals):
        left = self.filtered(
            lambda app: app.component_id and (
                vals.get('token_source', 'component') != 'component'
                or vals.get('component_id', app.component_id.id) != app.component_id.id
            ),
        )
        if left:
            # They are not what another platform would get.
            left._drop_tokens()
            reset = {
                'authorization_state': False, 'authorization_date': False,
                'authorization_scopes': False,
            }
            if vals.get('token_source', 'component') != 'component':
                reset['component_id'] = False
            super(WechatApp, left).write({**reset, **vals})
            rest = self - left
            return super(WechatApp, rest).write(vals) if rest else True
        return super().write(vals)

    def _drop_tokens(self):
        """Delete tokens, tickets and refresh tokens."""
        self.env['wechat.token'].sudo().search([('app_id', 'in', self.ids)]).unlink()

    # === ACTION METHODS === #

    def action_check_credentials(self):
        action = super().action_check_credentials()
        if self._is_authorizer() and action['params']['type'] == 'success':
            action['params']['message'] = self.env._("The account has authorised the platform.")
        return action

    # === GETTERS === #

    def _is_authorizer(self):
        """Return whether somebody else's account is meant, for which a platform acts."""
        self.ensure_one()
        return self._has_token_source('component')

    def _get_component(self):
        """Return the third-party platform that acts for the account, in sudo.

        :rtype: wechat.app
        :raise WeChatError: `misconfigured` if there is none, or the account has not authorised it.
        """
        self.ensure_one()
        app_sudo = self.sudo()
        component = app_sudo.component_id
        if not component:
            raise self._component_error('no_component')
        if not component.active:
            raise self._component_error('component_archived')
        if app_sudo.authorization_state != 'authorized':
            raise self._component_error('not_authorized')
        return component

    # === TOKENS === #

    def _get_token_and_expiry(self, kind='access_token'):
        self.ensure_one()
        if self._get_token_source() == 'component':
            self._get_component()  # Nothing that is still stored is used any more.
        return super()._get_token_and_expiry(kind)

    def _fetch_authorizer_token(self):
        """Ask WeChat for an access token of the account.

        This runs under the lock of the token's row; the component's token has a lock of its own,
        which nobody takes the other way round. The refresh token that WeChat answers is stored in
        the transaction of the token.

        :return: The token and the seconds that it is valid.
        :rtype: tuple[str, int]
        :raise WeChatError: If there is none to be had.
        """
        component = self._get_component()
        appid = self.sudo().appid
        refresh_token = self._get_refresh_token() or component._find_refresh_token(appid)
        if not refresh_token:
            raise self._component_error('not_authorized')
        try:
            answer = self._ask_authorizer_token(component, refresh_token)
        except WeChatRefused as error:
            # An answer with a new one may have been lost, or the account was authorised again.
            current = error.errcode == INVALID_REFRESH_TOKEN and (
                component._find_refresh_token(appid))
            if not current or current == refresh_token:
                raise
            refresh_token = current
            answer = self._ask_authorizer_token(component, refresh_token)
        token = self._check_token_answer(
            answer.get('authorizer_access_token'), answer.get('expires_in'), 'POST',
            'api_authorizer_token',
        )
        answered = answer.get('authorizer_refresh_token')
        self._store_refresh_token(
            self._token_cursor(), answered if authorization.is_value(answered) else refresh_token)
        return token

    def _ask_authorizer_token(self, component, refresh_token):
        return component._component_post(
            'api_authorizer_token', account=self, authorizer_appid=self.sudo().appid,
            authorizer_refresh_token=refresh_token,
        )

    def _get_refresh_token(self):
        """Return the refresh token as the transaction of the token sees it; may be empty."""
        cr = self._token_cursor()
        cr.execute(SQL(
            "SELECT value FROM wechat_token WHERE app_id = %s AND kind = %s",
            self.id, REFRESH_KIND,
        ))
        row = cr.fetchone()
        return row and row[0] or ''

    def _store_refresh_token(self, cr, value):
        """Store the refresh token. Whoever does so holds the lock of the access token's row.

        :param cr: The cursor to use.
        :param str value: The refresh token. It does not expire by time.
        """
        cr.execute(SQL(
            """
            INSERT INTO wechat_token (app_id, kind, value) VALUES (%s, %s, %s)
                ON CONFLICT (app_id, kind) DO UPDATE SET value = excluded.value
            """, self.id, REFRESH_KIND, value,
        ), log_exceptions=False)

    def _store_grant(self, cr, grant, fetched_at):
        """Store the tokens of an authorisation, under the lock of the access token's row.

        :param cr: The cursor to use.
        :param Grant grant: What WeChat answered.
        :param datetime fetched_at: When it answered.
        """
        self.env.flush_all()
        self._lock_token(cr, 'access_token')
        token, expires_in = self._check_token_answer(
            grant.access_token, grant.expires_in, 'POST', 'api_query_auth')
        lifetime = self._token_lifetime(expires_in)
        cr.execute(SQL(
            """
            UPDATE wechat_token
               SET value = %s, expires_at = %s, lifetime = %s, forced_at = NULL, failed_at = NULL
             WHERE app_id = %s AND kind = 'access_token'
            """, token, fetched_at + timedelta(seconds=lifetime), lifetime, self.id,
        ), log_exceptions=False)
        self._store_refresh_token(cr, grant.refresh_token)

    def _refresh_account(self):
        """Ask WeChat what the account has granted, and store it.

        :raise WeChatError: If it has not authorised the platform any more.
        """
        component = self._get_component()
        answer = component._component_post(
            'api_get_authorizer_info', account=self, authorizer_appid=self.sudo().appid,
        )
        info = answer.get('authorization_info')
        if isinstance(info, dict):
            self.sudo().authorization_scopes = authorization.read_scopes(info)

    # === LOGINS === #

    def _exchange_miniprogram_code(self, code):
        if not self._is_authorizer():
            return super()._exchange_miniprogram_code(code)
        return self._exchange_code_as_component('/sns/component/jscode2session', js_code=code)

    def _exchange_oauth_code(self, code):
        if not self._is_authorizer():
            return super()._exchange_oauth_code(code)
        return self._exchange_code_as_component('/sns/oauth2/component/access_token', code=code)

    def _exchange_code_as_component(self, path, **params):
        """Exchange a code by means of the component's token (section 11.4)."""
        component = self._get_component()
        return component._component_request('GET', path, params={
            'appid': self.sudo().appid,
            **params,
            'grant_type': 'authorization_code',
            'component_appid': component.appid,
        }, account=self, timeout=LOGIN_TIMEOUT)

    def _consent_page_parameters(self):
        if not self._is_authorizer():
            return super()._consent_page_parameters()
        return (('component_appid', self._get_component().appid),)

    # === PUSHED MESSAGES === #

    @api.model
    def _get_by_push_appid(self, appid):
        # They come by way of the third-party platform only.
        return super()._get_by_push_appid(appid).filtered(lambda app: not app._is_authorizer())

    def _push_crypto(self):
        if not self._is_authorizer():
            return super()._push_crypto()
        component = self.sudo().component_id
        return PushCrypto(component.push_token, component.push_aes_key, component.appid)

    def _push_mode(self):
        return 'secure' if self._is_authorizer() else super()._push_mode()
