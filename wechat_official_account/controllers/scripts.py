# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Scripts for pages: the embedded QR code and the configuration of the JSSDK."""

from odoo import http
from odoo.http import request

from odoo.addons.wechat.controllers.login import MAX_BODY
from odoo.addons.wechat.exceptions import WeChatError

from ..protocol import oauth, site_pages
from .oauth import STATUSES, BrowserStates

MAX_ID = 128  # characters of an element's id
TRUE = ('1', 'true', 'True', 'yes')


class WechatScripts(BrowserStates, http.Controller):

    # === EMBEDDED QR CODE === #

    @http.route(
        '/weixin-login.js', type='http', auth='public', methods=['GET'], website=True,
        multilang=False, sitemap=False,
    )
    def weixin_login(self, id='', style='', href='', next='', appid='', **kwargs):
        """Return the script that shows the QR code in an element of the page, which must have
        loaded WeChat's wxLogin.js; empty if there is no website application.

        :param str id: id of the element
        :param str style: colour of the texts, `black` or `white`
        :param str href: address of a style sheet of this site
        :param str next: page of the site to go to after the login
        :param str appid: which website application; default: the company's first
        """
        try:
            app = request.env['wechat.app']._get_oauth_app('qrcode', appid or None)
        except WeChatError:
            return self._script('')
        state, browser = self._begin_login(
            app, 'qrcode', 'snsapi_login', site_pages.local_path(next, app._get_site_base()),
        )
        script = oauth.login_script(
            app.appid, self._redirect_uri(), state, id[:MAX_ID], style, self._own_address(href),
        )
        return self._mark_browser(self._script(script), browser)

    def _own_address(self, href):
        """Return the complete address of a file of this site, empty if it is another site's.

        WeChat's page loads the style sheet, so a path alone would be one of WeChat's.
        """
        App = request.env['wechat.app']
        path = site_pages.local_path(href)
        if path:
            return App._get_site_base() + path
        return site_pages.own_page(href, App._get_site_bases())

    # === JSSDK === #

    @http.route(
        '/weixin-config.js', type='http', auth='public', methods=['GET'], website=True,
        multilang=False, sitemap=False,
    )
    def weixin_config(self, debug='', url='', appid='', **kwargs):
        """Return the script that calls wx.config for the page that loads it.

        :param str debug: `true` lets WeChat show what happens
        :param str url: the page's address, if not that of the header Referer
        :param str appid: which official account; default: the company's first
        """
        page = url or request.httprequest.headers.get('Referer', '')
        try:
            config = request.env['wechat.app']._get_jssdk_config(
                page, appid or None, debug in TRUE, request.httprequest.remote_addr,
            )
        except WeChatError as error:
            message = f'/* {error.args[0].replace("*/", "")} ({error.code}) */\n'
            return self._script(message, STATUSES.get(error.code, 403))
        return self._script(oauth.config_script(config))

    @http.route(
        '/wechat/jssdk/config', type='jsonrpc', auth='public', methods=['POST'],
        max_content_length=MAX_BODY,
    )
    def wechat_jssdk_config(self, url=None, appid=None, debug=False):
        """Return what a page gives to wx.config.

        :param str url: the page's address as the browser has it
        :param str appid: which official account; default: the company's first
        :param bool debug: lets WeChat show what happens
        :return: `debug`, `appId`, `timestamp`, `nonceStr`, `signature`, `jsApiList`
        :rtype: dict
        """
        if appid is not None and not isinstance(appid, str):
            raise WeChatError(request.env._(
                "The parameter appid must be the AppID of the official account."
            ), code='bad_request')
        request.future_response.headers['Cache-Control'] = 'no-store'
        return request.env['wechat.app']._get_jssdk_config(
            url, appid, debug is True, request.httprequest.remote_addr,
        )

    def _script(self, text, status=200):
        return request.make_response(text, headers=[
            ('Content-Type', 'text/javascript; charset=utf-8'),
            ('Cache-Control', 'no-store'),
            ('X-Content-Type-Options', 'nosniff'),
        ], status=status)
