# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Tokens: one in the database for all servers, renewed by whoever holds its lock
(wechat-platform.md, sections 3.1 to 3.3)."""

import logging
from datetime import timedelta

from psycopg2.errors import LockNotAvailable, SerializationFailure

from odoo import fields, models
from odoo.tools import SQL

from odoo.addons.wechat.exceptions import WeChatError, WeChatUnknown

_logger = logging.getLogger(__name__)

# A token counts as expired this long before it is: WeChat's normal mode then gives another one.
MARGIN = timedelta(seconds=300)
# WeChat does not carry out forced renewals that follow each other faster.
FORCE_INTERVAL = timedelta(seconds=30)
# How long to wait for somebody else's renewal: a little more than its time-outs.
LOCK_TIMEOUT = '20s'
LOCK_TRIES = 5


class WechatApp(models.Model):
    _inherit = 'wechat.app'

    def _get_token(self, kind='access_token'):
        """Return a valid token, from the database if there is one there.

        :param str kind: The kind of token.
        :rtype: str
        :raise WeChatError: If a new one is needed and WeChat does not give it.
        """
        self.ensure_one()
        self.env['wechat.token'].flush_model()
        self.env.cr.execute(SQL(
            """
            SELECT value FROM wechat_token
             WHERE app_id = %s AND kind = %s AND expires_at > %s AND value IS NOT NULL
            """,
            self.id, kind, fields.Datetime.now() + MARGIN,
        ))
        row = self.env.cr.fetchone()
        return row[0] if row else self._renew_token(kind=kind)

    def _renew_token(self, refused=None, kind='access_token'):
        """Return a valid token that is not the refused one, renewing it if nobody else has.

        This is a transaction of its own: a rollback of the caller's must not lose the token, and
        the caller's snapshot is older than what others may have stored meanwhile.

        :param str refused: A token that WeChat did not accept, if there is one.
        :param str kind: The kind of token.
        :rtype: str
        :raise WeChatError: If WeChat does not give one.
        """
        self.ensure_one()
        try:
            with self.env.registry.cursor() as cr:
                cr.execute(SQL(
                    "SELECT id FROM wechat_app WHERE id = %s FOR KEY SHARE SKIP LOCKED", self.id,
                ))
                if cr.rowcount:
                    return self._renew_token_locked(cr, refused, kind)
            # Our own transaction has made the app or changed its key: nobody else can see that yet,
            # and waiting for ourselves would be for ever.
            return self._renew_token_locked(self.env.cr, refused, kind)
        except WeChatError as error:
            self._note_failure(error)
            raise
        finally:
            self.env['wechat.token'].invalidate_model(flush=False)

    def _renew_token_locked(self, cr, refused, kind):
        """Return a valid token under the lock of its row. See :meth:`_renew_token`.

        :param cr: The cursor to use.
        """
        stored, expires_at, forced_at = self._lock_token(cr, kind)
        now = fields.Datetime.now()
        if stored and stored != refused and expires_at > now + MARGIN:
            return stored
        value, expires_in = self._fetch_token(kind)
        if (
            refused and value == refused == stored
            and (not forced_at or forced_at <= now - FORCE_INTERVAL)
        ):
            value, expires_in = self._fetch_token(kind, force_refresh=True)
            forced_at = now
        lifetime = self.sudo().token_lifetime or expires_in
        cr.execute(SQL(
            """
            UPDATE wechat_token SET value = %s, expires_at = %s, forced_at = %s
             WHERE app_id = %s AND kind = %s
            """,
            value, now + timedelta(seconds=lifetime), forced_at, self.id, kind,
        ))
        return value

    def _lock_token(self, cr, kind):
        """Lock the row of a token, waiting for whoever holds it, and read it as it is then.

        :return: Its value, expiry and time of the last forced renewal; each may be None.
        :rtype: tuple
        :raise WeChatUnknown: If the lock is not had in time.
        """
        for _attempt in range(LOCK_TRIES):
            try:
                cr.execute(SQL("SET LOCAL lock_timeout = %s", LOCK_TIMEOUT))
                cr.execute(SQL(
                    """
                    INSERT INTO wechat_token (app_id, kind) VALUES (%s, %s)
                        ON CONFLICT (app_id, kind) DO NOTHING
                    """, self.id, kind,
                ), log_exceptions=False)
                cr.execute(SQL(
                    """
                    SELECT value, expires_at, forced_at FROM wechat_token
                     WHERE app_id = %s AND kind = %s FOR UPDATE
                    """, self.id, kind,
                ), log_exceptions=False)
                return cr.fetchone()
            except SerializationFailure:
                if cr is self.env.cr:
                    raise  # Odoo repeats the request.
                cr.rollback()  # Somebody has renewed it: read it in a new snapshot.
            except LockNotAvailable:
                if cr is self.env.cr:
                    raise
                break
        raise WeChatUnknown(self.env._("WeChat did not answer in time. Please try again."))

    def _fetch_token(self, kind, force_refresh=False):
        """Ask for a token. Other kinds and sources override this.

        :param str kind: The kind of token.
        :param bool force_refresh: Whether the present one must end (20 times a day at most).
        :return: The token and the seconds that it is valid.
        :rtype: tuple[str, int]
        :raise WeChatError: If there is none to be had.
        """
        self.ensure_one()
        app_sudo = self.sudo()
        if kind != 'access_token' or app_sudo.app_type not in ('miniprogram', 'official_account'):
            raise WeChatError(
                self.env._("An app of this type has no such token."), code='bad_request',
            )
        if not app_sudo.secret:
            raise WeChatError(
                self.env._(
                    "The AppSecret of %(app)s is missing. Enter it in Settings ▸ WeChat.",
                    app=app_sudo.name,
                ),
                code='misconfigured',
            )
        url, query = self._request_url('/cgi-bin/stable_token')
        answer = self._send_request('POST', url, query, {}, json={
            'grant_type': 'client_credential',
            'appid': app_sudo.appid,
            'secret': app_sudo.secret,
            'force_refresh': force_refresh,
        })
        value, expires_in = answer.get('access_token'), answer.get('expires_in')
        if not (isinstance(value, str) and value) or not (
            isinstance(expires_in, int) and expires_in > 0
        ):
            raise self._unknown_error('POST', url, 'unreadable')
        return value, expires_in
