# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Configuration of WeChat's JavaScript interfaces for the pages of the site (section 4)."""

from odoo import api, fields, models

from odoo.addons.wechat.exceptions import WeChatError

from ..const import JS_API_LIST
from ..protocol import site_pages


class WechatApp(models.Model):
    _inherit = 'wechat.app'

    js_api_list = fields.Text(
        string="JavaScript Interfaces",
        help="What pages of the site may use of WeChat, one name per line. Empty: sharing, voice,"
             " pictures, location, menus, scanning, payment and cards.",
    )
    oauth_domain = fields.Char(
        string="Domain for the Console",
        help="To be entered with WeChat as web authorization domain (网页授权域名) and JS interface"
             " safe domain (JS接口安全域名), or as callback domain (授权回调域) of a website"
             " application.",
        compute='_compute_oauth_domain',
    )

    # === COMPUTE METHODS === #

    def _compute_oauth_domain(self):
        site = site_pages.site_of(self._get_site_base() or '')
        for app in self:
            app.oauth_domain = site and site[0]

    # === GETTERS === #

    @api.model
    def _get_site_base(self):
        """Return the configured address of the site, without a trailing slash."""
        base = self.env['ir.config_parameter'].sudo().get_param('web.base.url') or ''
        return base.rstrip('/')

    @api.model
    def _get_site_bases(self):
        """Return all configured addresses of the site: `web.base.url` and those of its websites.

        :rtype: list[str]
        """
        bases = [self._get_site_base()]
        if 'website' in self.env:
            websites = self.env['website'].sudo().search([('domain', '!=', False)])
            for domain in filter(None, websites.mapped('domain')):
                bases.append(domain if '://' in domain else f'https://{domain}')
        return bases

    def _get_js_api_list(self):
        """Return the names of the JavaScript interfaces that pages may use."""
        self.ensure_one()
        return (self.sudo().js_api_list or '').replace(',', ' ').split() or list(JS_API_LIST)

    # === CONFIGURATION === #

    @api.model
    def _get_jssdk_config(self, url, appid=None, debug=False, address=None):
        """Return what a page of the site gives to `wx.config`.

        :param str url: the page's address as the browser has it
        :param str appid: the official account's AppID; without one the company's first
        :param bool debug: whether WeChat shows what happens
        :param str address: IP address of a client, counted if WeChat has to be asked (rule 7)
        :return: `debug`, `appId`, `timestamp`, `nonceStr`, `signature`, `jsApiList`
        :rtype: dict
        :raise WeChatError: `bad_request` if the page is not one of the site's; `unknown_app`,
            `misconfigured`, `rate_limited`, or what kept WeChat from issuing a ticket
        """
        page = site_pages.own_page(url, self._get_site_bases())
        if not page:
            raise WeChatError(self.env._(
                "Only pages of this site can use WeChat's interfaces. The page's address must be"
                " given as url, or as Referer, and its host must be that of the system parameter"
                " web.base.url or of a website."
            ), code='bad_request')
        app = self._get_oauth_app('mp', appid)
        if address and not app._find_token('jsapi_ticket'):
            self.env['wechat.call']._count(address)
        signed = app._sign_jssdk(page)
        return {
            'debug': debug,
            **{key: signed[key] for key in ('appId', 'timestamp', 'nonceStr', 'signature')},
            'jsApiList': app._get_js_api_list(),
        }
