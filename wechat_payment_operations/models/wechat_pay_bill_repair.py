# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import psycopg2

from odoo import api, fields, models
from odoo.tools import SQL

from odoo.addons.payment.logging import get_payment_logger
from odoo.addons.wechat.exceptions import WeChatError
from odoo.addons.wechat_payment.const import SENSITIVE_KEYS
from odoo.addons.wechat_payment_operations.const import ASK_BATCH, DIFFERENCE_STATES

_logger = get_payment_logger(__name__, SENSITIVE_KEYS)


class WechatPayBillLine(models.Model):
    """Ask WeChat Pay about lines: its answer, not the bill, is what changes a transaction."""

    _inherit = 'wechat.pay.bill.line'

    # === BUSINESS METHODS - REPAIR === #

    def _ask(self):
        """Ask WeChat Pay about each line, apply what it says, and compare anew.

        :return: None
        """
        for line in self:
            try:
                answer = line._ask_wechat()
            except WeChatError as error:
                answer = str(error)
            line.write({
                'answer': answer, 'asked_on': fields.Datetime.now(), 'is_ask_pending': False,
            })
        for bill in self.bill_id:
            bill._match()

    def _ask_or_skip(self):
        """Ask about these lines, so that one that cannot be handled keeps no other waiting.

        What was done is committed, as what fails is rolled back.

        :return: None
        """
        try:
            self._ask()
        except psycopg2.OperationalError:
            raise  # Odoo runs the scheduled action again.
        except Exception as error:
            self.env.cr.rollback()
            self.env.invalidate_all()
            if len(self) > 1:
                for line in self:
                    line._ask_or_skip()
                return
            _logger.exception("Bill line %s could not be handled.", self.id)
            self.write({
                'answer': self.env._(
                    "What WeChat Pay says could not be handled (%(error)s). Report this to who"
                    " maintains the system; its log says more.", error=type(error).__name__,
                ),
                'asked_on': fields.Datetime.now(), 'is_ask_pending': False,
            })
            self.bill_id._count()
        self.env['ir.cron']._commit_progress()

    def _ask_wechat(self):
        """Ask WeChat Pay about one line and apply what it says.

        :return: What it said, for a person.
        :rtype: str
        :raise WeChatError: If it refuses, does not answer, or cannot be verified.
        """
        self.ensure_one()
        if self.kind == 'refund':
            return self._ask_refund()
        if self.kind in ('payment', 'reversal'):
            return self._ask_payment()
        return self.env._("This movement is neither a payment nor a refund.")

    def _ask_payment(self):
        """Ask for a payment, of a transaction or by WeChat Pay's number.

        :rtype: str
        """
        tx = self.transaction_id or self._find_transaction('payment')
        if tx:
            order = tx._wechat_query()
        else:
            order = self.provider_id._wechat_fetch_paid_order(
                self.wechat_transaction_id or self.wechat_number
            )
        if not order:
            return self.env._("WeChat Pay does not know this number.")
        state = order.get('trade_state')
        if tx:
            return self.env._(
                "%(state)s at WeChat Pay; the transaction is now: %(tx_state)s.",
                state=state, tx_state=self._get_state_label(tx),
            )
        return self.env._(
            "%(state)s at WeChat Pay, and no transaction has its number: it was paid to another"
            " system of this merchant, or its transaction was deleted here.",
            state=state,
        )

    def _ask_refund(self):
        """Ask for a refund; one that was made elsewhere is recorded if its payment is known.

        :rtype: str
        """
        tx = self.transaction_id or self._find_transaction('refund')
        if not tx:
            source = self._find_transaction('payment')
            if not source:
                refund = self.provider_id._wechat_fetch_refund(self.number)
                if not refund:
                    return self.env._("WeChat Pay does not know this number.")
                return self.env._(
                    "%(state)s at WeChat Pay, and no transaction has the payment's number.",
                    state=refund.get('status'),
                )
            tx = source._wechat_find_unknown_refund(self.number)
            if not tx:
                return source.wechat_alert or self.env._("WeChat Pay does not know this number.")
            return self.env._(
                "%(state)s at WeChat Pay; the refund is now recorded: %(tx_state)s.",
                state=tx.wechat_refund_status, tx_state=self._get_state_label(tx),
            )
        refund = tx._wechat_query_refund()
        if not refund:
            return self.env._("WeChat Pay does not know this number.")
        return self.env._(
            "%(state)s at WeChat Pay; the refund is now: %(tx_state)s.",
            state=refund.get('status'), tx_state=self._get_state_label(tx),
        )

    def _find_transaction(self, kind):
        """Return the transaction that has the line's number, whatever else differs.

        :param str kind: `payment` or `refund`.
        :rtype: payment.transaction
        """
        if kind == 'refund':
            domain = [('reference', '=', self.number), ('operation', '=', 'refund')]
        else:
            domain = [
                ('reference', '=', self.out_trade_no or self.number), ('operation', '!=', 'refund'),
            ]
        return self.env['payment.transaction'].sudo().search(
            [('provider_id', '=', self.provider_id.id), *domain], limit=1,
        )

    @api.model
    def _get_state_label(self, tx):
        return dict(tx._fields['state']._description_selection(self.env))[tx.state]


class WechatPayBill(models.Model):
    _inherit = 'wechat.pay.bill'

    # === BUSINESS METHODS - REPAIR === #

    def _request_asking(self):
        """Have WeChat Pay asked about all lines that differ, by the scheduled action.

        :return: None
        """
        self.env.cr.execute(SQL(
            "UPDATE wechat_pay_bill_line SET is_ask_pending = TRUE"
            " WHERE bill_id IN %s AND match_state IN %s",
            tuple(self.ids), DIFFERENCE_STATES,
        ))
        self.env['wechat.pay.bill.line'].invalidate_model()
        for bill in self:
            bill._count()
        self.env.ref('wechat_payment_operations.cron_wechat_ask').sudo()._trigger()

    # === CRON === #

    @api.model
    def _cron_ask(self):
        """Ask WeChat Pay about the lines that wait for it, some at a time.

        :return: None
        """
        Line = self.env['wechat.pay.bill.line']
        domain = [('is_ask_pending', '=', True)]
        remaining = Line.search_count(domain)
        while lines := Line.search(domain, order='id', limit=ASK_BATCH).try_lock_for_update():
            for bill in lines.bill_id:
                bill_lines = lines.filtered(lambda line, bill=bill: line.bill_id == bill)
                bill_lines.with_context(lang=bill._get_company_lang())._ask_or_skip()
            remaining = max(0, remaining - len(lines))
            if not self.env['ir.cron']._commit_progress(len(lines), remaining=remaining):
                break
