# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import fields, models

from odoo.addons.payment.logging import get_payment_logger
from odoo.addons.wechat.exceptions import WeChatError
from odoo.addons.wechat_payment import const

_logger = get_payment_logger(__name__, const.SENSITIVE_KEYS)


class PaymentTransaction(models.Model):
    """How a payment by code ends: it is asked for, and reversed when the time is up (A5, B2.7).

    Nothing waits. What is to be done next, and when, is on the row: the cashier's screen does it as
    long as it is open, the scheduled action otherwise, each step by whoever comes first.
    """

    _inherit = 'payment.transaction'

    wechat_reverse_sent = fields.Datetime(
        string="Reversed On", readonly=True, copy=False,
        help="When WeChat Pay was first told to reverse this payment. Whatever it says of a payment"
             " after that, the money goes back.",
    )

    # === BUSINESS METHODS - PROCESSING === #

    def _wechat_is_being_reversed(self, order):
        """Tell whether an order is paid and WeChat Pay was told to pay it back.

        What is being reversed is not paid, whatever WeChat Pay says of it meanwhile.

        :param dict order: The verified order of WeChat Pay (A4.5).
        :rtype: bool
        """
        self.ensure_one()
        return bool(
            self.wechat_reverse_sent and self.state != 'done'
            and order.get('trade_state') in const.PAID_TRADE_STATES
        )

    def _wechat_describe_closing(self):
        """Return why a payment ended that WeChat Pay calls closed or reversed.

        :rtype: str
        """
        self.ensure_one()
        if not self._wechat_is_code_payment():
            return self.env._("The order was closed at WeChat Pay before it was paid.")
        return self.env._(
            "The payment was reversed. If the customer was charged, the money went back at once."
        )

    def _wechat_fail_code(self, message, is_sent=True):
        """Note that a payment by code failed, and see to it that its number stays unpaid.

        :param str message: What the cashier is told.
        :param bool is_sent: Whether WeChat Pay may know the number: then it is reversed, as soon as
            that is allowed.
        :return: None
        """
        self.ensure_one()
        self._wechat_lock()
        if not self._wechat_is_open():
            return
        self._set_error(message)
        self.wechat_next_query = self._wechat_get_first_reverse() if is_sent else False

    def _wechat_ask_code_now(self):
        """Have the next poll ask WeChat Pay.

        :return: None
        """
        self.ensure_one()
        self._wechat_lock()
        if self._wechat_is_open():
            self.wechat_next_query = fields.Datetime.now()

    # === BUSINESS METHODS - STEPS === #

    def _wechat_get_first_reverse(self):
        """Return the first moment at which this payment may be reversed.

        :rtype: datetime
        """
        self.ensure_one()
        return fields.Datetime.add(self.wechat_code_time, seconds=const.REVERSE_AFTER)

    def _wechat_get_reverse_time(self):
        """Return when this payment is reversed if it is not paid before.

        :rtype: datetime
        """
        self.ensure_one()
        return max(self.wechat_time_expire, self._wechat_get_first_reverse())

    def _wechat_schedule_code_step(self):
        """Set when to take the next step: every 5 s for the first minute, then on the usual plan.

        :return: None
        """
        self.ensure_one()
        step = max(0, self.wechat_query_count - const.CODE_QUERIES)
        seconds = const.QUERY_PLAN[min(step, len(const.QUERY_PLAN) - 1)]
        now = fields.Datetime.now()
        due = fields.Datetime.add(now, seconds=seconds)
        if self._wechat_is_open() and now < self.wechat_time_expire:
            due = min(due, self.wechat_time_expire)
        self.wechat_next_query = due

    def _wechat_close_code(self):
        """Reverse this payment, which can never be closed.

        :return: WeChat Pay's order after the call; empty if it has never seen it.
        :rtype: dict
        :raise WeChatError: `wechat_busy` while the customer may still pay.
        """
        self.ensure_one()
        if self._wechat_is_open() and not self.wechat_reverse_sent and (
            fields.Datetime.now() < self._wechat_get_reverse_time()
        ):
            raise WeChatError(
                self.env._("A cashier is taking this payment right now. Wait for its result."),
                code='wechat_busy',
            )
        return self._wechat_reverse()

    def _wechat_step_code(self):
        """Ask for this payment, and reverse it if its time is up.

        :return: None
        :raise WeChatError: If WeChat Pay does not answer as it should.
        """
        self.ensure_one()
        now = fields.Datetime.now()
        if self.state == 'done':
            self.wechat_next_query = False
            return
        if now > fields.Datetime.add(self.wechat_code_time, days=const.REVERSE_DAYS):
            # Nothing takes it back any more: what WeChat Pay calls paid now stays paid.
            if self._wechat_query_unreversed().get('trade_state') not in const.CLOSED_TRADE_STATES:
                self._wechat_give_up_reversal()
            return
        if self._wechat_is_open() and not self.wechat_reverse_sent:
            is_due = now >= self._wechat_get_reverse_time()
            order = {}
            try:
                order = self._wechat_query()
            except WeChatError as error:
                if not is_due:
                    raise
                _logger.warning("Could not query %s before its reversal: %s", self.reference, error)
            if not self._wechat_is_open():
                return
            if order.get('trade_state') in const.PAID_TRADE_STATES:
                if not self.wechat_reverse_sent:  # Else somebody else has just begun to.
                    # It does not agree with the transaction: a person must look, not a reversal.
                    self.wechat_next_query = False
                return
            if order.get('trade_state') == 'PAYERROR':
                self._wechat_fail_code(self.env._(
                    "The customer did not complete the payment. Scan a new code to try again."
                ))
            if not is_due:
                return
        if now >= self._wechat_get_first_reverse():
            self._wechat_reverse()

    def _wechat_reverse(self):
        """Reverse this payment at WeChat Pay, then ask what became of it.

        :return: WeChat Pay's order after the call; empty if it has never seen it.
        :rtype: dict
        :raise WeChatError: If WeChat Pay does not answer or cannot be verified; the next step
            repeats it then.
        """
        self.ensure_one()
        self._wechat_lock()
        if self.state == 'done':
            return {'trade_state': self.wechat_trade_state}
        if not self.wechat_reverse_sent:
            self.wechat_reverse_sent = fields.Datetime.now()
        if self.wechat_query_count == const.CODE_QUERIES * 2:
            tx = self._wechat_in_company_language()
            tx._wechat_alert(tx.env._(
                "Payment %(reference)s could not be reversed yet. Odoo goes on trying; look at"
                " pay.weixin.qq.com, Transaction Center, whether the customer was charged.",
                reference=self.reference,
            ))
        self._wechat_commit()
        result = self.provider_id._wechat_send_reverse(self)
        if result == 'refused':
            order = self._wechat_query_unreversed()
            self._wechat_give_up_reversal()
            return order
        if result == 'unknown':
            self._wechat_end_unseen_code()
            return {}
        order = self._wechat_query()
        state = order.get('trade_state')
        if result == 'done' and state != 'SUCCESS':
            self._wechat_end_reversed_code(order)
        return order

    def _wechat_query_unreversed(self):
        """Ask for a payment that WeChat Pay does not reverse: if it was paid, it counts as paid.

        :return: WeChat Pay's order; empty if it has never seen it.
        :rtype: dict
        :raise WeChatError: If WeChat Pay does not answer or cannot be verified.
        """
        self._wechat_lock()
        self.wechat_reverse_sent = False
        self._wechat_commit()
        return self._wechat_query()

    def _wechat_end_reversed_code(self, order):
        """Cancel a payment that WeChat Pay has reversed, whatever name it has for that.

        :param dict order: WeChat Pay's order after the reversal.
        :return: None
        """
        self._wechat_lock()
        self.wechat_next_query = False
        if self._wechat_is_open():
            self._set_canceled(state_message=self._wechat_describe_closing())
            self._wechat_on_result('payment', order)

    def _wechat_end_unseen_code(self):
        """Cancel a payment whose call never reached WeChat Pay, and look once more later.

        :return: None
        """
        self._wechat_lock()
        if not self._wechat_is_open():
            self.wechat_next_query = False
            return
        self._set_canceled(state_message=self.env._(
            "The payment never reached WeChat Pay; the customer was not charged."
        ))
        self._wechat_on_result('payment', {})
        # A call that was held up on its way may still arrive.
        self.wechat_next_query = fields.Datetime.add(
            fields.Datetime.now(), seconds=const.CODE_LOOK_AGAIN,
        )

    def _wechat_give_up_reversal(self):
        """Leave a payment to a person that can no longer be reversed and is not paid.

        :return: None
        """
        self._wechat_lock()
        self.wechat_next_query = False
        tx = self._wechat_in_company_language()
        tx._wechat_alert(tx.env._(
            "Payment %(reference)s could not be reversed: WeChat Pay refused, or it is too old."
            " Look at pay.weixin.qq.com, Transaction Center; if the customer was charged, refund"
            " the payment.",
            reference=self.reference,
        ))
