# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, models

from odoo.addons.payment.logging import get_payment_logger
from odoo.addons.wechat_payment import const
from odoo.addons.wechat_payment.protocol import v2_orders, v2_signing

_logger = get_payment_logger(__name__, const.SENSITIVE_KEYS)


class PaymentTransaction(models.Model):
    """What WeChat Pay tells of payments by itself."""

    _inherit = 'payment.transaction'

    # === BUSINESS METHODS - NOTIFICATIONS === #

    @api.model
    def _wechat_find_notified(self, provider, out_trade_no):
        """Return the payment that a notification, of it or of its refund, is about.

        :param payment.provider provider: The provider whose address was notified.
        :param out_trade_no: The number in the notification.
        :return: The transaction, in sudo mode; empty if this provider has none.
        :rtype: payment.transaction
        """
        if not isinstance(out_trade_no, str):
            return self.browse()
        return self.sudo().search([
            ('reference', '=', out_trade_no), ('provider_id', '=', provider.id),
            ('operation', '!=', 'refund'),
        ], limit=1)

    @api.model
    def _wechat_process_v2_notification(self, provider, message):
        """Verify the notification of a payment by API v2, and apply its order (B3.1).

        The type of signature is the one with which we ordered, or the configured one: never the one
        that the message names (D9).

        :param payment.provider provider: The provider whose address was notified.
        :param dict message: The elements of the notification.
        :return: None
        :raise V2SignatureError: If it is not signed with the provider's key in that way.
        :raise V2OrderError: If it is signed and cannot be read.
        """
        provider = provider.sudo()
        tx = self._wechat_find_notified(provider, message.get('out_trade_no'))
        is_v2_order = bool(tx) and tx._wechat_is_v2_order()
        v2_signing.verify(
            message, provider.wechat_api_v2_key,
            tx._wechat_get_v2_sign_type() if is_v2_order else provider.wechat_v2_sign_type,
        )
        order = v2_orders.read_notification(message)
        if tx and not (is_v2_order and order['trade_state'] in const.PAID_TRADE_STATES):
            # An order of v3 is notified by v3, which proves more: the APIv2 key may be known to
            # other systems of the merchant. And a payment that failed is none yet.
            _logger.warning(
                "API v2 notified order %s in state %s, which is not applied.",
                tx.reference, order['trade_state'],
            )
            if tx.state != 'done':
                tx.with_context(wechat_answer_first=True)._wechat_ask_soon()
            return
        self._wechat_process_notification(provider, order)

    @api.model
    def _wechat_process_notification(self, provider, order):
        """Apply the order of a verified and decrypted notification.

        :param payment.provider provider: The provider whose address was notified.
        :param dict order: The decrypted order (A7.1).
        :return: None
        """
        out_trade_no = order.get('out_trade_no')
        tx = self._wechat_find_notified(provider, out_trade_no)
        if not tx:
            # Another database may share the merchant; telling so would only help who guesses.
            _logger.warning("WeChat Pay notified the unknown order %s.", out_trade_no)
            return
        if order.get('trade_state') != 'SUCCESS':
            # This event exists for success only (A7.1).
            tx = tx._wechat_in_company_language()
            tx._wechat_alert(tx.env._(
                "WeChat Pay notified a payment in state %(state)s, which is none. Nothing was"
                " changed.",
                state=order.get('trade_state'),
            ))
            return
        # WeChat Pay waits for the answer: what only informs people is left to the post-processing,
        # and the controller wakes that up when it has answered.
        tx.with_context(wechat_answer_first=True)._wechat_apply_order(order)
