# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, fields, models
from odoo.exceptions import AccessError
from odoo.tools import format_amount

from odoo.addons.payment.logging import get_payment_logger
from odoo.addons.wechat.exceptions import WeChatError
from odoo.addons.wechat_payment import const

_logger = get_payment_logger(__name__, const.SENSITIVE_KEYS)


class PaymentTransaction(models.Model):
    """What the cashier's screen calls, and a point of sale may: cashiers only.

    Clients call these methods by JSON-RPC. Amounts come from the document where there is one.
    """

    _inherit = 'payment.transaction'

    # === ACTION METHODS === #

    @api.model
    def wechat_get_code_payable(self, model, document_id):
        """Return what a cashier is about to charge for a document.

        :param str model: `sale.order` or another model that a bridge makes payable.
        :param int document_id: The document's id.
        :return: {name, partner, amount, currency, formatted_amount, payment}; `payment` is the
            state (see :meth:`wechat_poll_code`) of one that is under way, else `None`.
        :rtype: dict
        :raise WeChatError: `not_payable` with the reason, `misconfigured`, `bad_request`.
        """
        self._wechat_check_cashier()
        payable = self._wechat_get_till_payable(model, document_id)
        self._wechat_find_code_provider(payable)
        open_tx = payable.transactions.filtered(
            lambda tx: tx._wechat_is_open() and tx._wechat_is_code_payment()
        )[:1]
        return {
            'name': payable.document.display_name,
            'partner': payable.partner.display_name,
            'amount': payable.amount,
            'currency': payable.currency.name,
            'formatted_amount': format_amount(self.env, payable.amount, payable.currency),
            'payment': open_tx._wechat_get_code_state() if open_tx else None,
        }

    @api.model
    def wechat_charge_code(
        self, auth_code, model=None, document_id=None, amount=None, description=None,
        partner_id=None, device_info=None, shown_amount=None,
    ):
        """Charge the customer whose payment code was scanned, for a document or a free amount.

        The same code for the same payment returns the same transaction. Call
        :meth:`wechat_poll_code` while the state is `pending`.

        :param str auth_code: What was scanned: 18 digits, as text.
        :param str model: `sale.order` or another model that a bridge makes payable; empty for a
            free amount.
        :param int document_id: The document's id. The amount is the one that is still due.
        :param float amount: A free amount in CNY; only without a document.
        :param str description: What the customer reads in the bill of a free amount.
        :param int partner_id: Who pays a free amount, if known.
        :param str device_info: The merchant's own name of the terminal, optional.
        :param float shown_amount: What cashier and customer were shown of a document, optional: if
            something else is due by now, nothing is charged.
        :return: See :meth:`wechat_poll_code`.
        :rtype: dict
        :raise AccessError: If the user is no cashier.
        :raise WeChatError: With the code word that says why nothing was charged.
        """
        self._wechat_check_cashier()
        texts = (auth_code, description or '', device_info or '')
        if not all(isinstance(text, str) for text in texts) or bool(model) == (amount is not None):
            raise self._wechat_bad_charge()
        if shown_amount is not None and (not model or type(shown_amount) not in (int, float)):
            raise self._wechat_bad_charge()
        if model:
            key = f'{model},{document_id}'

            def get_payable():
                payable = self._wechat_get_till_payable(model, document_id)
                if shown_amount is not None and (
                    payable.currency.compare_amounts(payable.amount, shown_amount)
                ):
                    raise self._wechat_amount_changed(payable)
                return payable
        else:
            if partner_id is not None and (type(partner_id) is not int or partner_id <= 0):
                raise self._wechat_bad_charge()
            partner = self.env['res.partner'].browse(partner_id or ()).exists()
            partner.check_access('read')
            key = f'{amount},{description},{partner_id},{self.env.company.id}'

            def get_payable():
                return self._wechat_build_free_payable(amount, description or '', partner)
        tx = self._wechat_charge_code(auth_code, get_payable, key, device_info or '')
        return tx._wechat_get_code_state()

    @api.model
    def wechat_poll_code(self, reference):
        """Take the next step of a payment by code if it is due, and return how it stands.

        :param str reference: The transaction's reference.
        :return: {reference, state (`pending`, `done`, `cancel`, `error`), phase (`asking`,
            `password`, `reversing`, or the state), message, amount (major units), currency,
            formatted_amount, seconds_left (until it is reversed), can_cancel}
        :rtype: dict
        :raise AccessError: If the user is no cashier.
        :raise WeChatError: `bad_request` if there is no such payment in the user's companies.
        """
        return self._wechat_find_code_payment(reference)._wechat_poll_code()

    @api.model
    def wechat_cancel_code(self, reference):
        """Stop waiting for the customer: reverse the payment as soon as that is allowed (15 s).

        A payment that turns out to be made before that stays: refund it.

        :param str reference: The transaction's reference.
        :return: See :meth:`wechat_poll_code`.
        :rtype: dict
        :raise AccessError: If the user is no cashier.
        :raise WeChatError: `bad_request` if there is no such payment in the user's companies.
        """
        tx = self._wechat_find_code_payment(reference)
        tx._wechat_cancel_code()
        return tx._wechat_poll_code()

    # === BUSINESS METHODS - CASHIER === #

    @api.model
    def _wechat_open_cashier(self, document):
        """Return the action that opens the cashier's screen for a document.

        :param models.Model document: One record of a model that a bridge makes payable.
        :rtype: dict
        """
        document.ensure_one()
        self._wechat_check_cashier()
        return {
            'type': 'ir.actions.client',
            'tag': 'wechat_payment.cashier',
            'name': self.env._("WeChat Payment Code"),
            'target': 'new',
            'params': {'model': document._name, 'id': document.id},
            'context': {'dialog_size': 'medium'},
        }

    @api.model
    def _wechat_check_cashier(self):
        """Check that the user may take payments by code.

        :return: None
        :raise AccessError: If not.
        """
        if not self.env.user.has_group('wechat_payment.group_cashier'):
            raise AccessError(self.env._(
                "Only WeChat Pay cashiers may scan payment codes. An administrator can make you"
                " one in Settings ▸ Users."
            ))

    def _wechat_bad_charge(self):
        """Return the error for a call that no screen of ours makes.

        :rtype: WeChatError
        """
        return WeChatError(
            self.env._("Either a document or an amount must be charged, by the text of a code."),
            code='bad_request',
        )

    def _wechat_amount_changed(self, payable):
        """Return the error for a document that was changed while the screen showed it.

        :param Payable payable: What is due by now.
        :rtype: WeChatError
        """
        return WeChatError(
            self.env._(
                "The amount has changed to %(amount)s, and nothing was charged. Tell the customer,"
                " then scan a new code.",
                amount=format_amount(self.env, payable.amount, payable.currency),
            ),
            code='not_payable',
        )

    @api.model
    def _wechat_get_till_payable(self, model, document_id):
        """Return a document that the cashier may read as something one can pay, its row locked.

        :param str model: The document's model.
        :param int document_id: The document's id.
        :rtype: Payable
        :raise WeChatError: If it cannot be paid, with the reason.
        """
        if not isinstance(model, str) or type(document_id) is not int or document_id <= 0:
            raise self._wechat_bad_charge()
        return self.with_context(wechat_at_till=True)._wechat_find_payable(
            model, document_id, None,
        )

    @api.model
    def _wechat_find_code_payment(self, reference):
        """Return a payment by code of the user's companies.

        :param str reference: The transaction's reference.
        :return: The transaction, in sudo mode.
        :rtype: payment.transaction
        :raise AccessError: If the user is no cashier.
        :raise WeChatError: `bad_request` if there is none.
        """
        self._wechat_check_cashier()
        tx = self.sudo().search([
            ('reference', '=', reference), ('wechat_trade_type', '=', 'MICROPAY'),
            ('operation', '!=', 'refund'), ('company_id', 'in', self.env.companies.ids),
        ], limit=1) if isinstance(reference, str) else self.browse()
        if not tx:
            raise WeChatError(
                self.env._("There is no payment with this reference."), code='bad_request',
            )
        return tx

    # === BUSINESS METHODS - POLLING === #

    def _wechat_poll_code(self):
        """Take the next step of this payment if it is due and nobody else takes it.

        :return: See :meth:`wechat_poll_code`.
        :rtype: dict
        """
        self.ensure_one()
        if self._wechat_is_open() and self._wechat_claim_step():
            try:
                self._wechat_step_code()
            except WeChatError as error:
                _logger.warning("Could not settle payment %s: %s", self.reference, error)
            self._wechat_commit()
        return self._wechat_get_code_state()

    def _wechat_claim_step(self):
        """Tell whether a step is due and ours, and make other servers leave it alone.

        :rtype: bool
        """
        self.ensure_one()
        now = fields.Datetime.now()
        if not self.wechat_next_query or self.wechat_next_query > now:
            return False
        if not self.try_lock_for_update(allow_referencing=True):
            return False
        self.wechat_query_count += 1
        self.wechat_last_query = now
        self._wechat_schedule_query()
        self._wechat_commit()
        return True

    def _wechat_cancel_code(self):
        """Have this payment reversed as soon as that is allowed, unless it is made before.

        :return: None
        """
        self.ensure_one()
        self._wechat_lock()
        if not self._wechat_is_open() or self.wechat_reverse_sent:
            return
        earliest = max(fields.Datetime.now(), self._wechat_get_first_reverse())
        if earliest < self.wechat_time_expire:
            self.wechat_time_expire = earliest
        if self.wechat_next_query:
            self.wechat_next_query = min(self.wechat_next_query, earliest)
        self.wechat_is_code_cancelled = True
        self._wechat_commit()

    def _wechat_get_code_state(self):
        """Return how this payment stands, for the cashier's screen.

        :return: See :meth:`wechat_poll_code`.
        :rtype: dict
        """
        self.ensure_one()
        is_open = self._wechat_is_open()
        state = 'pending' if is_open else self.state
        phase = state
        if is_open:
            now = fields.Datetime.now()
            if self.wechat_alert and not self.wechat_next_query:
                state = phase = 'error'  # It does not agree: a person must look.
            elif (
                self.wechat_reverse_sent or self.wechat_is_code_cancelled
                or now >= self.wechat_time_expire
            ):
                phase = 'reversing'
            elif self.wechat_trade_state == 'USERPAYING':
                phase = 'password'
            else:
                phase = 'asking'
        seconds_left = 0
        if is_open:
            left = (self.wechat_time_expire - fields.Datetime.now()).total_seconds()
            seconds_left = max(int(left), 0)
        message = self.state_message or ''
        if is_open and phase == 'error':
            message = self.wechat_alert
        return {
            'reference': self.reference,
            'state': state,
            'phase': phase,
            'message': message,
            'amount': self.amount,
            'currency': self.currency_id.name,
            'formatted_amount': format_amount(self.env, self.amount, self.currency_id),
            'seconds_left': seconds_left,
            'can_cancel': phase in ('asking', 'password'),
        }
