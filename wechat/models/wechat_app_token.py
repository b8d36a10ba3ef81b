# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Tokens: one in the database for all servers, renewed by whoever holds its lock
(wechat-platform.md, sections 3.1 to 3.3)."""

import logging
import re
from datetime import timedelta

from psycopg2.errors import LockNotAvailable, SerializationFailure

from odoo import fields, models, tools
from odoo.tools import SQL

from odoo.addons.wechat import renewal_gate
from odoo.addons.wechat.exceptions import WeChatError, WeChatUnknown
from odoo.addons.wechat.models.wechat_app_ticket import TICKET_TYPES

_logger = logging.getLogger(__name__)

# A token is renewed this long before it expires: WeChat's normal mode then gives another one. One
# that lives shortly is kept for half of its life at least.
MARGIN_SECONDS = 300
# WeChat does not carry out forced renewals that follow each other faster.
FORCE_INTERVAL = timedelta(seconds=30)
# A renewal that failed while the present token is still valid is tried again after this time.
RETRY_INTERVAL = timedelta(seconds=60)
# How long to wait for somebody else's renewal: a little more than its time-outs.
LOCK_SECONDS = 20
LOCK_TRIES = 5

# What a token looks like, and the longest that one can be valid (WeChat's live two hours).
TOKEN_PATTERN = re.compile(r'[!-~]{1,1024}', re.ASCII)
LONGEST_LIFETIME = 30 * 86400


class WechatApp(models.Model):
    _inherit = 'wechat.app'

    def _get_token(self, kind='access_token'):
        """Return a valid token, from the database if there is one there.

        :param str kind: The kind of token.
        :rtype: str
        :raise WeChatError: If a new one is needed and WeChat does not give it.
        """
        return self._get_token_and_expiry(kind)[0]

    def _get_token_and_expiry(self, kind='access_token'):
        """Return a valid token and when it expires. See :meth:`_get_token`.

        :rtype: tuple[str, datetime]
        """
        return self._find_token(kind) or self._obtain_token(kind=kind)

    def _find_token(self, kind='access_token'):
        """Return the token in the database and when it expires, if it need not be renewed now.

        :param str kind: The kind of token.
        :rtype: tuple[str, datetime] | None
        """
        self.ensure_one()
        self.env['wechat.token'].flush_model()
        now = fields.Datetime.now()
        self.env.cr.execute(SQL(
            """
            SELECT value, expires_at FROM wechat_token
             WHERE app_id = %s AND kind = %s AND value IS NOT NULL
               AND (%s OR expires_at > %s AND failed_at > %s)
            """,
            self.id, kind, self._is_fresh_sql(now), now, now - RETRY_INTERVAL,
        ))
        return self.env.cr.fetchone()

    def _renew_token(self, refused=None, kind='access_token'):
        """Return a valid token that is not the refused one, renewing it if nobody else has.

        :param str refused: A token that WeChat did not accept, if there is one.
        :param str kind: The kind of token.
        :rtype: str
        :raise WeChatError: If WeChat does not give one.
        """
        return self._obtain_token(refused, kind)[0]

    def _obtain_token(self, refused=None, kind='access_token'):
        """Return a valid token and when it expires. See :meth:`_renew_token`.

        This is a transaction of its own: a rollback of the caller's must not lose the token, and
        the caller's snapshot is older than what others may have stored meanwhile.

        :rtype: tuple[str, datetime]
        """
        self.ensure_one()
        key = (self.env.cr.dbname, self.id, kind)
        failure = None
        try:
            with renewal_gate.passage(key, LOCK_SECONDS) as inside:
                if not inside:
                    raise self._lock_error()
                with self.env.registry.cursor() as cr:
                    cr.execute(SQL(
                        "SELECT id FROM wechat_app WHERE id = %s FOR KEY SHARE SKIP LOCKED",
                        self.id,
                    ))
                    if cr.rowcount:
                        try:
                            return self._obtain_token_locked(cr, refused, kind)
                        except WeChatError as error:
                            failure = error  # What was noted of it is committed.
                if failure:
                    raise failure
                # Our own transaction has made the app or changed its key: nobody else can see that
                # yet, and waiting for ourselves would be for ever.
                return self._obtain_token_locked(self.env.cr, refused, kind)
        except WeChatError as error:
            self._note_failure(error)
            raise
        finally:
            self.env['wechat.token'].invalidate_model(flush=False)

    def _obtain_token_locked(self, cr, refused, kind):
        """Return a valid token under the lock of its row. See :meth:`_obtain_token`.

        :param cr: The cursor to use.
        """
        self._lock_token(cr, kind)
        now = fields.Datetime.now()
        cr.execute(SQL(
            """
            SELECT value, expires_at, forced_at, failed_at, %s
              FROM wechat_token WHERE app_id = %s AND kind = %s
            """, self._is_fresh_sql(now), self.id, kind,
        ))
        stored, expires_at, forced_at, failed_at, is_fresh = cr.fetchone()
        is_usable = stored and stored != refused and expires_at > now
        if is_usable and (is_fresh or (failed_at and failed_at > now - RETRY_INTERVAL)):
            return stored, expires_at
        is_refused = bool(refused) and refused == stored
        try:
            if is_refused:
                value, expires_in, forced_at = self._replace_token(kind, refused, forced_at, now)
            else:
                value, expires_in = self._fetch_token(kind)
        except WeChatError as error:
            if is_refused and getattr(error, 'was_forced', False):
                cr.execute(SQL(
                    "UPDATE wechat_token SET forced_at = %s WHERE app_id = %s AND kind = %s",
                    now, self.id, kind,
                ))
            if not is_usable:
                raise
            # It is still valid for some minutes: nobody need wait for WeChat before they are over.
            _logger.warning(
                "The %s of %s could not be renewed in time (%s), the present one is used until it"
                " expires.", kind, self.sudo().appid, error.errcode or error.code,
            )
            cr.execute(SQL(
                "UPDATE wechat_token SET failed_at = %s WHERE app_id = %s AND kind = %s",
                now, self.id, kind,
            ))
            return stored, expires_at
        lifetime = self._token_lifetime(expires_in)
        expires_at = now + timedelta(seconds=lifetime)
        cr.execute(SQL(
            """
            UPDATE wechat_token
               SET value = %s, expires_at = %s, lifetime = %s, forced_at = %s, failed_at = NULL
             WHERE app_id = %s AND kind = %s
            """,
            value, expires_at, lifetime, forced_at, self.id, kind,
        ), log_exceptions=False)  # The query holds the token.
        return value, expires_at

    def _replace_token(self, kind, refused, forced_at, now):
        """Ask for a token in place of the stored one, which WeChat does not accept.

        :param str kind: The kind of token.
        :param str refused: The stored one.
        :param datetime forced_at: When it was last forced to change; may be None.
        :param datetime now: The present.
        :return: The token, the seconds that it is valid, and when it was last forced to change.
        :rtype: tuple[str, int, datetime]
        :raise WeChatError: If there is none to be had.
        """
        if self._has_token_source('hub'):
            return *self._fetch_token_from_hub(kind, refused=refused), now
        value, expires_in = self._fetch_token(kind)
        if kind in TICKET_TYPES:  # WeChat cannot be made to change a ticket.
            return value, expires_in, now
        if value == refused and (not forced_at or forced_at <= now - FORCE_INTERVAL):
            try:
                return *self._fetch_token(kind, force_refresh=True), now
            except WeChatError as error:
                error.was_forced = True  # It counts: WeChat may have done it.
                raise
        return value, expires_in, forced_at

    def _is_fresh_sql(self, now):
        """Return the condition that a row's token need not be renewed yet.

        :param datetime now: The present.
        :rtype: SQL
        """
        return SQL(
            "expires_at > %s + LEAST(%s, NULLIF(lifetime, 0) / 2) * interval '1 second'",
            now, MARGIN_SECONDS,
        )

    def _has_token_source(self, source):
        """Return whether the tokens come from a source, a value of the field `token_source`."""
        return self.sudo().token_source == source

    @tools.ormcache('self.id')
    def _get_token_source(self):
        """Return the value of `token_source` without a query, for a token that is kept."""
        return self.sudo().token_source

    def _token_lifetime(self, expires_in):
        """Return how many seconds a token is used.

        :param int expires_in: As WeChat or the hub states.
        :rtype: int
        """
        lifetime = self.sudo().token_lifetime or expires_in
        # Only the hub knows how old its token is already.
        return min(lifetime, expires_in) if self._has_token_source('hub') else lifetime

    def _lock_token(self, cr, kind):
        """Lock the row of a token, waiting for whoever holds it.

        :return: None
        :raise WeChatUnknown: If the lock is not had in time.
        """
        for _attempt in range(LOCK_TRIES):
            try:
                cr.execute(SQL("SET LOCAL lock_timeout = %s", f'{LOCK_SECONDS}s'))
                cr.execute(SQL(
                    """
                    INSERT INTO wechat_token (app_id, kind) VALUES (%s, %s)
                        ON CONFLICT (app_id, kind) DO NOTHING
                    """, self.id, kind,
                ), log_exceptions=False)
                cr.execute(SQL(
                    """
                    SELECT id FROM wechat_token
                     WHERE app_id = %s AND kind = %s FOR UPDATE
                    """, self.id, kind,
                ), log_exceptions=False)
                return
            except SerializationFailure:
                if cr is self.env.cr:
                    raise  # Odoo repeats the request.
                cr.rollback()  # Somebody has renewed it: read it in a new snapshot.
            except LockNotAvailable:
                if cr is self.env.cr:
                    raise
                break
        raise self._lock_error()

    def _lock_error(self):
        """Return the exception for a renewal by somebody else that takes too long."""
        return WeChatUnknown(self.env._("WeChat did not answer in time. Please try again."))

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
        if self._has_token_source('hub'):
            return self._fetch_token_from_hub(kind)
        if (
            kind not in ('access_token', *TICKET_TYPES)
            or app_sudo.app_type not in ('miniprogram', 'official_account')
        ):
            raise WeChatError(
                self.env._("An app of this type has no such token."), code='bad_request',
            )
        if kind in TICKET_TYPES:
            return self._fetch_ticket(kind)
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
        return self._check_token_answer(
            answer.get('access_token'), answer.get('expires_in'), 'POST', url,
        )

    def _check_token_answer(self, value, expires_in, method, url):
        """Return a token and the seconds that it is valid, if they can be such.

        :param value: What was answered as the token.
        :param expires_in: What was answered as its lifetime.
        :param str method: The HTTP method of the call, for the log.
        :param str url: Its address without a query, for the log.
        :rtype: tuple[str, int]
        :raise WeChatUnknown: If they cannot.
        """
        if not (isinstance(value, str) and TOKEN_PATTERN.fullmatch(value)) or not (
            type(expires_in) is int and 0 < expires_in <= LONGEST_LIFETIME
        ):
            raise self._unknown_error(method, url, 'unreadable')
        return value, expires_in
