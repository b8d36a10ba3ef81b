# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The token hub, as its server: which other system may have which tokens."""

import hashlib
import logging
import re
import secrets
from datetime import timedelta

from psycopg2 import OperationalError

from odoo import Command, api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import SQL

from odoo.addons.wechat.exceptions import WeChatError
from odoo.addons.wechat.models.wechat_app_token import FORCE_INTERVAL

_logger = logging.getLogger(__name__)

# What a key may be good for. Secrets, refresh tokens and verify tickets are never handed out.
DEFAULT_KINDS = ('access_token', 'jsapi_ticket', 'wx_card_ticket')
HUB_KINDS = (*DEFAULT_KINDS, 'component_access_token', 'authorizer_access_token')

KEY_PATTERN = re.compile(r'[!-~]{1,512}', re.ASCII)
USE_INTERVAL = timedelta(seconds=60)


class WechatHubKey(models.Model):
    _name = 'wechat.hub.key'
    _description = "WeChat Hub Key"
    _order = 'name, id'

    name = fields.Char(help="Which system has the key, as it is called in the log.", required=True)
    app_ids = fields.Many2many(
        string="Apps", comodel_name='wechat.app', required=True, context={'active_test': False},
    )
    kinds = fields.Char(
        help="The kinds of tokens that the key is good for. They cannot be changed: issue another"
             " key and revoke this one.",
        required=True,
        readonly=True,
    )
    active = fields.Boolean(default=True)
    key_hash = fields.Char(
        required=True, readonly=True, copy=False, prefetch=False, groups=fields.NO_ACCESS,
    )
    last_used = fields.Datetime(help="To the minute.", readonly=True, copy=False)

    _key_hash_unique = models.Constraint('UNIQUE (key_hash)', "There is such a key already.")

    # === CONSTRAINT METHODS === #

    @api.constrains('kinds')
    def _check_kinds(self):
        for key in self:
            kinds, known = key._kind_set(), self._known_kinds()
            if not kinds or not kinds <= set(known):
                raise ValidationError(self.env._(
                    "A hub key is good for some of these: %(kinds)s.", kinds=', '.join(known),
                ))

    @api.model
    def _known_kinds(self):
        """Return the kinds of tokens that keys may be good for."""
        return HUB_KINDS

    def _kind_set(self):
        """Return the kinds of tokens as a set."""
        self.ensure_one()
        return set((self.kinds or '').split(',')) - {''}

    # === ACTION METHODS === #

    def action_revoke(self):
        """Let the keys be good for nothing from now on."""
        self.action_archive()

    # === BUSINESS METHODS === #

    @api.model
    def _issue(self, name, apps, kinds=None):
        """Make a key.

        :param str name: Which system gets it.
        :param wechat.app apps: The apps that it is good for.
        :param kinds: The kinds of tokens that it is good for; by default :data:`DEFAULT_KINDS`.
            Tokens of a third-party platform and of the accounts that have authorized it must be
            named.
        :return: The key, which is nowhere else.
        :rtype: str
        :raise AccessError: If the user may not issue keys.
        :raise ValidationError: If there is no such kind of token.
        """
        self.check_access('create')
        if not apps:
            raise ValidationError(self.env._("Choose the apps that the key is good for."))
        key = f'hub_{secrets.token_urlsafe(32)}'
        record_sudo = self.sudo().create({
            'name': name,
            'app_ids': [Command.set(apps.ids)],
            'kinds': ','.join(DEFAULT_KINDS if kinds is None else dict.fromkeys(kinds)),
            'key_hash': self._hash(key),
        })
        _logger.info(
            "Hub key %r (%s) issued by user %s for %s: %s", record_sudo.name, record_sudo.id,
            self.env.uid, ', '.join(apps.sudo().mapped('appid')), record_sudo.kinds,
        )
        return key

    @api.model
    def _find(self, key):
        """Return the record of a key that may be used, in sudo; empty if there is none.

        :param str key: What a client shows.
        :rtype: wechat.hub.key
        """
        if not isinstance(key, str) or not KEY_PATTERN.fullmatch(key):
            return self.sudo().browse()
        return self.sudo().search(
            [('key_hash', '=', self._hash(key)), ('active', '=', True)], limit=1,
        )

    @api.model
    def _hash(self, key):
        """Return what is stored of a key. It is random and long: it need not be slow to compute."""
        return hashlib.sha256(key.encode()).hexdigest()

    def _hand_out(self, appid, kind):
        """Return a valid token to the holder of the key.

        :param str appid: The app's AppID.
        :param str kind: The kind of token.
        :return: {value, expires_in}
        :rtype: dict
        :raise WeChatError: `not_allowed`, or if there is none to be had.
        """
        app_sudo, kind = self._allowed_app_and_kind(appid, kind)
        return self._answer(app_sudo, kind, app_sudo._get_token_and_expiry(kind), "issued")

    def _refresh(self, appid, kind, refused):
        """Return a valid token in place of one that WeChat did not accept.

        :param str appid: The app's AppID.
        :param str kind: The kind of token.
        :param str refused: The token that was not accepted.
        :return: {value, expires_in}
        :rtype: dict
        :raise WeChatError: `not_allowed`; `rate_limited` if a token of the app was renewed by force
            less than 30 seconds ago; or if there is none to be had.
        """
        app_sudo, kind = self._allowed_app_and_kind(appid, kind)
        if app_sudo._get_token_and_expiry(kind)[0] == refused:
            self._check_not_too_early(app_sudo)
        token = app_sudo._obtain_token(refused, kind)
        if token[0] == refused:  # WeChat did not change it, or another server was faster.
            raise self._too_early_error()
        return self._answer(app_sudo, kind, token, "refreshed")

    def _answer(self, app_sudo, kind, token, what):
        """Return what the client gets, and note that it got it."""
        value, expires_at = token
        self._note_use()
        _logger.info(
            "Hub key %r (%s): %s of %s %s", self.name, self.id, kind, app_sudo.appid, what,
        )
        seconds = int((expires_at - fields.Datetime.now()).total_seconds())
        return {'value': value, 'expires_in': max(1, seconds)}

    def _allowed_app_and_kind(self, appid, kind):
        """Return the app and what it calls the kind of token, if the key is good for both.

        The token of an account that has authorized a third-party platform is its access token, but
        keys must name it.

        :rtype: tuple[wechat.app, str]
        :raise WeChatError: `not_allowed` if not.
        """
        self.ensure_one()
        app_sudo = self.sudo().app_ids.filtered(lambda app: app.appid == appid and app.active)
        if not app_sudo:
            raise WeChatError(
                self.env._("This hub key is not good for this AppID."), code='not_allowed',
            )
        is_authorized = app_sudo._has_token_source('component')
        if kind == 'access_token' and is_authorized:
            kind = 'authorizer_access_token'
        if (
            kind not in self._kind_set() or kind not in self._known_kinds()
            or (kind == 'authorizer_access_token' and not is_authorized)
        ):
            raise WeChatError(
                self.env._("This hub key is not good for this kind of token."), code='not_allowed',
            )
        if app_sudo._has_token_source('hub'):  # Two hubs could ask each other for ever.
            raise WeChatError(
                self.env._(
                    "This hub takes the tokens of this AppID from another hub itself. Use that one."
                ),
                code='not_allowed',
            )
        return app_sudo, 'access_token' if kind == 'authorizer_access_token' else kind

    def _check_not_too_early(self, app_sudo):
        """Refuse a forced renewal that follows another one of the app too fast.

        :raise WeChatError: `rate_limited`
        """
        self.env.cr.execute(SQL(
            "SELECT 1 FROM wechat_token WHERE app_id = %s AND forced_at > %s LIMIT 1",
            app_sudo.id, fields.Datetime.now() - FORCE_INTERVAL,
        ))
        if self.env.cr.rowcount:
            raise self._too_early_error()

    def _too_early_error(self):
        return WeChatError(
            self.env._(
                "A token of this AppID was renewed less than 30 seconds ago. Please try again in a"
                " moment."
            ),
            code='rate_limited',
        )

    def _note_use(self):
        """Store that the key was used, at most once a minute and without waiting for anybody."""
        self.ensure_one()
        now = fields.Datetime.now()
        if self.last_used and self.last_used > now - USE_INTERVAL:
            return
        try:
            with self.env.registry.cursor() as cr:
                cr.execute(SQL(
                    """
                    UPDATE wechat_hub_key SET last_used = %s
                     WHERE id = (SELECT id FROM wechat_hub_key WHERE id = %s
                                    FOR NO KEY UPDATE SKIP LOCKED)
                    """, now, self.id,
                ), log_exceptions=False)
        except OperationalError:
            return  # Somebody else is noting it just now.
        self.invalidate_recordset(['last_used'], flush=False)
