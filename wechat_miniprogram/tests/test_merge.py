# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged
from odoo.tools import mute_logger

from .people_common import PeopleCommon

PERSON_LOGGER = 'odoo.addons.wechat.models.wechat_identity_login'


@tagged('post_install', '-at_install')
class TestMerge(PeopleCommon):
    """One person with two users, of whom WeChat later says that they are one."""

    def setUp(self):
        super().setUp()
        self.second = self.create_app()
        self.wechat_says(openid='anna-in-second', unionid='union-of-anna')
        self.other = self.env['res.users'].browse(
            self.authenticate_phone(appid=self.second.appid)['uid'],
        )
        self.wechat_says(openid='openid-of-anna', unionid='union-of-anna')
        with mute_logger(PERSON_LOGGER):
            self.anna = self.authenticate_phone(appid=self.app.appid)
        self.first_identity = self.identity()
        self.second_identity = self.identity('anna-in-second', self.second)

    def listed(self):
        return self.env['wechat.identity'].search([('has_other_user', '=', True)])

    def merge(self, keep=None, users=None):
        wizard = self.env['wechat.user.merge'].create({
            'user_ids': [(6, 0, (users or (self.user | self.other)).ids)],
        })
        if keep:
            wizard.keep_user_id = keep
        wizard.action_merge()
        return wizard

    # === LIST === #

    def test_both_are_listed_and_nothing_is_merged(self):
        self.assertNotEqual(self.user, self.other)
        self.assertEqual(self.listed(), self.first_identity | self.second_identity)
        self.assertEqual(self.first_identity.same_person_user_ids, self.other)
        self.assertEqual(self.second_identity.same_person_user_ids, self.user)
        self.assertFalse(self.first_identity.unionid)

    def test_people_with_one_user_are_not_listed(self):
        self.wechat_says(openid='openid-of-ben', unionid='union-of-ben')
        self.authenticate_phone()
        self.assertNotIn(self.identity('openid-of-ben'), self.listed())
        self.assertIn(
            self.identity('openid-of-ben'),
            self.env['wechat.identity'].search([('has_other_user', '=', False)]),
        )

    def test_users_of_companies_apart_are_not_listed(self):
        company = self.env['res.company'].create({'name': "Coffee House"})
        self.second.write({'company_id': company.id, 'share_users': False})
        self.assertFalse(self.listed())
        self.assertFalse(self.first_identity.has_other_user)
        self.second.share_users = True
        self.assertEqual(self.listed(), self.first_identity | self.second_identity)

    def test_archived_user_is_not_listed(self):
        self.other.active = False
        self.assertFalse(self.listed())

    def test_unionid_that_is_the_own_again_is_no_question_any_more(self):
        self.wechat_says(openid='openid-of-anna', unionid='another-union')
        self.authenticate_phone(appid=self.app.appid)
        self.assertEqual(self.first_identity.unionid, 'another-union')
        self.assertFalse(self.listed())

    def test_button_opens_the_window_with_both_users(self):
        action = self.first_identity.action_merge_users()
        self.assertEqual(
            set(action['context']['default_user_ids']), set((self.user | self.other).ids),
        )
        self.wechat_says(openid='openid-of-ben')
        self.authenticate_phone()
        with self.assertRaises(UserError):
            self.identity('openid-of-ben').action_merge_users()

    # === MERGING === #

    def test_identities_contacts_and_companies_become_one(self):
        company = self.env['res.company'].create({'name': "Coffee House"})
        self.other.company_ids += company
        child = self.env['res.partner'].create({
            'name': "Warehouse", 'parent_id': self.other.partner_id.id, 'type': 'delivery',
        })
        old_partner = self.other.partner_id
        self.merge(keep=self.user)
        self.assertEqual(self.first_identity.user_id, self.user)
        self.assertEqual(self.second_identity.user_id, self.user)
        self.assertEqual(self.second_identity.partner_id, self.user.partner_id)
        self.assertEqual(child.parent_id, self.user.partner_id)
        self.assertIn(company, self.user.company_ids)
        self.assertFalse(old_partner.exists())
        self.assertFalse(self.other.active)
        self.assertFalse(self.listed())
        self.assertEqual(self.first_identity.unionid, 'union-of-anna')

    def test_what_refers_to_the_contact_refers_to_the_one_that_is_kept(self):
        bank = self.env['res.partner.bank'].create({
            'partner_id': self.other.partner_id.id, 'acc_number': '6222000000000001',
        })
        self.merge(keep=self.user)
        self.assertEqual(bank.partner_id, self.user.partner_id)

    def test_person_logs_in_as_the_same_user_everywhere(self):
        self.merge(keep=self.user)
        self.wechat_says(openid='anna-in-second', unionid='union-of-anna')
        self.assertEqual(
            self.authenticate_phone(appid=self.second.appid)['uid'], self.user.id,
        )

    def test_sessions_of_the_user_that_is_left_over_end(self):
        self.wechat_says(openid='anna-in-second', unionid='union-of-anna')
        session_id = self.authenticate_phone(appid=self.second.appid)['session_id']
        self.merge(keep=self.user)
        self.assertFalse(self.is_logged_in(session_id))
        self.assertTrue(self.is_logged_in(self.anna['session_id']))

    def test_what_was_merged_is_written_down(self):
        login = self.other.login
        self.merge(keep=self.user)
        notes = " ".join(self.user.partner_id.message_ids.mapped('body'))
        self.assertIn(login, notes)
        self.assertIn(self.second.name, notes)
        self.assertIn(self.user.name, self.other.name)

    def test_summary_says_what_goes_over(self):
        wizard = self.env['wechat.user.merge'].create({
            'user_ids': [(6, 0, (self.user | self.other).ids)], 'keep_user_id': self.user.id,
        })
        self.assertIn(self.other.login, wizard.summary)
        self.assertNotIn(self.user.login, wizard.summary)

    def test_names_in_the_summary_are_text(self):
        self.other.name = "<script>alert(1)</script>"
        wizard = self.env['wechat.user.merge'].create({
            'user_ids': [(6, 0, (self.user | self.other).ids)], 'keep_user_id': self.user.id,
        })
        self.assertNotIn('<script>', wizard.summary)
        wizard.action_merge()
        notes = " ".join(self.user.partner_id.message_ids.mapped('body'))
        self.assertNotIn('<script>', notes)

    # === REFUSALS === #

    def test_employees_are_not_merged(self):
        employee = self.create_user('employee', 'base.group_user')
        for keep, users in ((self.user, self.user | employee), (employee, self.user | employee)):
            with self.assertRaises(UserError):
                self.merge(keep=keep, users=users)
        self.assertTrue(employee.active)

    def test_one_user_is_not_enough(self):
        with self.assertRaises(UserError):
            self.merge(keep=self.user, users=self.user)

    def test_user_to_keep_is_one_of_them(self):
        with self.assertRaises(UserError):
            self.merge(keep=self.create_user('stranger'))
        self.assertTrue(self.other.active)

    def test_only_administrators_of_users_merge(self):
        wizard = self.env['wechat.user.merge'].create({
            'user_ids': [(6, 0, (self.user | self.other).ids)], 'keep_user_id': self.user.id,
        })
        manager = self.create_user('manager', 'wechat.group_manager')
        with self.assertRaises(AccessError):
            wizard.with_user(manager).action_merge()
        self.assertTrue(self.other.active)
