# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What opens an Odoo session for a person whom WeChat vouches for."""

import logging

import pytz

from odoo.exceptions import AccessDenied
from odoo.http import get_session_max_inactivity, request

from odoo.addons.wechat.credential import LoginProof
from odoo.addons.wechat.exceptions import WeChatError

_logger = logging.getLogger(__name__)

MAX_BODY = 64 * 1024  # bytes; a login is far below


class WechatLogin:
    """To be inherited by the controllers of login routes."""

    # === PARAMETERS === #

    def _read_context(self, context):
        """Return the language and the time zone a client asks for, empty where not known here."""
        context = context or {}
        tz = context.get('tz')
        if not isinstance(tz, str) or tz not in pytz.all_timezones_set:
            tz = ''
        return request.env['wechat.app']._match_language(context.get('lang')), tz

    def _check_session_can_be_kept(self):
        """Refuse requests whose session Odoo would not store.

        :raise WeChatError: `misconfigured`, before the code is spent
        """
        if not request.session.can_save:
            raise WeChatError(request.env._(
                "A session opened with the header X-Odoo-Database is not kept. Please let the"
                " server choose the database by its host name (--db-filter) or by -d."
            ), code='misconfigured')

    # === LOGIN === #

    def _exchange_code_once(self, exchange_code, code):
        """Exchange the code with WeChat, once for all runs of this request.

        Odoo runs a request again after a serialization failure, with the same `request`; the code
        is spent by then.

        :param exchange_code: the method that asks WeChat
        :param str code: what WeChat gave the client
        :return: what the method returned
        :rtype: dict
        """
        exchange = getattr(request, 'wechat_exchange', None)
        if exchange is None:
            request.env['wechat.call']._count(request.httprequest.remote_addr)
            exchange = exchange_code(code)
            request.wechat_exchange = exchange
        return exchange

    def _open_session(self, identity, action, lang='', tz='', scope=None, access=None):
        """Make the request's session that of the identity's user, under its final id.

        :param wechat.identity identity: whose user logs in, in sudo
        :param str action: see `res.users._on_wechat_login`, as `scope` and `access`
        :param str lang: code of an installed language for this session (optional)
        :param str tz: time zone for this session (optional)
        :raise WeChatError: `mfa_required`, `login_refused`; the session is then left as it was
        """
        session = request.session
        if not self._authenticate_session(identity):
            session.pop('pre_uid', None)
            session.pop('pre_login', None)
            raise WeChatError(request.env._(
                "This account is protected by a second factor, which the app cannot ask for. Please"
                " use the login page of Odoo."
            ), code='mfa_required')
        self._complete_session(identity, action, lang=lang, tz=tz, scope=scope, access=access)

    def _authenticate_session(self, identity):
        """Let Odoo log the identity's user in.

        :param wechat.identity identity: whose user logs in, in sudo
        :return: whether the session is open; if not, a second factor is pending
        :rtype: bool
        :raise WeChatError: `login_refused`
        """
        session, user = request.session, identity.user_id
        if session.uid and session.uid != user.id:
            session.logout(keep_db=True)  # nothing of the other user's session goes over
        # The session token is computed by SQL: a new user must be in the database by then.
        request.env.flush_all()
        env = request.env
        if 'website_id' in user._fields and user.website_id:
            # Users of one website are found on that website only, whatever host was called.
            env = env(context=dict(env.context, website_id=user.website_id.id))
        proof = LoginProof(user.id, identity.id)
        try:
            auth_info = session.authenticate(
                env, {'type': 'wechat', 'login': user.login, 'proof': proof},
            )
        except AccessDenied:
            raise WeChatError(request.env._(
                "Odoo refused this login. Please contact the shop."
            ), code='login_refused') from None
        return bool(session.uid) and session.uid == auth_info['uid']

    def _complete_session(
        self, identity, action, lang='', tz='', scope=None, access=None, next=None,
    ):
        """Finish an open session: its context, the hook, its final id.

        :param str next: see `res.users._on_wechat_login`
        :return: what the hook wants answered, or None
        """
        self._fill_session(identity, lang, tz)
        try:
            response = identity.user_id._on_wechat_login(
                identity, action, scope=scope, access=access, next=next,
            )
            # All of it is in the database before the id leaves: from here on nothing runs again.
            request.env.cr.flush()
        except Exception:
            request.session.logout(keep_db=True)
            raise
        request._save_session()  # rotates now, so that the id in the answer is the final one
        return response

    def _fill_session(self, identity, lang, tz):
        """Write down which app and identity opened the session, and its context."""
        session = request.session
        session['wechat_identity_id'] = identity.id
        session['wechat_app_id'] = identity.app_id.id
        context = dict(session.context)
        if lang:
            context['lang'] = lang
        if tz:
            context['tz'] = tz
        companies = identity.user_id._get_company_ids()
        company_id = identity.app_id.company_id.id
        if len(companies) > 1 and company_id in companies:
            # A person may be the customer of several companies: this app is the shop of one.
            context['allowed_company_ids'] = [company_id]
        session.context = context

    def _prepare_login_answer(self, identity, is_new):
        """Return the result of authenticate (design.md section 5)."""
        session, user = request.session, identity.user_id
        partner = user.partner_id
        return {
            'session_id': session.sid,
            'uid': session.uid,
            'partner_id': partner.id,
            'name': partner.name,
            'username': user.login,
            'db': request.env.cr.dbname,
            'user_context': dict(session.context),
            'expires_in': max(0, get_session_max_inactivity(request.env)),
            'is_new_user': is_new,
            'has_phone': bool(identity.phone or partner.phone),
        }

    # === FAILURE === #

    def _report_login_error(self, app, error, action, next=None):
        """Undo what a failed login wrote and let the app's hook know.

        :param wechat.app app: the app in sudo, empty if the login did not get that far
        :param WeChatError error: why it failed
        :param str action: see `wechat.app._on_wechat_login_error`, as `next`
        :return: what the hook wants answered, or None
        """
        cr = request.env.cr
        cr.rollback()
        try:
            response = app._on_wechat_login_error(error, action, next)
            cr.commit()  # pylint: disable=invalid-commit
        except Exception:
            _logger.exception("The hook on the failed WeChat login of an app failed itself")
            cr.rollback()
            return None
        return response
