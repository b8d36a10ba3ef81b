# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What WeChat pushes to a third-party platform (wechat-platform.md, section 11)."""

from werkzeug.exceptions import RequestEntityTooLarge

from odoo import http
from odoo.http import request

from odoo.addons.wechat.controllers.push import MAX_BODY, WechatPush
from odoo.addons.wechat.protocol.push import SUCCESS, PushRefused


class WechatComponentPush(WechatPush):

    @http.route(
        '/wechat/component/<string:appid>/event', type='http', auth='public', methods=['POST'],
        csrf=False, save_session=False, max_content_length=MAX_BODY,
    )
    def wechat_component_event(self, appid, **_query):
        """Take tickets and news of authorisations.

        :param str appid: The AppID of the third-party platform.
        :return: `success`; 403 for what is not believed, without a hint why.
        :rtype: Response
        """
        component_sudo, body = self._read_component_push(appid)
        if body is None:
            return self._refuse(413)
        if not component_sudo:
            return self._refuse()
        try:
            message = component_sudo._open_component_event(self._query(), body)
        except PushRefused:
            return self._refuse()
        component_sudo._on_component_event(message)
        return self._text(SUCCESS)

    @http.route(
        '/wechat/component/<string:appid>/message/<string:authorizer_appid>', type='http',
        auth='public', methods=['POST'], csrf=False, save_session=False,
        max_content_length=MAX_BODY,
    )
    def wechat_component_message(self, appid, authorizer_appid, **_query):
        """Take a message to an account that has authorised the platform.

        :param str appid: The AppID of the third-party platform.
        :param str authorizer_appid: The AppID of the account.
        :return: The reply, or `success`; 403 for what is not believed, without a hint why.
        :rtype: Response
        """
        component_sudo, body = self._read_component_push(appid)
        if body is None:
            return self._refuse(413)
        if not component_sudo:
            return self._refuse()
        account_sudo = component_sudo._get_by_appid(authorizer_appid).filtered(
            lambda app: app.component_id == component_sudo
            and app.authorization_state == 'authorized'
        )
        try:
            if not account_sudo:
                # Known to WeChat, not to us: not set up yet, or no longer.
                component_sudo._open_component_push(self._query(), body)
                return self._text(SUCCESS)
            push = account_sudo._open_push(self._query(), body)
        except PushRefused:
            return self._refuse()
        return self._answer_push(account_sudo, push)

    def _read_component_push(self, appid):
        """Return the third-party platform in sudo, and the body; None if that is too large."""
        try:
            body = request.httprequest.get_data()
        except RequestEntityTooLarge:
            return None, None
        return request.env['wechat.app']._get_by_component_appid(appid), body
