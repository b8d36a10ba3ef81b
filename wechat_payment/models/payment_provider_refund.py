# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from urllib.parse import quote

from odoo import models

from odoo.addons.wechat_payment.exceptions import WeChatPayRefused
from odoo.addons.wechat_payment.protocol import refunds


class PaymentProvider(models.Model):
    _inherit = 'payment.provider'

    # === COMPUTE METHODS === #

    def _compute_feature_support_fields(self):
        """Override of `payment` to enable refunds, also of a part of a payment."""
        super()._compute_feature_support_fields()
        self.filtered(lambda p: p.code == 'wechat_pay').support_refund = 'partial'

    # === BUSINESS METHODS === #

    def _wechat_fetch_refund(self, out_refund_no):
        """Ask WeChat Pay for a refund by its number (A6.2).

        :param str out_refund_no: The merchant's number of the refund.
        :return: WeChat Pay's refund, verified; empty if it has never seen it.
        :rtype: dict
        :raise WeChatError: If WeChat Pay refuses, does not answer, or cannot be verified.
        """
        self.ensure_one()
        path = f'{refunds.REFUND_PATH}/{quote(out_refund_no, safe="")}'
        try:
            return self._wechat_request('GET', path)
        except WeChatPayRefused as error:
            if error.status == 404 and error.wechat_code in refunds.NO_SUCH_REFUND_CODES:
                return {}
            raise

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
