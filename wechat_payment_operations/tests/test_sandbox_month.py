# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from datetime import datetime, timedelta

from odoo.tests import HttpCase, tagged
from odoo.tools import SQL

from odoo.addons.wechat_payment_operations.tests.bill_common import WechatBillCommon
from odoo.addons.wechat_payment_operations.tests.payout_common import SandboxPayoutCommon

DAYS = 30
ORDERS = 40
REFUND_EVERY = 8  # The first order of eight is refunded.


@tagged('-standard', 'wechat_sandbox', 'post_install', '-at_install')
class TestSandboxMonth(SandboxPayoutCommon, WechatBillCommon, HttpCase):
    """A month of business in the sandbox and in Odoo, and ten things that do not agree."""

    def setUp(self):
        super().setUp()
        self._connect_payouts('official_account')
        self._control('POST', 'money_settings', bill_ready_hour=0)
        self.bill.unlink()
        self.first = self.day - timedelta(days=DAYS - 1)

    def _date(self, number):
        """Return a day of the month, the first one being 1."""
        return self.first + timedelta(days=number - 1)

    @staticmethod
    def _order(number, index):
        return f'MONTH{number:02d}x{index:07d}'

    # === THE MONTH === #

    def _make_orders(self, number):
        """Let a day's orders be paid and some refunded, in the sandbox and here."""
        date = self._date(number)
        transaction_prefix = self._at_merchant(
            'mass_orders', bill_date=date.isoformat(), count=ORDERS, prefix=f'MONTH{number:02d}x',
            total=990, spread=7, refund_every=REFUND_EVERY,
        )['transaction_prefix']
        values = {
            'prefix': f'MONTH{number:02d}x', 'transaction_prefix': transaction_prefix,
            'provider': self.provider.id, 'company': self.provider.company_id.id,
            'currency': self.currency_cny.id, 'partner': self.customer.partner_id.id,
            'method': self.env.ref('payment.payment_method_wechat_pay').id,
            'start': datetime.combine(date, datetime.min.time()) - timedelta(hours=8),
            'seconds': 86400 // ORDERS, 'last': ORDERS - 1, 'every': REFUND_EVERY,
        }
        self.env.cr.execute(SQL("""
            WITH payments AS (
                INSERT INTO payment_transaction (
                    reference, provider_id, payment_method_id, company_id, currency_id, partner_id,
                    amount, state, operation, provider_reference, wechat_success_time,
                    last_state_change, create_date, is_post_processed
                )
                SELECT %(prefix)s || lpad(i::text, 7, '0'), %(provider)s, %(method)s, %(company)s,
                       %(currency)s, %(partner)s, (990 + i %% 7) / 100.0, 'done', 'online_direct',
                       %(transaction_prefix)s || lpad(i::text, 10, '0'),
                       %(start)s + i * %(seconds)s * interval '1 second', %(start)s, %(start)s, TRUE
                  FROM generate_series(0, %(last)s) AS i
             RETURNING id, reference, provider_reference, amount, wechat_success_time
            )
            INSERT INTO payment_transaction (
                reference, provider_id, payment_method_id, company_id, currency_id, partner_id,
                amount, state, operation, source_transaction_id, provider_reference,
                wechat_refund_id, wechat_refund_status, wechat_refund_sent, last_state_change,
                create_date, is_post_processed
            )
            SELECT reference || 'R', %(provider)s, %(method)s, %(company)s, %(currency)s,
                   %(partner)s, -amount, 'done', 'refund', id, '5' || substr(provider_reference, 2),
                   '5' || substr(provider_reference, 2), 'SUCCESS',
                   wechat_success_time + interval '1 minute', %(start)s, %(start)s, TRUE
              FROM payments
             WHERE right(reference, 7)::integer %% %(every)s = 0
        """, **values))

    def _make_payouts(self, number):
        """Send a red packet and a transfer that are received, and let it have been on a day."""
        packet = self._send(self._create_red_packet(2))
        self._at_merchant('red_packet', mch_billno=packet.mch_billno, action='receive')
        transfer = self._send(self._create_transfer(3))
        self._at_merchant(
            'transfer', out_bill_no=transfer.out_bill_no, action='confirm', notify=False,
        )
        date = self._date(number)
        for payout, name in ((packet, 'mch_billno'), (transfer, 'out_bill_no')):
            self._settle(payout)
            self.assertEqual(payout.state, 'done')
            self._at_merchant(
                'set_time', time=f'{date.isoformat()}T12:00:00+08:00', **{name: payout[name]},
            )
            payout.write({
                'day': date,
                'sent_on': datetime.combine(date, datetime.min.time()) + timedelta(hours=4),
            })
        return packet, transfer

    def _plant(self, number, kind, defect):
        self._at_merchant(
            'bill_defects', bill_date=self._date(number).isoformat(), kind=kind, defects=[defect],
        )

    # === THE TEST === #

    def test_exactly_the_ten_differences_of_a_month_are_shown(self):
        for number in range(1, DAYS + 1):
            self._make_orders(number)
        packets, transfers = zip(
            *(self._make_payouts(number) for number in (2, 12, 21, 28)), strict=True,
        )
        refund = self._order(11, 0) + 'R'
        planted = {
            (3, 'trade', 'missing_in_wechat', self._order(3, 5)):
                {'defect': 'missing_line', 'number': self._order(3, 5)},
            (5, 'trade', 'amount_differs', self._order(5, 6)):
                {'defect': 'amount_changed', 'number': self._order(5, 6), 'amount': 1},
            (7, 'trade', 'missing_in_odoo', 'ELSEWHERE'):
                {'defect': 'extra_line', 'values': {'商户订单号': 'ELSEWHERE'}},
            (9, 'trade', 'duplicate', self._order(9, 7)):
                {'defect': 'duplicate', 'number': self._order(9, 7)},
            (11, 'trade', 'state_differs', refund):
                {'defect': 'state_changed', 'number': refund, 'state': 'FAIL'},
            (13, 'trade', 'missing_in_wechat', self._order(13, 8) + 'R'):
                {'defect': 'missing_line', 'number': self._order(13, 8) + 'R'},
            (15, 'trade', 'amount_differs', self._order(15, 16) + 'R'):
                {'defect': 'amount_changed', 'number': self._order(15, 16) + 'R', 'amount': 1},
            (12, 'fundflow', 'missing_in_wechat', transfers[1].out_bill_no):
                {'defect': 'missing_line', 'number': transfers[1].out_bill_no},
            (21, 'fundflow', 'amount_differs', packets[2].mch_billno):
                {'defect': 'amount_changed', 'number': packets[2].mch_billno, 'amount': 199},
            (23, 'fundflow', 'missing_in_odoo', 'ELSEWHERE2'):
                {'defect': 'extra_line', 'values': {'业务凭证号': 'ELSEWHERE2'}},
        }
        for (number, kind, _state, _number), defect in planted.items():
            self._plant(number, kind, defect)
        self.assertEqual(len(planted), 10)

        bills = self.env['wechat.pay.bill']._find_or_create(
            self.provider, self.first, self.day, ['trade', 'fundflow'],
        )
        for bill in bills.sorted('bill_date'):
            self._fetch_bill(bill)
        self.assertEqual(bills.mapped('state'), ['loaded'] * (2 * DAYS), bills.mapped('error'))
        differences = self.env['wechat.pay.bill.line'].search([('is_difference', '=', True)])
        self.assertEqual(
            sorted(
                ((line.bill_date - self.first).days + 1, line.bill_type, line.match_state,
                 line.number)
                for line in differences
            ),
            sorted(planted),
        )
        self.assertEqual(sum(bills.mapped('difference_count')), 10)

        trade = bills.filtered(lambda bill: bill.bill_type == 'trade')
        fundflow = bills - trade
        refunds = -(-ORDERS // REFUND_EVERY)
        self.assertEqual(sum(trade.mapped('line_count')), DAYS * (ORDERS + refunds))
        for bill in trade.filtered(lambda bill: not bill.difference_count):
            same_day = fundflow.filtered(lambda other, day=bill.bill_date: other.bill_date == day)
            self.assertGreater(bill.fee_amount, 2)
            self.assertAlmostEqual(bill.fee_amount, same_day.fee_amount, 5)
        payouts = fundflow.line_ids.filtered(
            lambda line: line.kind in ('red_packet', 'transfer') and line.match_state == 'matched'
        )
        self.assertEqual(payouts.red_packet_id, packets[0] + packets[1] + packets[3])
        self.assertEqual(payouts.transfer_id, transfers[0] + transfers[2] + transfers[3])
        self.assertEqual(self._problems(), [])
