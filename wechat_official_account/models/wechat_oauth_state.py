# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import hashlib
import secrets
from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL

from odoo.addons.wechat.exceptions import WeChatError

LIFETIME = timedelta(minutes=10)
LOGIN_INTENTS = ('login', 'bind')
MAX_LENGTH = 128  # of a state and of a browser's mark, in characters


class WechatOauthState(models.Model):
    """Logins under way: what `state` stands for, good for one browser, one use and ten minutes.

    Only hashes are kept: whoever reads the database finishes nobody's login.
    """

    _name = 'wechat.oauth.state'
    _description = "WeChat Login Under Way"
    _order = 'id desc'
    _rec_name = 'action'
    _log_access = False  # They live for minutes.

    state_hash = fields.Char(required=True, readonly=True)
    browser_hash = fields.Char(required=True, readonly=True)
    app_id = fields.Many2one(
        comodel_name='wechat.app', required=True, readonly=True, ondelete='cascade',
    )
    action = fields.Char(required=True, readonly=True)
    scope = fields.Char(required=True, readonly=True)
    intent = fields.Selection(
        selection=[('login', "Log in"), ('bind', "Bind to the user")],
        required=True,
        readonly=True,
        default='login',
    )
    user_id = fields.Many2one(
        help="Whom the WeChat account is to be bound to.",
        comodel_name='res.users',
        readonly=True,
        ondelete='cascade',
    )
    next = fields.Char(readonly=True)
    expires_at = fields.Datetime(required=True, readonly=True)

    _state_hash_unique = models.Constraint('UNIQUE (state_hash)', "This state exists already.")

    @api.model
    def _new_browser_mark(self):
        """Return a new mark for a browser, to be kept in its cookie."""
        return secrets.token_urlsafe(32)

    @api.model
    def _is_browser_mark(self, value):
        """Say whether the value looks like what :meth:`_new_browser_mark` returned."""
        return (
            isinstance(value, str) and len(value) == 43
            and value.isascii() and value.replace('-', 'a').replace('_', 'a').isalnum()
        )

    @api.model
    def _begin(self, browser, app, action, scope, next_page='', user=None, intent=None):
        """Write a login down that begins now.

        :param str browser: the mark of the browser
        :param wechat.app app: the app
        :param str action: `mp` or `qrcode`
        :param str scope: what the person is asked for
        :param str next_page: path within the site, or empty
        :param res.users user: who binds the WeChat account, `None` for a login
        :param str intent: another purpose, which :meth:`_take` must name
        :return: the state to send along: letters and digits
        :rtype: str
        """
        state = secrets.token_hex(32)
        self.sudo().create({
            'state_hash': self._hash(state),
            'browser_hash': self._hash(browser),
            'app_id': app.id,
            'action': action,
            'scope': scope,
            'intent': intent or ('bind' if user else 'login'),
            'user_id': user.id if user else False,
            'next': next_page,
            'expires_at': fields.Datetime.now() + LIFETIME,
        })
        return state

    @api.model
    def _take(self, state, browser, intents=LOGIN_INTENTS):
        """Take a login that came back from WeChat, once on all servers.

        The caller commits at once: what is taken stays taken whatever becomes of the request, and
        nobody waits for WeChat's answer in between.

        :param str state: what WeChat sent back
        :param str browser: the mark of the browser that came
        :param intents: what the caller finishes; what was begun for something else stays
        :return: `app_id`, `action`, `scope`, `intent`, `user_id` and `next`
        :rtype: dict
        :raise WeChatError: `bad_request` if there is no such login, it was taken, it is another
            browser's, or it is too old
        """
        row = None
        if all(isinstance(value, str) and 0 < len(value) <= MAX_LENGTH
               for value in (state, browser)):
            self.env.cr.execute(SQL(
                """
                DELETE FROM wechat_oauth_state
                 WHERE state_hash = %s AND browser_hash = %s AND expires_at > %s
                   AND intent IN %s
             RETURNING app_id, action, scope, intent, user_id, next
                """,
                self._hash(state), self._hash(browser), fields.Datetime.now(), tuple(intents),
            ))
            row = self.env.cr.dictfetchone()
        if not row:
            raise WeChatError(self.env._(
                "This login has expired, was used already, or was begun in another browser. Please"
                " log in again."
            ), code='bad_request')
        return row

    @api.model
    def _hash(self, text):
        return hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()

    @api.autovacuum
    def _gc_states(self):
        """Delete what nobody came back for."""
        self.env.cr.execute(SQL(
            "DELETE FROM wechat_oauth_state WHERE expires_at < %s", fields.Datetime.now(),
        ))
