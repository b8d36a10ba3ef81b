# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import re

from odoo import api, models

from odoo.addons.wechat.exceptions import WeChatError, WeChatUnknown
from odoo.addons.wechat.models.wechat_app_login import LOGIN_FIELDS
from odoo.addons.wechat.protocol import user_info as profile

_TEXT = re.compile(r'[!-~]{1,128}')  # what WeChat's ids and keys are made of


class WechatApp(models.Model):
    _inherit = 'wechat.app'

    @api.model
    def _get_miniprogram(self, appid=None):
        """Return the mini-program that a client logs in to.

        :param str appid: the mini-program's AppID; without one the company's first mini-program
        :return: the app in sudo
        :raise WeChatError: `unknown_app`; `misconfigured` if the company has no mini-program
        """
        if appid:
            app = self.sudo()._get_by_appid(appid, app_type='miniprogram')
        else:
            app = self.sudo()._get_default('miniprogram', self._get_caller_company())
        if not app and appid:
            raise WeChatError(self.env._(
                "This mini-program is not known here. An administrator can enter its AppID and"
                " AppSecret under Settings ▸ WeChat."
            ), code='unknown_app')
        if not app:
            raise WeChatError(self.env._(
                "No mini-program is set up for the company %(company)s. An administrator can enter"
                " its AppID and AppSecret under Settings ▸ WeChat.",
                company=self.env.company.sudo().name,
            ), code='misconfigured')
        app.fetch(LOGIN_FIELDS)
        return app

    @api.model
    def _get_miniprogram_by_id(self, app_id):
        """Return the mini-program that a wafer client names by its database id.

        :param int app_id: The id.
        :return: the app in sudo
        :raise WeChatError: `unknown_app`
        """
        app = self.sudo().search(
            [('id', '=', app_id), ('app_type', '=', 'miniprogram'), ('active', '=', True)],
        )
        if not app:
            raise WeChatError(self.env._(
                "There is no mini-program with this app_id here. An administrator finds the number"
                " under WeChat ▸ Apps."
            ), code='unknown_app')
        app.fetch(LOGIN_FIELDS)
        return app

    def _miniprogram_exchange_code(self, code):
        """Ask WeChat who stands behind a code of wx.login (wechat-platform.md 1.2).

        A code is good for one answer: keep what this returns if the request may run again.

        :param str code: what wx.login gave the client; five minutes, single use
        :return: `openid`, `session_key` (base64 text) and `unionid` (empty if WeChat gave none)
        :rtype: dict
        :raise WeChatError: `invalid_code`, `code_used`, `user_blocked`, `rate_limited`,
            `wechat_busy`, `wechat_unavailable`, `misconfigured`
        """
        self.ensure_one()
        answer = self._exchange_miniprogram_code(code)
        result = {key: answer.get(key) for key in ('openid', 'session_key')}
        result['unionid'] = answer.get('unionid') or ''
        for key, value in result.items():
            if key == 'unionid' and value == '':
                continue
            if not isinstance(value, str) or not _TEXT.fullmatch(value):
                raise WeChatUnknown(self.env._(
                    "WeChat's answer to the login could not be read. Please try again."
                ))
        return result

    def _miniprogram_login(self, exchange, user_info=None, lang='', tz=''):
        """Find or create the user of a mini-program login and store what the login brings.

        :param dict exchange: what :meth:`_miniprogram_exchange_code` returned
        :param dict user_info: the object of wx.getUserInfo, if the client sent one; believed only
            as far as protocol/user_info.py does
        :param str lang: code of an installed language that the client asked for
        :param str tz: name of a time zone that the client asked for
        :return: the identity in sudo (its `user_id` may log in), and whether its user is new
        :rtype: tuple(wechat.identity, bool)
        :raise WeChatError: `signup_disabled`, `user_archived`, `login_refused`, `misconfigured`
        :raise ConcurrencyError: a concurrent login was first; Odoo runs the request again
        """
        self.ensure_one()
        app = self.sudo()
        user_info = user_info or {}
        nickname = profile.nickname(user_info)
        identity, is_new = self.env['wechat.identity'].sudo()._login_person(
            app,
            exchange['openid'],
            unionid=exchange['unionid'],
            signup={
                'nickname': nickname,
                'lang': app.lang or lang or self._match_language(profile.language(user_info)),
                'tz': tz,
            },
        )
        identity._record_login(exchange['session_key'])
        if user_info:
            identity._store_user_info(user_info)
        return identity, is_new
