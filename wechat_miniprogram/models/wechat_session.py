# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Sessions of wafer clients, which are not Odoo's (wechat-platform.md, section 13)."""

import contextlib
import hashlib
import hmac
import json
import secrets
from datetime import timedelta

from psycopg2.errors import SerializationFailure

from odoo import api, fields, models
from odoo.tools import SQL

from odoo.addons.wechat.exceptions import WeChatError

NO_SKEY = hashlib.sha256(secrets.token_bytes(32)).hexdigest()
MAX_USER_INFO = 2048  # characters, as wafer has it


class WechatSession(models.Model):
    _name = 'wechat.session'
    _description = "wafer Session"
    _order = 'last_visit_time desc, id desc'
    _rec_name = 'identity_id'

    uuid = fields.Char(required=True, readonly=True, copy=False)
    skey = fields.Char(
        help="The hash of what the client shows.",
        required=True, readonly=True, copy=False, groups=fields.NO_ACCESS,
    )
    identity_id = fields.Many2one(
        comodel_name='wechat.identity', required=True, readonly=True, ondelete='cascade',
    )
    app_id = fields.Many2one(string="App", related='identity_id.app_id')
    user_id = fields.Many2one(string="User", related='identity_id.user_id')
    create_time = fields.Datetime(string="Logged In", required=True, readonly=True)
    last_visit_time = fields.Datetime(string="Last Visit", required=True, readonly=True)
    user_info = fields.Text(readonly=True, groups='base.group_system')

    _uuid_unique = models.Constraint('UNIQUE (uuid)', "There is a session with this id already.")
    _identity_unique = models.Constraint(
        'UNIQUE (identity_id)', "There is a session of this identity already.",
    )

    # === LOGIN === #

    @api.model
    def _open(self, identity, user_info):
        """Open the session of an identity: its id stays, the key is a new one.

        :param wechat.identity identity: Who has logged in, in sudo.
        :param dict user_info: What to tell those who show the key.
        :return: `uuid`, `skey`, `user_info`, `duration` (seconds without a visit)
        :rtype: dict
        """
        skey = secrets.token_urlsafe(32)
        now = fields.Datetime.now()
        text = json.dumps(user_info, ensure_ascii=False)
        if len(text) > MAX_USER_INFO:  # a long nickname or address in place of a real one
            user_info = {'openId': identity.openid}
            text = json.dumps(user_info)
        self.env.flush_all()
        # One row per identity, whoever else logs in at the same moment.
        self.env.cr.execute(SQL(
            """
            INSERT INTO wechat_session (
                uuid, skey, identity_id, create_time, last_visit_time, user_info,
                create_uid, create_date, write_uid, write_date
            ) VALUES (%(uuid)s, %(skey)s, %(identity)s, %(now)s, %(now)s, %(user_info)s,
                      %(uid)s, %(now)s, %(uid)s, %(now)s)
            ON CONFLICT (identity_id) DO UPDATE SET
                skey = EXCLUDED.skey, create_time = EXCLUDED.create_time,
                last_visit_time = EXCLUDED.last_visit_time, user_info = EXCLUDED.user_info,
                write_date = EXCLUDED.write_date
            RETURNING uuid
            """,
            uuid=secrets.token_hex(16), skey=self._hash(skey), identity=identity.id, now=now,
            user_info=text, uid=self.env.uid,
        ))
        uuid = self.env.cr.fetchone()[0]
        self.invalidate_model(flush=False)
        return {
            'uuid': uuid,
            'skey': skey,
            'user_info': user_info,
            'duration': identity.app_id.session_duration,
        }

    # === VISITS === #

    @api.model
    def _visit(self, app, uuid, skey):
        """Return the session of a client that shows its key, from now on visited.

        :param wechat.app app: The mini-program, in sudo.
        :param str uuid: The session's id.
        :param str skey: The session's key.
        :return: The session in sudo; its identity's user may log in.
        :rtype: wechat.session
        :raise WeChatError: `login_refused` if there is no such session of this app or it is over;
            `user_archived` if the account is closed
        """
        session = self.sudo().search([
            # Half characters cannot be sent to PostgreSQL; ours are hexadecimal digits.
            ('uuid', '=', uuid if uuid.isascii() else ''), ('identity_id.app_id', '=', app.id),
        ], limit=1)
        # Hashed and compared also if there is none: the time that it takes tells nothing.
        is_right = hmac.compare_digest(session.skey or NO_SKEY, self._hash(skey))
        if not session or not is_right or session._is_over():
            raise WeChatError(self.env._(
                "This session does not exist or is over. Please log in again."
            ), code='login_refused')
        identity = session.identity_id.with_context(active_test=False)
        if not identity.user_id:
            raise WeChatError(self.env._(
                "This account has been closed. Please log in again."
            ), code='user_archived')
        identity.user_id._wechat_check_login(identity)
        session._note_visit()
        return session

    def _note_visit(self):
        """Write down that somebody has just shown the key, unless somebody else does so now."""
        self.ensure_one()
        with contextlib.suppress(SerializationFailure), self.env.cr.savepoint(flush=False):
            self.env.cr.execute(SQL(
                "UPDATE wechat_session SET last_visit_time = %s WHERE id = %s",
                fields.Datetime.now(), self.id,
            ), log_exceptions=False)
        self.invalidate_recordset(['last_visit_time'], flush=False)

    def _is_over(self):
        """Tell whether a session has lived too long since the login or since the last visit.

        As everywhere, a login duration of no days sets no end to a login.
        """
        self.ensure_one()
        now = fields.Datetime.now()
        app = self.identity_id.app_id
        return (
            0 < app.login_duration < (now - self.create_time) / timedelta(days=1)
            or now - self.last_visit_time > timedelta(seconds=app.session_duration)
        )

    def _get_user_info(self):
        """Return what the login told of the person.

        :rtype: dict
        """
        self.ensure_one()
        return json.loads(self.sudo().user_info or '{}')

    @api.model
    def _hash(self, skey):
        """Return what is kept of a key: it is long and random, so that one round is enough."""
        return hashlib.sha256(skey.encode('utf-8', 'surrogatepass')).hexdigest()

    # === CLEANING === #

    @api.autovacuum
    def _gc_sessions(self):
        """Delete sessions that are over."""
        self.env.cr.execute(SQL(
            """
            DELETE FROM wechat_session s USING wechat_identity i, wechat_app a
             WHERE i.id = s.identity_id AND a.id = i.app_id
               AND ((a.login_duration > 0
                     AND s.create_time < %(now)s - make_interval(days => a.login_duration))
                    OR s.last_visit_time < %(now)s - make_interval(secs => a.session_duration))
            """, now=fields.Datetime.now(),
        ))
        self.invalidate_model(flush=False)
