# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import hmac

from odoo import http
from odoo.http import request

from odoo.addons.wechat.controllers.login import MAX_BODY, WechatLogin
from odoo.addons.wechat.exceptions import WeChatError

from .main import CODE

PROFILE_NAMES = (
    'nickName', 'avatarUrl', 'gender', 'city', 'province', 'country', 'language',
)


class WechatMiniprogramPeople(WechatLogin, http.Controller):

    @http.route(
        '/wechat/miniprogram/user_info', type='jsonrpc', auth='user', methods=['POST'],
        max_content_length=MAX_BODY,
    )
    def wechat_miniprogram_user_info(
        self, encryptedData=None, iv=None, rawData=None, signature=None, **profile,
    ):
        """Store what the mini-program knows of its user.

        Of what the client sends, the part that WeChat proves counts: encrypted data, else signed
        ones, else what the person typed in. Without any of it nothing changes.

        :param str encryptedData: of wx.getUserInfo, with `iv`
        :param str iv: Base64
        :param str rawData: of wx.getUserInfo, with `signature`
        :param str signature: hexadecimal
        :param profile: `nickName`, `avatarUrl` (of qlogo.cn), `gender`, `city`, `province`,
            `country`, `language`
        :return: these seven as they are stored
        :rtype: dict
        """
        profile = {name: profile[name] for name in PROFILE_NAMES if name in profile}
        self._check_texts(encryptedData=encryptedData, iv=iv, rawData=rawData, signature=signature)
        self._check_texts(nickName=profile.get('nickName'), avatarUrl=profile.get('avatarUrl'))
        is_plain = encryptedData is None and rawData is None
        if (encryptedData is None) != (iv is None) or (rawData is None) != (signature is None):
            self._refuse_parameters(request.env._(
                "The parameters must be encryptedData and iv, or rawData and signature, or nickName"
                " and avatarUrl."
            ))
        identity = self._get_identity()
        if encryptedData is not None:
            profile = identity._decrypt(encryptedData, iv)
        elif rawData is not None:
            profile = identity._read_raw_data(rawData, signature)
        if profile:
            identity._store_user_info(profile, is_proven=not is_plain, is_typed=is_plain)
        return identity._get_user_info()

    @http.route(
        '/wechat/miniprogram/phone', type='jsonrpc', auth='user', methods=['POST'],
        max_content_length=MAX_BODY,
    )
    def wechat_miniprogram_phone(self, code=None, encryptedData=None, iv=None):
        """Store the phone number that WeChat has verified.

        :param str code: of getPhoneNumber
        :param str encryptedData: of getPhoneNumber, with `iv`, where there is no code
        :param str iv: Base64
        :return: `phone` in international form, `countryCode`
        :rtype: dict
        """
        self._check_texts(encryptedData=encryptedData, iv=iv)
        has_data = encryptedData is not None and iv is not None
        if code is None and not has_data:
            self._refuse_parameters(request.env._(
                "The parameter must be the code that getPhoneNumber gave, or its encryptedData and"
                " iv."
            ))
        if code is not None:
            self._check_code(code)
        identity = self._get_identity()
        if code is not None:
            info = self._exchange_code_once(identity._exchange_phone_code, code)
        else:
            info = identity._decrypt(encryptedData, iv)
        return identity._store_phone(info, is_fresh=code is not None)

    @http.route(
        '/wechat/miniprogram/deactivate', type='jsonrpc', auth='user', methods=['POST'],
        max_content_length=MAX_BODY,
    )
    def wechat_miniprogram_deactivate(self, code=None):
        """Close the account of the mini-program's user.

        :param str code: what wx.login gave just now, as proof that it is this person
        :return: True
        """
        self._check_code(code)
        identity = self._get_identity()
        if not request.env.user._is_portal():
            raise WeChatError(request.env._(
                "Only customers can close their account here. Please contact an administrator."
            ), code='login_refused')
        exchange = self._exchange_code_once(identity.app_id._miniprogram_exchange_code, code)
        if not hmac.compare_digest(exchange['openid'].encode(), identity.openid.encode()):
            raise WeChatError(request.env._(
                "The login code belongs to another WeChat account than the one that is logged in."
            ), code='invalid_code')
        request.env.user._wechat_close()
        request.session.logout(keep_db=True)
        return True

    # === PARAMETERS === #

    def _get_identity(self):
        """Return the identity that the request is about, in sudo.

        :raise WeChatError: `not_linked`
        """
        return request.env['wechat.identity']._get_of_session(
            request.session.get('wechat_identity_id'),
        )

    def _check_code(self, code):
        if not isinstance(code, str) or not CODE.fullmatch(code):
            self._refuse_parameters(request.env._(
                "The parameter code must be the text that WeChat gave the mini-program."
            ))

    def _check_texts(self, **values):
        for name, value in values.items():
            if value is not None and not isinstance(value, str):
                self._refuse_parameters(request.env._(
                    "The parameter %(name)s must be text.", name=name,
                ))

    def _refuse_parameters(self, problem):
        """:raise WeChatError: `bad_request`"""
        raise WeChatError(problem, code='bad_request')
