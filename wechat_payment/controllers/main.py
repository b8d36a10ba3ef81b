# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import json

from werkzeug.exceptions import RequestEntityTooLarge

from odoo import http
from odoo.http import request

from odoo.addons.payment.logging import get_payment_logger
from odoo.addons.wechat.exceptions import WeChatError
from odoo.addons.wechat_payment import const
from odoo.addons.wechat_payment.client import Client
from odoo.addons.wechat_payment.protocol import v2_orders, v2_signing, v2_xml
from odoo.addons.wechat_payment.protocol.aead import DecryptionError
from odoo.addons.wechat_payment.protocol.refunds import REFUND_EVENTS
from odoo.addons.wechat_payment.protocol.verification import VerificationError

_logger = get_payment_logger(__name__, const.SENSITIVE_KEYS)


class WechatPayController(http.Controller):
    _prepay_url = '/wechat/payment/prepay'
    _status_url = '/wechat/payment/status'
    _notify_url = '/payment/wechat_pay/notify/<int:provider_id>'

    # === CLIENTS === #

    @http.route(_prepay_url, type='jsonrpc', auth='user', methods=['POST'])
    def wechat_pay_prepay(
        self, model=None, id=None, trade_type='JSAPI', access_token=None, **_kwargs,
    ):
        """Return what the client needs to pay a document.

        :param str model: `sale.order` or another model that a bridge makes payable.
        :param int id: The document's id.
        :param str trade_type: How the customer pays: `JSAPI`, `APP`, `NATIVE` or `H5`.
        :param str access_token: The document's portal token, optional.
        :return: {reference, amount (major units), currency (ISO code), payment}
        :rtype: dict
        :raise WeChatError: With a code word, see the developer's guide.
        """
        if (
            not isinstance(model, str) or type(id) is not int or not isinstance(trade_type, str)
            or not isinstance(access_token, str | None) or not 0 < id < 2**31
        ):
            raise WeChatError(
                request.env._("model and id must name one document."), code='bad_request',
            )
        return request.env['payment.transaction']._wechat_prepay(
            model, id, trade_type=trade_type, access_token=access_token,
            session_app_id=request.session.get('wechat_app_id'),
            client=Client(
                request.httprequest.remote_addr or '', request.httprequest.user_agent.string,
            ),
        )

    @http.route(_status_url, type='jsonrpc', auth='user', methods=['POST'])
    def wechat_pay_status(self, reference=None, **_kwargs):
        """Return the state of a payment to the user who asked for it.

        :param str reference: The reference that prepay returned.
        :return: {reference, state, state_message}
        :rtype: dict
        :raise WeChatError: `bad_request` for a reference that the user has not been given.
        """
        if not isinstance(reference, str) or not 0 < len(reference) <= 64:
            raise WeChatError(
                request.env._("reference must be the text that prepay returned."),
                code='bad_request',
            )
        return request.env['payment.transaction']._wechat_get_status(reference)

    # === WECHAT PAY === #

    @http.route(
        _notify_url, type='http', auth='public', methods=['POST'], csrf=False, save_session=False,
        max_content_length=const.MAX_NOTIFICATION_BYTES,
    )
    def wechat_pay_notify(self, provider_id):
        """Take a notification: verify the raw bytes, decrypt, apply, acknowledge (A7).

        :param int provider_id: The provider whose orders carry this address.
        :return: 200 with an empty body, or 4xx with {"code": "FAIL"} for what is not believed.
        :rtype: Response
        """
        provider_sudo = request.env['payment.provider'].sudo().browse(provider_id).exists()
        if provider_sudo.code != 'wechat_pay':
            return self._fail(404, "no such provider")
        try:
            # Kept by werkzeug: Odoo may run this method again after a serialization failure.
            body = request.httprequest.get_data()
        except RequestEntityTooLarge:
            return self._fail(413, "too large")
        if self._is_v2_message(request.httprequest.headers, body):
            return self._take_v2_message(provider_sudo, body)
        try:
            provider_sudo._wechat_verify(request.httprequest.headers, body)
        except VerificationError as error:
            _logger.warning(
                "Refused a notification for provider %s: %s.", provider_id, error.reason,
            )
            return self._fail(401, "signature")
        try:
            notification = json.loads(body.decode())
        except ValueError:
            notification = None
        if not isinstance(notification, dict):
            return self._fail(400, "body")
        try:
            content = provider_sudo._wechat_decrypt(notification.get('resource'))
        except DecryptionError:
            _logger.error(
                "A signed notification for provider %s cannot be decrypted: the APIv3 key is not"
                " the one on pay.weixin.qq.com.", provider_id,
            )
            provider_sudo._wechat_note_outcome('api_v3_key')
            return self._fail(400, "resource")
        self._process_event(provider_sudo, notification, content)
        response = request.make_response('', status=200)
        response.call_on_close(request.env['ir.cron'].sudo()._notifydb)
        return response

    def _process_event(self, provider_sudo, notification, content):
        """Hand a verified event to the models; other events are acknowledged and logged.

        :param payment.provider provider_sudo: The notified provider.
        :param dict notification: The envelope.
        :param dict content: The decrypted resource.
        :return: None
        """
        event_type = notification.get('event_type')
        if event_type == 'TRANSACTION.SUCCESS':
            request.env['payment.transaction'].sudo()._wechat_process_notification(
                provider_sudo, content,
            )
        elif event_type in REFUND_EVENTS:
            request.env['payment.transaction'].sudo()._wechat_process_refund_notification(
                provider_sudo, event_type, content,
            )
        elif not provider_sudo._wechat_process_event(event_type, content):
            _logger.info(
                "Acknowledged event %s of provider %s, which nothing here handles.",
                event_type, provider_sudo.id,
            )

    @staticmethod
    def _is_v2_message(headers, body):
        """Tell whether a message has the format of the old interface (A6.4, "Trap").

        :param headers: The request's headers.
        :param bytes body: The raw body.
        :rtype: bool
        """
        return 'Wechatpay-Signature' not in headers and body.lstrip()[:1] == b'<'

    def _take_v2_message(self, provider_sudo, body):
        """Take a notification of API v2: read it strictly, verify, apply, acknowledge (B3).

        :param payment.provider provider_sudo: The notified provider.
        :param bytes body: The raw body.
        :return: The answer in the format of v2; what is not believed is told again.
        :rtype: Response
        """
        transactions = request.env['payment.transaction'].sudo()
        if not provider_sudo._wechat_has_v2():
            # Refunds made by hand on pay.weixin.qq.com are told so to merchants of v3 too (A6.4).
            # Nothing here can read it; it is only taken as a reason to ask for open refunds.
            _logger.warning(
                "Provider %s got a message of API v2 and has no APIv2 key. Open refunds are asked"
                " for.", provider_sudo.id,
            )
            transactions.with_context(wechat_answer_first=True)._wechat_ask_for_refunds(
                provider_sudo,
            )
            return self._answer_v2_message("no APIv2 key", status=400)
        try:
            message = v2_xml.parse(body, max_bytes=const.MAX_NOTIFICATION_BYTES)
        except v2_xml.V2XmlError as error:
            _logger.warning(
                "Refused a message of API v2 for provider %s: %s.", provider_sudo.id, error,
            )
            return self._answer_v2_message("format", status=400)
        if 'req_info' in message:
            if transactions._wechat_process_v2_refund_notification(provider_sudo, message):
                return self._answer_v2_message()
            return self._answer_v2_message("req_info", status=400)
        try:
            transactions._wechat_process_v2_notification(provider_sudo, message)
        except v2_signing.V2SignatureError as error:
            _logger.warning(
                "Refused a notification of API v2 for provider %s: %s.",
                provider_sudo.id, error.reason,
            )
            return self._answer_v2_message("sign", status=401)
        except v2_orders.V2OrderError as error:
            _logger.error(
                "A signed notification of API v2 for provider %s cannot be read: %s.",
                provider_sudo.id, error,
            )
            return self._answer_v2_message("fields", status=400)
        return self._answer_v2_message()

    @staticmethod
    def _answer_v2_message(problem=None, status=200):
        """Return an answer in the form of API v2 (B3.1).

        :param str problem: A word for WeChat Pay's log; never internals, and none if it was taken.
        :param int status: The HTTP status.
        :rtype: Response
        """
        code = 'FAIL' if problem else 'SUCCESS'
        response = request.make_response(
            f'<xml><return_code><![CDATA[{code}]]></return_code>'
            f'<return_msg><![CDATA[{problem or "OK"}]]></return_msg></xml>',
            headers=[('Content-Type', 'text/xml')], status=status,
        )
        response.call_on_close(request.env['ir.cron'].sudo()._notifydb)
        return response

    @staticmethod
    def _fail(status, message):
        """Return a refusal in the form that WeChat Pay documents (A7.2).

        :param int status: The HTTP status.
        :param str message: A word for WeChat Pay's log; never internals.
        :rtype: Response
        """
        return request.make_json_response({'code': 'FAIL', 'message': message}, status=status)
