# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo.exceptions import AccessError
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from odoo.addons.wechat_payment_operations.tests.bill_common import WechatBillCommon


@tagged('post_install', '-at_install')
class TestBillAccess(WechatBillCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        def user(login, groups):
            return new_test_user(
                cls.env, login=login, groups=groups, company_id=cls.provider.company_id.id,
                company_ids=[(6, 0, cls.provider.company_id.ids)],
            )

        cls.bookkeeper = user('bookkeeper', 'account.group_account_invoice')
        cls.auditor = user('auditor', 'account.group_account_readonly')
        cls.employee = user('employee', 'base.group_user')

    def setUp(self):
        super().setUp()
        self.line = self._load(self._foreign_line())

    def test_a_bookkeeper_reads_compares_and_asks(self):
        bill, line = self.bill.with_user(self.bookkeeper), self.line.with_user(self.bookkeeper)
        self.assertEqual(bill.difference_count, 1)
        self.assertTrue(line.advice)
        bill.action_match()
        bill.action_ask_all()
        self.fake.override('GET /v3/pay', lambda _r: self.fake.error(404, 'ORDER_NOT_EXIST'))
        line.action_ask()
        self.assertTrue(line.answer)
        self.assertEqual(bill.action_view_lines()['domain'], [('bill_id', 'in', bill.ids)])

    def test_an_auditor_reads_and_does_nothing(self):
        bill, line = self.bill.with_user(self.auditor), self.line.with_user(self.auditor)
        self.assertEqual((bill.difference_count, line.match_state), (1, 'missing_in_odoo'))
        for action in (bill.action_fetch, bill.action_match, bill.action_ask_all,
                       bill.action_import_statement, line.action_ask):
            with self.assertRaises(AccessError):
                action()

    @mute_logger('odoo.addons.base.models.ir_model', 'odoo.addons.base.models.ir_rule')
    def test_others_see_and_do_nothing(self):
        for user in (self.employee, self.customer, self.env.ref('base.public_user')):
            bill, line = self.bill.with_user(user), self.line.with_user(user)
            for action in (
                lambda bill=bill: bill.read(['difference_count']),
                lambda line=line: line.read(['amount']),
                bill.action_fetch, bill.action_match, bill.action_ask_all,
                bill.action_import_statement, line.action_ask, bill.action_view_lines,
                lambda user=user: self.env['wechat.pay.bill.fetch'].with_user(user).create({}),
            ):
                with self.subTest(user=user.login), self.assertRaises(AccessError):
                    action()

    @mute_logger('odoo.addons.base.models.ir_model')
    def test_nobody_writes_what_wechat_pay_says(self):
        manager = new_test_user(self.env, login='manager', groups='account.group_account_manager')
        for user in (self.bookkeeper, manager):
            for record, values in (
                (self.bill, {'state': 'loaded'}), (self.line, {'match_state': 'matched'}),
                (self.line, {'transaction_id': False}),
            ):
                with self.assertRaises(AccessError):
                    record.with_user(user).write(values)
            with self.assertRaises(AccessError):
                self.env['wechat.pay.bill.line'].with_user(user).create({'bill_id': self.bill.id})

    def test_bills_of_other_companies_are_not_seen(self):
        company = self.env['res.company'].create({'name': "Other"})
        user = new_test_user(
            self.env, login='other', groups='account.group_account_invoice',
            company_id=company.id, company_ids=[(6, 0, company.ids)],
        )
        self.assertFalse(self.env['wechat.pay.bill'].with_user(user).search([]))
        self.assertFalse(self.env['wechat.pay.bill.line'].with_user(user).search([]))
        with self.assertRaises(AccessError), mute_logger('odoo.addons.base.models.ir_rule'):
            self.bill.with_user(user).action_match()

    def test_a_bookkeeper_fetches_a_day_by_the_wizard(self):
        self._refuse('NO_STATEMENT_EXIST', bill_type='fundflow')
        with self._committing() as env:
            wizard = env['wechat.pay.bill.fetch'].with_user(self.bookkeeper).create({
                'provider': str(self.provider.id),
            })
            action = wizard.action_fetch()
            bills = env['wechat.pay.bill'].search(action['domain'])
            self.assertEqual(
                {b.bill_type: b.state for b in bills},
                {'trade': 'loaded', 'fundflow': 'no_business'},
            )
