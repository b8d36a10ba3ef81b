# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import re
import secrets
import time

from odoo import models

from odoo.addons.payment.logging import get_payment_logger
from odoo.addons.wechat import transport
from odoo.addons.wechat.exceptions import WeChatError, WeChatUnknown
from odoo.addons.wechat_payment import client_certificate, const
from odoo.addons.wechat_payment.exceptions import (
    WeChatPayNoAnswer,
    WeChatPayNotTaken,
    WeChatPayRefused,
    WeChatPayUnsettled,
    WeChatPayUnverified,
)
from odoo.addons.wechat_payment.protocol import v2_errors, v2_signing, v2_xml
from odoo.addons.wechat_payment.protocol.keys import KeyFormatError

_logger = get_payment_logger(__name__, const.SENSITIVE_KEYS)

# What a call reads of a provider, see `payment_provider_api`.
CALL_FIELDS = (
    'wechat_mch_id', 'wechat_sub_mch_id', 'wechat_v2_sign_type', 'wechat_api_v2_key',
    'wechat_merchant_private_key', 'wechat_merchant_certificate', 'wechat_check_state',
)


class PaymentProvider(models.Model):
    """Calls of API v2: XML that is signed with a key that both sides have (B1)."""

    _inherit = 'payment.provider'

    # === REQUEST HELPERS === #

    def _wechat_request_v2(
        self, path, params, *, certificate=False, timeout=(3, 10), repeatable=False,
        sign_type=None, is_answer_signed=True, max_bytes=v2_xml.MAX_BYTES, lists=None,
    ):
        """Make one call of API v2, and verify the answer before anything of it is believed (B1).

        It works for every provider that has an APIv2 key, whatever the version of its orders: some
        products exist in v2 only.

        :param str path: The path.
        :param dict params: The parameters, texts or integers, with `appid` (and `sub_appid`); empty
            ones are left out. The merchant number, the sub-merchant's, `nonce_str`, `sign_type` and
            `sign` are added.
        :param bool certificate: Whether the call wants the merchant certificate (mutual TLS).
        :param tuple timeout: Seconds to connect and to wait for data.
        :param bool repeatable: Whether the call may reach WeChat Pay twice: then it is made at the
            backup host too if there is no answer or a 502 or 503.
        :param str sign_type: The type of signature of a call that takes only one; default: the
            configured one.
        :param bool is_answer_signed: Whether an answer has a sign; only for calls whose answers
            never have one (A9.4), which rely on TLS.
        :param int max_bytes: The size above which an answer is not read.
        :param dict lists: Which fields of an unsigned answer are lists, see `v2_xml.parse`.
        :return: The fields of the answer, all texts, none empty; both codes are SUCCESS.
        :rtype: dict
        :raise WeChatPayRefused: WeChat Pay said no (`err_code`): nothing was done.
        :raise WeChatPayNotTaken: `return_code` FAIL, which is unsigned (a `WeChatUnknown`).
        :raise WeChatPayUnsettled: A signed failure that leaves it open (a `WeChatUnknown`).
        :raise WeChatUnknown: No answer, or none that can be read.
        :raise WeChatPayUnverified: The answer is not signed as it must be: the outcome is unknown.
        :raise WeChatPayMisconfigured: Key or certificate are missing or cannot be read.
        """
        provider = self._wechat_read_v2_credentials()
        sign_type = sign_type or provider.wechat_v2_sign_type
        response, sent_before = provider._wechat_send_v2(
            path, params, certificate=certificate, timeout=timeout, repeatable=repeatable,
            sign_type=sign_type,
        )
        try:
            answer = v2_xml.parse(response.content, max_bytes=max_bytes, lists=lists)
        except v2_xml.V2XmlError:
            raise provider._wechat_unreadable_v2_answer(path) from None
        return provider._wechat_read_v2_answer(
            path, answer, sign_type, is_answer_signed=is_answer_signed,
            is_conclusive=not sent_before,
        )

    def _wechat_read_v2_credentials(self):
        """Return the provider with what a call needs of it, read at once.

        :rtype: payment.provider
        :raise WeChatPayMisconfigured: If the merchant number or the key is missing.
        """
        self.ensure_one()
        provider = self.sudo()
        provider.fetch(CALL_FIELDS)
        if not (provider.wechat_mch_id and provider.wechat_api_v2_key):
            raise provider._wechat_misconfigured('v2_key_missing')
        return provider

    def _wechat_send_v2(
        self, path, params, *, certificate=False, timeout=(3, 10), repeatable=False, sign_type=None,
    ):
        """Sign and send a request, at the backup host too if it may be repeated.

        For calls whose answer may be a file; all others use `_wechat_request_v2`.

        :param str path: The path.
        :param dict params: The parameters, see `_wechat_request_v2`.
        :param bool certificate: Whether the call wants the merchant certificate.
        :param tuple timeout: Seconds to connect and to wait for data.
        :param bool repeatable: Whether the request may reach WeChat Pay twice.
        :param str sign_type: The type of signature; default: the configured one.
        :return: The answer, with status 200 and not verified, and whether the request may have
            reached WeChat Pay before the one that was answered.
        :rtype: tuple[requests.Response, bool]
        :raise WeChatPayNoAnswer: None, or another status than 200, which v2 does not have.
        :raise WeChatPayMisconfigured: Key or certificate are missing or cannot be read.
        """
        provider = self._wechat_read_v2_credentials()
        body = provider._wechat_build_v2_body(params, sign_type or provider.wechat_v2_sign_type)
        cert = provider._wechat_get_client_certificate() if certificate else None
        hosts = provider._wechat_get_hosts()[:2 if repeatable else 1]
        response, sent_before, end = None, False, ''
        for host in hosts:
            failure = answer = None
            started = time.monotonic()
            try:
                answer = transport.send(
                    'POST', host + path, data=body, timeout=timeout, cert=cert,
                    headers={'Content-Type': 'text/xml; charset=utf-8'},
                )
            except transport.TransportError as error:
                failure = error
            duration = time.monotonic() - started
            name = '' if host == hosts[0] else " (backup host)"
            if failure:
                _logger.warning(
                    "WeChat Pay%s did not answer POST %s (%s) within %.1f s.",
                    name, path, failure.reason, duration,
                )
                sent_before = sent_before or failure.sent
                end = failure.reason
                continue
            _logger.info(
                "WeChat Pay%s answered POST %s with %s in %.3f s.",
                name, path, answer.status_code, duration,
            )
            response, end = answer, f'HTTP {answer.status_code}'
            if response.status_code not in (502, 503):
                break
            # The first host may have done what it was asked.
            sent_before = sent_before or host != hosts[-1]
        if response is None or response.status_code != 200:
            raise WeChatPayNoAnswer(
                self.env._("WeChat Pay does not answer. Please try again in a moment."), end,
                sent=response is not None or sent_before,
            )
        return response, sent_before

    def _wechat_build_v2_body(self, params, sign_type):
        """Return the signed body of a request.

        :param dict params: The parameters, see `_wechat_request_v2`.
        :param str sign_type: The type of signature.
        :rtype: bytes
        :raise WeChatError: `bad_request` if a value cannot be sent as it is.
        """
        values = {
            'mch_id': self.wechat_mch_id,
            'sub_mch_id': self.wechat_sub_mch_id,
            **params,
            'nonce_str': secrets.token_hex(16),
            # Its absence means MD5, and calls that know no other refuse unknown parameters.
            'sign_type': None if sign_type == v2_signing.MD5 else sign_type,
        }
        values = {  # The number 0 is a value.
            name: value for name, value in values.items()
            if value is not None and value is not False and value != ''
        }
        values['sign'] = v2_signing.sign(values, self.wechat_api_v2_key, sign_type)
        try:
            return v2_xml.build(values)
        except ValueError:
            raise WeChatError(
                self.env._("WeChat Pay cannot be told this: a text holds control characters."),
                code='bad_request',
            ) from None

    def _wechat_get_client_certificate(self):
        """Return the merchant certificate with its key for mutual TLS.

        :rtype: ClientCertificate
        :raise WeChatPayMisconfigured: If one of the two is missing or cannot be read.
        """
        provider = self.sudo()
        if not (provider.wechat_merchant_private_key and provider.wechat_merchant_certificate):
            raise provider._wechat_misconfigured('client_certificate_missing')
        try:
            return client_certificate.load(
                provider.wechat_merchant_private_key, provider.wechat_merchant_certificate,
            )
        except KeyFormatError:
            raise provider._wechat_misconfigured('client_certificate') from None

    # === BUSINESS METHODS - ANSWERS === #

    def _wechat_read_v2_answer(
        self, path, answer, sign_type, *, is_answer_signed=True, is_conclusive=True,
    ):
        """Return the fields of an answer if they may be believed and say that it was done.

        :param str path: What was called, for the log.
        :param dict answer: The parsed answer.
        :param str sign_type: The type of signature of the request.
        :param bool is_answer_signed: Whether answers of this call have a sign.
        :param bool is_conclusive: Whether a refusal means that nothing was done, see
            `_wechat_raise_error_answer`.
        :return: The fields.
        :rtype: dict
        :raise WeChatError: See `_wechat_request_v2`.
        """
        if answer.get('return_code') == 'FAIL' and (
            # Calls without signed answers give their codes with it, too (A9.4).
            is_answer_signed or answer.get('result_code') != 'FAIL' or not answer.get('err_code')
        ):
            raise self._wechat_not_taken(path, answer)
        if answer.get('return_code') not in ('SUCCESS', 'FAIL'):
            raise self._wechat_unreadable_v2_answer(path)
        if is_answer_signed:
            self._wechat_verify_v2_answer(path, answer, sign_type)
        if answer.get('mch_id', self.wechat_mch_id) != self.wechat_mch_id:
            raise self._wechat_unverified_v2(path, 'merchant')
        if self.wechat_check_state == 'error' and (
            self.wechat_api_version == 'v2' or self.wechat_error_reason in const.V2_REASONS
        ):
            self._wechat_note_outcome()
        if answer.get('result_code') == 'SUCCESS':
            return answer
        if answer.get('result_code') != 'FAIL':
            raise self._wechat_unreadable_v2_answer(path)
        wechat_code = answer.get('err_code', '')
        _logger.info("WeChat Pay refused POST %s: %s.", path, _printable(wechat_code, 32))
        advice = v2_errors.get_advice(wechat_code)
        message = self._wechat_describe_v2_error(wechat_code)
        if not v2_errors.is_outcome_known(wechat_code) or (
            not is_conclusive and wechat_code not in v2_errors.ORDER_STATE_CODES
        ):
            code = advice.word if advice.word == 'wechat_busy' else 'wechat_unavailable'
            raise WeChatPayUnsettled(message, code, wechat_code)
        if advice.misconfigured:
            self._wechat_note_outcome('api_v2', wechat_code)
        raise WeChatPayRefused(message, advice.word, wechat_code, 200)

    def _wechat_verify_v2_answer(self, path, answer, sign_type):
        """Verify an answer by the type of signature of its request, whatever it says of itself.

        :param str path: What was called, for the log.
        :param dict answer: The parsed answer.
        :param str sign_type: The type.
        :return: None
        :raise WeChatPayUnverified: If it is not signed with our key in this way.
        """
        try:
            v2_signing.verify(answer, self.wechat_api_v2_key, sign_type)
        except v2_signing.V2SignatureError as error:
            raise self._wechat_unverified_v2(path, error.reason) from None

    def _wechat_not_taken(self, path, answer):
        """Return the error for `return_code` FAIL, after noting it for the administrator.

        :param str path: What was called, for the log.
        :param dict answer: The parsed answer, which is not signed.
        :rtype: WeChatPayNotTaken
        """
        _logger.warning("WeChat Pay did not take POST %s (return_code FAIL).", path)
        # Its text is the only hint at the cause. It is shown to administrators, never branched on.
        return_msg = _printable(answer.get('return_msg', ''), 128)
        self._wechat_note_outcome('v2_not_taken', return_msg)
        return WeChatPayNotTaken(
            self._wechat_describe_v2_error(''), code='misconfigured', return_msg=return_msg,
        )

    def _wechat_unverified_v2(self, path, reason):
        """Return the error for an answer that is not signed as it must be, after noting it.

        :param str path: What was called, for the log.
        :param str reason: A reason of `V2SignatureError`, or `merchant`: it is another's.
        :rtype: WeChatPayUnverified
        """
        _logger.error(
            "The answer of WeChat Pay to POST %s is not signed as it must be: %s.", path, reason,
        )
        self._wechat_note_outcome('v2_signature', reason)
        return WeChatPayUnverified(
            self.env._(
                "The answer is not signed by WeChat Pay, so it is not believed. Please try again in"
                " a moment; if it happens again, tell the shop."
            ),
            reason,
        )

    def _wechat_unreadable_v2_answer(self, path):
        """Return the error for an answer that is none of WeChat Pay's.

        :param str path: What was called, for the log.
        :rtype: WeChatUnknown
        """
        _logger.warning("The answer of WeChat Pay to POST %s cannot be read.", path)
        return WeChatUnknown(
            self.env._("WeChat Pay's answer cannot be read. Please try again in a moment."),
            code='wechat_unavailable',
        )


def _printable(text, length):
    """Return a foreign text as it may be shown: one line, not longer than that."""
    return re.sub(r'[^\w \-.,:;/()（）！，。：；、“”]', '', text)[:length]
