# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from odoo.addons.wechat_payment_operations.tests.payout_common import PayoutCommon


@tagged('post_install', '-at_install')
class TestPayoutBatchCreate(PayoutCommon):
    """Who is meant by a list, and who cannot be paid."""

    def setUp(self):
        super().setUp()
        self.app = self.provider.wechat_app_ids[:1]
        self.alice = self._person("Alice Wang", ref='C1', phone='+86 138 0013 8001')
        self.bob = self._person("Bob, the Baker", ref='C2', email='bob@example.com')
        self.stranger = self.env['res.partner'].create({'name': "Stranger", 'ref': 'C3'})

    def _person(self, name, **values):
        partner = self.env['res.partner'].create({'name': name, **values})
        self._identify(partner)
        return partner

    def _identify(self, partner):
        number = self.env['wechat.identity'].search_count([])
        return self.env['wechat.identity'].create({
            'app_id': self.app.id, 'openid': f'o{partner.id}-{number}', 'partner_id': partner.id,
        })

    def _wizard(self, user=None, **values):
        return self.env['wechat.pay.payout.batch.create'].with_user(user or self.preparer).create({
            'name': "October", 'source': f'{self.provider.id},{self.app.id}', 'remark': "活动奖励",
            'transfer_scene_id': self.scene.id, 'source_of_people': 'list', 'amount_mode': 'each',
            **values,
        })

    def _check(self, text, **values):
        """Return what the lines of a list lead to: {text: (contact, amount, problem)}."""
        wizard = self._wizard(text=text, **values)
        wizard.action_check()
        return {
            line.text: (line.partner_id, line.amount, line.problem) for line in wizard.line_ids
        }

    # === WHO IS MEANT === #

    def test_people_are_found_by_reference_phone_mail_and_name(self):
        nobody = self.env['res.partner']
        for text, partner, amount in (
            ('C1 88.00', self.alice, 88.0),
            ('C1,88', self.alice, 88.0),
            ('C1\t0.5', self.alice, 0.5),
            ('138 0013 8001; 66.5', self.alice, 66.5),
            ('13800138001，66.5', self.alice, 66.5),
            ('+8613800138001 66.5', self.alice, 66.5),
            ('bob@example.com 3', self.bob, 3.0),
            ('Alice Wang 2', self.alice, 2.0),
            ('Bob, the Baker 2', self.bob, 2.0),
        ):
            with self.subTest(text=text):
                self.assertEqual(self._check(text)[text], (partner, amount, ''))
        self.assertEqual(self._check('C9 1')['C9 1'], (nobody, 1.0, "No such contact."))

    def test_a_phone_number_is_not_cut_where_all_get_the_same(self):
        text = '138 0013 8001'
        found = self._check(text, amount_mode='same', amount=5)
        self.assertEqual(found[text], (self.alice, 5.0, ''))

    def test_a_name_of_two_people_means_neither(self):
        self._person("Alice Wang")
        partner, _amount, problem = self._check('Alice Wang 2')['Alice Wang 2']
        self.assertFalse(partner)
        self.assertIn("Several contacts", problem)

    def test_nobody_takes_another_s_place_by_calling_themselves_so(self):
        for text, values in (
            ('C1', {'phone': 'C1'}), ('C1', {'name': 'C1'}),
            ('Alice Wang', {'phone': 'Alice Wang'}),
            ('13800138001', {'phone': '13800138001'}), ('13800138001', {'name': '13800138001'}),
            ('Bob@Example.com', {'email': 'Bob@Example.com'}),
        ):
            with self.subTest(text=text, **values):
                thief = self._person(values.pop('name', "Thief"), **values)
                partner, _amount, problem = self._check(f'{text} 5')[f'{text} 5']
                self.assertFalse(partner)
                self.assertIn("Several contacts", problem)
                thief.active = False

    def test_phone_numbers_and_addresses_are_found_however_they_are_written(self):
        for phone in ('138-0013-8002', '+86 138 0013 8002', '0086 13800138002'):
            self.bob.write({'phone': phone, 'email': 'Bob@Example.com'})
            for text in ('13800138002 5', '+86 13800138002 5', 'bob@example.com 5'):
                with self.subTest(phone=phone, text=text):
                    self.assertEqual(self._check(text)[text], (self.bob, 5.0, ''))

    # === WHO CANNOT BE PAID === #

    def test_what_cannot_be_paid_says_why(self):
        twins = self._person("Twins", ref='C4')
        self._identify(twins)
        found = self._check('\n'.join((
            'C1 5', 'Alice Wang 6', 'C2', 'C3 5', 'C4 5',
        )))
        self.assertEqual(found['C1 5'][2], '')
        self.assertIn("Twice", found['Alice Wang 6'][2])
        self.assertIn("No amount", found['C2'][2])
        self.assertIn("sign in there once", found['C3 5'][2])
        self.assertIn("Several WeChat users", found['C4 5'][2])

    def test_amounts_outside_the_limits_say_so(self):
        for amount, problem in (
            ('0', "whole fen"), ('0.001', "whole fen"), ('0.01', "limits"), ('2000.01', "limits"),
            ('2000', "name"), ('1999.99', ''),
        ):
            with self.subTest(amount=amount):
                text = f'C1 {amount}'
                found = self._check(text)[text][2]
                if problem:
                    self.assertIn(problem, found)
                else:
                    self.assertFalse(found)

    def test_nothing_is_made_of_a_list_with_problems_unless_they_are_left_out(self):
        wizard = self._wizard(text='C1 5\nC3 5')
        wizard.action_check()
        self.assertEqual((wizard.ready_count, wizard.problem_count, wizard.total), (1, 1, 5.0))
        with self.assertRaises(UserError):
            wizard.action_create_batch()
        wizard.leave_out = True
        batch_id = wizard.action_create_batch()['res_id']
        batch = self.env['wechat.pay.payout.batch'].browse(batch_id)
        self.assertEqual(batch.transfer_ids.partner_id, self.alice)
        self.assertEqual((batch.state, batch.left_count), ('draft', 1))

    def test_an_empty_list_and_a_wrong_app_are_refused(self):
        with self.assertRaisesRegex(UserError, "nobody"):
            self._wizard(text=' \n ').action_check()
        with self.assertRaisesRegex(UserError, "official account"):
            self._wizard(text='C1 5', kind='red_packet').action_check()

    # === WHERE IT COMES FROM === #

    def test_contacts_come_from_any_model_that_has_them(self):
        for records, partners in (
            (self.alice | self.bob, self.alice | self.bob),
            (self.env['res.partner.bank'].create([
                {'acc_number': str(number), 'partner_id': partner.id}
                for number, partner in enumerate((self.alice, self.bob, self.alice))
            ]), self.alice | self.bob),
            (self.env['res.currency'].search([], limit=1), self.env['res.partner']),
        ):
            with self.subTest(model=records._name):
                wizard = self.env['wechat.pay.payout.batch.create'].with_context(
                    active_model=records._name, active_ids=records.ids,
                ).new({})
                self.assertEqual(wizard.partner_ids._origin, partners)

    def test_only_who_prepares_payouts_may_use_it(self):
        for user in (self.sender, self.customer):
            with self.subTest(user=user.login), self.assertRaises(AccessError):
                self._wizard(user)
