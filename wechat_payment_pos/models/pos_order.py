# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import logging

from odoo import api, models
from odoo.exceptions import UserError

from odoo.addons.wechat.exceptions import WeChatError

_logger = logging.getLogger(__name__)


class PosOrder(models.Model):
    _inherit = 'pos.order'

    # === CRUD METHODS === #

    @api.ondelete(at_uninstall=False)
    def _unlink_except_wechat_payment(self):
        for order in self:
            txs = order._wechat_get_transactions()
            if txs.filtered(lambda tx: tx._wechat_is_open() or tx.state == 'done'):
                raise UserError(order.env._(
                    "Order %(order)s has a payment with WeChat Pay. Cancel the order instead of"
                    " deleting it.",
                    order=order.pos_reference,
                ))

    # === ACTION METHODS === #

    def action_pos_order_cancel(self):
        """Override of `point_of_sale` to close what a customer could still pay."""
        self.check_access('write')
        for order in self.filtered(lambda order: order.state == 'draft'):
            try:
                order._wechat_settle_payments(0)
            except WeChatError as error:
                # Nothing is handed out for it, and a payment that comes is told: see
                # `_wechat_refuse_till_payment`.
                _logger.warning(
                    "Could not close the payments of %s: %s", order.pos_reference, error,
                )
            if order._wechat_get_transactions().filtered(
                lambda tx, order=order: tx.payment_id.pos_order_id == order
            ):
                order._wechat_get_transactions()._wechat_commit()  # The refusal must not undo it.
                raise UserError(order.env._(
                    "Order %(order)s was paid with WeChat Pay and cannot be cancelled. Return it,"
                    " and refund the payment.",
                    order=order.pos_reference,
                ))
        return super().action_pos_order_cancel()

    # === BUSINESS METHODS - ONLINE PAYMENTS === #

    def get_and_set_online_payments_data(self, next_online_payment_amount=False):
        """Override of `pos_online_payment` to tell the till how it really stands.

        The till calls this when a payment has come, when it shows a QR code (with the amount), and
        before it takes the order as paid otherwise or gives the QR code up (with 0). What cannot
        be told is an error: the cashier is asked then whether there was no online payment.
        """
        self.ensure_one()
        self.check_access('write')
        if self.state == 'draft':
            if isinstance(next_online_payment_amount, bool):
                self._wechat_credit_payments()
            else:
                self._wechat_settle_payments(next_online_payment_amount)
        return super().get_and_set_online_payments_data(next_online_payment_amount)

    def _wechat_get_transactions(self):
        """Return the order's payments with WeChat Pay, in whatever state.

        :rtype: payment.transaction
        """
        self.ensure_one()
        return self.env['payment.transaction'].sudo().search([
            ('pos_order_id', '=', self.id), ('provider_code', '=', 'wechat_pay'),
            ('operation', '!=', 'refund'),
        ])

    def _wechat_get_uncredited_payments(self):
        """Return the payments that have come and are not among the order's payments yet.

        :rtype: payment.transaction
        """
        return self._wechat_get_transactions().filtered(lambda tx: tx._wechat_is_uncredited())

    def _wechat_find_till_problem(self):
        """Return why this order cannot take a payment.

        :return: A text for customer and cashier, or `None`.
        :rtype: str|None
        """
        self.ensure_one()
        if self.state == 'cancel':
            return self.env._("This order was cancelled at the till.")
        if self.state != 'draft':
            return self.env._("This order is already paid.")
        if self.session_id.state != 'opened':
            return self.env._("The till is closed.")
        return None

    def _wechat_get_amount_due(self, but=None):
        """Return what the till asks for now, else all the rest.

        Payments that have come and are not credited yet count as paid.

        :param payment.transaction but: A payment that is not counted, if any.
        :return: The amount in major units; 0 or less if there is nothing to pay.
        :rtype: float
        """
        self.ensure_one()
        due = self._get_checked_next_online_payment_amount() or self.get_amount_unpaid()
        uncredited_txs = self._wechat_get_uncredited_payments()
        if but:
            uncredited_txs -= but
        return self.currency_id.round(due - sum(uncredited_txs.mapped('amount')))

    def _wechat_settle_payments(self, amount):
        """Find out what was paid, and make sure that nothing but this amount can still be paid.

        :param float amount: The amount that the till asks for now; 0 for none.
        :return: None
        :raise WeChatError: If it cannot be made sure.
        """
        self.ensure_one()
        open_txs = self._wechat_get_transactions().filtered(lambda tx: tx._wechat_is_open())
        same_txs = open_txs.filtered(
            lambda tx: amount and not tx.currency_id.compare_amounts(tx.amount, amount)
        )
        for tx in same_txs:
            if not tx._wechat_claim_query():
                continue
            try:
                tx._wechat_query()
            except WeChatError as error:  # It will be notified, or asked for on the plan.
                _logger.warning("Could not query transaction %s: %s", tx.reference, error)
        try:
            (open_txs - same_txs)._wechat_retire()
        except WeChatError:
            open_txs._wechat_commit()  # What was found out stays.
            raise
        self._wechat_credit_payments()

    def _wechat_credit_payments(self):
        """Add the payments that have come to the order, which is paid with the last of them.

        The post-processing does the same, later.

        :return: None
        """
        self.ensure_one()
        for tx in self._wechat_get_uncredited_payments():
            tx._wechat_lock()
            tx.with_company(tx.company_id)._process_pos_online_payment()
