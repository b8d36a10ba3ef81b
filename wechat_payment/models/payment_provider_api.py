# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import json
import secrets
import time
from urllib.parse import urlencode

from odoo import models

from odoo.addons.payment.logging import get_payment_logger
from odoo.addons.wechat import transport
from odoo.addons.wechat.exceptions import WeChatUnknown, WeChatUnverified
from odoo.addons.wechat_payment.exceptions import WeChatPayRefused
from odoo.addons.wechat_payment.protocol import aead, errors, signing, verification
from odoo.addons.wechat_payment.protocol.keys import KeyFormatError

_logger = get_payment_logger(__name__)

USER_AGENT = 'odoo-wechat-payment/19.0'


class PaymentProvider(models.Model):
    _inherit = 'payment.provider'

    # === REQUEST HELPERS === #

    def _wechat_request(self, method, path, *, params=None, payload=None, timeout=(3, 10)):
        """Make one call of API v3, and verify the answer before it is parsed (A1).

        `_send_api_request` of core cannot tell the three kinds of failure apart, hence our own.

        :param str method: `GET` or `POST`.
        :param str path: The path, already percent-encoded, without a query.
        :param dict params: The query. It is encoded once, and signed and sent as it is.
        :param dict|str payload: The body; a text is a JSON document that is sent as it is, so that
            a call can be repeated identically.
        :param tuple timeout: Seconds to connect and to wait for data.
        :return: The answer; empty for an answer without a body (204).
        :rtype: dict
        :raise WeChatPayRefused: WeChat Pay said no (4xx): nothing was done.
        :raise WeChatUnknown: No answer, or none that settles anything (429, 5xx, garbage).
        :raise WeChatUnverified: The answer is not signed as it must be: the outcome is unknown.
        :raise WeChatError: The keys are missing or cannot be read.
        """
        self.ensure_one()
        provider = self.sudo()
        if params:
            path = f'{path}?{urlencode(params)}'
        if isinstance(payload, dict):
            payload = provider._wechat_serialize(payload)
        body = payload or ''
        headers = provider._wechat_build_headers(method, path, body)
        url = self.env['wechat.app']._api_url('wechat.pay_url') + path
        started = time.monotonic()
        failure = None
        try:
            response = transport.send(
                method, url, data=body.encode() or None, headers=headers, timeout=timeout,
            )
        except transport.TransportError as error:
            failure = error
        duration = time.monotonic() - started
        if failure:
            _logger.warning(
                "WeChat Pay did not answer %s %s (%s) within %.1f s.",
                method, path, failure.reason, duration,
            )
            unknown = WeChatUnknown(
                self.env._("WeChat Pay does not answer. Please try again in a moment."),
                code='wechat_unavailable',
            )
            unknown.sent = failure.sent
            raise unknown
        _logger.info(
            "WeChat Pay answered %s %s with %s in %.3f s (Request-ID: %s).",
            method, path, response.status_code, duration, response.headers.get('Request-ID'),
        )
        if not 200 <= response.status_code < 300 or response.status_code == 202:
            provider._wechat_raise_error_answer(response)
        return provider._wechat_read_answer(response)

    def _wechat_serialize(self, payload):
        """Return a body as the text that is signed and sent.

        :param dict payload: The body.
        :return: Compact JSON with real characters.
        :rtype: str
        """
        return json.dumps(payload, ensure_ascii=False, separators=(',', ':'))

    def _wechat_build_headers(self, method, path, body):
        """Return the headers of a request over these exact bytes (A1.2, A1.4).

        :param str method: The HTTP method.
        :param str path: The path with its query, as sent.
        :param str body: The body, as sent; empty if there is none.
        :rtype: dict
        :raise WeChatError: If the keys are missing or cannot be read.
        """
        if not (
            self.wechat_mch_id and self.wechat_merchant_serial and self.wechat_merchant_private_key
        ):
            raise self._wechat_misconfigured('keys_missing')
        try:
            authorization = signing.build_authorization(
                method, path, body,
                mchid=self.wechat_mch_id,
                serial_no=self.wechat_merchant_serial,
                private_key_pem=self.wechat_merchant_private_key,
                timestamp=int(time.time()),
                nonce=secrets.token_hex(16),
            )
        except KeyFormatError:
            raise self._wechat_misconfigured('private_key') from None
        headers = {
            'Accept': 'application/json',
            'Accept-Language': 'zh-CN' if (self.env.lang or '').startswith('zh') else 'en',
            'Authorization': authorization,
            'User-Agent': USER_AGENT,
        }
        if body:
            headers['Content-Type'] = 'application/json'
        if self.wechat_pay_public_key_id:
            # Makes WeChat Pay sign the answer with the key pair of that name (A2.3).
            headers['Wechatpay-Serial'] = self.wechat_pay_public_key_id
        return headers

    def _wechat_read_answer(self, response):
        """Return the verified content of a 2xx answer.

        :param requests.Response response: The answer.
        :rtype: dict
        :raise WeChatUnverified: If the signature is not what it must be.
        :raise WeChatUnknown: If the signed content is no JSON object.
        """
        try:
            self._wechat_verify(response.headers, response.content)
        except verification.VerificationError as error:
            _logger.error(
                "The answer of WeChat Pay (Request-ID: %s) is not signed as it must be: %s.",
                response.headers.get('Request-ID'), error.reason,
            )
            known = error.reason in ('clock', 'serial')
            self._wechat_note_outcome(error.reason if known else 'signature')
            raise WeChatUnverified(
                self.env._(
                    "The answer is not signed by WeChat Pay, so it is not believed. Please try"
                    " again in a moment; if it happens again, tell the shop."
                ),
                code='wechat_unavailable',
            ) from None
        if self.wechat_check_state == 'error':
            self._wechat_note_outcome()
        if not response.content:
            return {}
        try:
            content = json.loads(response.content.decode())
        except ValueError:
            content = None
        if not isinstance(content, dict):
            raise WeChatUnknown(
                self.env._("WeChat Pay's answer cannot be read. Please try again in a moment."),
                code='wechat_unavailable',
            )
        return content

    def _wechat_raise_error_answer(self, response):
        """Raise what an answer that is no success means.

        Errors are not signed: they are believed only as far as to choose what to try next (A1.5).

        :param requests.Response response: The answer.
        :raise WeChatPayRefused: If nothing was done.
        :raise WeChatUnknown: If the outcome is open.
        """
        try:
            content = json.loads(response.content.decode())
        except ValueError:
            content = {}
        wechat_code = content.get('code') if isinstance(content, dict) else ''
        wechat_code = wechat_code if isinstance(wechat_code, str) else ''
        advice = errors.get_advice(response.status_code, wechat_code)
        message = self._wechat_describe_error_answer(response.status_code, wechat_code)
        if not errors.is_outcome_known(response.status_code):
            code = advice.word if advice.word == 'wechat_busy' else 'wechat_unavailable'
            raise WeChatUnknown(message, code=code)
        if advice.misconfigured:
            self._wechat_note_outcome('api', f'{response.status_code} {wechat_code}')
        raise WeChatPayRefused(message, advice.word, wechat_code, response.status_code)

    # === BUSINESS METHODS - VERIFICATION === #

    def _wechat_get_verification_keys(self):
        """Return all keys that may have signed for WeChat Pay, in both trust modes (A2.3).

        :return: Public key id and serials of the valid platform certificates, each with PEM text.
        :rtype: dict
        """
        provider = self.sudo()
        verification_keys = {
            certificate.serial_no: certificate.certificate
            for certificate in provider.wechat_certificate_ids._filter_valid()
        }
        if provider.wechat_pay_public_key_id and provider.wechat_pay_public_key:
            verification_keys[provider.wechat_pay_public_key_id] = provider.wechat_pay_public_key
        return verification_keys

    def _wechat_verify(self, headers, body):
        """Verify an answer or a notification over its raw bytes.

        :param headers: The headers, a mapping that ignores case.
        :param bytes body: The raw body.
        :return: None
        :raise VerificationError: If the signature is not what it must be.
        """
        verifier = verification.Verifier(self._wechat_get_verification_keys())
        verifier.verify(headers, body, time.time())

    def _wechat_decrypt(self, resource):
        """Return the content of a notification's resource.

        :param dict resource: The encrypted resource (A3).
        :rtype: dict
        :raise DecryptionError: If it cannot be decrypted or is no JSON object.
        """
        plaintext = aead.decrypt(resource, self.sudo().wechat_api_v3_key or '')
        try:
            content = json.loads(plaintext.decode())
        except ValueError:
            content = None
        if not isinstance(content, dict):
            raise aead.DecryptionError("no JSON object")
        return content
