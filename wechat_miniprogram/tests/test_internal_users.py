# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import base64
from unittest.mock import patch

from odoo import api
from odoo.exceptions import AccessError
from odoo.tests import tagged

from .common import MiniprogramCommon


@tagged('post_install', '-at_install')
class TestInternalUsers(MiniprogramCommon):
    """Employees are not customers (design.md, rule 11)."""

    def setUp(self):
        super().setUp()
        self.employee = self.create_user('employee', 'base.group_user')

    def test_employee_is_refused_by_default(self):
        self.create_identity(self.employee)
        self.refuse_phone('login_refused')

    def test_bound_employee_logs_in_where_the_app_allows_it(self):
        self.create_identity(self.employee)
        self.app.allow_internal_login = True
        answer = self.authenticate_phone()
        self.assertEqual(answer['uid'], self.employee.id)
        read = self.call_kw(answer['session_id'], 'res.users', 'read', [[answer['uid']], ['login']])
        self.assertIn('result', read)

    def test_unionid_joins_no_new_identity_to_an_employee(self):
        second = self.create_app(allow_internal_login=True)
        self.app.allow_internal_login = True
        self.create_identity(self.employee, unionid='union-of-employee')
        self.wechat_says(openid='employee-in-second', unionid='union-of-employee')
        self.refuse_phone('login_refused', appid=second.appid)
        self.assertFalse(self.identity('employee-in-second', second))

    def test_employees_customer_account_is_joined_rather_than_the_employee(self):
        second = self.create_app()
        third = self.create_app('wx0000000000000004')
        customer = self.create_user('customer')
        self.create_identity(self.employee, unionid='union-of-employee')
        self.create_identity(customer, 'customer', second, unionid='union-of-employee')
        self.wechat_says(openid='employee-in-third', unionid='union-of-employee')
        self.assertEqual(self.authenticate_phone(appid=third.appid)['uid'], customer.id)

    def test_administrators_are_refused_whatever_the_setting(self):
        self.app.allow_internal_login = True
        for group in ('base.group_system', 'base.group_erp_manager'):
            with self.subTest(group=group):
                admin = self.create_user(f'admin of {group}', group)
                identity = self.create_identity(admin)
                self.refuse_phone('login_refused')
                identity.unlink()

    def test_superuser_and_public_user_are_refused(self):
        self.app.allow_internal_login = True
        public = self.env.ref('base.public_user')
        public.active = True
        for user in (self.env['res.users'].browse(api.SUPERUSER_ID), public):
            with self.subTest(user=user.login):
                identity = self.create_identity(user)
                self.refuse_phone('login_refused')
                identity.unlink()

    def test_archived_employee_is_told_to_be_archived(self):
        self.create_identity(self.employee)
        self.app.allow_internal_login = True
        self.employee.active = False
        self.refuse_phone('user_archived')

    def test_pending_second_factor_gives_no_session(self):
        self.create_identity(self.employee)
        self.app.allow_internal_login = True
        self._protect(self.employee)
        customer = self._customer()
        error = self.refuse_phone('mfa_required', session_id=customer['session_id'])
        self.assertNotIn('session_id', str(error['data']['context']))
        session = self.stored_session(customer['session_id'])
        self.assertEqual(session.uid, customer['uid'], "The session is another one now")
        self.assertNotIn('pre_uid', session)
        self.assertFalse(self.identity().sudo().session_key, "A refused login was stored")

    def test_refused_login_sets_no_session_cookie_of_the_employee(self):
        self.create_identity(self.employee)
        self.app.allow_internal_login = True
        self._protect(self.employee)
        response = self.post('/wechat/miniprogram/authenticate', {'code': 'code-1'})
        cookie = response.cookies.get('session_id')
        if cookie:
            self.assertFalse(self.stored_session(cookie).uid)
            self.assertNotIn('pre_uid', self.stored_session(cookie))

    def test_customers_own_second_factor_does_not_lock_them_out(self):
        customer = self.create_user('customer')
        self.create_identity(customer)
        self._protect(customer)
        self.assertEqual(self.authenticate_phone()['uid'], customer.id)

    def test_only_an_administrator_of_users_binds_an_employee(self):
        manager = self.create_user('manager', 'wechat.group_manager')
        customer = self.create_user('customer')
        identity = self.create_identity(customer).with_user(manager)
        with self.assertRaises(AccessError):
            identity.user_id = self.employee
        identity.user_id = self.create_user('another customer')
        with self.assertRaises(AccessError):
            self.env['wechat.identity'].with_user(manager).create({
                'app_id': self.app.id, 'openid': 'employee', 'user_id': self.employee.id,
            })
        administrator = self.create_user('administrator', 'base.group_erp_manager')
        administrator.group_ids += self.env.ref('wechat.group_manager')
        identity.with_user(administrator).user_id = self.employee

    def test_employees_identity_is_not_made_that_of_another_WeChat_account(self):
        manager = self.create_user('manager', 'wechat.group_manager')
        identity = self.create_identity(self.employee).with_user(manager)
        for values in ({'openid': 'openid-of-the-manager'}, {'app_id': self.create_app().id}):
            with self.subTest(values=values), self.assertRaises(AccessError):
                identity.write(values)
        identity.nickname = "Anna"
        identity.user_id = False

    def _protect(self, user):
        """Give a user a time-based second factor."""
        if 'totp_secret' in user._fields:
            user.sudo().totp_secret = base64.b32encode(b'12345678901234567890').decode()
            self.env.flush_all()
        else:  # auth_totp, which installs itself, was kept out: say what it would say
            Users = type(user)
            self.startPatcher(patch.object(
                Users, '_mfa_url', lambda one: '/web/login/totp' if one == user else None,
            ))
        self.assertTrue(user._mfa_url())

    def _customer(self):
        """Log somebody else in."""
        self.wechat_says(openid='openid-of-ben')
        answer = self.authenticate_phone()
        self.wechat_says(openid='openid-of-anna')
        return answer
