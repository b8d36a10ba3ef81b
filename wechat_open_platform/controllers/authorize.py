# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The page on which an account is authorised, and the way back (wechat-platform.md, 11.2)."""

from urllib.parse import urlencode

from werkzeug.exceptions import NotFound

from odoo import http
from odoo.http import request

from odoo.addons.wechat.exceptions import WeChatError

from ..models.wechat_component_state import LIFETIME
from ..protocol import authorization

COOKIE = 'wechat_component'
PATH = '/wechat/component'
RETURN = f'{PATH}/return'


class WechatAuthorize(http.Controller):

    @http.route(
        f'{PATH}/<string:appid>/authorize', type='http', auth='user', methods=['GET'],
    )
    def wechat_component_authorize(self, appid, auth_type='3', **_kwargs):
        """Show the links to WeChat's pages. WeChat wants them opened from a page, by a person.

        :param str appid: The AppID of the third-party platform.
        :param str auth_type: Which kind of account: `1` official accounts, `2` mini-programs, `3`
            both.
        """
        component = self._get_component(appid)
        if auth_type not in authorization.AUTH_TYPES:
            auth_type = '3'
        try:
            code = component._create_pre_auth_code()
            base = component._api_url('wechat.mp_url')
        except WeChatError as error:
            return self._render_result(component, error=error)
        State = request.env['wechat.component.state']
        browser = request.httprequest.cookies.get(COOKIE, '')
        if not State._is_browser_mark(browser):  # Several tabs share one.
            browser = State._new_browser_mark()
        state = State._begin(browser, component, request.env.user)
        # WeChat checks the domain of the return as it checks that of this page.
        redirect_uri = f'{component.get_base_url()}{RETURN}?{urlencode({"state": state})}'
        desktop, phone = authorization.authorization_urls(
            base, component.appid, code, redirect_uri, auth_type)
        response = self._render('wechat_open_platform.authorize', {
            'component': component,
            'auth_type': auth_type,
            'page': f'{PATH}/{component.appid}/authorize',
            'desktop_url': desktop,
            'phone_url': phone,
            'back_url': self._app_url(component),
        })
        response.set_cookie(
            COOKIE, browser, max_age=int(LIFETIME.total_seconds()), httponly=True, path=PATH,
            samesite='Lax', secure=request.httprequest.scheme == 'https',
        )
        return response

    @http.route(RETURN, type='http', auth='user', methods=['GET'])
    def wechat_component_return(self, state='', auth_code='', **_kwargs):
        """Take the browser back from WeChat and set the account up.

        :param str state: What was sent along.
        :param str auth_code: WeChat's code.
        """
        component = request.env['wechat.app']
        try:
            component = request.env['wechat.component.state']._take(
                state, request.httprequest.cookies.get(COOKIE), request.env.user)
            request.env.cr.commit()  # Taken once, whatever becomes of the request.
            component = self._get_component(component.appid)
            if not authorization.is_value(auth_code):
                raise WeChatError(request.env._(
                    "WeChat sent no code: the account was not authorised. Please begin again."
                ), code='bad_request')
            Authorization = request.env['wechat.authorization'].sudo()
            row_id = Authorization._store(component, auth_code)
            if not Authorization._take(row_id):
                raise WeChatError(request.env._(
                    "The account is being set up. Look at the list of authorised accounts in a"
                    " moment."
                ), code='wechat_busy')
            request.env.cr.commit()  # What others committed is to be seen.
            row = Authorization.browse(row_id)
        except WeChatError as error:
            return self._render_result(component, error=error)
        return self._render_result(component, row=row)

    def _get_component(self, appid):
        """Return the third-party platform.

        :raise NotFound: If the user does not manage it.
        """
        user = request.env.user
        app = request.env['wechat.app'].with_context(allowed_company_ids=user.company_ids.ids)
        app = app._get_by_appid(appid, app_type='component')
        if not app or not user.has_group('wechat.group_manager') or not app.has_access('write'):
            raise NotFound
        return app

    def _render_result(self, component, row=None, error=None):
        """Return the page that says what came of it."""
        app = row.app_id if row is not None else None
        is_done = bool(app) and row.state == 'done' and app.authorization_state == 'authorized'
        message = str(error) if error else ''
        if row is not None and not is_done:
            message = row.advice or row.error or app.advice or ''
        return self._render('wechat_open_platform.authorize_result', {
            'component': component,
            'row': row,
            'is_done': is_done,
            'message': message,
            'again_url': component and f'{PATH}/{component.appid}/authorize',
            'back_url': self._app_url(app or component),
        })

    def _render(self, template, values):
        response = request.render(template, values)
        response.headers['Cache-Control'] = 'no-store'
        # WeChat refuses links without a Referer; it needs the domain, and gets no more.
        response.headers['Referrer-Policy'] = 'origin'
        return response

    @staticmethod
    def _app_url(app):
        return f'/odoo/action-wechat.wechat_app_action/{app.id}' if app else '/odoo'
