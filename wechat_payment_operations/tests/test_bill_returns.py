# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from datetime import timedelta

from odoo.tests import tagged

from odoo.addons.wechat_payment_operations.tests.bill_common import (
    WechatBillCommon,
    build_fundflow_bill,
)
from odoo.addons.wechat_payment_operations.tests.payout_common import PayoutCommon


@tagged('post_install', '-at_install')
class TestBillReturns(PayoutCommon, WechatBillCommon):
    """Money that left for somebody who did not get it comes back, or a person is told."""

    def setUp(self):
        super().setUp()
        self.bill.unlink()
        self.transfer = self._create_transfer()
        self._end('failed', 'FAIL')

    def _end(self, state, wechat_state, days_ago=7):
        """Let the transfer have been sent a week ago, and have ended."""
        self.transfer.write({
            'state': state, 'wechat_state': wechat_state, 'out_bill_no': 'T1', 'body': '{}',
            'sent_on': self.noon - timedelta(days=7), 'day': self.day - timedelta(7),
            'last_query': self.noon - timedelta(days=days_ago), 'next_query': False,
        })

    def _fetch_day(self, days_ago, *movements):
        """Fetch the fund-flow bill of a day: pairs of kind and amount, all of the transfer."""
        bill = self._create_bill('fundflow', days_ago)
        if movements:
            self._serve(build_fundflow_bill([{
                '记账时间': self._beijing(self.noon - timedelta(days=days_ago)),
                '微信支付业务单号': f'133{days_ago}{number}',
                '资金流水单号': f'F{days_ago}{number}',
                '业务名称': kind, '业务类型': kind, '收支类型': way, '收支金额(元)': '1.00',
                '账户结余(元)': '9.00', '业务凭证号': 'T1',
            } for number, (kind, way) in enumerate(movements)]), 'fundflow')
        else:
            self._refuse('NO_STATEMENT_EXIST', bill_type='fundflow')
        self._fetch_bill(bill)
        self.assertIn(bill.state, ('loaded', 'no_business'), bill.error)
        return bill

    def _send_and_wait(self, *days):
        """Fetch the bill with the transfer, then empty ones; return the first."""
        bill = self._fetch_day(7, ('商家转账', '支出'))
        for days_ago in days:
            self._fetch_day(days_ago)
        return bill

    def test_what_failed_and_is_not_back_after_three_days_differs(self):
        bill = self._send_and_wait(6, 5)
        self.assertEqual((bill.line_ids.match_state, bill.difference_count), ('matched', 0))
        self._fetch_day(4)
        self.assertEqual((bill.line_ids.match_state, bill.difference_count), ('state_differs', 1))
        self.assertEqual(bill.line_ids.transfer_id, self.transfer)
        self.assertIn("not back", bill.line_ids.advice)
        written = bill.line_ids.write_date
        bill._match()
        self.assertEqual(self._states(bill), {'state_differs': 1})
        self.assertEqual(bill.line_ids.write_date, written, "comparing again changes nothing")

    def test_what_comes_back_late_agrees_again(self):
        bill = self._send_and_wait(6, 5, 4)
        self.assertEqual(bill.difference_count, 1)
        back = self._fetch_day(3, ('商家转账退回', '收入'))
        self.assertEqual((bill.line_ids.match_state, bill.difference_count), ('matched', 0))
        self.assertEqual(back.line_ids.match_state, 'matched')

    def test_what_came_back_in_time_agrees(self):
        bill = self._fetch_day(7, ('商家转账', '支出'))
        self._fetch_day(6, ('商家转账退回', '收入'))
        for days_ago in (5, 4, 3):
            self._fetch_day(days_ago)
        self.assertEqual(bill.line_ids.match_state, 'matched')

    def test_as_long_as_a_bill_is_not_there_nothing_is_told(self):
        bill = self._send_and_wait(5, 4, 3)
        self.assertEqual(bill.line_ids.match_state, 'matched')
        self._fetch_day(6)
        self.assertEqual(bill.line_ids.match_state, 'state_differs')

    def test_the_days_count_from_when_it_ended(self):
        self._end('cancelled', 'CANCELLED', days_ago=5)
        bill = self._send_and_wait(6, 5, 4, 3)
        self.assertEqual(bill.line_ids.match_state, 'matched')
        self._fetch_day(2)
        self.assertEqual(bill.line_ids.match_state, 'state_differs')

    def test_what_was_received_need_not_come_back(self):
        self._end('done', 'SUCCESS')
        bill = self._send_and_wait(6, 5, 4, 3)
        self.assertEqual((bill.line_ids.match_state, bill.difference_count), ('matched', 0))
