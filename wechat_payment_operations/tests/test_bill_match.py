# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from datetime import timedelta

from odoo.tests import tagged

from odoo.addons.wechat_payment_operations.tests.bill_common import WechatBillCommon


@tagged('post_install', '-at_install')
class TestBillMatch(WechatBillCommon):

    def test_payments_and_refunds_that_agree_are_matched_and_summed(self):
        tx = self._pay(19.99)
        other = self._pay(0.01)
        refund = self._refund(tx, 5.5)
        lines = self._load(self._line(tx), self._line(other), self._refund_line(refund))
        self.assertEqual(lines.transaction_id, tx + other + refund)
        self.assertEqual(self._states(), {'matched': 3})
        self.assertRecordValues(self.bill, [{
            'line_count': 3, 'matched_count': 3, 'difference_count': 0,
            'in_amount': 20.0, 'out_amount': 5.5, 'net_amount': 14.5, 'summary_note': False,
        }])
        self.assertAlmostEqual(self.bill.fee_amount, 0.11994 + 0.00006 - 0.033, 5)
        self.assertRecordValues(lines, [
            {'kind': 'payment', 'amount': 19.99, 'number': tx.reference, 'time': self.noon},
            {'kind': 'payment', 'amount': 0.01, 'number': other.reference, 'time': self.noon},
            {'kind': 'refund', 'amount': -5.5, 'number': refund.reference,
             'time': self.noon + timedelta(hours=1)},
        ])

    def test_a_payment_that_odoo_does_not_know_is_shown(self):
        line = self._load(self._foreign_line())
        self.assertEqual(line.match_state, 'missing_in_odoo')
        self.assertFalse(line.transaction_id)
        self.assertEqual(self.bill.missing_in_odoo_count, 1)

    def test_a_payment_of_another_provider_is_not_this_ones(self):
        tx = self._pay()
        line_values = self._line(tx)
        tx.provider_id = self.provider.copy({'wechat_mch_id': '1900000777'})
        self.assertEqual(self._load(line_values).match_state, 'missing_in_odoo')

    def test_another_number_of_wechat_pay_is_another_payment(self):
        tx = self._pay()
        line = self._load(self._line(tx, 微信订单号='4200000000000000000000009999'))
        self.assertEqual(
            sorted(self.bill.line_ids.mapped('match_state')),
            ['missing_in_odoo', 'missing_in_wechat'],
        )
        self.assertFalse(line.filtered('line_no').transaction_id)

    def test_another_number_of_wechat_pay_is_another_refund(self):
        refund = self._refund(self._pay(), 1)
        lines = self._load(self._refund_line(refund, 微信退款单号='50999'))
        self.assertEqual(lines.filtered('line_no').match_state, 'missing_in_odoo')

    def test_a_payment_over_another_amount_is_shown_with_both(self):
        tx = self._pay(19.99)
        line = self._load(self._line(tx, 订单金额='19.98'))
        self.assertRecordValues(line, [{
            'match_state': 'amount_differs', 'amount': 19.98, 'odoo_amount': 19.99,
            'transaction_id': tx.id,
        }])

    def test_a_payment_in_another_currency_has_another_amount(self):
        line = self._load(self._line(self._pay(), 货币种类='HKD'))
        self.assertEqual(line.match_state, 'amount_differs')

    def test_a_coupon_of_wechat_pay_does_not_change_what_was_ordered(self):
        line = self._load(self._line(self._pay(19.99), 应结订单金额='15.99', 代金券金额='4.00'))
        self.assertEqual(line.match_state, 'matched')
        self.assertEqual(line.settled_amount, 15.99)

    def test_a_refund_over_another_amount_is_shown(self):
        refund = self._refund(self._pay(), 5)
        lines = self._load(self._refund_line(refund, 申请退款金额='4.99'))
        self.assertEqual(lines.filtered('line_no').match_state, 'amount_differs')

    def test_a_payment_that_odoo_takes_for_open_has_another_state(self):
        tx = self._create_wechat_order()
        line = self._load(self._line(tx))
        self.assertEqual((line.match_state, line.odoo_state), ('state_differs', 'draft'))
        self.assertEqual(tx.state, 'draft', "a bill changes no transaction")

    def test_a_refund_is_compared_by_its_state_of_that_day(self):
        tx = self._pay(100)
        for status, odoo_state, expected in (
            ('SUCCESS', 'done', 'matched'), ('SUCCESS', 'pending', 'state_differs'),
            ('SUCCESS', 'cancel', 'state_differs'), ('SUCCESS', 'error', 'state_differs'),
            ('PROCESSING', 'done', 'matched'), ('PROCESSING', 'pending', 'matched'),
            ('PROCESSING', 'cancel', 'matched'), ('PROCESSING', 'error', 'state_differs'),
            ('CHANGE', 'pending', 'matched'), ('CHANGE', 'done', 'matched'),
            ('CHANGE', 'draft', 'state_differs'),
            ('FAIL', 'cancel', 'matched'), ('FAIL', 'pending', 'matched'),
            ('FAIL', 'done', 'state_differs'),
        ):
            with self.subTest(f'{status} {odoo_state}'):
                refund = self._refund(tx, 1)
                refund.state = odoo_state
                lines = self._load(self._line(tx), self._refund_line(refund, 退款状态=status))
                self.assertEqual(lines.filtered('line_no')[1].match_state, expected)
                refund.unlink()

    def test_a_reversed_payment_agrees_with_a_cancelled_transaction(self):
        tx = self._create_wechat_order(5)
        tx._set_canceled()
        tx.wechat_trade_state = 'REVOKED'
        back = {
            '交易状态': 'REVOKED', '微信退款单号': '501', '商户退款单号': tx.reference,
            '退款金额': '5.00', '申请退款金额': '5.00', '订单金额': '0.00', '应结订单金额': '0.00',
        }
        lines = self._load(self._line(tx), self._line(tx, **back))
        self.assertEqual(lines.mapped('kind'), ['payment', 'reversal'])
        self.assertEqual(self._states(), {'matched': 2})
        self.assertEqual(self.bill.net_amount, 0)

    def test_a_cancelled_transaction_that_was_paid_has_another_state(self):
        tx = self._create_wechat_order(5)
        tx._set_canceled()
        self.assertEqual(self._load(self._line(tx)).match_state, 'state_differs')

    def test_what_the_bill_names_twice_is_shown_once_as_such(self):
        tx = self._pay()
        lines = self._load(self._line(tx), self._line(tx))
        self.assertEqual(lines.mapped('match_state'), ['matched', 'duplicate'])

    def test_what_an_earlier_bill_has_already_is_a_duplicate(self):
        tx = self._pay()
        earlier = self._create_bill(days_ago=1)
        self._load(self._line(tx))
        self.bill = earlier
        self._load(self._line(tx, 交易时间=self._beijing(self.noon - timedelta(days=1))))
        later = self.env['wechat.pay.bill'].search([('bill_date', '=', self.day)])
        later._match()
        self.assertEqual(earlier.line_ids.match_state, 'matched')
        self.assertEqual(later.line_ids.match_state, 'duplicate')

    # === WHAT THE BILL LACKS === #

    def test_a_payment_that_the_bill_lacks_is_shown(self):
        tx = self._pay(7)
        self._load()
        self.assertRecordValues(self.bill.line_ids, [{
            'match_state': 'missing_in_wechat', 'transaction_id': tx.id, 'line_no': 0,
            'odoo_amount': 7, 'kind': 'payment', 'number': tx.reference,
        }])
        self.assertEqual(self.bill.missing_in_wechat_count, 1)
        self.assertEqual(self.bill.line_count, 0, "it is not in the bill")
        self.assertEqual(self.bill.in_amount, 0)

    def test_a_refund_that_the_bill_lacks_is_shown(self):
        tx = self._pay()
        refund = self._refund(tx, 3)
        self._load(self._line(tx))
        missing = self.bill.line_ids.filtered(lambda line: not line.line_no)
        self.assertRecordValues(missing, [{
            'match_state': 'missing_in_wechat', 'transaction_id': refund.id, 'kind': 'refund',
        }])

    def test_a_refund_made_elsewhere_is_not_missing_as_its_day_is_not_known(self):
        tx = self._pay()
        self._refund(tx, 3).wechat_is_external_refund = True
        self._load(self._line(tx))
        self.assertEqual(self._states(), {'matched': 1})

    def test_what_is_open_or_of_another_day_is_not_missing(self):
        self._create_wechat_order()
        self._pay(time=self.noon - timedelta(days=1))
        self._pay(time=self.noon + timedelta(days=1))
        self._load()
        self.assertFalse(self.bill.line_ids)

    def test_the_day_begins_and_ends_at_midnight_in_beijing(self):
        start, end = self.bill._get_day_limits()
        self.assertEqual(str(start), f'{self.day - timedelta(1)} 16:00:00')
        self._create_bill(days_ago=1).state = 'no_business'
        inside = self._pay(time=start)
        self._pay(time=start - timedelta(seconds=1))
        self._pay(time=end)
        self._load()
        self.assertEqual(self.bill.line_ids.transaction_id, inside)

    def test_what_is_near_midnight_may_be_in_the_next_bill(self):
        self._pay(time=self.noon + timedelta(hours=11, minutes=59))
        self._load()
        self.assertFalse(self.bill.line_ids, "tomorrow's bill is not there yet")

    def test_what_is_near_midnight_is_missing_once_the_other_bill_is_there(self):
        earlier = self._create_bill(days_ago=1)
        lost = self._pay(time=self.noon - timedelta(hours=12, minutes=5))
        found = self._pay(time=self.noon - timedelta(hours=12, minutes=4))
        self.bill, later = earlier, self.bill
        self._load()
        self.assertFalse(earlier.line_ids)
        self.bill = later
        self._load(self._line(found))
        self.assertEqual(earlier.line_ids.transaction_id, lost)
        self.assertEqual(earlier.missing_in_wechat_count, 1)

    def test_a_missing_payment_that_turns_up_is_no_longer_missing(self):
        tx = self._pay()
        self._load()
        self.assertEqual(self._states(), {'missing_in_wechat': 1})
        self._load(self._line(tx))
        self.assertEqual(self._states(), {'matched': 1})

    def test_a_day_without_business_shows_what_odoo_has_of_it(self):
        self._pay()
        self._refuse('NO_STATEMENT_EXIST')
        self._fetch_bill()
        self.assertEqual(self.bill.state, 'no_business')
        self.assertEqual(self._states(), {'missing_in_wechat': 1})

    # === AGAIN === #

    def test_comparing_again_changes_nothing(self):
        tx = self._pay()
        self._pay()
        lines = self._load(self._line(tx), self._foreign_line())
        self.env.cr.execute("UPDATE wechat_pay_bill_line SET write_date = '2020-01-01'")
        self.env.invalidate_all()
        ids = self.bill.line_ids.ids
        self.bill._match()
        self.env.invalidate_all()
        self.assertEqual(self.bill.line_ids.ids, ids)
        self.assertEqual(set(lines.mapped('write_date')), {lines[0].write_date})
        self.assertEqual(lines[0].write_date.year, 2020)

    def test_what_odoo_learned_meanwhile_is_compared_anew(self):
        tx = self._create_wechat_order()
        line = self._load(self._line(tx))
        self.assertEqual(line.match_state, 'state_differs')
        tx._wechat_apply_order(self.fake.pay(
            tx.reference, transaction_id=line.wechat_transaction_id,
        ))
        self.bill._match()
        self.assertEqual(line.match_state, 'matched')
        self.assertEqual(self.bill.difference_count, 0)

    def test_the_number_of_queries_does_not_grow_with_the_lines(self):
        def count(number):
            lines = [self._foreign_line(f'EXTRA{number}{i:04d}') for i in range(number)]
            self._load(*lines)
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            self.bill._match()
            return self.env.cr.sql_log_count - before

        self.assertEqual(count(2), count(200))
