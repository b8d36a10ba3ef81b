# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, models
from odoo.fields import Command

from odoo.addons.wechat.exceptions import WeChatError
from odoo.addons.wechat_payment.payable import Payable


class PaymentTransaction(models.Model):
    _inherit = 'payment.transaction'

    # === BUSINESS METHODS - PREPAY === #

    @api.model
    def _wechat_payable_account_move(self, document_id, access_token=None):
        """Return a customer invoice as something one can pay, its row locked (see `Payable`).

        :param int document_id: The invoice's id.
        :param str access_token: The invoice's portal token, for who cannot read it otherwise.
        :rtype: Payable
        :raise WeChatError: `not_payable`, or `wechat_busy` if somebody else holds the invoice.
        """
        invoice_sudo = self._wechat_get_accessible_document(
            'account.move', document_id, access_token,
            refusal=self.env._("There is no such invoice that you could pay."),
        )
        self._wechat_lock_documents(invoice_sudo)
        problem = self._wechat_find_invoice_problem(invoice_sudo)
        if not problem and self._wechat_has_pending_payment(invoice_sudo):
            problem = self.env._("A payment of this invoice is being processed.")
        if problem:
            raise WeChatError(problem, code='not_payable')
        return Payable(
            document=invoice_sudo,
            company=invoice_sudo.company_id,
            partner=invoice_sudo.partner_id,
            currency=invoice_sudo.currency_id,
            amount=self._wechat_get_amount_due(invoice_sudo),
            description=f'{invoice_sudo.company_id.name} {invoice_sudo.name}',
            transactions=invoice_sudo.transaction_ids,
            create_values={'invoice_ids': [Command.set(invoice_sudo.ids)]},
        )

    @api.model
    def _wechat_find_invoice_problem(self, invoice_sudo):
        """Return why an invoice cannot be paid, or `None`.

        :param account.move invoice_sudo: The invoice.
        :return: A text for the customer.
        :rtype: str|None
        """
        if invoice_sudo.move_type != 'out_invoice':
            return self.env._("Only customer invoices can be paid here.")
        if invoice_sudo.state == 'cancel':
            return self.env._("This invoice was cancelled.")
        if invoice_sudo.state != 'posted':
            return self.env._("This invoice is not posted yet.")
        currency = invoice_sudo.currency_id
        if currency.compare_amounts(self._wechat_get_amount_due(invoice_sudo), 0) <= 0:
            return self.env._("This invoice is already paid.")
        return None

    @api.model
    def _wechat_get_amount_due(self, invoices_sudo):
        """Return what is still to be paid of invoices.

        A payment that has been made is counted although post-processing has not registered it yet.

        :param account.move invoices_sudo: Invoices of one currency.
        :return: The amount in major units.
        :rtype: float
        """
        unregistered_txs = invoices_sudo.transaction_ids.filtered(lambda tx: (
            tx.state == 'authorized' or (
                tx.state == 'done' and not tx.payment_id and not tx.is_post_processed
            )
        ) and tx.operation not in ('refund', 'validation'))
        return invoices_sudo.currency_id[:1].round(
            sum(invoices_sudo.mapped('amount_residual')) - sum(unregistered_txs.mapped('amount'))
        )

    @api.model
    def _wechat_has_pending_payment(self, invoice_sudo):
        """Tell whether another provider may still take the money (transfers by hand do not count).

        :rtype: bool
        """
        return bool(invoice_sudo.transaction_ids.filtered(lambda tx: (
            tx.state == 'pending' and tx.operation not in ('refund', 'validation')
            and tx.provider_code not in ('wechat_pay', 'custom', 'none')
        )))

    # === BUSINESS METHODS - CHECKOUT === #

    @api.model
    def _wechat_get_document_fields(self):
        """Override of `wechat_payment` to add invoices."""
        return [*super()._wechat_get_document_fields(), 'invoice_ids']

    def _wechat_find_document_problem(self):
        """Override of `wechat_payment` to notice that an invoice was paid, cancelled or changed.

        A part of an invoice may be paid (instalments, discounts), more than it may not.
        """
        # An order's transaction is linked to the order's invoice only when it is paid.
        invoices = self.invoice_ids
        if invoices:
            for invoice in invoices:
                # One of several may have been paid meanwhile: the sum tells, below.
                is_looked_at = len(invoices) == 1 or invoice.state != 'posted'
                problem = is_looked_at and self._wechat_find_invoice_problem(invoice)
                if problem:
                    return problem
            due = self._wechat_get_amount_due(invoices)
            if invoices.currency_id[:1].compare_amounts(self.amount, due) > 0:
                return self.env._(
                    "The invoice has changed since you chose to pay. Please go back and pay again."
                )
        return super()._wechat_find_document_problem()
