# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from datetime import timedelta

from odoo import models
from odoo.tools import SQL

from odoo.addons.wechat_payment_operations.const import DIFFERENCE_STATES, MIDNIGHT_MINUTES

# The bill is there, or it is known that there is none.
SETTLED_STATES = ('loaded', 'no_business')


class WechatPayBill(models.Model):
    """Compare bills with transactions: a few queries, whatever the number of lines."""

    _inherit = 'wechat.pay.bill'

    # === BUSINESS METHODS - COMPARISON === #

    def _match(self):
        """Compare all lines of the bill with what is known here, and count what came of it.

        Only what changes is written: comparing again changes nothing.

        :return: None
        """
        self.ensure_one()
        self.env.flush_all()
        if self.bill_type == 'trade':
            self._match_trade_lines()
            # What was missing on the day before or after may be in this bill.
            for bill in self + self._find_neighbours():
                bill._find_missing_in_wechat()
                if bill != self:
                    bill._count()
        else:
            self._match_fundflow_lines()
        self._count()

    def _find_neighbours(self):
        """Return the settled bills of the days before and after.

        :rtype: wechat.pay.bill
        """
        return self.search([
            ('provider_id', '=', self.provider_id.id), ('bill_type', '=', self.bill_type),
            ('bill_date', 'in', [self.bill_date - timedelta(1), self.bill_date + timedelta(1)]),
            ('state', 'in', SETTLED_STATES),
        ])

    def _match_trade_lines(self):
        """Compare the lines of a trade bill by number, amount and state.

        A payment is the same only if both numbers are: ours, and WeChat Pay's as far as it is known
        here. A refund's state in the bill is the one of that day and is never brought up to date.

        :return: None
        """
        self._write_matches(SQL("""
            SELECT line.id, tx.id AS transaction_id, tx.amount AS odoo_amount,
                   tx.state AS odoo_state,
                   CASE
                       WHEN %(is_duplicate)s THEN 'duplicate'
                       WHEN tx.id IS NULL THEN 'missing_in_odoo'
                       WHEN line.amount <> CASE WHEN line.kind = 'reversal' THEN -tx.amount
                                           ELSE tx.amount END
                            OR line.bill_currency <> currency.name THEN 'amount_differs'
                       WHEN CASE line.kind
                           WHEN 'payment' THEN
                               tx.state = 'done'
                               OR tx.state = 'cancel' AND tx.wechat_trade_state = 'REVOKED'
                           WHEN 'reversal' THEN tx.state = 'cancel'
                           WHEN 'refund' THEN CASE line.status
                               WHEN 'SUCCESS' THEN tx.state = 'done'
                               WHEN 'PROCESSING' THEN tx.state IN ('pending', 'done', 'cancel')
                               WHEN 'CHANGE' THEN tx.state IN ('pending', 'done', 'cancel')
                               ELSE tx.state IN ('pending', 'cancel', 'error')
                               END
                           END THEN 'matched'
                       ELSE 'state_differs'
                   END AS match_state
              FROM wechat_pay_bill_line line
         LEFT JOIN payment_transaction tx
                ON tx.provider_id = line.provider_id
               AND tx.reference = line.number
               AND (tx.operation = 'refund') = (line.kind = 'refund')
               AND (line.kind = 'refund' OR tx.operation IS DISTINCT FROM 'validation')
               AND CASE WHEN line.kind = 'refund'
                   THEN COALESCE(tx.wechat_refund_id, line.wechat_number) = line.wechat_number
                   ELSE COALESCE(NULLIF(tx.provider_reference, ''), line.wechat_transaction_id)
                        = line.wechat_transaction_id
                   END
         LEFT JOIN res_currency currency ON currency.id = tx.currency_id
             WHERE line.bill_id = %(bill_id)s AND line.line_no > 0
        """, bill_id=self.id, is_duplicate=self._is_duplicate_sql()))

    def _is_duplicate_sql(self):
        """Return the condition that `line` names what an earlier line names already.

        :rtype: SQL
        """
        return SQL("""
            EXISTS (
                SELECT FROM wechat_pay_bill_line other
                 WHERE other.provider_id = line.provider_id
                   AND other.wechat_number = line.wechat_number
                   AND other.kind = line.kind
                   AND other.bill_type = line.bill_type
                   AND other.line_no > 0
                   AND (other.bill_date, other.line_no) < (line.bill_date, line.line_no)
            )
        """)

    def _match_fundflow_lines(self):
        """Compare the movements of money with payments and refunds, by the merchant's number.

        What is neither, as fees and withdrawals, has nothing to be compared with.

        :return: None
        """
        self._write_matches(SQL("""
            SELECT line.id, tx.id AS transaction_id, tx.amount AS odoo_amount,
                   tx.state AS odoo_state,
                   CASE
                       WHEN line.kind NOT IN ('payment', 'refund', 'reversal')
                           THEN 'no_counterpart'
                       WHEN %(is_duplicate)s THEN 'duplicate'
                       WHEN tx.id IS NULL THEN 'missing_in_odoo'
                       WHEN line.amount <> CASE WHEN line.kind = 'reversal' THEN -tx.amount
                                           ELSE tx.amount END
                            -- A coupon that WeChat Pay does not settle is in the trade bill.
                            AND NOT EXISTS (
                                SELECT FROM wechat_pay_bill_line trade
                                 WHERE trade.provider_id = line.provider_id
                                   AND trade.number = line.number
                                   AND trade.bill_type = 'trade'
                                   AND trade.kind = line.kind
                                   AND trade.settled_amount = line.amount
                                   AND abs(trade.amount) = abs(tx.amount)
                                   AND trade.line_no > 0
                            ) THEN 'amount_differs'
                       WHEN CASE line.kind
                           WHEN 'payment' THEN
                               tx.state = 'done'
                               OR tx.state = 'cancel' AND tx.wechat_trade_state = 'REVOKED'
                           WHEN 'reversal' THEN tx.state = 'cancel'
                           ELSE tx.state IN ('pending', 'done', 'cancel')
                           END THEN 'matched'
                       ELSE 'state_differs'
                   END AS match_state
              FROM wechat_pay_bill_line line
         LEFT JOIN payment_transaction tx
                ON tx.provider_id = line.provider_id
               AND tx.reference = line.number
               AND (
                   line.kind = 'refund' AND tx.operation = 'refund'
                   OR line.kind IN ('payment', 'reversal')
                   AND tx.operation IS DISTINCT FROM 'refund'
                   AND tx.operation IS DISTINCT FROM 'validation'
               )
             WHERE line.bill_id = %(bill_id)s AND line.line_no > 0
               AND line.kind <> ALL(%(other_kinds)s)
        """, bill_id=self.id, is_duplicate=self._is_duplicate_sql(),
            other_kinds=list(self._get_kinds_compared_elsewhere())))

    def _get_kinds_compared_elsewhere(self):
        """Return which kinds of movement an override of `_match_fundflow_lines` compares itself.

        :rtype: set[str]
        """
        return set()

    def _write_matches(self, found):
        """Write the outcome of a comparison where it is another than before.

        :param SQL found: A query of id, transaction_id, odoo_amount, odoo_state and match_state.
        :return: None
        """
        self.env.cr.execute(SQL("""
            UPDATE wechat_pay_bill_line line
               SET transaction_id = found.transaction_id, odoo_amount = found.odoo_amount,
                   odoo_state = found.odoo_state, match_state = found.match_state,
                   write_date = now() AT TIME ZONE 'UTC', write_uid = %(uid)s
              FROM (%(found)s) AS found
             WHERE line.id = found.id
               AND (line.transaction_id, line.odoo_amount, line.odoo_state, line.match_state)
                   IS DISTINCT FROM
                   (found.transaction_id, found.odoo_amount, found.odoo_state, found.match_state)
        """, found=found, uid=self.env.uid))
        self.env['wechat.pay.bill.line'].invalidate_model()

    # === BUSINESS METHODS - WHAT THE BILL LACKS === #

    def _find_missing_in_wechat(self):
        """Add a line for each payment and refund of the day that no trade bill has.

        :return: None
        """
        self.ensure_one()
        # What was found in a bill meanwhile, or is no longer confirmed, is not missing any more.
        self.env.cr.execute(SQL("""
            DELETE FROM wechat_pay_bill_line line
             WHERE line.bill_id = %(bill_id)s AND line.line_no = 0
               AND NOT EXISTS (
                   SELECT FROM payment_transaction tx
                    WHERE tx.id = line.transaction_id AND tx.state = 'done' AND %(not_listed)s
               )
        """, bill_id=self.id, not_listed=self._is_not_listed_sql()))
        start, end = self._get_day_limits()
        margin = timedelta(minutes=MIDNIGHT_MINUTES)
        if self._is_bill_expected(self.bill_date - timedelta(1)):
            start += margin
        if self._is_bill_expected(self.bill_date + timedelta(1)):
            end -= margin
        for kind, time, condition in (
            (
                'payment', SQL("COALESCE(tx.wechat_success_time, tx.last_state_change)"),
                SQL("tx.operation IS DISTINCT FROM 'refund'"
                    " AND tx.operation IS DISTINCT FROM 'validation'"),
            ),
            (
                # When a refund was made that was made elsewhere is not known here.
                'refund', SQL("COALESCE(tx.wechat_refund_sent, tx.create_date)"),
                SQL("tx.operation = 'refund' AND tx.wechat_is_external_refund IS NOT TRUE"),
            ),
        ):
            self.env.cr.execute(SQL("""
                INSERT INTO wechat_pay_bill_line (
                    bill_id, provider_id, company_id, currency_id, bill_date, bill_type, line_no,
                    kind, time, number, wechat_number, transaction_id, odoo_amount, odoo_state,
                    match_state, create_uid, create_date, write_uid, write_date
                )
                SELECT bill.id, bill.provider_id, bill.company_id, bill.currency_id,
                       bill.bill_date, bill.bill_type, 0, %(kind)s, %(time)s, tx.reference,
                       tx.provider_reference, tx.id, tx.amount, tx.state, 'missing_in_wechat',
                       %(uid)s, now() AT TIME ZONE 'UTC', %(uid)s, now() AT TIME ZONE 'UTC'
                  FROM wechat_pay_bill bill
                  JOIN payment_transaction tx ON tx.provider_id = bill.provider_id
                 WHERE bill.id = %(bill_id)s AND tx.state = 'done' AND %(condition)s
                   AND %(time)s >= %(start)s AND %(time)s < %(end)s
                   AND %(not_listed)s
                    ON CONFLICT DO NOTHING
            """, kind=kind, time=time, condition=condition, uid=self.env.uid, bill_id=self.id,
                start=start, end=end, not_listed=self._is_not_listed_sql()))
        self.env['wechat.pay.bill.line'].invalidate_model()

    def _is_not_listed_sql(self):
        """Return the condition that no trade bill has the transaction `tx`.

        :rtype: SQL
        """
        return SQL("""
            NOT EXISTS (
                SELECT FROM wechat_pay_bill_line listed
                 WHERE listed.transaction_id = tx.id AND listed.bill_type = 'trade'
                   AND listed.line_no > 0
            )
        """)

    def _is_bill_expected(self, date):
        """Tell whether a day's bill is still to come, so that what is near midnight may be in it.

        :param date date: The day.
        :rtype: bool
        """
        if date >= self._get_beijing_today():
            return True
        return bool(self.search_count([
            ('provider_id', '=', self.provider_id.id), ('bill_type', '=', self.bill_type),
            ('bill_date', '=', date), ('state', 'in', ('draft', 'downloading', 'not_ready')),
        ], limit=1))

    # === BUSINESS METHODS - SUMS === #

    def _count(self):
        """Count and sum the lines by one query, and keep what changed.

        :return: None
        """
        self.ensure_one()
        self.env.flush_all()
        self.env.cr.execute(SQL("""
            SELECT match_state, line_no > 0 AS is_in_bill, count(*) AS lines,
                   count(*) FILTER (WHERE is_ask_pending) AS to_ask,
                   COALESCE(sum(amount) FILTER (WHERE amount > 0), 0) AS incoming,
                   COALESCE(sum(amount) FILTER (WHERE amount < 0), 0) AS outgoing,
                   COALESCE(sum(CASE
                       WHEN bill_type = 'trade' THEN fee
                       WHEN kind IN ('fee', 'fee_return') THEN -amount
                   END), 0) AS fees
              FROM wechat_pay_bill_line
             WHERE bill_id = %s
          GROUP BY match_state, line_no > 0
        """, self.id))
        rows = self.env.cr.dictfetchall()
        counts = dict.fromkeys(('matched', 'no_counterpart', *DIFFERENCE_STATES), 0)
        for row in rows:
            counts[row['match_state']] = counts.get(row['match_state'], 0) + row['lines']
        in_bill = [row for row in rows if row['is_in_bill']]
        incoming = sum(float(row['incoming']) for row in in_bill)
        outgoing = sum(float(row['outgoing']) for row in in_bill)
        values = {
            'line_count': sum(row['lines'] for row in in_bill),
            'matched_count': counts['matched'] + counts['no_counterpart'],
            'difference_count': sum(counts[state] for state in DIFFERENCE_STATES),
            **{f'{state}_count': counts[state] for state in DIFFERENCE_STATES},
            'ask_count': sum(row['to_ask'] for row in rows),
            'in_amount': self.currency_id.round(incoming),
            'out_amount': self.currency_id.round(-outgoing),
            'net_amount': self.currency_id.round(incoming + outgoing),
            'fee_amount': round(sum(float(row['fees']) for row in in_bill), 5),
        }
        changed = {name: value for name, value in values.items() if self[name] != value}
        if changed:
            self.write(changed)
