# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import re

from odoo import SUPERUSER_ID, api, models


class PaymentTransaction(models.Model):
    _inherit = 'payment.transaction'

    # === BUSINESS METHODS - CHECKOUT === #

    @api.model
    def _wechat_get_document_fields(self):
        """Override of `wechat_payment` to add orders of the point of sale."""
        return [*super()._wechat_get_document_fields(), 'pos_order_id']

    def _wechat_find_document_problem(self):
        """Override of `wechat_payment` to notice what happened at the till meanwhile."""
        if order := self.pos_order_id:
            if problem := order._wechat_find_till_problem():
                return problem
            due = order._wechat_get_amount_due(but=self)
            if order.currency_id.compare_amounts(due, 0) <= 0:
                return self.env._("This order is already paid.")
            if order.currency_id.compare_amounts(due, self.amount):
                return self.env._(
                    "The amount at the till has changed. Please go back and pay again."
                )
        return super()._wechat_find_document_problem()

    def _wechat_get_description(self):
        """Override of `wechat_payment` to name the order as its receipt does.

        It has no other name before it is paid.
        """
        if not self.pos_order_id:
            return super()._wechat_get_description()
        return f'{self.company_id.name} {self.pos_order_id.pos_reference}'

    def _wechat_get_cancel_route(self):
        """Override of `wechat_payment` to go back to the page with the amount to pay."""
        if not self.pos_order_id:
            return super()._wechat_get_cancel_route()
        if self.pos_order_id.state == 'cancel' or self.pos_order_id.session_id.state != 'opened':
            return '/'  # The pages of the order raise an error then.
        route = super()._wechat_get_cancel_route().replace('/pos/pay/confirmation/', '/pos/pay/')
        return re.sub(r'&?\btx_id=\d+', '', route)

    # === BUSINESS METHODS - PROCESSING === #

    def _wechat_on_result(self, kind, order):
        """Override of `wechat_payment` to tell the till of a payment at once.

        The till asks for the order's payments then, which credits this one: WeChat Pay is answered
        before, and the post-processing is not waited for.
        """
        super()._wechat_on_result(kind, order)
        if kind != 'payment' or self.state != 'done' or not self.pos_order_id:
            return
        if not self._wechat_refuse_till_payment():
            self.pos_order_id.config_id._notify(
                'ONLINE_PAYMENTS_NOTIFICATION', {'id': self.pos_order_id.id},
            )

    def _process_pos_online_payment(self):
        """Override of `pos_online_payment` to leave alone orders that are settled otherwise.

        A payment that comes too late stays what it is in the books, money of the customer, and an
        administrator is told to pay it back.
        """
        refused_txs = self.filtered(lambda tx: (
            tx._wechat_is_uncredited() and tx._wechat_refuse_till_payment()
        ))
        super(PaymentTransaction, self - refused_txs)._process_pos_online_payment()

    def _wechat_is_uncredited(self):
        """Tell whether this is a payment that its order of the point of sale does not show yet.

        :rtype: bool
        """
        self.ensure_one()
        return (
            self.provider_code == 'wechat_pay'
            and self.operation != 'refund'
            and self.state == 'done'
            and bool(self.pos_order_id)
            and not self.payment_id.pos_order_id
        )

    def _wechat_refuse_till_payment(self):
        """Have a person look at a payment that the order of the point of sale cannot take.

        :return: Whether it is so.
        :rtype: bool
        """
        self.ensure_one()
        tx = self._wechat_in_company_language()
        problem = tx.pos_order_id._wechat_find_till_problem()
        if not problem:
            return False
        alert = tx.env._(
            "%(reference)s was paid, but order %(order)s at the till cannot take it: %(problem)s"
            " The money is with the merchant: press Refund to pay it back.",
            reference=tx.reference, order=tx.pos_order_id.pos_reference, problem=problem,
        )
        if alert not in (tx.wechat_alert_history or ''):
            tx._wechat_alert(alert)
        return True

    def _wechat_propose_refund(self):
        """Override of `wechat_payment`: payments at the till are looked at with their result."""
        if not self.pos_order_id:
            super()._wechat_propose_refund()

    # === BUSINESS METHODS - LOGGING === #

    def _log_message_on_linked_documents(self, message):
        """Override of `payment` to note on the order what becomes of WeChat Pay's payments."""
        super()._log_message_on_linked_documents(message)
        order = self.pos_order_id or self.source_transaction_id.pos_order_id
        if self.provider_code == 'wechat_pay' and order:
            is_backend = self.env.context.get('payment_backend_action')
            author = self.env.user.partner_id if self.env.uid == SUPERUSER_ID or is_backend else (
                self.partner_id
            )
            order.sudo().message_post(body=message, author_id=author.id)
