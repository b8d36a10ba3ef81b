# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import re
from datetime import timedelta
from html import unescape
from unittest.mock import patch
from urllib.parse import parse_qsl, urlsplit

from odoo import fields
from odoo.exceptions import AccessError, ValidationError
from odoo.tests import new_test_user, tagged
from odoo.tools import file_open, mute_logger

from odoo.addons.wechat_open_platform.tests.component_common import (
    ACCOUNT,
    COMPONENT,
    LOGGERS,
    ComponentCommon,
)

PAGE = f'/wechat/component/{COMPONENT}/authorize'
STATE = 'wechat.component.state'


@tagged('post_install', '-at_install')
class TestAuthorize(ComponentCommon):
    """The page on which an account is authorised, and who may do what."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.manager = new_test_user(cls.env, 'platform_manager', groups='wechat.group_manager')
        cls.second = new_test_user(cls.env, 'platform_second', groups='wechat.group_manager')
        cls.employee = new_test_user(cls.env, 'platform_employee', groups='base.group_user')
        cls.portal = new_test_user(cls.env, 'platform_portal', groups='base.group_portal')
        cls.other_company = cls.env['res.company'].create({'name': "Other"})
        cls.outsider = new_test_user(
            cls.env, 'platform_outsider', groups='wechat.group_manager',
            company_id=cls.other_company.id, company_ids=[(6, 0, cls.other_company.ids)])

    def setUp(self):
        super().setUp()
        self.send_ticket()
        self.be(self.manager)

    def be(self, user):
        """Log in as a user, in another browser."""
        self.opener.cookies.clear()
        self.authenticate(user.login, user.login)
        self.opener.cookies.update({'test_request_key': self.http_request_key})

    def links(self, **params):
        """Open the page.

        :return: the addresses for desktops and for phones
        """
        response = self.url_open(PAGE, params=params)
        self.assertEqual(response.status_code, 200, response.text)
        self.page = response
        return [
            unescape(re.search(rf'<a class="[^"]*{name}" href="([^"]+)"', response.text)[1])
            for name in ('o_wechat_desktop', 'o_wechat_phone')
        ]

    def begin(self):
        """Open the page; returns where WeChat sends the browser afterwards."""
        values = dict(parse_qsl(urlsplit(self.links()[0]).query))
        return values['redirect_uri']

    def come_back(self, address, code='CODE_1'):
        """Come back from WeChat."""
        parts = urlsplit(address)
        return self.url_open(
            f'{parts.path}?{parts.query}&auth_code={code}&expires_in=3600' if code
            else f'{parts.path}?{parts.query}')

    # === THE PAGE === #

    def test_page_has_the_links_for_desktop_and_phone(self):
        desktop, phone = self.links(auth_type='2')
        self.assertTrue(desktop.startswith(f'{self.fake.url}/cgi-bin/componentloginpage?'))
        self.assertTrue(phone.startswith(
            f'{self.fake.url}/safe/bindcomponent?action=bindcomponent&no_scan=1&component_appid='))
        self.assertTrue(phone.endswith('#wechat_redirect'))
        for link in (desktop, phone):
            values = dict(parse_qsl(urlsplit(link).query))
            self.assertEqual(values['component_appid'], COMPONENT)
            self.assertEqual(values['pre_auth_code'], 'PRE_AUTH')
            self.assertEqual(values['auth_type'], '2')
            self.assertRegex(
                values['redirect_uri'],
                f'^{re.escape(self.base_url())}/wechat/component/return\\?state=[0-9a-f]{{64}}$')

    def test_page_lets_wechat_see_the_domain_that_the_browser_comes_from(self):
        self.links()
        self.assertEqual(self.page.headers['Referrer-Policy'], 'origin')
        self.assertNotIn('noreferrer', self.page.text)
        self.assertEqual(self.page.headers['Cache-Control'], 'no-store')

    def test_button_opens_the_page_on_the_registered_domain(self):
        self.assertEqual(self.component.action_authorize()['url'], self.base_url() + PAGE)

    def test_return_sets_the_account_up(self):
        response = self.come_back(self.begin())
        self.assertIn('o_wechat_done', response.text)
        self.assertIn("茶馆", response.text)
        self.assertEqual(self.account().authorization_state, 'authorized')

    def test_event_and_return_with_the_same_code_ask_once(self):
        address = self.begin()
        self.authorize('CODE_1')
        self.assertIn('o_wechat_done', self.come_back(address).text)
        self.assertEqual(len(self.calls('query_auth')), 1)

    def test_account_that_is_an_own_app_is_told_to_the_person(self):
        self.env['wechat.app'].create({'name': "Own", 'appid': ACCOUNT, 'secret': 'S'})
        response = self.come_back(self.begin())
        self.assertIn('o_wechat_not_done', response.text)
        self.assertIn('was left as it is', response.text)

    # === REFUSALS === #

    def assertNotDone(self, response):
        self.assertIn('o_wechat_not_done', response.text)
        self.assertFalse(self.calls('query_auth'))
        self.assertFalse(self.account())

    def test_state_is_good_once(self):
        address = self.begin()
        self.come_back(address)
        self.assertIn('o_wechat_not_done', self.come_back(address, 'CODE_2').text)
        self.assertEqual(len(self.calls('query_auth')), 1)

    def test_state_of_somebody_else_is_refused(self):
        address = self.begin()
        cookie = self.opener.cookies.get('wechat_component')
        self.be(self.second)
        self.opener.cookies.set('wechat_component', cookie)
        self.assertNotDone(self.come_back(address))

    def test_state_of_another_browser_is_refused(self):
        address = self.begin()
        self.be(self.manager)
        self.assertNotDone(self.come_back(address))
        self.begin()  # A cookie of its own does not help.
        self.assertNotDone(self.come_back(address))

    def test_missing_invented_and_old_states_are_refused(self):
        for path in (
            '/wechat/component/return', '/wechat/component/return?state=',
            f'/wechat/component/return?state={"0" * 64}',
        ):
            self.assertNotDone(self.url_open(f'{path}{"&" if "?" in path else "?"}auth_code=C'))
        address = self.begin()
        self.env[STATE].search([]).expires_at = fields.Datetime.now() - timedelta(seconds=1)
        self.assertNotDone(self.come_back(address))

    def test_return_without_a_code_is_refused(self):
        self.assertNotDone(self.come_back(self.begin(), code=None))

    @mute_logger(*LOGGERS)
    def test_code_that_was_used_is_refused(self):
        self.fake.answer('POST', '/cgi-bin/component/api_query_auth', {'errcode': 61009})
        response = self.come_back(self.begin())
        self.assertIn('o_wechat_not_done', response.text)
        self.assertIn('authorize the account again', response.text)

    @mute_logger(*LOGGERS)
    def test_page_without_a_ticket_says_what_to_do(self):
        self.env['wechat.token'].search([('app_id', '=', self.component.id)]).unlink()
        response = self.url_open(PAGE)
        self.assertIn('o_wechat_not_done', response.text)
        self.assertIn('Start Ticket Pushes', response.text)

    def test_nobody_but_managers_of_the_company_gets_the_page(self):
        for user in (self.portal, self.employee, self.outsider):
            with self.subTest(user=user.login):
                self.be(user)
                self.assertEqual(self.url_open(PAGE).status_code, 404)
        self.opener.cookies.clear()
        response = self.url_open(PAGE, allow_redirects=False)
        self.assertIn('/web/login', response.headers['Location'])
        self.assertFalse(self.env[STATE].search([]))

    @mute_logger('odoo.addons.base.models.ir_model', 'odoo.addons.base.models.ir_rule')
    def test_portal_users_and_employees_read_nothing(self):
        self.authorize()
        for user in (self.portal, self.employee):
            for model in ('wechat.authorization', STATE):
                with self.subTest(user=user.login, model=model), self.assertRaises(AccessError):
                    self.env[model].with_user(user).search([])
        self.assertFalse(self.env['wechat.authorization'].with_user(self.outsider).search([]))
        row = self.env['wechat.authorization'].with_user(self.manager).search([])
        for name in ('code', 'answer', 'code_hash'):
            with self.subTest(name=name), self.assertRaises(AccessError):
                row.read([name])
        for call in (self.component.with_user(self.outsider).action_authorize,
                     self.component.with_user(self.employee).action_start_push_ticket):
            with self.assertRaises(AccessError):
                call()

    def test_nothing_but_buttons_can_be_called_by_clients(self):
        buttons = {
            'wechat.app': {
                'action_authorize', 'action_check_credentials', 'action_start_push_ticket'},
            'wechat.authorization': set(), STATE: set(),
        }
        for name, allowed in buttons.items():
            model = type(self.env[name])
            own = {
                attribute
                for cls in model.__mro__ if cls.__module__.startswith('odoo.addons.wechat_open_')
                for attribute, value in vars(cls).items()
                if not attribute.startswith('_') and callable(value)
            }
            with self.subTest(model=name):
                self.assertEqual(own - {'create', 'write', 'unlink'} - set(model._fields), allowed)

    def test_used_codes_and_answers_are_forgotten(self):
        self.authorize()
        self.env.cr.execute("SELECT code, answer FROM wechat_authorization")
        self.assertEqual(self.env.cr.fetchall(), [(None, None)])

    # === RECORDS === #

    def test_platform_of_another_company_cannot_be_chosen(self):
        with self.assertRaises(ValidationError):
            self.env['wechat.app'].create({
                'name': "A", 'appid': ACCOUNT, 'company_id': self.other_company.id,
                'token_source': 'component', 'component_id': self.component.id})
        with self.assertRaises(ValidationError):
            self.component.token_source = 'component'

    def test_account_that_leaves_the_platform_keeps_nothing_of_it(self):
        app = self.authorize()
        app.token_source = 'wechat'
        self.assertRecordValues(app, [{
            'component_id': False, 'authorization_state': False, 'authorization_scopes': False}])
        self.assertFalse(self.stored('authorizer_refresh_token', app))
        self.assertFalse(self.stored('access_token', app))

    def test_check_asks_wechat_what_is_granted(self):
        app = self.authorize()
        app.authorization_scopes = '99'
        self.fake.answer('POST', '/cgi-bin/component/api_get_authorizer_info', {
            'authorization_info': {'func_info': [{'funcscope_category': {'id': 4}}]}})
        told = app.action_check_credentials()['params']
        self.assertEqual(told['type'], 'success')
        self.assertEqual(told['message'], "The account has authorised the platform.")
        self.assertEqual(app.authorization_scopes, '4')
        self.assertEqual(self.component.action_check_credentials()['params']['type'], 'success')
        self.assertEqual(self.stored('authorizer_refresh_token', app), 'REFRESH_0')

    def test_neutralized_database_acts_for_nobody(self):
        app = self.authorize()
        self.event('authorized', AuthorizerAppid=ACCOUNT, AuthorizationCode='CODE_2')
        self.env.flush_all()
        for addon in ('wechat', 'wechat_open_platform'):
            with file_open(f'{addon}/data/neutralize.sql') as script:
                self.env.cr.execute(script.read())
        self.env.invalidate_all()
        self.assertEqual(app.authorization_state, 'unauthorized')
        self.assertFalse(self.env['wechat.authorization'].search([('state', '=', 'new')]))
        with self.assertRefused('misconfigured'):
            app._get_token()

    def test_return_after_the_end_of_the_authorisation_says_so(self):
        address = self.begin()
        self.authorize('CODE_1')
        self.event('unauthorized', AuthorizerAppid=ACCOUNT)
        response = self.come_back(address)
        self.assertIn('o_wechat_not_done', response.text)
        self.assertIn('no longer authorised', response.text)

    @mute_logger(*LOGGERS)
    def test_code_is_tried_five_times_and_an_answer_for_a_day(self):
        for name in ('query_auth', 'get_authorizer_info'):
            self.fake.answer('POST', f'/cgi-bin/component/api_{name}', None)
        self.event('authorized', AuthorizerAppid=ACCOUNT, AuthorizationCode='CODE_1')
        for _try in range(7):
            self.take()
        self.assertEqual(len(self.calls('query_auth')), 5)
        first = self.env['wechat.authorization'].search([])
        self.assertEqual(first.state, 'failed')
        self.fake.answer('POST', '/cgi-bin/component/api_query_auth', self._answer_query_auth)
        self.event('authorized', AuthorizerAppid=ACCOUNT, AuthorizationCode='CODE_2')
        for _try in range(7):
            self.take()
        second = self.env['wechat.authorization'].search([]) - first
        self.assertEqual(second.state, 'exchanged')
        later = fields.Datetime.now() + timedelta(days=1, seconds=1)
        with patch.object(fields.Datetime, 'now', lambda: later):
            self.take()
        self.assertEqual(second.state, 'failed')
        self.env.cr.execute("SELECT DISTINCT code, answer FROM wechat_authorization")
        self.assertEqual(self.env.cr.fetchall(), [(None, None)])

    @mute_logger(*LOGGERS)
    def test_code_that_is_too_old_is_not_tried(self):
        self.event('authorized', AuthorizerAppid=ACCOUNT, AuthorizationCode='CODE_1')
        later = fields.Datetime.now() + timedelta(hours=2)
        with patch.object(fields.Datetime, 'now', lambda: later):
            self.take()
        self.assertFalse(self.calls('query_auth'))
        self.assertEqual(self.env['wechat.authorization'].search([]).state, 'failed')
