# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import ipaddress
import zlib
from datetime import UTC, datetime, timedelta

from psycopg2.extensions import TRANSACTION_STATUS_IDLE

from odoo import api, fields, models
from odoo.tools import SQL

from odoo.addons.wechat.exceptions import WeChatError

WINDOW = timedelta(seconds=60)
DEFAULT_LIMIT = 60
LOCK_CLASS = zlib.crc32(b'wechat.call') - 2**31  # The first half of our advisory locks' numbers.


class WechatCall(models.Model):
    """Calls of public routes that cost a call to WeChat, kept for a minute where all servers see
    them.
    """

    _name = 'wechat.call'
    _description = "WeChat Call"
    _order = 'id desc'
    _rec_name = 'address'
    _log_access = False  # Written by SQL, in transactions of their own.

    address = fields.Char(required=True, readonly=True)
    called_at = fields.Datetime(string="Time", required=True, readonly=True)

    _address_called_at_idx = models.Index('(address, called_at)')

    @api.model
    def _count(self, address):
        """Count a call from an address, in a transaction of its own.

        Calls that are refused do not count, so that they do not prolong the refusal. The calls of
        one address wait for each other, those of others do not.

        :param str address: The client's IP address; an IPv6 address counts with its /64 network.
        :raise WeChatError: `rate_limited`, past `wechat.calls_per_minute` in the last 60 seconds.
        """
        limit = self._calls_per_minute()
        if limit <= 0:
            return
        address = self._normalize_address(address)
        now = datetime.now(UTC).replace(tzinfo=None)
        with self.env.registry.cursor() as cr:
            # READ COMMITTED: what others committed while we waited for the lock must be counted. It
            # can be chosen at the beginning of a transaction only; a test's cursor is inside of
            # one.
            begin = SQL(
                "SET TRANSACTION ISOLATION LEVEL READ COMMITTED;"
            ) if cr.connection.info.transaction_status == TRANSACTION_STATUS_IDLE else SQL()
            # Losing the last moments in a crash of PostgreSQL is no harm: no waiting for the disk.
            cr.execute(SQL(
                """
                %s
                SET LOCAL synchronous_commit TO off;
                SELECT pg_advisory_xact_lock(%s, hashtext(%s));
                INSERT INTO wechat_call (address, called_at)
                SELECT %s, %s
                 WHERE (SELECT count(*) FROM wechat_call
                         WHERE address = %s AND called_at > %s AND called_at <= %s) < %s
                RETURNING id
                """,
                begin, LOCK_CLASS, address, address, now, address, now - WINDOW, now + WINDOW,
                limit,
            ))
            counted = bool(cr.fetchone())
        if not counted:
            raise WeChatError(
                self.env._("Too many attempts from your network. Please try again in a minute."),
                code='rate_limited',
            )

    @api.model
    def _calls_per_minute(self):
        """Return the limit per address and minute; 0 means none."""
        value = self.env['ir.config_parameter'].sudo().get_param('wechat.calls_per_minute')
        try:
            return int(value) if value else DEFAULT_LIMIT
        except ValueError:
            return DEFAULT_LIMIT

    @api.model
    def _normalize_address(self, address):
        """Return what an address is counted as."""
        try:
            parsed = ipaddress.ip_address((address or '').partition('%')[0])
        except ValueError:
            return (address or 'unknown')[:64]
        if parsed.version == 6 and parsed.ipv4_mapped:
            parsed = parsed.ipv4_mapped
        if parsed.version == 6:
            return str(ipaddress.ip_network((parsed, 64), strict=False))
        return str(parsed)

    @api.autovacuum
    def _gc_calls(self):
        """Delete what no longer counts."""
        self.env.cr.execute(SQL(
            "DELETE FROM wechat_call WHERE called_at < %s", fields.Datetime.now() - 10 * WINDOW,
        ))
