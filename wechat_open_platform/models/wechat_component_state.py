# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import hashlib
import secrets
from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL

from odoo.addons.wechat.exceptions import WeChatError

LIFETIME = timedelta(hours=1)  # A little more than that of the pre_auth_code.
MAX_LENGTH = 128


class WechatComponentState(models.Model):
    """Authorisations under way: good for one user, one browser and one return from WeChat.

    Only hashes are kept: whoever reads the database finishes nobody's authorisation.
    """

    _name = 'wechat.component.state'
    _description = "WeChat Authorisation Under Way"
    _order = 'id desc'
    _rec_name = 'component_id'
    _log_access = False  # They live for minutes.

    state_hash = fields.Char(required=True, readonly=True)
    browser_hash = fields.Char(required=True, readonly=True)
    component_id = fields.Many2one(
        comodel_name='wechat.app', required=True, readonly=True, ondelete='cascade',
    )
    user_id = fields.Many2one(
        comodel_name='res.users', required=True, readonly=True, ondelete='cascade',
    )
    expires_at = fields.Datetime(required=True, readonly=True)

    _state_hash_unique = models.Constraint('UNIQUE (state_hash)', "This state exists already.")

    @api.model
    def _new_browser_mark(self):
        """Return a new mark for a browser, to be kept in its cookie."""
        return secrets.token_hex(32)

    @api.model
    def _is_browser_mark(self, value):
        """Say whether the value looks like what :meth:`_new_browser_mark` returned."""
        return len(value) == 64 and value.isascii() and value.isalnum()

    @api.model
    def _begin(self, browser, component, user):
        """Write down an authorisation that begins.

        :param str browser: The mark of the browser.
        :param wechat.app component: The third-party platform.
        :param res.users user: Who begins.
        :return: The state to send along.
        :rtype: str
        """
        state = secrets.token_hex(32)
        self.sudo().create({
            'state_hash': self._hash(state),
            'browser_hash': self._hash(browser),
            'component_id': component.id,
            'user_id': user.id,
            'expires_at': fields.Datetime.now() + LIFETIME,
        })
        return state

    @api.model
    def _take(self, state, browser, user):
        """Take an authorisation that came back from WeChat, once on all servers.

        The caller commits at once.

        :param str state: What WeChat sent back.
        :param str browser: The mark of the browser that came.
        :param res.users user: Who came.
        :return: The third-party platform, in sudo.
        :rtype: wechat.app
        :raise WeChatError: `bad_request` if there is no such state, it was taken, it is somebody
            else's or another browser's, or it is too old.
        """
        row = None
        if all(
            isinstance(value, str) and 0 < len(value) <= MAX_LENGTH for value in (state, browser)
        ):
            self.env.cr.execute(SQL(
                """
                DELETE FROM wechat_component_state
                 WHERE state_hash = %s AND browser_hash = %s AND user_id = %s AND expires_at > %s
             RETURNING component_id
                """,
                self._hash(state), self._hash(browser), user.id, fields.Datetime.now(),
            ))
            row = self.env.cr.fetchone()
        if not row:
            raise WeChatError(self.env._(
                "This authorisation has expired, was finished already, or was begun by somebody"
                " else or in another browser. Please begin again in WeChat ▸ Apps."
            ), code='bad_request')
        return self.env['wechat.app'].sudo().browse(row[0])

    @api.model
    def _hash(self, text):
        return hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()

    @api.autovacuum
    def _gc_states(self):
        """Delete what nobody came back for."""
        self.env.cr.execute(SQL(
            "DELETE FROM wechat_component_state WHERE expires_at < %s", fields.Datetime.now(),
        ))
