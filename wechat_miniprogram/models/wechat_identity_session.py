# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The sessions that an identity opened: how long they live, and how to end them.

A session carries the number of its identity's generation. Ending the sessions counts that number
up, which every server sees at once and no session file has to be looked for.
"""

import time
from typing import NamedTuple

from odoo import api, fields, models, tools
from odoo.exceptions import UserError
from odoo.tools import SQL

from odoo.addons.wechat.exceptions import WeChatError

from ..protocol import user_data

DAY = 86400
# Sessions are written at most this often to say that they are in use, as Odoo's own device log is.
USE_INTERVAL = 3600
SESSION_KEYS = (
    'wechat_identity_id', 'wechat_app_id', 'wechat_generation', 'wechat_last_use',
)


class SessionRules(NamedTuple):
    """What every request of a session is measured by."""

    uid: int
    generation: int
    is_blocked: bool
    lifetime: int  # seconds that a session lives without use; 0: as long as Odoo keeps it
    accepts_header: bool
    is_forgotten: bool


class WechatIdentity(models.Model):
    _inherit = 'wechat.identity'

    is_blocked = fields.Boolean(
        string="Blocked",
        help="This WeChat account cannot log in, and its sessions are over.",
        readonly=True,
        copy=False,
    )
    # NULL until the first end: identities are created by SQL too (synchronised followers).
    session_generation = fields.Integer(readonly=True, copy=False, groups=fields.NO_ACCESS)
    has_session_key = fields.Boolean(
        string="Session Key Stored", compute='_compute_has_session_key',
    )
    wafer_session_ids = fields.One2many(
        string="wafer Sessions", comodel_name='wechat.session', inverse_name='identity_id',
        groups='wechat.group_manager',
    )

    @api.depends('session_key')
    def _compute_has_session_key(self):
        for identity in self:
            identity.has_session_key = bool(identity.sudo().session_key)

    # === CRUD METHODS === #

    def write(self, vals):
        """Override of `wechat` to end the sessions of whoever an identity is taken from."""
        if 'user_id' in vals:
            self.filtered(
                lambda one: one.user_id and one.user_id.id != vals['user_id'],
            )._end_sessions()
        if 'partner_id' in vals:
            moved = self.filtered(
                lambda one: one.is_avatar_uploaded and one.partner_id.id != vals['partner_id'],
            )
            if moved:  # the picture stays with the contact
                moved.is_avatar_uploaded = False
        return super().write(vals)

    def unlink(self):
        result = super().unlink()
        self._clear_session_rules()
        return result

    # === ACTION METHODS === #

    def action_end_sessions(self):
        """Log these people out everywhere."""
        self.check_access('write')
        self._end_sessions()
        return self._notify(self.env._("The sessions have been ended. People can log in again."))

    def action_block(self):
        """Log these people out and let them in no more."""
        self.check_access('write')
        self.sudo().is_blocked = True
        self._end_sessions()

    def action_unblock(self):
        """Let these people log in again."""
        self.check_access('write')
        self.sudo().is_blocked = False
        self._clear_session_rules()

    def action_check_session_key(self):
        """Ask WeChat whether the session key kept here is the one in force."""
        self.ensure_one()
        self.check_access('write')
        try:
            self._check_session_key()
        except WeChatError as error:
            return self._notify(str(error), 'warning')
        return self._notify(self.env._("WeChat accepts the session key that is kept here."))

    def action_reset_session_key(self):
        """Have WeChat replace the session key, as when it may have become known to somebody."""
        self.ensure_one()
        self.check_access('write')
        try:
            self._reset_session_key()
        except WeChatError as error:
            return self._notify(str(error), 'warning')
        return self._notify(self.env._("WeChat has made a new session key, which is kept here."))

    def _notify(self, message, kind='success'):
        return {
            'type': 'ir.actions.client',
            'tag': 'display_notification',
            'params': {
                'type': kind,
                'message': message,
                'sticky': kind != 'success',
                'next': {'type': 'ir.actions.client', 'tag': 'soft_reload'},
            },
        }

    # === SESSIONS === #

    @api.model
    @tools.ormcache('identity_id')
    def _get_session_rules(self, identity_id):
        """Return what every request of a session is measured by.

        :param int identity_id: The identity that opened the session.
        :return: None if the identity is gone
        :rtype: SessionRules | None
        """
        self.browse(identity_id).sudo().flush_recordset([
            'app_id', 'user_id', 'session_generation', 'is_blocked', 'is_forgotten',
        ])
        self.env['wechat.app'].flush_model(['login_duration', 'accept_session_header'])
        self.env.cr.execute(SQL(  # every login reads this: one query, and only what is needed
            """
            SELECT i.user_id, COALESCE(i.session_generation, 0), COALESCE(i.is_blocked, FALSE),
                   GREATEST(0, COALESCE(a.login_duration, 0)) * %s,
                   COALESCE(a.accept_session_header, FALSE), COALESCE(i.is_forgotten, FALSE)
              FROM wechat_identity i
              JOIN wechat_app a ON a.id = i.app_id
             WHERE i.id = %s
            """, DAY, identity_id,
        ))
        row = self.env.cr.fetchone()
        return SessionRules(*row) if row else None

    def _clear_session_rules(self):
        """Forget the rules that are cached, in all servers.

        Once more after the commit: until then another thread still reads the old ones.
        """
        self.env.registry.clear_cache()
        self.env.cr.postcommit.add(self.env.registry.clear_cache)

    def _stamp_session(self, session):
        """Write into a session that opens what it is measured by later.

        :param odoo.http.Session session: The session.
        """
        self.ensure_one()
        session['wechat_generation'] = self._get_session_rules(self.id).generation
        session['wechat_last_use'] = int(time.time())

    @api.model
    def _check_session(self, session):
        """Tell whether a session opened with WeChat may go on, and note that it is in use.

        :param odoo.http.Session session: A session with a `wechat_identity_id`.
        :rtype: bool
        """
        rules = self._get_session_rules(session['wechat_identity_id'])
        if not rules or rules.is_blocked:
            return False
        if session.get('wechat_generation', 0) != rules.generation:
            return False
        if session.uid != rules.uid:  # somebody has logged in with a password meanwhile
            for key in SESSION_KEYS:
                session.pop(key, None)
            return True
        now = int(time.time())
        last_use = session.get('wechat_last_use')
        if rules.lifetime and last_use is not None and now - last_use > rules.lifetime:
            return False
        if last_use is None or now - last_use > USE_INTERVAL:
            session['wechat_last_use'] = now
        return True

    def _end_sessions(self):
        """End all sessions that these identities opened, Odoo's and those of wafer clients."""
        if not self:
            return
        identities = self.sudo()
        identities.flush_recordset(['session_generation'])
        self.env.cr.execute(SQL(
            """
            UPDATE wechat_identity SET session_generation = COALESCE(session_generation, 0) + 1
             WHERE id IN %s
            """, identities._ids,
        ))
        identities.invalidate_recordset(['session_generation'], flush=False)
        identities.wafer_session_ids.unlink()
        self._clear_session_rules()

    # === SESSION KEY === #

    def _call_with_session_key(self, path):
        """Call an API that is signed with the session key (wechat-platform.md 1.4).

        :param str path: The path.
        :return: WeChat's answer.
        :rtype: dict
        :raise WeChatError: `decrypt_failed` if WeChat does not know the key; others as of every
            call
        """
        self.ensure_one()
        identity = self.sudo()
        if not identity.session_key:
            raise WeChatError(self.env._(
                "No session key is kept: this person has not logged in through the mini-program."
            ), code='decrypt_failed')
        try:
            return identity.app_id._request('GET', path, params={
                'openid': identity.openid,
                'signature': user_data.sign_session_key(identity.session_key),
                'sig_method': 'hmac_sha256',
            })
        except WeChatError as error:
            if error.errcode in (87007, 87009):
                raise WeChatError(self.env._(
                    "The session key that is kept here is no longer the one in force. It is"
                    " replaced when the person next logs in through the mini-program."
                ), code='decrypt_failed', errcode=error.errcode) from None
            raise

    def _check_session_key(self):
        """Ask WeChat whether the session key kept here is the one in force.

        :raise WeChatError: `decrypt_failed` if it is not
        """
        self._call_with_session_key('/wxa/checksession')

    def _reset_session_key(self):
        """Have WeChat make a new session key, and keep it.

        :raise WeChatError: `decrypt_failed` if the present one is not in force any more
        """
        answer = self._call_with_session_key('/wxa/resetusersessionkey')
        key, openid = answer.get('session_key'), answer.get('openid')
        if not isinstance(key, str) or not key or openid != self.sudo().openid:
            raise UserError(self.env._("WeChat's answer cannot be read. Please try again."))
        self.sudo().session_key = key
