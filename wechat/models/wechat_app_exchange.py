# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The codes of logins, exchanged at WeChat. Whoever acts for an app in another way overrides this
(wechat-platform.md, sections 1.2, 5.2 and 11.4)."""

from odoo import models

from odoo.addons.wechat.models.wechat_app_login import LOGIN_TIMEOUT


class WechatApp(models.Model):
    _inherit = 'wechat.app'

    def _exchange_miniprogram_code(self, code):
        """Ask WeChat who stands behind a code of wx.login. A code is good for one answer.

        :param str code: What wx.login gave the client.
        :return: WeChat's answer as it is: `openid`, `session_key` and perhaps `unionid`.
        :rtype: dict
        :raise WeChatError: If WeChat refuses or cannot be asked.
        """
        self.ensure_one()
        return self._exchange_code('/sns/jscode2session', js_code=code)

    def _exchange_oauth_code(self, code):
        """Ask WeChat who agreed to a login on a web page. A code is good for one answer.

        :param str code: What WeChat gave the browser, or an app's SDK.
        :return: WeChat's answer as it is: `openid`, `scope`, `access_token` …
        :rtype: dict
        :raise WeChatError: If WeChat refuses or cannot be asked.
        """
        self.ensure_one()
        return self._exchange_code('/sns/oauth2/access_token', code=code)

    def _exchange_code(self, path, **params):
        """Exchange a code by means of the AppSecret."""
        app_sudo = self.sudo()
        return app_sudo._request(
            'GET',
            path,
            params={
                'appid': app_sudo.appid,
                'secret': app_sudo.secret or '',
                **params,
                'grant_type': 'authorization_code',
            },
            with_token=False,
            timeout=LOGIN_TIMEOUT,
        )

    def _consent_page_parameters(self):
        """Return what the address of WeChat's consent page has after `state`.

        :return: (name, value) pairs.
        :rtype: tuple
        :raise WeChatError: If nobody can log in with the app.
        """
        return ()
