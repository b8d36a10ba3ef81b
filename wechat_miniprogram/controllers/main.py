# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import re

from odoo import http
from odoo.http import request

from odoo.addons.wechat.controllers.login import MAX_BODY, WechatLogin
from odoo.addons.wechat.exceptions import WeChatError

CODE = re.compile(r'[!-~]{1,256}')
_APPID = re.compile(r'[!-~]{1,64}')


class MiniprogramLogin(WechatLogin):
    """To be inherited by the controllers of a mini-program's login routes."""

    def _prepare_login_answer(self, identity, is_new):
        """Override of `wechat`: the app may end sessions earlier than Odoo does."""
        answer = super()._prepare_login_answer(identity, is_new)
        rules = identity._get_session_rules(identity.id)
        if rules.lifetime:
            answer['expires_in'] = min(answer['expires_in'], rules.lifetime)
        return answer


class WechatMiniprogram(MiniprogramLogin, http.Controller):

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
        app = request.env['wechat.app'].sudo()
        try:
            self._check_parameters(code, user_info, appid, context)
            lang, tz = self._read_context(context)
            if lang:  # error texts too
                request.update_context(lang=lang)
            self._check_session_can_be_kept()
            app = request.env['wechat.app']._get_miniprogram(appid)
            exchange = self._exchange_code_once(app._miniprogram_exchange_code, code)
            identity, is_new = app._miniprogram_login(exchange, user_info, lang=lang, tz=tz)
            access = {key: exchange[key] for key in ('openid', 'unionid')}
            self._open_session(identity, 'miniprogram', lang=lang, tz=tz, access=access)
        except WeChatError as error:
            self._report_login_error(app, error, 'miniprogram')
            raise
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
        if not isinstance(code, str) or not CODE.fullmatch(code):
            problem = env._("The parameter code must be the text that wx.login returned.")
        elif user_info is not None and not isinstance(user_info, dict):
            problem = env._("The parameter user_info must be the object of wx.getUserInfo.")
        elif appid is not None and not (isinstance(appid, str) and _APPID.fullmatch(appid)):
            problem = env._("The parameter appid must be the AppID of the mini-program.")
        elif context is not None and not isinstance(context, dict):
            problem = env._("The parameter context must be an object.")
        if problem:
            raise WeChatError(problem, code='bad_request')
