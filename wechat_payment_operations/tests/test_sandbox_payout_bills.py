# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from datetime import timedelta

from odoo.tests import HttpCase, tagged

from odoo.addons.wechat_payment_operations.tests.bill_common import WechatBillCommon
from odoo.addons.wechat_payment_operations.tests.payout_common import SandboxPayoutCommon


@tagged('-standard', 'wechat_sandbox', 'post_install', '-at_install')
class TestSandboxPayoutBills(SandboxPayoutCommon, WechatBillCommon, HttpCase):
    """Every fen that was sent, in the fund-flow bill of the sandbox."""

    def setUp(self):
        super().setUp()
        self._connect_payouts('official_account')
        self._control('POST', 'money_settings', bill_ready_hour=0)
        self.bill = self._create_bill('fundflow')

    def _make_yesterday(self):
        self._control('POST', 'age', seconds=86400)
        for name in ('wechat.pay.red.packet', 'wechat.pay.transfer'):
            for payout in self.env[name].search([('day', '!=', False)]):
                payout.write({
                    'day': payout.day - timedelta(1), 'sent_on': payout.sent_on - timedelta(1),
                })
                self._settle(payout)

    def _defect(self, *defects):
        self._at_merchant(
            'bill_defects', bill_date=self.day.isoformat(), kind='fundflow', defects=list(defects),
        )

    def _finish(self, transfer, action):
        self._at_merchant(
            'transfer', out_bill_no=transfer.out_bill_no, action=action, notify=False,
        )

    def _lines(self):
        """Return the lines by our number and kind."""
        return {(line.number, line.kind): line for line in self.bill.line_ids}

    def test_payouts_are_found_in_the_bill(self):
        received = self._send(self._create_red_packet(2))
        self._at_merchant('red_packet', mch_billno=received.mch_billno, action='receive')
        transfer = self._send(self._create_transfer(3))
        self._finish(transfer, 'confirm')
        failed = self._send(self._create_transfer(4))
        self._finish(failed, 'fail')
        self._make_yesterday()
        self.assertEqual({received.bill_state, transfer.bill_state}, {'no_bill'})
        self._fetch_bill()
        lines = self._lines()
        self.assertEqual(lines[received.mch_billno, 'red_packet'].red_packet_id, received)
        self.assertEqual(lines[transfer.out_bill_no, 'transfer'].transfer_id, transfer)
        self.assertEqual(lines[failed.out_bill_no, 'transfer'].match_state, 'matched')
        self.assertEqual(self.bill.difference_count, 0)
        payouts = [received, transfer, failed]
        self.assertEqual([payout.bill_state for payout in payouts], ['in_bill'] * 3)
        self.assertEqual(
            transfer.search([('bill_state', '=', 'in_bill')]), failed + transfer,
        )

    def test_what_differs_is_shown(self):
        transfers = [self._send(self._create_transfer(amount)) for amount in (1, 2, 3)]
        for transfer in transfers:
            self._finish(transfer, 'confirm')
        self._make_yesterday()
        self._defect(
            {'defect': 'amount_changed', 'number': transfers[0].out_bill_no, 'amount': 200},
            {'defect': 'missing_line', 'number': transfers[1].out_bill_no},
        )
        number = transfers[2].out_bill_no
        transfers[2].out_bill_no = 'TUNKNOWN'
        self.env.flush_all()
        self._fetch_bill()
        lines = self._lines()
        line = lines[transfers[0].out_bill_no, 'transfer']
        self.assertEqual((line.match_state, line.odoo_amount), ('amount_differs', -1))
        self.assertEqual(lines[number, 'transfer'].match_state, 'missing_in_odoo')
        self.assertEqual(transfers[1].bill_state, 'not_in_bill')
        missing = transfers[1].search([('bill_state', '=', 'not_in_bill')])
        self.assertIn(transfers[1], missing)
        self.assertNotIn(transfers[0], missing)
