# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from datetime import timedelta

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

from odoo.addons.wechat_payment_operations.const import CATCH_UP_DAYS, MIDNIGHT_MINUTES, RETURN_DAYS
from odoo.addons.wechat_payment_operations.models.wechat_pay_bill_match import SETTLED_STATES

# Kinds of movement by what was sent: out of the account, and back into it.
PAYOUT_KINDS = {
    'red_packet': ('red_packet', 'red_packet_return'),
    'transfer': ('transfer', 'transfer_return'),
}
# The number of each, which is the bill's 业务凭证号.
NUMBERS = {'red_packet': 'mch_billno', 'transfer': 'out_bill_no'}
# States in which money has left the account for certain.
LEFT_STATES = ('done', 'returned')
# States in which money that has left the account comes back.
BACK_STATES = ('failed', 'cancelled', 'returned')


class WechatPayBillLine(models.Model):
    _inherit = 'wechat.pay.bill.line'

    red_packet_id = fields.Many2one(
        comodel_name='wechat.pay.red.packet', readonly=True,
        ondelete='set null', index='btree_not_null',
    )
    transfer_id = fields.Many2one(
        comodel_name='wechat.pay.transfer', readonly=True,
        ondelete='set null', index='btree_not_null',
    )
    payout_state = fields.Char(
        string="State of the Payout", readonly=True,
        help="When it was compared; the payout itself says more.",
    )

    _bill_missing_red_packet_idx = models.UniqueIndex(
        "(bill_id, red_packet_id) WHERE line_no = 0"
    )
    _bill_missing_transfer_idx = models.UniqueIndex("(bill_id, transfer_id) WHERE line_no = 0")

    # === COMPUTE METHODS === #

    @api.depends('payout_state')
    def _compute_advice(self):
        """Override for money that should be back."""
        super()._compute_advice()
        out_kinds = {out_kind for out_kind, _back_kind in PAYOUT_KINDS.values()}
        for line in self:
            if (
                line.match_state == 'state_differs' and line.kind in out_kinds
                and line.payout_state in BACK_STATES
            ):
                line.advice = self.env._(
                    "Here it ended without being received, and its money is not back in the"
                    " account. Press Ask WeChat Pay, compare with pay.weixin.qq.com, Transaction"
                    " Center, and ask WeChat Pay's support."
                )

    # === BUSINESS METHODS - REPAIR === #

    def _ask_wechat(self):
        """Override to ask for red packets and transfers."""
        if self.kind not in ('red_packet', 'red_packet_return', 'transfer', 'transfer_return'):
            return super()._ask_wechat()
        payout = self.red_packet_id or self.transfer_id
        if not payout:
            return self.env._(
                "No red packet and no transfer has this number: it was sent by another system of"
                " this merchant, or on pay.weixin.qq.com."
            )
        payout._query()
        return self.env._(
            "%(state)s at WeChat Pay; here it is now: %(payout_state)s.",
            state=payout.wechat_state, payout_state=payout._get_state_label(),
        )

    def action_view_payout(self):
        """Open the red packet or the transfer.

        :return: The action.
        :rtype: dict
        """
        self.ensure_one()
        payout = self.red_packet_id or self.transfer_id
        return {
            'type': 'ir.actions.act_window',
            'res_model': payout._name,
            'res_id': payout.id,
            'view_mode': 'form',
        }


class WechatPayPayout(models.AbstractModel):
    _inherit = 'wechat.pay.payout'

    bill_state = fields.Selection(
        string="Fund-Flow Bill", compute='_compute_bill_state', search='_search_bill_state',
        selection=[
            ('no_bill', "No bill yet"),
            ('in_bill', "In the bill"),
            ('not_in_bill', "Not in the bill"),
        ],
        help="Whether the fund-flow bill of its day names it.",
    )

    # === COMPUTE METHODS === #

    def _compute_bill_state(self):
        listed = self.browse(self._get_ids(self._get_listed_sql()))
        billed = self.browse(self._get_ids(self._get_billed_sql()))
        for payout in self:
            if not payout.day:
                payout.bill_state = False
            elif payout in listed:
                payout.bill_state = 'in_bill'
            else:
                payout.bill_state = 'not_in_bill' if payout in billed else 'no_bill'

    def _search_bill_state(self, operator, value):
        if operator != 'in':
            return NotImplemented
        listed, billed = (
            Domain('id', 'in', query) for query in (self._get_listed_sql(), self._get_billed_sql())
        )
        is_sent = Domain('day', '!=', False)
        domains = {
            'in_bill': is_sent & listed,
            'not_in_bill': is_sent & ~listed & billed,
            'no_bill': is_sent & ~listed & ~billed,
            False: ~is_sent,
        }
        return Domain.OR(domains[state] for state in value)

    def _get_ids(self, query):
        """Return which of these records a query finds.

        :param SQL query: A query of ids.
        :rtype: list[int]
        """
        self.flush_model(['day', 'provider_id'])
        self.env.cr.execute(SQL(
            "SELECT id FROM %s WHERE id = ANY(%s) AND id IN (%s)",
            SQL.identifier(self._table), self.ids, query,
        ))
        return [row[0] for row in self.env.cr.fetchall()]

    def _get_listed_sql(self):
        """Return the query of the ids that a fund-flow bill names.

        :rtype: SQL
        """
        field = SQL.identifier(f"{self._name.removeprefix('wechat.pay.').replace('.', '_')}_id")
        return SQL(
            "SELECT %(field)s FROM wechat_pay_bill_line"
            " WHERE %(field)s IS NOT NULL AND line_no > 0",
            field=field,
        )

    def _get_billed_sql(self):
        """Return the query of the ids whose day's fund-flow bill is there.

        :rtype: SQL
        """
        return SQL("""
            SELECT payout.id
              FROM %s payout
              JOIN wechat_pay_bill bill
                ON bill.provider_id = payout.provider_id AND bill.bill_date = payout.day
               AND bill.bill_type = 'fundflow' AND bill.state IN %s
        """, SQL.identifier(self._table), SETTLED_STATES)


class WechatPayBill(models.Model):
    """Every fen that was sent is found in the fund-flow bill, and the other way round."""

    _inherit = 'wechat.pay.bill'

    # === BUSINESS METHODS - COMPARISON === #

    def _get_kinds_compared_elsewhere(self):
        """Override to compare red packets and transfers here."""
        kinds = {kind for pair in PAYOUT_KINDS.values() for kind in pair}
        return super()._get_kinds_compared_elsewhere() | kinds

    def _match(self):
        """Override to look for payouts that the fund-flow bills of neighbouring days lack."""
        super()._match()
        if self.bill_type == 'fundflow':
            for bill in self + self._find_neighbours():
                for name in PAYOUT_KINDS:
                    bill._find_payouts_missing_in_wechat(name)
                bill._count()
            for name in PAYOUT_KINDS:
                self._match_returns(name)

    def _match_fundflow_lines(self):
        """Override to compare red packets and transfers by their numbers."""
        super()._match_fundflow_lines()
        for name in PAYOUT_KINDS:
            self._match_payout_lines(name)

    def _match_payout_lines(self, name):
        """Compare the movements of one kind of payout.

        What went out may be on its way, received or back again. What came back was not received,
        or not by all.

        :param str name: `red_packet` or `transfer`.
        :return: None
        """
        out_kind, back_kind = PAYOUT_KINDS[name]
        returned = SQL("payout.returned_amount") if name == 'red_packet' else SQL("0")
        self.env.cr.execute(SQL("""
            UPDATE wechat_pay_bill_line line
               SET %(field)s = found.payout_id, odoo_amount = found.odoo_amount,
                   payout_state = found.payout_state, match_state = found.match_state,
                   write_date = now() AT TIME ZONE 'UTC', write_uid = %(uid)s
              FROM (
                  SELECT line.id, payout.id AS payout_id, expected.amount AS odoo_amount,
                         payout.state AS payout_state,
                         CASE
                             WHEN %(is_duplicate)s THEN 'duplicate'
                             WHEN payout.id IS NULL THEN 'missing_in_odoo'
                             WHEN line.amount <> expected.amount THEN 'amount_differs'
                             -- The money has left, and here WeChat Pay never took the number.
                             WHEN payout.wechat_state IS NULL THEN 'state_differs'
                             WHEN line.kind = %(out_kind)s AND %(is_lost)s THEN 'state_differs'
                             WHEN line.kind = %(out_kind)s THEN 'matched'
                             WHEN payout.state IN ('returned', 'failed', 'cancelled') THEN 'matched'
                             ELSE 'state_differs'
                         END AS match_state
                    FROM wechat_pay_bill_line line
               LEFT JOIN %(table)s payout
                      ON payout.provider_id = line.provider_id AND payout.%(number)s = line.number
               LEFT JOIN LATERAL (
                   SELECT CASE WHEN line.kind = %(out_kind)s THEN -payout.amount
                          ELSE COALESCE(NULLIF(%(returned)s, 0), payout.amount) END AS amount
               ) expected ON TRUE
                   WHERE line.bill_id = %(bill_id)s AND line.line_no > 0
                     AND line.kind IN (%(out_kind)s, %(back_kind)s)
              ) AS found
             WHERE line.id = found.id
               AND (line.%(field)s, line.odoo_amount, line.payout_state, line.match_state)
                   IS DISTINCT FROM (
                       found.payout_id, found.odoo_amount, found.payout_state, found.match_state
                   )
        """, field=SQL.identifier(f'{name}_id'), uid=self.env.uid, bill_id=self.id,
            is_duplicate=self._is_duplicate_sql(), is_lost=self._is_lost_sql(),
            out_kind=out_kind, back_kind=back_kind,
            table=SQL.identifier(f'wechat_pay_{name}'), number=SQL.identifier(NUMBERS[name]),
            returned=returned))
        self.env['wechat.pay.bill.line'].invalidate_model()

    def _is_lost_sql(self):
        """Return the condition that what left by `line` for `payout` should be back and is not.

        It is believed only if all fund-flow bills are there, up to some days after WeChat Pay was
        asked last: until then the money may be on its way.

        :rtype: SQL
        """
        return SQL("""(
            payout.state IN %(back_states)s AND NOT EXISTS (
                SELECT FROM wechat_pay_bill_line back
                 WHERE back.provider_id = line.provider_id AND back.number = line.number
                   AND back.bill_type = line.bill_type AND back.line_no > 0 AND back.amount > 0
            ) AND (
                SELECT count(*) = limits.last_date - line.bill_date
                  FROM wechat_pay_bill bill, LATERAL (
                      SELECT GREATEST(
                          line.bill_date, (payout.last_query + interval '8 hours')::date
                      ) + %(days)s AS last_date
                  ) limits
                 WHERE bill.provider_id = line.provider_id AND bill.bill_type = line.bill_type
                   AND bill.state IN %(settled_states)s
                   AND bill.bill_date > line.bill_date AND bill.bill_date <= limits.last_date
              GROUP BY limits.last_date
            )
        )""", back_states=BACK_STATES, settled_states=SETTLED_STATES, days=RETURN_DAYS)

    def _match_returns(self, name):
        """Compare anew what left in the bills before, as this bill may tell whether it is back.

        :param str name: `red_packet` or `transfer`.
        :return: None
        """
        self.env.flush_all()
        self.env.cr.execute(SQL("""
            UPDATE wechat_pay_bill_line changed
               SET match_state = found.match_state, payout_state = found.payout_state,
                   write_date = now() AT TIME ZONE 'UTC', write_uid = %(uid)s
              FROM (
                  SELECT line.id, payout.state AS payout_state,
                         CASE WHEN %(is_lost)s THEN 'state_differs' ELSE 'matched' END
                             AS match_state
                    FROM wechat_pay_bill_line line
                    JOIN %(table)s payout ON payout.id = line.%(field)s
                   WHERE line.provider_id = %(provider_id)s AND line.kind = %(kind)s
                     AND line.bill_type = 'fundflow' AND line.line_no > 0
                     AND line.match_state IN ('matched', 'state_differs')
                     AND line.bill_date BETWEEN %(first)s AND %(last)s
                     AND payout.wechat_state IS NOT NULL
                     AND payout.provider_id = line.provider_id
                     AND payout.day >= %(first)s::date - 1
                     AND (payout.state IN %(back_states)s OR line.match_state = 'state_differs')
              ) AS found
             WHERE changed.id = found.id AND changed.match_state <> found.match_state
         RETURNING changed.bill_id
        """, uid=self.env.uid, is_lost=self._is_lost_sql(),
            table=SQL.identifier(f'wechat_pay_{name}'), field=SQL.identifier(f'{name}_id'),
            provider_id=self.provider_id.id, kind=PAYOUT_KINDS[name][0],
            first=self.bill_date - timedelta(CATCH_UP_DAYS), last=self.bill_date,
            back_states=BACK_STATES))
        bill_ids = {row[0] for row in self.env.cr.fetchall()}
        self.env['wechat.pay.bill.line'].invalidate_model()
        for bill in self.browse(bill_ids):
            bill._count()

    # === BUSINESS METHODS - WHAT THE BILL LACKS === #

    def _find_payouts_missing_in_wechat(self, name):
        """Add a line for each payout of the day that no fund-flow bill has.

        A merchant may pay out of the operation account, whose bill is not fetched: nothing is
        missing as long as no payout was ever found in the bills of the basic account.

        :param str name: `red_packet` or `transfer`.
        :return: None
        """
        self.ensure_one()
        names = {
            'field': SQL.identifier(f'{name}_id'), 'number': SQL.identifier(NUMBERS[name]),
            'table': SQL.identifier(f'wechat_pay_{name}'), 'kind': PAYOUT_KINDS[name][0],
            'bill_id': self.id, 'left_states': LEFT_STATES,
        }
        not_listed = SQL("""
            NOT EXISTS (
                SELECT FROM wechat_pay_bill_line listed
                 WHERE listed.%(field)s = payout.id AND listed.line_no > 0
                   AND listed.kind = %(kind)s
            )
        """, **names)
        self.env.cr.execute(SQL("""
            DELETE FROM wechat_pay_bill_line line
             WHERE line.bill_id = %(bill_id)s AND line.line_no = 0 AND line.kind = %(kind)s
               AND NOT EXISTS (
                   SELECT FROM %(table)s payout
                    WHERE payout.id = line.%(field)s AND payout.state IN %(left_states)s
                      AND %(not_listed)s
               )
        """, not_listed=not_listed, **names))
        start, end = self._get_day_limits()
        margin = timedelta(minutes=MIDNIGHT_MINUTES)
        if self._is_bill_expected(self.bill_date - timedelta(1)):
            start += margin
        if self._is_bill_expected(self.bill_date + timedelta(1)):
            end -= margin
        self.env.cr.execute(SQL("""
            INSERT INTO wechat_pay_bill_line (
                bill_id, provider_id, company_id, currency_id, bill_date, bill_type, line_no,
                kind, time, number, wechat_number, %(field)s, odoo_amount, payout_state,
                match_state, create_uid, create_date, write_uid, write_date
            )
            SELECT bill.id, bill.provider_id, bill.company_id, bill.currency_id, bill.bill_date,
                   bill.bill_type, 0, %(kind)s, payout.sent_on, payout.%(number)s,
                   payout.wechat_number, payout.id, -payout.amount, payout.state,
                   'missing_in_wechat', %(uid)s, now() AT TIME ZONE 'UTC', %(uid)s,
                   now() AT TIME ZONE 'UTC'
              FROM wechat_pay_bill bill
              JOIN %(table)s payout ON payout.provider_id = bill.provider_id
             WHERE bill.id = %(bill_id)s AND payout.state IN %(left_states)s
               AND payout.sent_on >= %(start)s AND payout.sent_on < %(end)s
               AND payout.day BETWEEN bill.bill_date - 1 AND bill.bill_date + 1
               AND %(not_listed)s
               AND EXISTS (
                   SELECT FROM wechat_pay_bill_line known
                    WHERE known.provider_id = bill.provider_id AND known.line_no > 0
                      AND known.kind = %(kind)s
               )
                ON CONFLICT DO NOTHING
        """, uid=self.env.uid, start=start, end=end, not_listed=not_listed, **names))
        self.env['wechat.pay.bill.line'].invalidate_model()
