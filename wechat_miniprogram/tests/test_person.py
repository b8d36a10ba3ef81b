# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo.tests import tagged
from odoo.tools import mute_logger

from .common import MiniprogramCommon

PERSON_LOGGER = 'odoo.addons.wechat.models.wechat_identity_login'


@tagged('post_install', '-at_install')
class TestPerson(MiniprogramCommon):
    """One person, one user."""

    def setUp(self):
        super().setUp()
        self.second = self.create_app()

    def test_unionid_joins_a_second_app_to_the_same_user(self):
        self.wechat_says(openid='anna-in-first', unionid='union-of-anna')
        first = self.authenticate_phone(appid=self.app.appid)
        self.wechat_says(openid='anna-in-second', unionid='union-of-anna')
        second = self.authenticate_phone(appid=self.second.appid)
        self.assertEqual(second['uid'], first['uid'])
        self.assertFalse(second['is_new_user'])
        self.assertEqual(self.identity('anna-in-second', self.second).unionid, 'union-of-anna')

    def test_different_unionids_are_different_persons(self):
        self.wechat_says(openid='anna-in-first', unionid='union-of-anna')
        first = self.authenticate_phone(appid=self.app.appid)
        self.wechat_says(openid='ben-in-second', unionid='union-of-ben')
        second = self.authenticate_phone(appid=self.second.appid)
        self.assertNotEqual(second['uid'], first['uid'])

    def test_persons_without_unionid_are_not_joined(self):
        self.wechat_says(openid='anna-in-first', unionid='')
        first = self.authenticate_phone(appid=self.app.appid)
        self.wechat_says(openid='ben-in-second')
        second = self.authenticate_phone(appid=self.second.appid)
        self.assertNotEqual(second['uid'], first['uid'])

    def test_closed_registration_lets_a_person_of_another_app_in(self):
        self.wechat_says(openid='anna-in-first', unionid='union-of-anna')
        first = self.authenticate_phone(appid=self.app.appid)
        self.second.allow_signup = False
        self.wechat_says(openid='anna-in-second', unionid='union-of-anna')
        self.assertEqual(self.authenticate_phone(appid=self.second.appid)['uid'], first['uid'])

    def test_unionid_that_comes_later_is_filled_in_and_joins(self):
        self.wechat_says(openid='anna-in-first')
        first = self.authenticate_phone(appid=self.app.appid)
        self.wechat_says(openid='anna-in-first', unionid='union-of-anna')
        again = self.authenticate_phone(appid=self.app.appid)
        self.assertEqual(again['uid'], first['uid'])
        self.assertEqual(self.identity('anna-in-first').unionid, 'union-of-anna')
        self.wechat_says(openid='anna-in-second', unionid='union-of-anna')
        self.assertEqual(self.authenticate_phone(appid=self.second.appid)['uid'], first['uid'])

    def test_unionid_that_no_longer_comes_is_kept(self):
        self.wechat_says(openid='anna-in-first', unionid='union-of-anna')
        self.authenticate_phone()
        self.wechat_says(openid='anna-in-first')
        self.authenticate_phone()
        self.assertEqual(self.identity('anna-in-first').unionid, 'union-of-anna')

    def test_changed_unionid_of_nobody_else_is_stored(self):
        self.wechat_says(openid='anna-in-first', unionid='union-of-anna')
        first = self.authenticate_phone()
        self.wechat_says(openid='anna-in-first', unionid='new-union-of-anna')
        self.assertEqual(self.authenticate_phone()['uid'], first['uid'])
        self.assertEqual(self.identity('anna-in-first').unionid, 'new-union-of-anna')

    def test_unionid_of_another_user_merges_nobody(self):
        self.wechat_says(openid='anna-in-first')
        anna = self.authenticate_phone(appid=self.app.appid)
        self.wechat_says(openid='ben-in-second', unionid='union-of-ben')
        ben = self.authenticate_phone(appid=self.second.appid)
        self.wechat_says(openid='anna-in-first', unionid='union-of-ben')
        with self.assertLogs(PERSON_LOGGER, 'WARNING') as log:
            again = self.authenticate_phone(appid=self.app.appid)
        self.assertEqual(again['uid'], anna['uid'])
        self.assertFalse(self.identity('anna-in-first').unionid)
        self.assertEqual(self.identity('ben-in-second', self.second).user_id.id, ben['uid'])
        self.assertNotIn('union-of-ben', str(log.output))

    def test_identity_without_a_user_joins_by_the_unionid_it_once_had(self):
        self.wechat_says(openid='anna-in-first', unionid='union-of-anna')
        first = self.authenticate_phone(appid=self.app.appid)
        self.env['wechat.identity'].create({
            'app_id': self.second.id, 'openid': 'anna-in-second', 'unionid': 'union-of-anna',
        })
        self.wechat_says(openid='anna-in-second')
        self.assertEqual(self.authenticate_phone(appid=self.second.appid)['uid'], first['uid'])

    def test_identity_rebound_by_an_administrator_logs_in_as_the_new_user(self):
        self.authenticate_phone()
        other = self.create_user('other')
        self.identity().user_id = other
        answer = self.authenticate_phone()
        self.assertEqual(answer['uid'], other.id)
        self.assertEqual(self.identity().partner_id, other.partner_id)

    # === ARCHIVED === #

    def test_archived_person_of_another_app_is_refused(self):
        self.wechat_says(openid='anna-in-first', unionid='union-of-anna')
        first = self.authenticate_phone(appid=self.app.appid)
        self.env['res.users'].browse(first['uid']).active = False
        self.wechat_says(openid='anna-in-second', unionid='union-of-anna')
        self.refuse_phone('user_archived', appid=self.second.appid)
        self.assertFalse(self.identity('anna-in-second', self.second))

    def test_active_user_of_a_person_comes_before_an_archived_one(self):
        old = self.create_user('old', active=False)
        new = self.create_user('new')
        third = self.create_app('wx0000000000000004')
        self.create_identity(old, 'anna-in-first', self.app, unionid='union-of-anna')
        self.create_identity(new, 'anna-in-second', self.second, unionid='union-of-anna')
        self.wechat_says(openid='anna-in-third', unionid='union-of-anna')
        self.assertEqual(self.authenticate_phone(appid=third.appid)['uid'], new.id)

    # === SEVERAL MINI-PROGRAMS === #

    def test_each_mini_program_has_its_own_template_and_language(self):
        self.env['res.lang']._activate_lang('zh_CN')
        group = self.env['res.groups'].create({'name': "Wholesale customers"})
        template = self.create_user('wholesale-template', active=False)
        template.group_ids += group
        self.second.write({'template_user_id': template.id, 'lang': 'zh_CN'})
        users = {}
        for app, openid in ((self.app, 'anna'), (self.second, 'ben')):
            self.wechat_says(openid=openid)
            answer = self.authenticate_phone(appid=app.appid, context={'lang': 'en_US'})
            users[app] = self.env['res.users'].browse(answer['uid'])
        self.assertNotIn(group, users[self.app].group_ids)
        self.assertEqual(users[self.app].lang, 'en_US')
        self.assertIn(group, users[self.second].group_ids)
        self.assertEqual(users[self.second].lang, 'zh_CN')

    def test_each_mini_program_has_its_own_rules_of_sessions(self):
        self.second.login_duration = 2
        self.wechat_says(openid='anna')
        first = self.authenticate_phone(appid=self.app.appid)
        self.wechat_says(openid='ben')
        second = self.authenticate_phone(appid=self.second.appid)
        self.assertEqual(first['expires_in'], 7 * 86400)
        self.assertEqual(second['expires_in'], 2 * 86400)

    # === COMPANIES === #

    def _other_company(self, **values):
        company = self.env['res.company'].create({'name': "Coffee House"})
        self.second.write({'company_id': company.id, **values})
        return company

    def test_person_is_one_user_in_two_companies_and_sees_the_apps_one(self):
        company = self._other_company()
        self.wechat_says(openid='anna-in-first', unionid='union-of-anna')
        first = self.authenticate_phone(appid=self.app.appid)
        self.assertNotIn('allowed_company_ids', first['user_context'])
        self.wechat_says(openid='anna-in-second', unionid='union-of-anna')
        second = self.authenticate_phone(appid=self.second.appid)
        self.assertEqual(second['uid'], first['uid'])
        user = self.env['res.users'].browse(first['uid'])
        self.assertEqual(user.company_ids, self.app.company_id | company)
        self.assertEqual(user.company_id, self.app.company_id)
        self.assertEqual(second['user_context']['allowed_company_ids'], company.ids)
        read = self.call_kw(
            second['session_id'], 'res.users', 'read', [[first['uid']], ['login']],
            context=second['user_context'],
        )
        self.assertIn('result', read)

    def test_company_that_shares_no_users_has_its_own(self):
        company = self._other_company(share_users=False)
        self.wechat_says(openid='anna-in-first', unionid='union-of-anna')
        first = self.authenticate_phone(appid=self.app.appid)
        self.wechat_says(openid='anna-in-second', unionid='union-of-anna')
        second = self.authenticate_phone(appid=self.second.appid)
        self.assertNotEqual(second['uid'], first['uid'])
        self.assertEqual(self.env['res.users'].browse(second['uid']).company_ids, company)

    def test_company_does_not_take_users_of_one_that_shares_none(self):
        self._other_company()
        self.app.share_users = False
        self.wechat_says(openid='anna-in-first', unionid='union-of-anna')
        first = self.authenticate_phone(appid=self.app.appid)
        self.wechat_says(openid='anna-in-second', unionid='union-of-anna')
        second = self.authenticate_phone(appid=self.second.appid)
        self.assertNotEqual(second['uid'], first['uid'])

    @mute_logger(PERSON_LOGGER)
    def test_apps_of_one_company_share_users_whatever_the_setting(self):
        (self.app | self.second).share_users = False
        self.wechat_says(openid='anna-in-first', unionid='union-of-anna')
        first = self.authenticate_phone(appid=self.app.appid)
        self.wechat_says(openid='anna-in-second', unionid='union-of-anna')
        self.assertEqual(self.authenticate_phone(appid=self.second.appid)['uid'], first['uid'])
