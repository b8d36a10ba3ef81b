# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, models
from odoo.exceptions import UserError
from odoo.fields import Command

from odoo.addons.wechat.exceptions import WeChatError
from odoo.addons.wechat_payment.payable import Payable

# What a payment reads of an order that is not a cart; an order has some hundred fields. The website
# is there if the shop is installed.
ORDER_FIELDS = (
    'name', 'state', 'company_id', 'currency_id', 'partner_id', 'partner_invoice_id',
    'amount_total', 'validity_date', 'website_id',
)


class PaymentTransaction(models.Model):
    _inherit = 'payment.transaction'

    # === BUSINESS METHODS - PREPAY === #

    @api.model
    def _wechat_payable_sale_order(self, document_id, access_token=None):
        """Return a quotation as something one can pay, its row locked (see `Payable`).

        :param int document_id: The order's id.
        :param str access_token: The order's portal token, for who cannot read it otherwise.
        :rtype: Payable
        :raise WeChatError: `not_payable`, or `wechat_busy` if somebody else holds the order.
        """
        order_sudo = self._wechat_get_accessible_document(
            'sale.order', document_id, access_token,
            refusal=self.env._("There is no such order that you could pay."),
        )
        self._wechat_lock_documents(order_sudo)
        order_sudo.fetch([name for name in ORDER_FIELDS if name in order_sudo._fields])
        self._wechat_check_order_is_payable(order_sudo)
        return Payable(
            document=order_sudo,
            company=order_sudo.company_id,
            partner=order_sudo.partner_invoice_id or order_sudo.partner_id,
            currency=order_sudo.currency_id,
            amount=order_sudo.currency_id.round(order_sudo.amount_total - order_sudo.amount_paid),
            description=f'{order_sudo.company_id.name} {order_sudo.name}',
            transactions=order_sudo.transaction_ids,
            create_values={'sale_order_ids': [Command.set(order_sudo.ids)]},
        )

    @api.model
    def _wechat_check_order_is_payable(self, order_sudo):
        """Check that the order may be paid now.

        :param sale.order order_sudo: The locked order.
        :raise WeChatError: `not_payable`, with the reason.
        """
        problem = None
        is_at_till = (
            self.env.context.get('wechat_at_till') and order_sudo._wechat_is_payable_at_till()
        )
        if order_sudo._is_paid() and order_sudo.amount_total > 0:
            problem = self.env._("This order is already paid.")
        elif order_sudo.state == 'cancel':
            problem = self.env._("This order was cancelled. Please order again.")
        elif order_sudo.state not in ('draft', 'sent') and not is_at_till:
            problem = self.env._("This order is already confirmed and cannot be paid here.")
        elif order_sudo.is_expired:
            problem = self.env._("This offer has expired. Please ask the shop for a new one.")
        elif not is_at_till and 'website_id' in order_sudo._fields and order_sudo.website_id:
            try:
                order_sudo._check_cart_is_ready_to_be_paid()
            except UserError as error:
                problem = str(error)
        if problem:
            raise WeChatError(problem, code='not_payable')

    # === BUSINESS METHODS - CHECKOUT === #

    @api.model
    def _wechat_get_document_fields(self):
        """Override of `wechat_payment` to add sales orders."""
        return [*super()._wechat_get_document_fields(), 'sale_order_ids']

    def _wechat_find_document_problem(self):
        """Override of `wechat_payment` to notice that the order was paid, cancelled or changed."""
        for order in self.sale_order_ids:
            due = order.amount_total - order.amount_paid
            # The shop takes the whole cart only; elsewhere a part of an order may be paid.
            is_cart = (self.landing_route or '').startswith('/shop/')
            comparison = order.currency_id.compare_amounts(self.amount, due)
            if order.state == 'cancel':
                return self.env._("This order was cancelled. Please order again.")
            if order.amount_total > 0 and order._is_paid():
                return self.env._("This order is already paid.")
            if comparison > 0 or (is_cart and comparison < 0):
                return self.env._(
                    "The order has changed since you chose to pay. Please go back and pay again."
                )
        return super()._wechat_find_document_problem()

    def _wechat_get_cancel_route(self):
        """Override of `wechat_payment` to go back to the cart, not past it.

        The shop's landing route ends the cart, whatever became of the payment.
        """
        if self.sale_order_ids and (self.landing_route or '').startswith('/shop/'):
            return '/shop/payment'
        return super()._wechat_get_cancel_route()

    # === BUSINESS METHODS - POST-PROCESSING === #

    def _wechat_send_unsent_mail(self):
        """Override of `wechat_payment` to send the confirmation that could not be sent.

        Note: `self.ensure_one()` from :meth:`_wechat_retry_mail`.
        """
        for order in self.sale_order_ids.filtered(lambda order: order.state == 'sale'):
            order._send_order_confirmation_mail()
        return super()._wechat_send_unsent_mail()
