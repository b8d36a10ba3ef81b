# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import contextlib
import json
import secrets
import time
from urllib.parse import urlencode

from odoo import models

from odoo.addons.payment.logging import get_payment_logger
from odoo.addons.wechat import transport
from odoo.addons.wechat.exceptions import WeChatError, WeChatUnknown
from odoo.addons.wechat.protocol import addresses
from odoo.addons.wechat_payment import const
from odoo.addons.wechat_payment.exceptions import WeChatPayRefused, WeChatPayUnverified
from odoo.addons.wechat_payment.protocol import aead, errors, signing, verification
from odoo.addons.wechat_payment.protocol.keys import KeyFormatError

_logger = get_payment_logger(__name__, const.SENSITIVE_KEYS)

USER_AGENT = 'odoo-wechat-payment/19.0'

# What a call reads of a provider: fetched together, without the many other fields that a form needs
# and with which a call would begin after each commit.
CALL_FIELDS = (
    'wechat_mch_id', 'wechat_merchant_serial', 'wechat_merchant_private_key',
    'wechat_pay_public_key_id', 'wechat_pay_public_key', 'wechat_check_state',
)


class PaymentProvider(models.Model):
    _inherit = 'payment.provider'

    # === REQUEST HELPERS === #

    def _wechat_request(
        self, method, path, *, params=None, payload=None, timeout=(3, 10), repeatable=None,
        headers=None,
    ):
        """Make one call of API v3, and verify the answer before it is parsed (A1).

        `_send_api_request` of core cannot tell the three kinds of failure apart, hence our own.

        A call that is safe to repeat (A11: orders with an identical body, close, whatever is only
        read) is made once more: at the backup host, if there is no answer or a 502 or 503; at the
        same host, if the signature of the answer is wrong, as WeChat Pay makes it now and then on
        purpose (A1.5).

        :param str method: `GET` or `POST`.
        :param str path: The path, already percent-encoded, without a query.
        :param dict params: The query. It is encoded once, and signed and sent as it is.
        :param dict|str payload: The body; a text is a JSON document that is sent as it is, so that
            a call can be repeated identically.
        :param tuple timeout: Seconds to connect and to wait for data.
        :param bool repeatable: Whether the call may be made twice without asking before; default:
            if nothing is written by it (`GET`).
        :param dict headers: Headers beside the usual ones, as `Wechatpay-Serial` with the name of
            the key that a field of the body is encrypted with.
        :return: The answer; empty for an answer without a body (204).
        :rtype: dict
        :raise WeChatPayRefused: WeChat Pay said no (4xx): nothing was done.
        :raise WeChatUnknown: No answer, or none that settles anything (429, 5xx, garbage).
        :raise WeChatUnverified: The answer is not signed as it must be: the outcome is unknown.
        :raise WeChatError: The keys are missing or cannot be read.
        """
        self.ensure_one()
        provider = self.sudo()
        provider.fetch(CALL_FIELDS)
        if params:
            path = f'{path}?{urlencode(params)}'
        if isinstance(payload, dict):
            payload = provider._wechat_serialize(payload)
        if repeatable is None:
            repeatable = method == 'GET'
        call = {
            'body': payload or '', 'timeout': timeout, 'repeatable': repeatable, 'headers': headers,
        }
        response = provider._wechat_send(method, path, **call)
        problem = provider._wechat_find_signature_problem(response)
        if problem == 'signature' and repeatable:
            _logger.warning("The answer to %s %s is not believed; asking again.", method, path)
            response = provider._wechat_send(method, path, sent_before=True, **call)
            problem = provider._wechat_find_signature_problem(response)
        if problem:
            raise provider._wechat_unverified(response, problem)
        return provider._wechat_parse_answer(response)

    def _wechat_send(
        self, method, path, *, body='', timeout=(3, 10), repeatable=False, sent_before=False,
        headers=None,
    ):
        """Sign and send a request, at the backup host too if it may be repeated.

        :param str method: The HTTP method.
        :param str path: The path with its query, as signed and sent.
        :param str body: The body, as signed and sent.
        :param tuple timeout: Seconds to connect and to wait for data.
        :param bool repeatable: Whether the request may reach WeChat Pay twice.
        :param bool sent_before: Whether it may have reached WeChat Pay already.
        :param dict headers: Headers beside the usual ones, or in their place.
        :return: The answer of a 2xx status, not verified yet.
        :rtype: requests.Response
        :raise WeChatPayRefused: WeChat Pay said no (4xx): nothing was done.
        :raise WeChatUnknown: No answer, or none that settles anything (202, 3xx, 429, 5xx).
        :raise WeChatError: The keys are missing or cannot be read.
        """
        hosts = self._wechat_get_hosts()[:2 if repeatable else 1]
        response = None
        for host in hosts:
            failure = None
            started = time.monotonic()
            # Signed anew for each: the path is the same, the time may not be.
            request_headers = {**self._wechat_build_headers(method, path, body), **(headers or {})}
            try:
                answer = transport.send(
                    method, host + path, data=body.encode() or None, headers=request_headers,
                    timeout=timeout,
                )
            except transport.TransportError as error:
                failure = error
            duration = time.monotonic() - started
            name = '' if host == hosts[0] else " (backup host)"
            if failure:
                _logger.warning(
                    "WeChat Pay%s did not answer %s %s (%s) within %.1f s.",
                    name, method, path, failure.reason, duration,
                )
                sent_before = sent_before or failure.sent
                continue
            response = answer
            _logger.info(
                "WeChat Pay%s answered %s %s with %s in %.3f s (Request-ID: %s).",
                name, method, path, response.status_code, duration,
                response.headers.get('Request-ID'),
            )
            if response.status_code not in (502, 503):
                break
            # The first host may have done what it was asked.
            sent_before = sent_before or host != hosts[-1]
        if response is None:
            unknown = WeChatUnknown(
                self.env._("WeChat Pay does not answer. Please try again in a moment."),
                code='wechat_unavailable',
            )
            unknown.sent = sent_before
            raise unknown
        if not 200 <= response.status_code < 300 or response.status_code == 202:
            self._wechat_raise_error_answer(
                response, is_conclusive=method == 'GET' or not sent_before,
            )
        return response

    def _wechat_get_hosts(self):
        """Return the base addresses of WeChat Pay: the main one, and the backup if there is one.

        The backup is used with the default main host, or if it is configured itself: a sandbox's
        requests must never go to the real service.

        :rtype: list[str]
        :raise WeChatError: If a system parameter holds something else than an https address.
        """
        main = self.env['wechat.app']._api_url('wechat.pay_url')
        backup = self.env['ir.config_parameter'].sudo().get_param('wechat.pay_backup_url')
        if not backup:
            return [main, const.PAY_BACKUP_URL] if main == const.PAY_URL else [main]
        with contextlib.suppress(addresses.AddressError):
            return [main, addresses.base_of(backup.strip())]
        raise WeChatError(self.env._(
            "The system parameter %(parameter)s must be an https address without a path, as"
            " %(example)s. (Plain http is accepted on this machine only.)",
            parameter='wechat.pay_backup_url', example=const.PAY_BACKUP_URL,
        ), code='misconfigured')

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

    def _wechat_find_signature_problem(self, response):
        """Return why the signature of an answer is not what it must be.

        :param requests.Response response: A 2xx answer.
        :return: A reason of `VerificationError`, or `None`: the answer is WeChat Pay's.
        :rtype: str|None
        """
        try:
            self._wechat_verify(response.headers, response.content)
        except verification.VerificationError as error:
            return error.reason
        return None

    def _wechat_unverified(self, response, reason):
        """Return the error for an answer that is not signed as it must be, after noting it.

        :param requests.Response response: The answer.
        :param str reason: A reason of `VerificationError`.
        :rtype: WeChatPayUnverified
        """
        _logger.error(
            "The answer of WeChat Pay (Request-ID: %s) is not signed as it must be: %s.",
            response.headers.get('Request-ID'), reason,
        )
        self._wechat_note_outcome(reason if reason in ('clock', 'serial') else 'signature')
        return WeChatPayUnverified(
            self.env._(
                "The answer is not signed by WeChat Pay, so it is not believed. Please try again in"
                " a moment; if it happens again, tell the shop."
            ),
            reason, response.headers.get('Date'),
        )

    def _wechat_parse_answer(self, response):
        """Return the content of a verified answer.

        :param requests.Response response: The answer.
        :rtype: dict
        :raise WeChatUnknown: If the content is no JSON object.
        """
        if (
            self.wechat_check_state == 'error'
            and self.wechat_error_reason not in const.V2_REASONS
        ):
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

    def _wechat_raise_error_answer(self, response, is_conclusive=True):
        """Raise what an answer that is no success means.

        Errors are not signed: they are believed only as far as to choose what to try next (A1.5).

        :param requests.Response response: The answer.
        :param bool is_conclusive: Whether a refusal means that nothing was done. It does not if
            the same request was sent before and may have been heard; what it says of the order
            itself holds all the same.
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
        if not is_conclusive and wechat_code not in errors.ORDER_STATE_CODES:
            unknown = WeChatUnknown(message, code='wechat_unavailable')
            unknown.sent = True
            raise unknown
        detail = content.get('detail') if isinstance(content, dict) else None
        field = detail.get('field') if isinstance(detail, dict) else None
        raise WeChatPayRefused(
            message, advice.word, wechat_code, response.status_code,
            date=response.headers.get('Date'), field=field if isinstance(field, str) else '',
        )

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

        Nobody may hold a row lock here: platform certificates may be fetched, which is a call.

        :param headers: The headers, a mapping that ignores case.
        :param bytes body: The raw body.
        :return: None
        :raise VerificationError: If the signature is not what it must be.
        """
        try:
            verification.Verifier(self._wechat_get_verification_keys()).verify(
                headers, body, time.time(),
            )
        except verification.VerificationError as error:
            if error.reason != 'serial':
                raise
        else:
            return
        # Signed with a key that is not known: WeChat Pay may have begun to use a new certificate.
        # The fetched keys are asked by exact name as well; there is no other key to fall back to.
        verification.Verifier(self._wechat_refresh_certificates()).verify(
            headers, body, time.time(),
        )

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
