# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).


from odoo.exceptions import UserError
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.wechat_payment_operations.models import wechat_pay_bill_statement
from odoo.addons.wechat_payment_operations.tests.bill_common import (
    WechatBillCommon,
    build_fundflow_bill,
)

LOGGER = 'odoo.addons.wechat_payment_operations.models.wechat_pay_bill_statement'


@tagged('post_install', '-at_install')
class TestBillStatement(WechatBillCommon):
    """Fund-flow bills: compared by the merchant's number, and entered into the journal."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        company = cls.provider.company_id
        if not company.chart_template:
            cls.env['account.chart.template'].try_loading('generic_coa', company=company)
        cls.journal = cls.env['account.journal'].create({
            'name': "WeChat Pay", 'type': 'bank', 'code': 'WXP', 'company_id': company.id,
            'currency_id': cls.currency_cny.id,
        })
        cls.provider.wechat_statement_mode = 'line'
        # Which bills are due depends on the time of day; here only what is loaded counts.
        cls.provider.wechat_fetch_bills = False
        cls.provider.journal_id = cls.journal

    def setUp(self):
        super().setUp()
        self.bill.state = 'loaded'  # The trade bill.
        self.bill = self._create_bill('fundflow')
        self.tx = self._pay(19.99)
        self.refund = self._refund(self.tx, 5)

    def _flow(self, flow_no, kind, amount, number='', name=None, **values):
        """Return a line of a fund-flow bill; a negative amount went out."""
        return {
            '记账时间': self._beijing(self.noon), '微信支付业务单号': f'420{flow_no}',
            '资金流水单号': flow_no, '业务名称': name or kind, '业务类型': kind,
            '收支类型': '收入' if amount > 0 else '支出', '收支金额(元)': f'{abs(amount):.2f}',
            '账户结余(元)': '100.00', '资金变更提交申请人': 'system', '业务凭证号': number,
            **values,
        }

    def _load_flow(self, *lines):
        self._serve(build_fundflow_bill(lines), bill_type='fundflow')
        self._fetch_bill()
        self.assertEqual(self.bill.state, 'loaded', self.bill.error)
        return self.bill.line_ids.sorted('line_no')

    def _load_day(self):
        return self._load_flow(
            self._flow('F1', '交易', 19.99, self.tx.reference),
            self._flow('F2', '扣除交易手续费', -0.12, self.tx.reference),
            self._flow('F3', '退款', -5, self.refund.reference),
            self._flow('F4', '退还交易手续费', 0.03, self.refund.reference),
            self._flow('F5', '提现', -10),
        )

    def _import(self):
        with self._committing() as env:
            self.bill.with_env(env).action_import_statement()
        self.env.invalidate_all()
        return self._statement_lines()

    def _statement_lines(self):
        return self.env['account.bank.statement.line'].search(
            [('wechat_bill_id', '=', self.bill.id)], order='wechat_flow_no',
        )

    def _run_cron(self):
        self.env.flush_all()
        with self.enter_registry_test_mode(), mute_logger(LOGGER):
            self.env.ref('wechat_payment_operations.cron_wechat_bills').method_direct_trigger()
        self.env.invalidate_all()

    # === COMPARISON === #

    def test_movements_are_compared_by_the_merchants_number(self):
        lines = self._load_day()
        self.assertEqual(lines.mapped('kind'), [
            'payment', 'fee', 'refund', 'fee_return', 'withdrawal',
        ])
        self.assertEqual(lines.mapped('match_state'), [
            'matched', 'no_counterpart', 'matched', 'no_counterpart', 'no_counterpart',
        ])
        self.assertEqual(lines[0].transaction_id, self.tx)
        self.assertEqual(lines[2].transaction_id, self.refund)
        self.assertRecordValues(self.bill, [{
            'matched_count': 5, 'difference_count': 0, 'in_amount': 20.02, 'out_amount': 15.12,
            'net_amount': 4.9, 'fee_amount': 0.09,
        }])

    def test_movements_without_a_number_are_no_duplicates(self):
        lines = self._load_flow(
            self._flow('F1', '充值', 10, 微信支付业务单号='0'),
            self._flow('F2', '充值', 10, 微信支付业务单号='0'),
        )
        self.assertEqual(lines.mapped('match_state'), ['no_counterpart'] * 2)

    def test_a_movement_that_odoo_does_not_know_is_shown(self):
        line = self._load_flow(self._flow('F1', '交易', 1, 'EXTRA1'))
        self.assertEqual(line.match_state, 'missing_in_odoo')

    def test_a_movement_over_another_amount_is_shown(self):
        lines = self._load_flow(
            self._flow('F1', '交易', 19.98, self.tx.reference),
            self._flow('F2', '退款', -4.99, self.refund.reference),
        )
        self.assertEqual(lines.mapped('match_state'), ['amount_differs'] * 2)

    def test_a_coupon_that_is_in_the_trade_bill_explains_the_amount(self):
        fundflow, self.bill = self.bill, self.env['wechat.pay.bill'].search([
            ('provider_id', '=', self.provider.id), ('bill_type', '=', 'trade'),
        ])
        self._load(self._line(self.tx, 应结订单金额='15.99', 代金券金额='4.00'))
        self.bill = fundflow
        line = self._load_flow(self._flow('F1', '交易', 15.99, self.tx.reference))
        self.assertEqual(line.match_state, 'matched')

    def test_a_trade_bill_over_the_same_wrong_amount_explains_nothing(self):
        fundflow, self.bill = self.bill, self.env['wechat.pay.bill'].search([
            ('provider_id', '=', self.provider.id), ('bill_type', '=', 'trade'),
        ])
        self._load(self._line(self.tx, 订单金额='15.99', 应结订单金额='15.99'))
        self.bill = fundflow
        line = self._load_flow(self._flow('F1', '交易', 15.99, self.tx.reference))
        self.assertEqual(line.match_state, 'amount_differs')

    def test_a_payment_that_odoo_takes_for_open_has_another_state(self):
        tx = self._create_wechat_order(3)
        line = self._load_flow(self._flow('F1', '交易', 3, tx.reference))
        self.assertEqual(line.match_state, 'state_differs')

    def test_money_that_left_under_a_number_that_wechat_pay_never_took_is_shown(self):
        identity = self.env['wechat.identity'].create({
            'app_id': self.provider.wechat_app_ids[:1].id, 'openid': 'oPaidOut',
        })
        for state, wechat_state, match_state in (
            ('sending', False, 'state_differs'), ('refused', False, 'state_differs'),
            ('failed', False, 'state_differs'), ('cancelled', False, 'state_differs'),
            ('failed', 'FAIL', 'matched'), ('done', 'SUCCESS', 'matched'),
        ):
            with self.subTest(state=state, wechat_state=wechat_state):
                number = f'T{state}{wechat_state}'
                self.env['wechat.pay.transfer'].create({
                    'identity_id': identity.id, 'provider_id': self.provider.id, 'amount': 3,
                    'scene_id': self.env.ref(
                        'wechat_payment_operations.transfer_scene_marketing').id,
                    'remark': "x", 'state': state, 'wechat_state': wechat_state,
                    'out_bill_no': number,
                })
                line = self._load_flow(self._flow('F1', '商家转账', -3, number))
                self.assertEqual(line.match_state, match_state)

    # === JOURNAL === #

    def test_each_movement_becomes_a_posted_statement_line(self):
        self._load_day()
        lines = self._import()
        self.assertRecordValues(lines, [
            {'wechat_flow_no': 'F1', 'amount': 19.99, 'partner_id': self.tx.partner_id.id,
             'payment_ref': f'Payment {self.tx.reference}'},
            {'wechat_flow_no': 'F2', 'amount': -0.12, 'partner_id': False,
             'payment_ref': f'Fee {self.tx.reference}'},
            {'wechat_flow_no': 'F3', 'amount': -5, 'partner_id': self.tx.partner_id.id,
             'payment_ref': f'Refund {self.refund.reference}'},
            {'wechat_flow_no': 'F4', 'amount': 0.03, 'partner_id': False,
             'payment_ref': f'Fee returned {self.refund.reference}'},
            {'wechat_flow_no': 'F5', 'amount': -10, 'partner_id': False,
             'payment_ref': 'Withdrawal'},
        ])
        self.assertEqual(set(lines.mapped('state')), {'posted'})
        self.assertEqual(set(lines.mapped('date')), {self.day})
        self.assertEqual(lines.journal_id, self.journal)
        self.assertEqual(self.bill.statement_count, 5)

    def test_what_was_imported_once_is_not_imported_again(self):
        self._load_day()
        ids = self._import().ids
        self.assertEqual(self._import().ids, ids)
        self._load_flow(self._flow('F1', '交易', 19.99, self.tx.reference),
                        self._flow('F9', '充值', 1))
        self.assertEqual(self._import().filtered(lambda line: line.id not in ids).mapped(
            'wechat_flow_no'), ['F9'])

    def test_the_import_goes_on_where_it_ended(self):
        self._load_day()
        self.patch(wechat_pay_bill_statement, 'STATEMENT_BATCH', 2)
        create, done = type(self.bill)._create_statement_lines, []

        def die_at_the_second(bill, values):
            if done:
                raise InterruptedError
            done.append(len(values))
            create(bill, values)

        self.patch(type(self.bill), '_create_statement_lines', die_at_the_second)
        with self._committing() as env:
            try:
                self.bill.with_env(env).action_import_statement()
            except InterruptedError:
                env.cr.rollback()
        self.env.invalidate_all()
        self.assertEqual(len(self._statement_lines()), 2)
        self.patch(type(self.bill), '_create_statement_lines', create)
        self.assertEqual(len(self._import()), 5)

    def test_one_line_for_each_day_and_kind(self):
        self.provider.wechat_statement_mode = 'day'
        self._load_flow(
            *(self._flow(f'F{n}', '充值', n) for n in (1, 2, 3)),
            self._flow('F4', '提现', -1),
        )
        lines = self._import()
        self.assertEqual(sorted(lines.mapped('amount')), [-1, 6])
        self.assertEqual(self._import(), lines)

    def test_a_bill_stays_in_the_journal_as_it_was_begun(self):
        for mode, other in (('line', 'day'), ('day', 'line')):
            with self.subTest(mode=mode):
                self.provider.wechat_statement_mode = mode
                self._load_flow(*(self._flow(f'F{mode}{n}', '充值', n) for n in (1, 2)))
                lines = self._import()
                self.provider.wechat_statement_mode = other
                self.assertEqual(self._import(), lines)
                self.assertEqual(sum(lines.mapped('amount')), 3)
                lines.move_id.button_draft()
                lines.unlink()

    def test_the_scheduled_action_imports_what_was_loaded(self):
        self._load_day()
        self._run_cron()
        self.assertEqual(self.bill.statement_count, 5)
        self.assertFalse(self.bill.is_statement_due)

    def test_who_turned_it_off_gets_no_statement_lines(self):
        self.provider.wechat_statement_mode = 'none'
        self._load_day()
        self._run_cron()
        self.assertEqual(self.bill.statement_count, 0)
        with self.assertRaisesRegex(UserError, "turned off"):
            self.bill.action_import_statement()

    def test_a_journal_in_another_currency_is_refused_and_told(self):
        self._load_day()
        self.provider.journal_id = self.env['account.journal'].create({
            'name': "Dollars", 'type': 'bank', 'code': 'USDX',
            'company_id': self.provider.company_id.id,
            'currency_id': self.env.ref('base.USD').id,
        })
        with self.assertRaisesRegex(UserError, "in CNY"):
            self.bill.action_import_statement()
        self._run_cron()
        self.assertIn("in CNY", self.bill.statement_error)
        self.assertEqual(self.bill.statement_count, 0)

    def test_a_trade_bill_is_not_imported(self):
        bill = self._create_bill(days_ago=1)
        bill.state = 'loaded'
        with self.assertRaisesRegex(UserError, "fund-flow"):
            bill.action_import_statement()

    def test_a_bill_in_the_journal_is_not_deleted(self):
        self._load_day()
        self._import()
        with self.assertRaisesRegex(UserError, "journal"):
            self.bill.unlink()
        self._statement_lines().move_id.button_draft()
        self._statement_lines().unlink()
        self.bill.unlink()
