# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import logging
import re

from odoo import http
from odoo.http import request

from odoo.addons.wechat.exceptions import WeChatError

_logger = logging.getLogger(__name__)

MAX_BODY = 16 * 1024  # bytes; a token has 1024 at most

_BEARER = re.compile(r'Bearer +([!-~]+)', re.ASCII | re.IGNORECASE)
# What a client may conclude from the status alone. Others: WeChat gave no token, for a reason that
# `code` and `errcode` tell.
_STATUSES = {
    'bad_request': 400,
    'invalid_key': 401,
    'not_allowed': 403,
    'rate_limited': 429,
    'wechat_busy': 503,
    'wechat_unavailable': 503,
}


class WechatHub(http.Controller):
    """The token hub: other systems of the company fetch tokens and tickets here."""

    @http.route(
        '/wechat/hub/<string:appid>/<string:kind>', type='http', auth='public', methods=['GET'],
        csrf=False, save_session=False,
    )
    def wechat_hub_token(self, appid, kind, **_query):
        """Hand out a valid token or ticket.

        :param str appid: The app's AppID.
        :param str kind: `access_token`, `jsapi_ticket`, `wx_card_ticket` …
        :return: JSON `{value, expires_in}`, or `{code, message, errcode}` with another status.
        :rtype: Response
        """
        return self._answer(lambda key_sudo: key_sudo._hand_out(appid, kind))

    @http.route(
        '/wechat/hub/<string:appid>/<string:kind>/refresh', type='http', auth='public',
        methods=['POST'], csrf=False, save_session=False, max_content_length=MAX_BODY,
    )
    def wechat_hub_refresh(self, appid, kind, **_query):
        """Hand out a valid token or ticket in place of one that WeChat did not accept, which is the
        `value` of the JSON body.

        :param str appid: The app's AppID.
        :param str kind: The kind of token.
        :return: As :meth:`wechat_hub_token`.
        :rtype: Response
        """
        return self._answer(lambda key_sudo: key_sudo._refresh(appid, kind, self._read_refused()))

    def _answer(self, work):
        """Check the key, do the work and return its result, or the error, as JSON."""
        headers = {'Cache-Control': 'no-store'}
        status = 200
        try:
            data = work(self._check_key())
        except WeChatError as error:
            data = {'code': error.code, 'message': str(error), 'errcode': error.errcode}
            status = _STATUSES.get(error.code, 502)
            if status == 401:
                headers['WWW-Authenticate'] = 'Bearer'
        return request.make_json_response(data, headers=headers, status=status)

    def _check_key(self):
        """Return the hub key that the request shows.

        :rtype: wechat.hub.key
        :raise WeChatError: `invalid_key`; `rate_limited` for an address that shows too many.
        """
        match = _BEARER.fullmatch(request.httprequest.headers.get('Authorization', '').strip())
        key_sudo = request.env['wechat.hub.key']._find(match and match[1])
        if key_sudo:
            return key_sudo
        address = request.httprequest.remote_addr
        request.env['wechat.call']._count(address)
        _logger.warning("Wrong or revoked hub key from %s", address)
        raise WeChatError(
            request.env._("The hub key is wrong, or it was revoked."), code='invalid_key',
        )

    def _read_refused(self):
        """Return the token that the body reports.

        :raise WeChatError: `bad_request`
        """
        try:
            body = request.get_json_data()
        except ValueError:
            body = None
        value = body.get('value') if isinstance(body, dict) else None
        if not isinstance(value, str) or not value:
            raise WeChatError(
                request.env._(
                    "The body must be JSON: an object whose value is the token that WeChat did not"
                    " accept."
                ),
                code='bad_request',
            )
        return value
