# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import re
import time
from unittest.mock import patch

from odoo.exceptions import AccessError
from odoo.http import root
from odoo.tests import HOST, tagged

from .oauth_common import OauthCommon


@tagged('post_install', '-at_install')
class TestBinding(OauthCommon):
    """Users bind WeChat accounts to themselves, see them, and unbind them."""

    def setUp(self):
        super().setUp()
        self.customer = self.create_user('customer', password='customer-password')
        self.wechat_says(
            'snsapi_userinfo', {'nickname': "Anna", 'unionid': 'union-of-anna'},
            openid='openid-of-anna', unionid='union-of-anna',
        )

    def be(self, login):
        """Log in with a password."""
        self.forget()
        self.authenticate(login, f'{login}-password')
        self.opener.cookies.update({'test_request_key': self.http_request_key})

    def confirm_identity(self):
        """Confirm to be there, as Odoo's dialogue does."""
        session = root.session_store.get(self.session_id())
        session['identity-check-last'] = time.time()
        root.session_store.save(session)

    def bind(self, action='mp', **params):
        """Bind the WeChat account that WeChat speaks of."""
        response = self.get(f'/wechat/oauth/{action}', intent='bind', **params)
        self.assertEqual(response.status_code, 303, response.text)
        return self.come_back(self.query(response)['state'])

    def assertRefused(self, response, code='login_refused', words=''):
        self.assertIn('o_wechat_oauth_error', response.text)
        self.assertIn(code, response.text)
        self.assertIn(words, response.text)
        self.assertEqual(response.status_code, 403)

    # === BIND === #

    def test_customer_binds_a_WeChat_account_and_logs_in_with_it(self):
        self.be('customer')
        self.assertPath(self.bind(), '/my/wechat?done=bound')
        identity = self.identity()
        self.assertEqual(identity.user_id, self.customer)
        self.assertEqual(identity.partner_id, self.customer.partner_id)
        self.assertEqual(identity.unionid, 'union-of-anna')
        self.assertEqual(identity.nickname, "Anna")
        self.forget()
        self.log_in(scope='snsapi_userinfo')
        self.assertEqual(self.uid_of_session(), self.customer.id)

    def test_binding_asks_for_consent(self):
        self.be('customer')
        response = self.get('/wechat/oauth/mp', intent='bind')
        self.assertEqual(self.query(response)['scope'], 'snsapi_userinfo')

    def test_binding_goes_on_to_next(self):
        self.be('customer')
        self.assertPath(self.bind(next='/my/x'), '/my/x')

    def test_binding_keeps_the_session(self):
        self.be('customer')
        session_id = self.session_id()
        self.bind()
        self.assertEqual(self.session_id(), session_id)

    def test_binding_the_same_account_again_changes_nothing(self):
        self.be('customer')
        self.bind()
        self.assertPath(self.bind(), '/my/wechat?done=bound')
        self.assertEqual(len(self.identity()), 1)

    def test_account_of_a_follower_without_a_user_is_bound(self):
        identity = self.env['wechat.identity'].create({
            'app_id': self.official.id, 'openid': 'openid-of-anna'})
        self.be('customer')
        self.bind()
        self.assertEqual(identity.user_id, self.customer)

    def test_visitor_logs_in_before_binding(self):
        response = self.get('/wechat/oauth/mp', intent='bind')
        self.assertPath(
            response, '/web/login?redirect=%2Fwechat%2Foauth%2Fmp%3Fintent%3Dbind')
        self.assertFalse(self.env['wechat.oauth.state'].search([]))

    def test_account_of_another_user_is_refused(self):
        other = self.create_user('other')
        identity = self.create_identity(other)
        self.be('customer')
        self.assertRefused(self.bind(), words="unbind it")
        self.assertEqual(identity.user_id, other)

    def test_account_whose_unionid_is_another_customers_is_refused(self):
        other = self.create_user('other')
        self.create_identity(other, 'phone', self.app, unionid='union-of-anna')
        self.be('customer')
        self.assertRefused(self.bind())
        self.assertFalse(self.identity())

    def test_nobody_is_bound_who_logged_out_meanwhile(self):
        self.be('customer')
        state = self.query(self.get('/wechat/oauth/mp', intent='bind'))['state']
        self.url_open('/web/session/logout')
        self.assertRefused(self.come_back(state), words="no longer logged in")
        self.assertFalse(self.identity())

    def test_nobody_is_bound_to_who_logged_in_meanwhile(self):
        self.create_user('other', password='other-password')
        self.be('customer')
        state = self.query(self.get('/wechat/oauth/mp', intent='bind'))['state']
        cookie = self.opener.cookies.get('wechat_oauth', domain=HOST)
        self.be('other')
        self.opener.cookies.set('wechat_oauth', cookie, domain=HOST)
        self.assertRefused(self.come_back(state), words="no longer logged in")
        self.assertFalse(self.identity())

    def test_virtual_account_of_a_snapshot_is_not_bound(self):
        self.wechat_says('snsapi_userinfo', openid='virtual', is_snapshotuser=1)
        self.be('customer')
        self.assertIn('使用完整服务', self.bind().text)
        self.assertFalse(self.identity('virtual'))

    def test_matching_email_phone_or_name_binds_nobody(self):
        self.customer.partner_id.write({'name': "Anna", 'email': 'anna@example.com'})
        self.log_in(scope='snsapi_userinfo', email='anna@example.com', name='Anna')
        self.assertNotEqual(self.identity().user_id, self.customer)

    # === EMPLOYEES === #

    def test_employee_binds_after_confirming_to_be_there(self):
        employee = self.create_user('employee', 'base.group_user', password='employee-password')
        self.be('employee')
        self.assertRefused(self.get('/wechat/oauth/mp', intent='bind'), words="preferences")
        self.confirm_identity()
        self.assertPath(self.bind(), '/my/wechat?done=bound')
        self.assertEqual(self.identity().user_id, employee)

    def test_employee_may_be_a_customer_as_well(self):
        self.create_identity(self.customer, 'phone', self.app, unionid='union-of-anna')
        employee = self.create_user('employee', 'base.group_user', password='employee-password')
        self.be('employee')
        self.confirm_identity()
        self.bind()
        self.assertEqual(self.identity().user_id, employee)

    def test_bound_employee_logs_in_only_where_the_app_allows_it(self):
        employee = self.create_user('employee', 'base.group_user')
        self.env['wechat.identity']._bind(
            self.official.sudo(), {'openid': 'openid-of-anna', 'unionid': ''}, employee)
        self.assertFailed(self.come_back(self.begin()), 'login_refused', 403)
        self.official.allow_internal_login = True
        self.log_in()
        self.assertEqual(self.uid_of_session(), employee.id)

    def test_button_of_the_preferences_asks_for_the_password_first(self):
        employee = self.create_user('employee', 'base.group_user', password='employee-password')
        self.be('employee')
        call = {
            'model': 'res.users', 'method': 'action_wechat_bind', 'args': [employee.ids],
            'kwargs': {},
        }
        action = self.make_jsonrpc_request('/web/dataset/call_kw', call)
        self.assertEqual(action['res_model'], 'res.users.identitycheck')
        self.confirm_identity()
        action = self.make_jsonrpc_request('/web/dataset/call_kw', call)
        self.assertEqual(action['url'], '/wechat/oauth/auto?intent=bind')

    # === THE PAGE === #

    def page(self, path='/my/wechat'):
        return self.url_open(path).text

    def test_page_shows_the_own_accounts_only(self):
        self.create_identity(self.customer, nickname="Anna<b>")
        self.create_identity(self.create_user('other'), 'other', nickname="Somebody Else")
        self.be('customer')
        text = self.page()
        self.assertIn("Anna&lt;b&gt;", text)
        self.assertIn("Tea House", text)
        self.assertNotIn("Somebody Else", text)
        self.assertNotIn('openid-of-anna', text)
        self.assertIn('/wechat/oauth/auto?intent=bind', text)
        self.assertIn('href="/my/wechat"', self.page('/my'))

    def test_page_offers_no_binding_where_no_app_can(self):
        (self.official | self.website).active = False
        self.be('customer')
        self.assertNotIn('intent=bind', self.page())

    def unbind(self, identity, **values):
        token = re.search(r'name="csrf_token" value="(\w+)"', self.page())[1]
        return self.url_open('/my/wechat/unbind', data={
            'csrf_token': token, 'identity_id': str(identity.id), **values,
        }, allow_redirects=False)

    def test_customer_unbinds(self):
        identity = self.create_identity(self.customer)
        identity.partner_id = self.customer.partner_id
        self.be('customer')
        self.assertPath(self.unbind(identity), '/my/wechat?done=unbound')
        self.assertFalse(identity.user_id)
        self.assertFalse(identity.partner_id)
        self.assertEqual(identity.openid, 'openid-of-anna')

    def test_unbinding_needs_a_token_of_the_page(self):
        identity = self.create_identity(self.customer)
        self.be('customer')
        self.url_open('/my/wechat/unbind', data={'identity_id': str(identity.id)})
        self.assertEqual(identity.user_id, self.customer)

    def test_last_way_in_is_unbound_only_if_that_is_confirmed(self):
        self.log_in(scope='snsapi_userinfo')  # a new user, without a password
        identity = self.identity()
        user = identity.user_id
        response = self.unbind(identity)
        self.assertEqual(response.status_code, 200)
        self.assertIn("only way to log in", response.text)
        self.assertEqual(identity.user_id, user)
        self.unbind(identity, confirm='1')
        self.assertFalse(identity.user_id)

    def test_second_account_is_unbound_without_a_warning(self):
        self.log_in(scope='snsapi_userinfo')
        identity = self.identity()
        self.create_identity(identity.user_id, 'second', self.website)
        self.assertPath(self.unbind(identity), '/my/wechat?done=unbound')

    def test_account_of_another_user_is_not_unbound(self):
        other = self.create_user('other')
        identity = self.create_identity(other)
        self.create_identity(self.customer, 'own')
        self.be('customer')
        self.unbind(identity)
        self.assertEqual(identity.user_id, other)
        with self.assertRaises(AccessError):
            identity.with_user(self.customer).action_unbind()

    def test_unbound_account_is_somebody_new(self):
        self.create_identity(self.customer).with_user(self.customer).action_unbind()
        self.log_in(scope='snsapi_userinfo')
        self.assertNotEqual(self.identity().user_id, self.customer)

    def test_page_is_for_users_only(self):
        self.assertIn('/web/login', self.url_open('/my/wechat').url)

    # === LOGIN PAGE === #

    def test_login_page_offers_what_suits_the_browser(self):
        self.assertIn('href="/wechat/oauth/qrcode?next=%2Fmy%2Fx"',
                      self.get('/web/login', redirect='/my/x').text)
        self.assertIn('href="/wechat/oauth/mp"', self.get('/web/login', in_wechat=True).text)

    def test_login_page_offers_nothing_that_is_not_set_up(self):
        self.website.active = False
        self.assertNotIn('/wechat/oauth', self.get('/web/login').text)
        self.assertIn('/wechat/oauth/mp', self.get('/web/login', in_wechat=True).text)

    def test_login_page_leads_to_no_other_site(self):
        self.assertIn('href="/wechat/oauth/qrcode"',
                      self.get('/web/login', redirect='//evil.example.com').text)

    def test_login_page_offers_it_after_a_wrong_password_too(self):
        page = self.get('/web/login')
        token = re.search(r'name="csrf_token" value="(\w+)"', page.text)[1]
        with patch.object(type(self.env['res.users']), '_on_login_cooldown', lambda *args: False):
            response = self.url_open('/web/login', data={
                'csrf_token': token, 'login': 'customer', 'password': 'wrong'})
        self.assertIn('alert-danger', response.text)
        self.assertIn('/wechat/oauth/qrcode', response.text)
