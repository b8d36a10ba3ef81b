# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import contextlib
from urllib.parse import quote

from odoo import models

from odoo.addons.wechat_payment.exceptions import WeChatPayRefused
from odoo.addons.wechat_payment.protocol import refunds, v2_errors, v2_refunds


class PaymentProvider(models.Model):
    _inherit = 'payment.provider'

    # === COMPUTE METHODS === #

    def _compute_feature_support_fields(self):
        """Override of `payment` to enable refunds, also of a part of a payment."""
        super()._compute_feature_support_fields()
        self.filtered(lambda p: p.code == 'wechat_pay').support_refund = 'partial'

    # === BUSINESS METHODS === #

    def _wechat_fetch_refund(self, out_refund_no, api_version=None):
        """Ask WeChat Pay for a refund by its number (A6.2, B2.5).

        :param str out_refund_no: The merchant's number of the refund.
        :param str api_version: The version to ask with, default: the provider's. Both know the
            refunds of both.
        :return: WeChat Pay's refund as v3 tells it, verified; empty if it has never seen it.
        :rtype: dict
        :raise WeChatError: If WeChat Pay refuses, does not answer, or cannot be verified.
        """
        self.ensure_one()
        if (api_version or self.sudo().wechat_api_version) == 'v2':
            return self._wechat_fetch_v2_refund(out_refund_no)
        path = f'{refunds.REFUND_PATH}/{quote(out_refund_no, safe="")}'
        params = {'sub_mchid': sub} if (sub := self.sudo().wechat_sub_mch_id) else None
        try:
            return self._wechat_request('GET', path, params=params)
        except WeChatPayRefused as error:
            if error.status == 404 and error.wechat_code in refunds.NO_SUCH_REFUND_CODES:
                return {}
            raise

    def _wechat_fetch_v2_refund(self, out_refund_no):
        """Ask WeChat Pay for a refund by API v2 (B2.5).

        :param str out_refund_no: The merchant's number of the refund.
        :return: WeChat Pay's refund as v3 tells it, verified; empty if it has never seen it.
        :rtype: dict
        :raise WeChatError: If WeChat Pay refuses, does not answer, or cannot be verified.
        """
        params = {
            **self._wechat_get_v2_parties(self.sudo().wechat_app_ids[:1]),
            # By the refund's own number: by the order's only twenty refunds would be told at once.
            'out_refund_no': out_refund_no,
        }
        try:
            message = self._wechat_request_v2(v2_refunds.QUERY_PATH, params, repeatable=True)
        except WeChatPayRefused as error:
            if error.wechat_code in v2_errors.NO_SUCH_REFUND_CODES:
                return {}
            raise
        with contextlib.suppress(v2_refunds.V2RefundError):
            for refund in v2_refunds.read_refunds(message):
                if refund['out_refund_no'] == out_refund_no:
                    return refund
        # WeChat Pay knows the number, and tells nothing of it: that is not "never seen".
        raise self._wechat_unreadable_v2_answer(v2_refunds.QUERY_PATH)

    def _wechat_build_v2_refund(self, body, app=None):
        """Return what the refund call of API v2 says, without its signature (B2.4).

        :param dict body: The body of v3's call.
        :param wechat.app app: The app of the order; none: any app of the merchant.
        :rtype: dict
        :raise WeChatError: `misconfigured` if the call cannot be made as things are.
        """
        self._wechat_get_client_certificate()  # Else the number would be kept for nothing.
        parties = self._wechat_get_v2_parties(app or self.wechat_app_ids[:1])
        return {**parties, **v2_refunds.build_refund(body)}

    def _wechat_send_v2_refund(self, params):
        """Make the refund call of API v2, with the merchant certificate (B2.4).

        :param dict params: What the call says, without its signature.
        :return: The refund that was taken, as v3 tells it, verified.
        :rtype: dict
        :raise WeChatError: As `_wechat_request_v2` does.
        """
        message = self._wechat_request_v2(v2_refunds.REFUND_PATH, params, certificate=True)
        try:
            return v2_refunds.read_accepted_refund(message)
        except v2_refunds.V2RefundError:
            raise self._wechat_unreadable_v2_answer(v2_refunds.REFUND_PATH) from None

    def _wechat_send_signed(self, path, payload, headers):
        """Make one call that must not be repeated, with headers of its own.

        :param str path: The path.
        :param dict payload: The body.
        :param dict headers: Headers beside the usual ones: the name of the key with which fields
            are encrypted.
        :return: The answer, verified.
        :rtype: dict
        :raise WeChatError: As `_wechat_request` does.
        """
        provider = self.sudo()
        response = provider._wechat_send(
            'POST', path, body=provider._wechat_serialize(payload), headers=headers,
        )
        if problem := provider._wechat_find_signature_problem(response):
            raise provider._wechat_unverified(response, problem)
        return provider._wechat_parse_answer(response)
