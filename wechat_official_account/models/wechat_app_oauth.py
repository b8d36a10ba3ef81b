# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Logins on web pages and in mobile applications (wechat-platform.md, section 5)."""

import logging
import re

from odoo import api, models

from odoo.addons.wechat.exceptions import WeChatError, WeChatUnknown
from odoo.addons.wechat.models.wechat_app_login import LOGIN_FIELDS, LOGIN_TIMEOUT
from odoo.addons.wechat.protocol import user_info as profile

from ..const import OAUTH_APP_TYPES
from ..protocol import oauth

_logger = logging.getLogger(__name__)

# What WeChat's answers hold that is nobody's business beyond the login itself.
TOKEN_KEYS = frozenset({'access_token', 'refresh_token', 'expires_in'})

_TEXT = re.compile(r'[!-~]{1,128}')  # what WeChat's ids are made of


class SnapshotUser(WeChatError):
    """The page was opened in snapshot mode: WeChat vouches for a virtual account only."""


class WechatApp(models.Model):
    _inherit = 'wechat.app'

    # === GETTERS === #

    @api.model
    def _get_oauth_app(self, action, appid=None):
        """Return the app through which somebody logs in.

        :param str action: `mp`, `qrcode` or `mobile`
        :param str appid: the app's AppID; without one the company's first app of that type
        :return: the app in sudo
        :raise WeChatError: `unknown_app`; `misconfigured` if the company has no such app
        """
        app_type = OAUTH_APP_TYPES[action]
        if appid:
            app = self.sudo()._get_by_appid(appid, app_type=app_type)
        else:
            app = self.sudo()._get_default(app_type, self._get_caller_company())
        if not app:
            kind = dict(self._fields['app_type']._description_selection(self.env))[app_type]
            if appid:
                raise WeChatError(self.env._(
                    "This WeChat app is not known here. An administrator can enter it under WeChat"
                    " ▸ Apps, with the type %(kind)s.", kind=kind,
                ), code='unknown_app')
            raise WeChatError(self.env._(
                "This way to log in is not set up: there is no WeChat app of the type %(kind)s. An"
                " administrator can enter one under WeChat ▸ Apps.", kind=kind,
            ), code='misconfigured')
        app.fetch(LOGIN_FIELDS)
        return app

    @api.model
    def _find_oauth_action(self, in_wechat):
        """Return the way to log in on a web page that suits a browser.

        :param bool in_wechat: whether the browser is that of WeChat
        :return: `mp` or `qrcode`; empty if the company has no app for it
        :rtype: str
        """
        action = 'mp' if in_wechat else 'qrcode'
        company = self._get_caller_company()
        return action if self.sudo()._get_default(OAUTH_APP_TYPES[action], company) else ''

    # === WECHAT === #

    def _oauth_authorize_url(self, redirect_uri, scope, state):
        """Return the address of the page on which WeChat asks the person for consent.

        :param str redirect_uri: where WeChat sends the browser afterwards
        :param str scope: one of :data:`OAUTH_SCOPES` of the app's type
        :param str state: letters and digits
        :rtype: str
        """
        self.ensure_one()
        path = oauth.QRCONNECT_PATH if self.app_type == 'website' else oauth.AUTHORIZE_PATH
        return oauth.authorize_url(
            self._api_url('wechat.open_url'), path, self.appid, redirect_uri, scope, state,
            self._consent_page_parameters(),
        )

    def _oauth_exchange_code(self, code):
        """Exchange the code of a consent (5.2). A code is good for one answer.

        :param str code: what WeChat gave the browser or the app's SDK
        :return: WeChat's answer: `openid`, `scope`, `access_token` …, and `unionid` if WeChat
            tells it
        :rtype: dict
        :raise WeChatError: `invalid_code`, `code_used`, `user_blocked`, `rate_limited`,
            `wechat_busy`, `wechat_unavailable`, `misconfigured`
        """
        self.ensure_one()
        return self._exchange_oauth_code(code)

    def _oauth_fetch_userinfo(self, access_token, openid):
        """Return what WeChat tells of a person who agreed to it (5.2).

        :param str access_token: the person's, not the app's; it is neither stored nor logged
        :param str openid: the person's openid
        :return: WeChat's answer: `nickname`, `headimgurl`, `unionid` …
        :rtype: dict
        :raise WeChatError: if there is none
        """
        self.ensure_one()
        answer = self._request(
            'GET',
            '/sns/userinfo',
            params={'access_token': access_token, 'openid': openid, 'lang': 'zh_CN'},
            with_token=False,
            timeout=LOGIN_TIMEOUT,
        )
        if answer.get('openid') != openid:
            raise self._oauth_unreadable()
        return answer

    def _oauth_unreadable(self):
        return WeChatUnknown(self.env._(
            "WeChat's answer to the login could not be read. Please try again."
        ))

    # === LOGIN === #

    def _oauth_identify(self, code):
        """Find out who stands behind a code.

        A code is good for one answer: keep what this returns if the request may run again.

        :param str code: what WeChat gave the client
        :return: what WeChat says of the person, without tokens: `openid`, `scope`, `unionid`
            (empty if it is not told), and beyond `snsapi_base` `nickname`, `headimgurl` …
        :rtype: dict
        :raise SnapshotUser: if it is a virtual account of the snapshot mode
        :raise WeChatError: see :meth:`_oauth_exchange_code`
        """
        self.ensure_one()
        answer = self._oauth_exchange_code(code)
        if str(answer.get('is_snapshotuser') or 0) != '0':
            raise SnapshotUser(self.env._(
                "WeChat shows this page as a snapshot, without your account. Please tap “Use full"
                " service” (使用完整服务) at the bottom of the page and log in again."
            ), code='login_refused')
        openid, scope = answer.get('openid'), answer.get('scope') or ''
        if not self._is_oauth_id(openid) or not isinstance(scope, str):
            raise self._oauth_unreadable()
        access = {**answer, **self._oauth_read_profile(answer)}
        unionid = access.get('unionid') or answer.get('unionid') or ''
        if unionid and not self._is_oauth_id(unionid):
            raise self._oauth_unreadable()
        return {
            **{key: value for key, value in access.items() if key not in TOKEN_KEYS},
            'openid': openid, 'scope': scope, 'unionid': unionid,
        }

    @api.model
    def _is_oauth_id(self, value):
        return isinstance(value, str) and bool(_TEXT.fullmatch(value))

    def _oauth_read_profile(self, answer):
        """Return what WeChat tells of the person beyond `snsapi_base`.

        Nickname and picture can be done without; the unionid cannot, for somebody who is new.

        :param dict answer: WeChat's answer to the code
        :rtype: dict
        """
        if set((answer.get('scope') or '').split(',')) <= {'snsapi_base', ''}:
            return {}
        token = answer.get('access_token')
        if not isinstance(token, str) or not token:
            raise self._oauth_unreadable()
        try:
            return self._oauth_fetch_userinfo(token, answer['openid'])
        except WeChatError as error:
            identity = self.env['wechat.identity']._find_login(self, answer['openid'])
            if not identity.user_id and not answer.get('unionid'):
                raise
            _logger.info(
                "WeChat told nothing of a person who logged in to %s: %s", self.appid, error.code,
            )
            return {}

    def _oauth_needs_userinfo(self, access):
        """Say whether the person must be asked for more before a user is made.

        `snsapi_base` tells the openid only: somebody new may be known from another app by the
        unionid, and one person must stay one user.

        :param dict access: what :meth:`_oauth_identify` returned
        """
        if access['scope'] != 'snsapi_base' or access['unionid']:
            return False
        identity = self.env['wechat.identity']._find_login(self, access['openid'])
        return not identity.user_id and not identity.unionid

    def _oauth_login(self, access, lang='', tz=''):
        """Find or create the user of a login and store what the login brings.

        :param dict access: what :meth:`_oauth_identify` returned
        :param str lang: code of an installed language for a new user
        :param str tz: name of a time zone for a new user
        :return: the identity in sudo (its `user_id` may log in), and whether its user is new
        :rtype: tuple(wechat.identity, bool)
        :raise WeChatError: `signup_disabled`, `user_archived`, `login_refused`, `misconfigured`
        :raise ConcurrencyError: a concurrent login was first; Odoo runs the request again
        """
        self.ensure_one()
        app = self.sudo()
        nickname, avatar_url = self._oauth_clean_profile(access)
        identity, is_new = self.env['wechat.identity'].sudo()._login_person(
            app,
            access['openid'],
            unionid=access['unionid'],
            signup={'nickname': nickname, 'lang': app.lang or lang, 'tz': tz},
        )
        identity._record_login(nickname=nickname, avatar_url=avatar_url)
        return identity, is_new

    @api.model
    def _oauth_clean_profile(self, access):
        """Return nickname and picture address of what WeChat told, safe to store.

        :rtype: tuple(str, str)
        """
        picture = access.get('headimgurl')
        if isinstance(picture, str) and picture.startswith('http://'):
            picture = 'https' + picture[4:]
        return (
            profile.nickname({'nickName': access.get('nickname')}),
            profile.avatar_url({'avatarUrl': picture}),
        )
