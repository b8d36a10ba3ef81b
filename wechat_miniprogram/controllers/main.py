# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import re

import pytz

from odoo import http
from odoo.exceptions import AccessDenied
from odoo.http import get_session_max_inactivity, request

from odoo.addons.wechat.exceptions import WeChatError

from ..credential import LoginProof

MAX_BODY = 64 * 1024  # bytes; a login is far below

_CODE = re.compile(r'[!-~]{1,256}')
_APPID = re.compile(r'[!-~]{1,64}')


class WechatMiniprogram(http.Controller):

    @http.route(
        '/wechat/miniprogram/authenticate',
        type='jsonrpc',
        auth='public',
        methods=['POST'],
        max_content_length=MAX_BODY,
    )
    def wechat_miniprogram_authenticate(
        self, code=None, user_info=None, appid=None, context=None,
    ):
        """Log the person behind a code of wx.login in to an Odoo session.

        :param str code: what wx.login gave the client
        :param dict user_info: the object of wx.getUserInfo (optional)
        :param str appid: which mini-program; default: the company's first
        :param dict context: `lang` and `tz` that the client wants (optional)
        :return: `session_id`, `uid`, `partner_id`, `name`, `username`, `db`, `user_context`,
            `expires_in` (seconds), `is_new_user`, `has_phone`
        :rtype: dict
        """
        self._check_parameters(code, user_info, appid, context)
        App = request.env['wechat.app']
        lang, tz = self._read_context(context)
        if lang:  # error texts too
            request.update_context(lang=lang)
            App = request.env['wechat.app']
        self._check_session_can_be_kept()
        app = App._get_miniprogram(appid)
        exchange = self._exchange_code_once(app, code)
        identity, is_new = app._miniprogram_login(exchange, user_info, lang=lang, tz=tz)
        self._open_session(identity, lang=lang, tz=tz)
        return self._prepare_login_answer(identity, is_new)

    @http.route(
        '/wechat/miniprogram/logout', type='jsonrpc', auth='user', methods=['POST'],
        max_content_length=MAX_BODY,
    )
    def wechat_miniprogram_logout(self):
        """End the session: its id is worth nothing from now on.

        :return: True
        """
        request.session.logout(keep_db=True)
        return True

    # === PARAMETERS === #

    def _check_parameters(self, code, user_info, appid, context):
        """Refuse what cannot be meant, before anything costs a call.

        :raise WeChatError: `bad_request`
        """
        env = request.env
        problem = None
        if not isinstance(code, str) or not _CODE.fullmatch(code):
            problem = env._("The parameter code must be the text that wx.login returned.")
        elif user_info is not None and not isinstance(user_info, dict):
            problem = env._("The parameter user_info must be the object of wx.getUserInfo.")
        elif appid is not None and not (isinstance(appid, str) and _APPID.fullmatch(appid)):
            problem = env._("The parameter appid must be the AppID of the mini-program.")
        elif context is not None and not isinstance(context, dict):
            problem = env._("The parameter context must be an object.")
        if problem:
            raise WeChatError(problem, code='bad_request')

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

    def _exchange_code_once(self, app, code):
        """Exchange the code with WeChat, once for all runs of this request.

        Odoo runs a request again after a serialization failure, with the same `request`; the code
        is spent by then.
        """
        exchange = getattr(request, 'wechat_exchange', None)
        if exchange is None:
            request.env['wechat.call']._count(request.httprequest.remote_addr)
            exchange = app._miniprogram_exchange_code(code)
            request.wechat_exchange = exchange
        return exchange

    def _open_session(self, identity, lang='', tz=''):
        """Make the request's session that of the identity's user, under its final id.

        :param wechat.identity identity: whose user logs in, in sudo
        :param str lang: code of an installed language for this session (optional)
        :param str tz: time zone for this session (optional)
        :raise WeChatError: `mfa_required`, `login_refused`; the session is then left as it was
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
        if not session.uid or session.uid != auth_info['uid']:
            session.pop('pre_uid', None)
            session.pop('pre_login', None)
            raise WeChatError(request.env._(
                "This account is protected by a second factor, which the mini-program cannot ask"
                " for. Please use the login page of Odoo."
            ), code='mfa_required')
        self._fill_session(identity, lang, tz)
        # All of it is in the database before the id leaves: from here on nothing runs again.
        request.env.cr.flush()
        request._save_session()  # rotates now, so that the id in the answer is the final one

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
