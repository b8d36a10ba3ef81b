# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Web login with WeChat, and the login of mobile apps (wechat-platform.md, section 5)."""

import re
import time
from urllib.parse import urlencode, urlsplit

from odoo import http
from odoo.http import Response, request

from odoo.addons.web.controllers.utils import _get_login_redirect_url
from odoo.addons.wechat.controllers.login import MAX_BODY, WechatLogin
from odoo.addons.wechat.exceptions import WeChatError

from ..const import OAUTH_APP_TYPES, OAUTH_SCOPES
from ..models.wechat_app_oauth import SnapshotUser
from ..models.wechat_oauth_state import LIFETIME
from ..protocol import site_pages

COOKIE = 'wechat_oauth'
CALLBACK = '/wechat/oauth/callback'
WEB_ACTIONS = ('mp', 'qrcode')
IDENTITY_CHECK_LIFETIME = 10 * 60  # seconds, as Odoo's check_identity

_CODE = re.compile(r'[!-~]{1,512}')
_APPID = re.compile(r'[!-~]{1,64}')

# HTTP statuses of the error page, by code word; 403 for the others.
STATUSES = {
    'bad_request': 400, 'invalid_code': 400, 'code_used': 400, 'unknown_app': 404,
    'rate_limited': 429, 'misconfigured': 503, 'wechat_busy': 503, 'wechat_unavailable': 503,
}


def is_in_wechat():
    """Say whether the browser is that of WeChat."""
    return 'micromessenger' in request.httprequest.user_agent.string.lower()


class BrowserStates:
    """What binds a state to the browser; to be inherited by controllers that begin logins."""

    def _begin_login(self, app, action, scope, next_page='', user=None, intent=None):
        """Write down a login that begins; see `wechat.oauth.state._begin`.

        :return: the state and the mark for the browser's cookie
        :rtype: tuple(str, str)
        """
        State = request.env['wechat.oauth.state']
        browser = request.httprequest.cookies.get(COOKIE)
        if not State._is_browser_mark(browser):  # several tabs share one
            browser = State._new_browser_mark()
        return State._begin(browser, app, action, scope, next_page, user, intent), browser

    def _mark_browser(self, response, browser):
        """Put the mark into the browser's cookie; no page of another site sends it along."""
        response.set_cookie(
            COOKIE, browser, max_age=int(LIFETIME.total_seconds()), httponly=True,
            samesite='Lax', secure=request.httprequest.scheme == 'https',
        )
        response.headers['Cache-Control'] = 'no-store'
        return response

    def _redirect_uri(self):
        """Return where WeChat sends the browser: never taken from the request (rule 9)."""
        return request.env['wechat.app']._get_site_base() + CALLBACK


class WechatOauth(WechatLogin, BrowserStates, http.Controller):

    # === BEGIN === #

    @http.route(
        '/wechat/oauth/<string:action>', type='http', auth='public', methods=['GET'],
        website=True, multilang=False, sitemap=False,
    )
    def wechat_oauth_begin(
        self, action, next='', scope='', appid='', intent='', canonical='', **kwargs,
    ):
        """Send the browser to WeChat.

        :param str action: `mp` inside WeChat, `qrcode` elsewhere, `auto` for whichever suits
        :param str next: page of the site to go to afterwards, a path or a complete address
        :param str scope: `snsapi_base` (default) or `snsapi_userinfo`, with `mp`
        :param str appid: which app; default: the company's first of the type
        :param str intent: `bind` to bind the WeChat account to the user who is logged in
        :param str canonical: set where the browser was sent to the site's own address already
        """
        app = request.env['wechat.app'].sudo()
        next_page = site_pages.local_path(next, app._get_site_base())
        if not canonical and not self._is_canonical():
            return self._redirect_to_canonical()
        if action == 'auto':
            action = app._find_oauth_action(is_in_wechat()) or (
                'mp' if is_in_wechat() else 'qrcode')
        try:
            self._check_begin(action, scope, appid, intent)
            app = app._get_oauth_app(action, appid)
            user = None
            if intent == 'bind':
                if not request.session.uid:
                    return request.redirect(f'/web/login?{urlencode({"redirect": self._here()})}')
                self._check_may_bind()
                user = request.env.user
                scope = OAUTH_SCOPES[action][-1]
            elif action == 'qrcode':
                scope = 'snsapi_login'
            return self._send_to_wechat(
                app, action, scope or OAUTH_SCOPES[action][0], next_page, user,
            )
        except WeChatError as error:
            return self._answer_error(app, error, action, next_page)

    def _check_begin(self, action, scope, appid, intent):
        """Refuse what no link of ours asks for.

        :raise WeChatError: `bad_request`
        """
        scopes = OAUTH_SCOPES.get(action, ()) if action in WEB_ACTIONS else ()
        if (
            not scopes
            or (scope and scope not in scopes and action != 'qrcode')
            or (appid and not _APPID.fullmatch(appid))
            or intent not in ('', 'login', 'bind')
        ):
            raise WeChatError(request.env._(
                "This address for logging in is wrong. Please begin on the login page."
            ), code='bad_request')

    def _check_may_bind(self):
        """Refuse to bind an employee who has not just confirmed to be there (rule 11).

        Whoever binds a WeChat account can come back with it; an unattended screen is not enough.

        :raise WeChatError: `login_refused`
        """
        confirmed = request.session.get('identity-check-last', 0)
        if not request.env.user._is_portal() and (
            confirmed < time.time() - IDENTITY_CHECK_LIFETIME
        ):
            raise WeChatError(request.env._(
                "Please begin in your preferences, in the tab Security: Odoo asks for your password"
                " there before a WeChat account is bound."
            ), code='login_refused')

    def _is_canonical(self):
        """Say whether the request came to the address that WeChat will send the browser back to.

        The cookie and the session must be those of one host.
        """
        base = site_pages.site_of(request.env['wechat.app']._get_site_base())
        return base is None or site_pages.site_of(request.httprequest.url_root) == base

    def _redirect_to_canonical(self):
        """Send the browser to the site's own address, once: a proxy may hide it from Odoo."""
        values = {**request.httprequest.args.to_dict(), 'canonical': '1'}
        address = (
            request.env['wechat.app']._get_site_base() + request.httprequest.path
            + '?' + urlencode(values)
        )
        return request.redirect(address, local=False)

    def _here(self):
        """Return path and query of the request."""
        parts = urlsplit(request.httprequest.url)
        return f'{parts.path}?{parts.query}' if parts.query else parts.path

    def _send_to_wechat(self, app, action, scope, next_page, user=None):
        """Return the redirect to WeChat's consent page."""
        state, browser = self._begin_login(app, action, scope, next_page, user)
        address = app._oauth_authorize_url(self._redirect_uri(), scope, state)
        response = Response(status=303, headers=[('Location', address)])
        response.autocorrect_location_header = False
        return self._mark_browser(response, browser)

    # === RETURN === #

    @http.route(
        CALLBACK, type='http', auth='public', methods=['GET'], website=True, multilang=False,
        sitemap=False,
    )
    def wechat_oauth_callback(self, code='', state='', **kwargs):
        """Take the browser back from WeChat, log the person in and go on.

        :param str code: what WeChat gave; missing if the person refused
        :param str state: what was sent along
        """
        app = request.env['wechat.app'].sudo()
        action, next_page = '', ''
        try:
            pending = self._take_state_once(state)
            action, next_page = pending['action'], pending['next'] or ''
            app = app.browse(pending['app_id'])
            self._check_session_can_be_kept()
            access = self._exchange_code_once(app._oauth_identify, self._check_code(code))
            if pending['intent'] == 'bind':
                return self._bind(app, access, pending)
            if app._oauth_needs_userinfo(access):
                return self._send_to_wechat(app, action, 'snsapi_userinfo', next_page)
            return self._log_in(app, access, action, next_page)
        except WeChatError as error:
            return self._answer_error(app, error, action, next_page)

    def _take_state_once(self, state):
        """Take the login that came back, once for all runs of this request."""
        pending = getattr(request, 'wechat_oauth_pending', None)
        if pending is None:
            pending = request.env['wechat.oauth.state']._take(
                state, request.httprequest.cookies.get(COOKIE),
            )
            request.env.cr.commit()  # pylint: disable=invalid-commit
            request.wechat_oauth_pending = pending
        return pending

    def _check_code(self, code):
        """Return the code.

        :raise WeChatError: `login_refused` if the person refused, `bad_request` if it is none
        """
        if not code:
            raise WeChatError(request.env._(
                "You did not allow the login in WeChat, so nothing was done. Please log in again if"
                " that was a mistake."
            ), code='login_refused')
        if not isinstance(code, str) or not _CODE.fullmatch(code):
            raise WeChatError(request.env._(
                "WeChat's code is malformed. Please log in again."
            ), code='bad_request')
        return code

    def _log_in(self, app, access, action, next_page):
        """Open the session and go on, by way of Odoo's second factor where that is due."""
        identity, _is_new = app._oauth_login(access, lang=request.env.lang or '')
        if not self._authenticate_session(identity):
            address = _get_login_redirect_url(identity.user_id.id, next_page)
            return request.redirect(address)
        response = self._complete_session(
            identity, action, scope=access['scope'], access=access, next=next_page or None,
        )
        return response or request.redirect(
            next_page or ('/odoo' if identity.user_id._is_internal() else '/my'),
        )

    def _bind(self, app, access, pending):
        """Bind the WeChat account to the user who began, if that user is logged in still."""
        if not request.session.uid or request.session.uid != pending['user_id']:
            raise WeChatError(request.env._(
                "You are no longer logged in as the user who began. Please log in and bind the"
                " WeChat account again."
            ), code='login_refused')
        request.env['wechat.identity']._bind(app, access, request.env.user)
        return request.redirect(pending['next'] or '/my/wechat?done=bound')

    # === MOBILE APPS === #

    @http.route(
        '/wechat/oauth/mobile', type='jsonrpc', auth='public', methods=['POST'],
        max_content_length=MAX_BODY,
    )
    def wechat_oauth_mobile(self, code=None, appid=None, context=None):
        """Log the person in whose code WeChat's SDK gave a mobile app.

        :param str code: what the SDK gave
        :param str appid: which mobile application; default: the company's first
        :param dict context: `lang` and `tz` that the client wants (optional)
        :return: as `/wechat/miniprogram/authenticate`: `session_id`, `uid`, `partner_id`, `name`,
            `username`, `db`, `user_context`, `expires_in` (seconds), `is_new_user`, `has_phone`
        :rtype: dict
        """
        app = request.env['wechat.app'].sudo()
        try:
            self._check_mobile(code, appid, context)
            lang, tz = self._read_context(context)
            if lang:  # error texts too
                request.update_context(lang=lang)
            self._check_session_can_be_kept()
            app = request.env['wechat.app']._get_oauth_app('mobile', appid)
            access = self._exchange_code_once(app._oauth_identify, code)
            identity, is_new = app._oauth_login(access, lang=lang, tz=tz)
            self._open_session(
                identity, 'mobile', lang=lang, tz=tz, scope=access['scope'], access=access,
            )
        except WeChatError as error:
            self._report_login_error(app, error, 'mobile')
            raise
        return self._prepare_login_answer(identity, is_new)

    def _check_mobile(self, code, appid, context):
        """Refuse what cannot be meant, before anything costs a call.

        :raise WeChatError: `bad_request`
        """
        env = request.env
        problem = None
        if not isinstance(code, str) or not _CODE.fullmatch(code):
            problem = env._("The parameter code must be the text that WeChat's SDK returned.")
        elif appid is not None and not (isinstance(appid, str) and _APPID.fullmatch(appid)):
            problem = env._("The parameter appid must be the AppID of the mobile application.")
        elif context is not None and not isinstance(context, dict):
            problem = env._("The parameter context must be an object.")
        if problem:
            raise WeChatError(problem, code='bad_request')

    # === FAILURE === #

    def _answer_error(self, app, error, action, next_page):
        """Return the page that says what happened and what to do, or what the hook wants."""
        response = self._report_login_error(app, error, action, next_page or None)
        if response:
            return response
        if not request.session.uid:  # of whoever was logged in for a moment nothing is left
            request.update_env(user=request.env.ref('base.public_user').id)
        is_snapshot = isinstance(error, SnapshotUser)
        values = {'next': next_page} if next_page else {}
        if app:
            values['appid'] = app.appid
        if is_snapshot:
            values['scope'] = 'snsapi_userinfo'
        again = f'/wechat/oauth/{action}' if action in OAUTH_APP_TYPES else '/web/login'
        if again == '/web/login':
            values = {'redirect': next_page} if next_page else {}
        response = request.render(
            'wechat_official_account.' + ('oauth_snapshot' if is_snapshot else 'oauth_error'), {
                'message': error.args[0],
                'code': error.code,
                'errcode': error.errcode,
                'again': f'{again}?{urlencode(values)}' if values else again,
                'is_logged_in': bool(request.session.uid),
            }, status=200 if is_snapshot else STATUSES.get(error.code, 403),
        )
        response.headers['Cache-Control'] = 'no-store'
        return response
