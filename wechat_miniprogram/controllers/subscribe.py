# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import secrets

from odoo import http
from odoo.http import request

from odoo.addons.wechat.exceptions import WeChatError

from ..protocol import subscriptions

MAX_BODY = 8 * 1024  # bytes


class WechatMiniprogramSubscribe(http.Controller):

    @http.route(
        '/wechat/miniprogram/subscribe', type='jsonrpc', auth='user', methods=['POST'],
        max_content_length=MAX_BODY,
    )
    def wechat_miniprogram_subscribe(self, results=None):
        """Store what somebody answered to wx.requestSubscribeMessage.

        :param dict results: the answer by template: `accept`, `reject`, `ban` or `filter`; what
            wx.requestSubscribeMessage gave may be sent as it is
        :return: `remaining`: by template how many messages may be sent, `null` for any number
        :rtype: dict
        """
        answers = self._read_results(results)
        identity = request.env['wechat.identity']._get_of_session(
            request.session.get('wechat_identity_id'),
        )
        # All of them are known before anything is stored.
        templates = {
            template_id: identity.app_id._get_subscribe_template(template_id)
            for template_id in answers
        }
        # Odoo runs a request again after a serialization failure, with the same `request`.
        number = getattr(request, 'wechat_subscribe_number', None)
        if not number:
            number = request.wechat_subscribe_number = secrets.token_hex(8)
        consents = request.env['wechat.subscribe.consent'].sudo()
        return {'remaining': {
            template_id: consents._record(
                identity, template, answers[template_id], subscriptions.CLIENT, number,
            )
            for template_id, template in templates.items()
        }}

    def _read_results(self, results):
        """Return the answers by template.

        :raise WeChatError: `bad_request`
        """
        answers = {
            key: value for key, value in results.items() if key != 'errMsg'
        } if isinstance(results, dict) else {}
        if not 1 <= len(answers) <= subscriptions.MAX_TEMPLATES or not all(
            isinstance(answer, str) and answer in subscriptions.ANSWERS
            for answer in answers.values()
        ):
            raise WeChatError(request.env._(
                "The parameter results must be what wx.requestSubscribeMessage returned: for one to"
                " five templates, accept, reject, ban or filter."
            ), code='bad_request')
        return answers
