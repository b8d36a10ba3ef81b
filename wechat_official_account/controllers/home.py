# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The button on Odoo's login page."""

from urllib.parse import urlencode

from odoo import http
from odoo.http import request

from odoo.addons.web.controllers.home import Home

from ..protocol import site_pages
from .oauth import is_in_wechat


class WechatHome(Home):

    @http.route()
    def web_login(self, *args, **kw):
        """Override of `web` to offer WeChat below the form."""
        response = super().web_login(*args, **kw)
        if response.is_qweb:
            response.qcontext['wechat_login_url'] = self._get_wechat_login_url()
        return response

    def _get_wechat_login_url(self):
        """Return where the button leads, empty if the company has no app that suits the browser."""
        action = request.env['wechat.app']._find_oauth_action(is_in_wechat())
        if not action:
            return ''
        next_page = site_pages.local_path(request.params.get('redirect'))
        query = f'?{urlencode({"next": next_page})}' if next_page else ''
        return f'/wechat/oauth/{action}{query}'
