# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from datetime import datetime, timezone

from odoo import fields, models
from odoo.tools import SQL

from odoo.addons.payment.logging import get_payment_logger
from odoo.addons.wechat_payment import const
from odoo.addons.wechat_payment.exceptions import WeChatPayRefused
from odoo.addons.wechat_payment.protocol import amounts, v2_orders
from odoo.addons.wechat_payment.protocol.refunds import REFUND_QUERY_PLAN

_logger = get_payment_logger(__name__, const.SENSITIVE_KEYS)


class PaymentTransaction(models.Model):
    _inherit = 'payment.transaction'

    wechat_bank_type = fields.Char(
        string="Paid From", readonly=True, copy=False,
        help="The payer's bank as WeChat Pay names it, as ICBC_DEBIT; OTHERS is the wallet.",
    )
    wechat_success_time = fields.Datetime(string="Paid On", readonly=True, copy=False)
    wechat_is_close_pending = fields.Boolean(
        string="To Be Closed", readonly=True, copy=False,
        help="The order is to be closed, but WeChat Pay closes orders of API v2 only five minutes"
             " after they were made. The scheduled action closes it then.",
    )

    # === BUSINESS METHODS - WECHAT PAY CALLS === #

    def _wechat_query(self):
        """Ask WeChat Pay for the order and apply what it says (A4.5).

        An order that WeChat Pay has never seen raises nothing and changes no state.

        :return: WeChat Pay's order; empty if it has never seen it.
        :rtype: dict
        :raise WeChatError: If WeChat Pay refuses, does not answer, or cannot be verified.
        """
        self.ensure_one()
        order = self.provider_id._wechat_fetch_order(self)
        if order:
            self._wechat_apply_order(order)
        return order

    def _wechat_close(self):
        """Close the order at WeChat Pay, then ask what became of it (A4.5).

        An order that WeChat Pay has never seen raises nothing and changes no state.

        :return: WeChat Pay's order after the call; empty if it has never seen it.
        :rtype: dict
        :raise WeChatError: If WeChat Pay does not answer or cannot be verified, or refuses for
            another reason than the order's state.
        """
        self.ensure_one()
        if self._wechat_is_code_payment():
            return self._wechat_close_code()
        is_too_early = False
        try:
            self.provider_id._wechat_close_order(self)
        except WeChatPayRefused as error:
            if error.code == 'misconfigured':
                raise
            # Paid or closed already, or never seen: the code differs by source, so ask.
            is_too_early = error.wechat_code == v2_orders.TOO_EARLY_CODE
        order = self._wechat_query()
        if is_too_early and order.get('trade_state') == 'NOTPAY':
            self._wechat_postpone_close()
        return order

    def _wechat_postpone_close(self):
        """Have the order closed as soon as WeChat Pay allows it: v2 waits five minutes (B2.3).

        :return: None
        """
        self.ensure_one()
        now = fields.Datetime.now()
        due = self._wechat_get_first_close() or fields.Datetime.add(now, minutes=1)
        self.write({'wechat_is_close_pending': True, 'wechat_next_query': due})

    def _wechat_get_first_close(self):
        """Return when an order of v2 that is to be closed can be, if that is still ahead.

        :rtype: datetime|None
        """
        self.ensure_one()
        if not self.wechat_time_expire:
            return None
        ordered = fields.Datetime.subtract(self.wechat_time_expire, minutes=const.ORDER_LIFETIME)
        # The order call came a moment after the order was written down.
        due = fields.Datetime.add(ordered, seconds=v2_orders.CLOSE_AFTER + const.CLOSE_MARGIN)
        return due if due > fields.Datetime.now() else None

    # === BUSINESS METHODS - PROCESSING === #

    def _wechat_apply_order(self, order):
        """Apply an order that WeChat Pay told, by a notification or an answer, once.

        All paths meet here. The row lock makes two of them at once do it one after the other, and
        what does not agree with the transaction changes nothing (design, rule 2).

        :param dict order: The verified order of WeChat Pay (A4.5).
        :return: None
        """
        self.ensure_one()
        self._wechat_lock()
        tx = self.sudo()
        if tx._wechat_is_being_reversed(order):
            return
        if tx._wechat_find_mismatch(order):
            tx = tx._wechat_in_company_language()
            tx._wechat_alert(tx._wechat_find_mismatch(order))
            return
        is_paid = order.get('trade_state') in const.PAID_TRADE_STATES
        if tx.state == 'done':
            # Never backwards, and never twice; only what WeChat Pay said last is kept.
            if is_paid and tx.wechat_trade_state != order['trade_state']:
                tx.wechat_trade_state = order['trade_state']
        else:
            previous_state = tx.state
            tx._process('wechat_pay', order)
            if is_paid and tx.state == 'done':
                tx._wechat_keep_payment_details(order)
                if previous_state == 'cancel':
                    tx._wechat_propose_refund()
                tx._wechat_trigger_post_processing()
            if tx.state in ('done', 'cancel') and tx.state != previous_state:
                tx._wechat_on_result('payment', order)
        if order.get('trade_state') == 'REFUND' and not tx._wechat_get_counted_refunds():
            tx = tx._wechat_in_company_language()
            tx._wechat_alert(tx.env._(
                "WeChat Pay says that money of payment %(reference)s was paid back, but not by this"
                " Odoo. Take the merchant's refund number from pay.weixin.qq.com, Transaction"
                " Center ▸ Refunds, and enter it with Find Refund.",
                reference=tx.reference,
            ))

    def _wechat_keep_payment_details(self, order):
        """Keep what administrators want to know of a payment.

        :param dict order: The verified, paid order (A4.5).
        :return: None
        """
        try:
            success_time = datetime.fromisoformat(order.get('success_time'))
            success_time = success_time.astimezone(timezone.utc).replace(tzinfo=None)
        except (TypeError, ValueError, OverflowError):
            success_time = fields.Datetime.now()
        bank_type = order.get('bank_type')
        self.write({
            'wechat_bank_type': bank_type if isinstance(bank_type, str) else False,
            'wechat_success_time': success_time,
        })

    def _wechat_propose_refund(self):
        """Have a person look at a payment that came after its order had been cancelled here.

        :return: None
        """
        if self._wechat_has_live_document():
            return
        tx = self._wechat_in_company_language()
        tx._wechat_alert(tx.env._(
            "%(reference)s was paid after it had been cancelled here, and what was to be paid is"
            " cancelled or paid otherwise. The money is with the merchant: press Refund to pay it"
            " back, unless you deliver.",
            reference=self.reference,
        ))

    def _wechat_has_live_document(self):
        """Tell whether something is left that this payment is for.

        What other addons sell is theirs to look at: they know it by the purpose.

        :rtype: bool
        """
        self.ensure_one()
        if self.wechat_purpose:
            return True
        for name in ('sale_order_ids', 'invoice_ids'):
            if name not in self._fields:  # Of an addon that is not installed.
                continue
            for document in self[name]:
                other_payments = document.transaction_ids.filtered(
                    lambda tx: tx.state == 'done' and tx.operation != 'refund' and tx != self
                )
                if document.state != 'cancel' and not other_payments:
                    return True
        return False

    def _wechat_trigger_post_processing(self):
        """Have the post-processing run as soon as possible after this transaction.

        :return: None
        """
        self._wechat_trigger_cron('payment.cron_post_process_payment_tx')

    def _wechat_trigger_cron(self, xml_id):
        """Have a scheduled action run as soon as possible after this transaction.

        Waking the scheduler up takes a database connection of its own. While WeChat Pay waits, only
        the trigger is stored, and the controller wakes the scheduler up after its answer.

        :param str xml_id: The scheduled action.
        :return: None
        """
        cron = self.env.ref(xml_id).sudo()
        if self.env.context.get('wechat_answer_first'):
            self.env['ir.cron.trigger'].sudo().create({
                'cron_id': cron.id, 'call_at': fields.Datetime.now(),
            })
        else:
            cron._trigger()

    def _wechat_lock(self):
        """Wait for the row lock of the transaction; a stale snapshot makes Odoo run anew.

        Nobody holds this lock during a call to WeChat.

        :return: None
        """
        self.env.cr.execute(SQL(
            "SELECT 1 FROM payment_transaction WHERE id = %s FOR UPDATE", self.id,
        ))
        self.invalidate_recordset([
            'state', 'provider_reference', 'wechat_trade_state', 'wechat_alert',
            'wechat_refund_id', 'wechat_refund_status', 'wechat_reverse_sent',
        ])

    def _wechat_find_mismatch(self, order):
        """Return what in a verified order does not agree with the transaction, or `None`.

        :param dict order: The order of WeChat Pay (A4.5).
        :return: A text for the administrator.
        :rtype: str|None
        """
        expected = {
            'out_trade_no': self.reference,
            **self.provider_id._wechat_get_expected_parties(self.wechat_app_id, order),
        }
        found = {name: order.get(name) for name in expected}
        # Of an order that was refunded v2 tells the state only (B2.2). It changes nothing about a
        # payment that is known; one that is not known is not taken for paid by it.
        is_state_only = (
            self.state == 'done' and order.get('trade_state') == 'REFUND'
            and 'amount' not in order and 'transaction_id' not in order
        )
        if order.get('trade_state') in const.PAID_TRADE_STATES and not is_state_only:
            # An unpaid order may come without its amount; a paid one may not.
            amount = order.get('amount')
            amount = amount if isinstance(amount, dict) else {}
            expected['amount.total'] = amounts.to_fen(self.amount)
            expected['amount.currency'] = self.currency_id.name
            total = amount.get('total')
            found['amount.total'] = total if type(total) is int else None
            found['amount.currency'] = amount.get('currency')
            if self.state == 'done' and self.provider_reference:
                expected['transaction_id'] = self.provider_reference
            elif not order.get('transaction_id'):
                expected['transaction_id'] = self.env._("a number")
            found['transaction_id'] = order.get('transaction_id')
            if 'transaction_id' not in expected:
                del found['transaction_id']
        differences = self._wechat_describe_differences(expected, found)
        if not differences:
            return None
        return self.env._(
            "WeChat Pay reported order %(number)s in state %(state)s, but it does not agree with"
            " this transaction: %(differences)s. Nothing was changed. Compare it with"
            " pay.weixin.qq.com, Transaction Center.",
            number=order.get('transaction_id') or order.get('out_trade_no'),
            state=order.get('trade_state'),
            differences=differences,
        )

    def _wechat_describe_differences(self, expected, found):
        """Return in what WeChat Pay's values differ from ours.

        :param dict expected: Our values by WeChat Pay's names.
        :param dict found: WeChat Pay's values, of the same names at least.
        :return: A text for the administrator; empty if all are equal.
        :rtype: str
        """
        return '; '.join(
            self.env._(
                "%(name)s is %(found)s, expected %(expected)s",
                name=name, found=found[name], expected=value,
            )
            for name, value in expected.items() if found[name] != value
        )

    def _wechat_in_company_language(self):
        """Return this transaction in its company's language.

        Alerts are for whoever looks next, and notifications and scheduled actions speak none.

        :rtype: payment.transaction
        """
        self.ensure_one()
        lang = self.sudo().company_id.partner_id.lang
        return self.with_context(lang=lang) if lang else self

    def _wechat_alert(self, problem, note=True):
        """Store an alert once, and note it on the document.

        :param str problem: What does not agree, or what a person must do.
        :param bool note: Whether the document does not tell it yet.
        :return: None
        """
        self.ensure_one()
        _logger.warning("Alert for transaction %s: %s", self.reference, problem)
        alerts = (self.wechat_alert or '').split('\n')
        if problem in alerts:
            return
        self.wechat_alert = '\n'.join(filter(None, [*alerts, problem]))
        if note:
            self._log_message_on_linked_documents(problem)

    # === HELPERS === #

    def _wechat_schedule_query(self):
        """Set when to ask next: on the plan, then at its last interval; at expiry at the latest.

        :return: None
        """
        for tx in self:
            if tx._wechat_is_code_payment():
                tx._wechat_schedule_code_step()
                continue
            plan = REFUND_QUERY_PLAN if tx.operation == 'refund' else const.QUERY_PLAN
            step = min(tx.wechat_query_count, len(plan) - 1)
            due = fields.Datetime.add(fields.Datetime.now(), seconds=plan[step])
            if tx.wechat_time_expire and tx.wechat_time_expire > fields.Datetime.now():
                due = min(due, tx.wechat_time_expire)
            if tx.wechat_is_close_pending:
                due = min(due, tx._wechat_get_first_close() or due)
            tx.wechat_next_query = due
