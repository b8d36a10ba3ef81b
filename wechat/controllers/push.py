# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import logging

from werkzeug.exceptions import RequestEntityTooLarge

from odoo import http
from odoo.http import request

from odoo.addons.wechat.protocol.push import PushRefused
from odoo.addons.wechat.protocol.replies import ReplyError

_logger = logging.getLogger(__name__)

MAX_BODY = 1024 * 1024


class WechatPush(http.Controller):
    """What WeChat pushes to an app: messages and events."""

    @http.route(
        '/wechat/push/<string:appid>', type='http', auth='public', methods=['GET'], csrf=False,
        save_session=False,
    )
    def wechat_push_check(self, appid, **_query):
        """Answer the test that WeChat's console makes of the address.

        :param str appid: The app's AppID.
        :return: The text that WeChat sent; 403 if it was not WeChat.
        :rtype: Response
        """
        app_sudo = request.env['wechat.app']._get_by_push_appid(appid)
        if not app_sudo:
            return self._refuse()
        try:
            return self._text(app_sudo._check_push_echo(self._query()))
        except PushRefused:
            return self._refuse()

    @http.route(
        '/wechat/push/<string:appid>', type='http', auth='public', methods=['POST'], csrf=False,
        save_session=False, max_content_length=MAX_BODY,
    )
    def wechat_push_message(self, appid, **_query):
        """Take a message of WeChat and answer it within its five seconds.

        :param str appid: The app's AppID.
        :return: The reply, or `success`; 403 for what is not believed, without a hint why.
        :rtype: Response
        """
        try:
            body = request.httprequest.get_data()
        except RequestEntityTooLarge:
            return self._refuse(413)
        app_sudo = request.env['wechat.app']._get_by_push_appid(appid)
        if not app_sudo:
            return self._refuse()
        try:
            push = app_sudo._open_push(self._query(), body)
        except PushRefused:
            return self._refuse()
        return self._answer_push(app_sudo, push)

    def _answer_push(self, app_sudo, push):
        """Have a push handled, and answer it.

        :param wechat.app app_sudo: The app that handles it.
        :param wechat.protocol.push.Push push: A push that is believed.
        :rtype: Response
        """
        reply = app_sudo._take_push(push)
        try:
            return self._text(*reversed(push.answer(reply)))
        except ReplyError as error:
            _logger.error("App %s cannot answer with this reply: %s", app_sudo.id, error)
            return self._text(*reversed(push.answer(None)))

    @staticmethod
    def _query():
        """Return the parameters of the address; those of a body are not among them."""
        return request.httprequest.args.to_dict()

    @staticmethod
    def _text(body, content_type='text/plain'):
        return request.make_response(body, headers=[
            ('Content-Type', f'{content_type}; charset=utf-8'),
            ('X-Content-Type-Options', 'nosniff'),
            ('Cache-Control', 'no-store'),
        ])

    @staticmethod
    def _refuse(status=403):
        """Refuse without a hint: an unknown app and a wrong signature look alike."""
        return request.make_response('', status=status)
