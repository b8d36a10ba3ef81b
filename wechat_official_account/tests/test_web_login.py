# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from datetime import timedelta
from unittest.mock import patch
from urllib.parse import urlsplit

from odoo import fields
from odoo.http import Response
from odoo.tests import HOST, tagged

from odoo.addons.wechat.exceptions import WeChatError

from .oauth_common import MOBILE, OFFICIAL, REFRESH_TOKEN, SECRET, TOKEN, WEBSITE, OauthCommon


@tagged('post_install', '-at_install')
class TestWebLogin(OauthCommon):
    """Logins on web pages, from the link to the open session."""

    # === THE WAY TO WECHAT === #

    def test_mp_leads_to_the_page_inside_WeChat(self):
        response = self.get('/wechat/oauth/mp')
        address = response.headers['Location']
        callback = self.base_url().replace(':', '%3A').replace('/', '%2F')
        self.assertRegex(address, (
            rf'^{self.fake.url}/connect/oauth2/authorize\?appid={OFFICIAL}'
            rf'&redirect_uri={callback}%2Fwechat%2Foauth%2Fcallback&response_type=code'
            r'&scope=snsapi_base&state=[0-9a-f]{64}#wechat_redirect$'
        ))
        self.assertEqual(response.headers['Cache-Control'], 'no-store')

    def test_qrcode_leads_to_the_page_with_the_code_whatever_the_scope(self):
        for scope in ('', 'snsapi_base', 'snsapi_userinfo'):
            response = self.get('/wechat/oauth/qrcode', scope=scope)
            self.assertIn('/connect/qrconnect?', response.headers['Location'])
            query = self.query(response)
            self.assertEqual((query['appid'], query['scope']), (WEBSITE, 'snsapi_login'))

    def test_automatic_choice_is_by_the_browser(self):
        inside = self.get('/wechat/oauth/auto', in_wechat=True)
        self.assertIn('/connect/oauth2/authorize?', inside.headers['Location'])
        outside = self.get('/wechat/oauth/auto')
        self.assertIn('/connect/qrconnect?', outside.headers['Location'])

    def test_return_address_is_never_that_of_the_request(self):
        self.env['ir.config_parameter'].set_param('web.base.url', 'https://shop.example.com')
        response = self.get('/wechat/oauth/mp', canonical='1')
        self.assertEqual(
            self.query(response)['redirect_uri'], 'https://shop.example.com/wechat/oauth/callback',
        )

    def test_login_begins_at_the_address_it_will_come_back_to(self):
        self.env['ir.config_parameter'].set_param('web.base.url', 'https://shop.example.com')
        response = self.get('/wechat/oauth/mp', next='/shop?a=1')
        self.assertEqual(
            response.headers['Location'],
            'https://shop.example.com/wechat/oauth/mp?next=%2Fshop%3Fa%3D1&canonical=1',
        )

    def test_cookie_of_the_browser_is_out_of_reach_for_scripts_and_other_sites(self):
        cookies = self.get('/wechat/oauth/mp').raw.headers.getlist('Set-Cookie')
        cookie = next(one for one in cookies if one.startswith('wechat_oauth='))
        for attribute in ('HttpOnly', 'SameSite=Lax', 'Max-Age=600', 'Path=/'):
            self.assertIn(attribute, cookie)

    def test_database_holds_no_state_that_could_be_used(self):
        state = self.begin()
        row = self.env['wechat.oauth.state'].search([])
        browser = self.opener.cookies.get('wechat_oauth', domain=HOST)
        for secret in (state, browser):
            self.assertNotIn(secret, str(row.read()))

    # === LOGGING IN === #

    def test_person_who_is_known_logs_in_silently(self):
        customer = self.create_user('customer')
        self.create_identity(customer)
        self.assertPath(self.log_in(), '/my')
        self.assertEqual(self.uid_of_session(), customer.id)
        self.assertEqual(len(self.exchanges()), 1)
        self.assertFalse(self.fake.calls('/sns/userinfo'))

    def test_code_is_exchanged_with_the_secret(self):
        self.create_identity(self.create_user('customer'))
        self.come_back(self.begin(), code='the-code')
        self.assertEqual(self.exchanges()[0].query, {
            'appid': OFFICIAL, 'secret': SECRET, 'code': 'the-code',
            'grant_type': 'authorization_code',
        })

    def test_session_id_is_a_new_one(self):
        self.create_identity(self.create_user('customer'))
        state = self.begin()
        before = self.session_id()
        response = self.come_back(state)
        self.assertNotEqual(self.session_id(), before)
        self.assertIn('session_id', str(response.raw.headers.getlist('Set-Cookie')))

    def test_session_names_app_and_identity(self):
        identity = self.create_identity(self.create_user('customer'))
        self.log_in()
        session = self.stored_session()
        self.assertEqual(session['wechat_identity_id'], identity.id)
        self.assertEqual(session['wechat_app_id'], self.official.id)

    def test_login_leads_to_the_page_it_began_for(self):
        self.create_identity(self.create_user('customer'))
        self.assertPath(self.log_in(next='/my/wechat?a=b'), '/my/wechat?a=b')

    def test_page_may_be_named_by_its_complete_address(self):
        self.create_identity(self.create_user('customer'))
        self.assertPath(self.log_in(next=f'{self.base_url()}/my/wechat?a=b'), '/my/wechat?a=b')

    def test_somebody_new_is_asked_for_more_before_a_user_is_made(self):
        response = self.come_back(self.begin(next='/my/wechat'))
        self.assertEqual(self.query(response)['scope'], 'snsapi_userinfo')
        self.assertFalse(self.identity())
        self.wechat_says(
            'snsapi_userinfo', {'nickname': "小明", 'unionid': 'union-of-anna',
                                'headimgurl': 'http://thirdwx.qlogo.cn/mmopen/x/132'},
            openid='openid-of-anna',
        )
        response = self.come_back(self.query(response)['state'], code='code-2')
        self.assertPath(response, '/my/wechat')
        identity = self.identity()
        self.assertEqual(self.uid_of_session(), identity.user_id.id)
        self.assertTrue(identity.user_id._is_portal())
        self.assertEqual(identity.partner_id.name, "小明")
        self.assertEqual(identity.unionid, 'union-of-anna')
        self.assertEqual(identity.nickname, "小明")
        self.assertEqual(identity.avatar_url, 'https://thirdwx.qlogo.cn/mmopen/x/132')

    def test_second_round_finds_the_user_of_another_app(self):
        customer = self.create_user('customer')
        self.create_identity(customer, 'phone', self.app, unionid='union-of-anna')
        state = self.query(self.come_back(self.begin()))['state']
        self.wechat_says(
            'snsapi_userinfo', {'unionid': 'union-of-anna'}, openid='openid-of-anna')
        self.assertPath(self.come_back(state), '/my')
        self.assertEqual(self.identity().user_id, customer)

    def test_unionid_told_with_the_code_needs_no_second_round(self):
        customer = self.create_user('customer')
        self.create_identity(customer, 'phone', self.app, unionid='union-of-anna')
        self.wechat_says(openid='openid-of-anna', unionid='union-of-anna')
        self.log_in()
        self.assertEqual(self.uid_of_session(), customer.id)

    def test_qr_code_logs_in_with_the_profile(self):
        self.wechat_says(
            'snsapi_login', {'nickname': "Anna", 'unionid': 'u'}, openid='openid-on-site',
            unionid='u',
        )
        self.log_in('qrcode')
        identity = self.identity('openid-on-site', self.website)
        self.assertEqual(self.uid_of_session(), identity.user_id.id)
        self.assertEqual(identity.nickname, "Anna")

    def test_one_person_is_one_user_inside_WeChat_and_on_the_website(self):
        self.wechat_says('snsapi_userinfo', {'unionid': 'u'}, openid='a', unionid='u')
        self.log_in('mp', scope='snsapi_userinfo')
        self.forget()
        self.wechat_says('snsapi_login', {'unionid': 'u'}, openid='b', unionid='u')
        self.log_in('qrcode')
        self.assertEqual(self.identity('a').user_id, self.identity('b', self.website).user_id)

    def test_profile_that_WeChat_does_not_tell_keeps_nobody_out_who_is_known(self):
        customer = self.create_user('customer')
        self.create_identity(customer)
        self.wechat_says('snsapi_userinfo', openid='openid-of-anna')
        self.fake.answer('GET', '/sns/userinfo', {'errcode': 48001, 'errmsg': 'no'})
        self.log_in(scope='snsapi_userinfo')
        self.assertEqual(self.uid_of_session(), customer.id)

    def test_several_accounts_are_told_apart_by_appid(self):
        second = self.official.create({
            'name': "Second", 'app_type': 'official_account', 'appid': 'wx00000000000000b1',
            'secret': SECRET, 'company_id': self.company.id,
        })
        customer = self.create_user('customer')
        self.create_identity(customer, app=second)
        self.log_in(appid=second.appid)
        self.assertEqual(self.exchanges()[0].query['appid'], second.appid)
        self.assertEqual(self.uid_of_session(), customer.id)

    def test_several_tabs_do_not_disturb_each_other(self):
        self.create_identity(self.create_user('customer'))
        first, second = self.begin(next='/my/first'), self.begin(next='/my/second')
        self.assertPath(self.come_back(first), '/my/first')
        self.assertPath(self.come_back(second), '/my/second')

    def test_nothing_of_another_users_session_goes_over(self):
        other = self.create_user('other', password='other-password')
        self.authenticate('other', 'other-password')
        self.opener.cookies.update({'test_request_key': self.http_request_key})
        before = self.session_id()
        customer = self.create_user('customer')
        self.create_identity(customer)
        self.log_in()
        self.assertNotEqual(self.session_id(), before)
        self.assertEqual(self.uid_of_session(), customer.id)
        self.assertFalse(other.wechat_identity_ids)

    # === TOKENS === #

    def test_tokens_of_people_are_neither_stored_nor_logged(self):
        with self.assertLogs('odoo', 'DEBUG') as logs:
            self.wechat_says('snsapi_userinfo', {'nickname': "Anna"}, openid='openid-of-anna')
            self.log_in(scope='snsapi_userinfo')
        for token in (TOKEN, REFRESH_TOKEN):
            self.assertFalse([line for line in logs.output if token in line])
            self.assertNotIn(token, str(self.identity().read()))
            self.assertNotIn(token, str(dict(self.stored_session())))
        self.assertFalse(self.env['wechat.token'].sudo().search([('value', '=', TOKEN)]))

    # === HOOKS === #

    def test_hook_after_a_login_gets_what_WeChat_said_without_tokens(self):
        calls = []
        with patch.object(
            type(self.env['res.users']), '_on_wechat_login',
            lambda user, identity, action, scope=None, access=None, next=None: calls.append(
                (user.id, identity.id, action, scope, access, next)),
        ):
            self.wechat_says('snsapi_userinfo', {'nickname': "Anna"}, openid='openid-of-anna')
            self.log_in(scope='snsapi_userinfo', next='/my/x')
        (user, identity, action, scope, access, next_page), = calls
        self.assertEqual(identity, self.identity().id)
        self.assertEqual(user, self.identity().user_id.id)
        self.assertEqual((action, scope, next_page), ('mp', 'snsapi_userinfo', '/my/x'))
        self.assertEqual(access['nickname'], "Anna")
        self.assertEqual(access['openid'], 'openid-of-anna')
        self.assertNotIn(TOKEN, str(access))
        self.assertFalse([key for key in access if 'token' in key])

    def test_response_of_the_hook_is_answered(self):
        self.create_identity(self.create_user('customer'))
        with patch.object(
            type(self.env['res.users']), '_on_wechat_login',
            lambda *args, **kwargs: Response("Welcome", status=200),
        ):
            response = self.come_back(self.begin())
        self.assertEqual((response.status_code, response.text), (200, "Welcome"))
        self.assertTrue(self.uid_of_session())

    def test_hook_may_refuse_the_login(self):
        def refuse(*args, **kwargs):
            raise WeChatError("Not today", code='login_refused')

        self.wechat_says('snsapi_userinfo', {'nickname': "Anna"}, openid='openid-of-anna')
        with patch.object(type(self.env['res.users']), '_on_wechat_login', refuse):
            response = self.come_back(self.begin(scope='snsapi_userinfo'))
        self.assertFailed(response, 'login_refused', 403)
        self.assertIn("Not today", response.text)
        self.assertFalse(self.identity(), "The user of a refused login was left behind")

    def test_hook_on_a_failure_keeps_what_it_writes_and_answers(self):
        def note(app, error, action, next):
            app.name = f'{error.code} {action} {next}'
            return Response("Oh", status=418)

        self.wechat_refuses(40163)
        with patch.object(type(self.env['wechat.app']), '_on_wechat_login_error', note):
            response = self.come_back(self.begin(next='/my/x'))
        self.assertEqual((response.status_code, response.text), (418, "Oh"))
        self.env.invalidate_all()
        self.assertEqual(self.official.name, 'code_used mp /my/x')

    def test_failure_of_the_hook_on_a_failure_changes_nothing(self):
        def fail(*args):
            raise ValueError("hook")

        self.wechat_refuses(40029)
        with (
            patch.object(type(self.env['wechat.app']), '_on_wechat_login_error', fail),
            self.assertLogs('odoo.addons.wechat.controllers.login', 'ERROR'),
        ):
            self.assertFailed(self.come_back(self.begin()), 'invalid_code', 400)

    # === MOBILE APPS === #

    def mobile_call(self, **params):
        response = self.url_open('/wechat/oauth/mobile', json=self.build_rpc_payload(params))
        return response.json()

    def test_mobile_app_gets_a_session_that_works(self):
        self.wechat_says('snsapi_userinfo', {'nickname': "Anna"}, openid='in-app', unionid='u')
        result = self.mobile_call(code='code-1', context={'lang': 'en_US'})['result']
        self.assertEqual(set(result), {
            'session_id', 'uid', 'partner_id', 'name', 'username', 'db', 'user_context',
            'expires_in', 'is_new_user', 'has_phone',
        })
        self.assertTrue(result['is_new_user'])
        self.assertEqual(result['name'], "Anna")
        self.assertEqual(self.identity('in-app', self.mobile).user_id.id, result['uid'])
        self.forget()
        self.opener.cookies.set('session_id', result['session_id'], domain=HOST)
        self.assertEqual(self.uid_of_session(), result['uid'])

    def test_mobile_login_names_what_is_wrong(self):
        for params, word in (
            ({}, 'bad_request'), ({'code': 1}, 'bad_request'), ({'code': 'a b'}, 'bad_request'),
            ({'code': 'c', 'context': []}, 'bad_request'),
            ({'code': 'c', 'appid': OFFICIAL}, 'unknown_app'),
            ({'code': 'c', 'appid': [1]}, 'bad_request'),
        ):
            with self.subTest(params=params):
                error = self.mobile_call(**params)['error']
                self.assertEqual(error['data']['context']['code'], word)
                self.assertTrue(error['data']['name'].startswith('odoo.addons.wechat'))
        self.assertFalse(self.exchanges())

    def test_mobile_login_passes_on_what_WeChat_refused(self):
        for errcode, word in (
            (40029, 'invalid_code'), (40163, 'code_used'), (40226, 'user_blocked'),
        ):
            self.wechat_refuses(errcode)
            error = self.mobile_call(code='code-1', appid=MOBILE)['error']
            self.assertEqual(error['data']['context'], {'code': word, 'errcode': errcode})

    def test_mobile_login_leaves_the_second_factor_to_the_login_page(self):
        employee = self.create_user('employee', 'base.group_user')
        self.create_identity(employee, 'in-app', self.mobile)
        self.mobile.allow_internal_login = True
        self.wechat_says('snsapi_userinfo', openid='in-app')
        with patch.object(
            type(self.env['res.users']), '_mfa_url', lambda user: '/web/login/totp',
        ):
            error = self.mobile_call(code='code-1')['error']
        self.assertEqual(error['data']['context']['code'], 'mfa_required')

    # === STATES === #

    def test_states_that_nobody_came_back_for_are_deleted(self):
        states = self.env['wechat.oauth.state']
        self.begin()
        states.search([]).expires_at = fields.Datetime.now() - timedelta(seconds=1)
        self.begin()
        states.flush_model()
        states._gc_states()
        states.invalidate_model()
        self.assertEqual(states.search_count([]), 1)

    def test_address_of_the_site_is_that_of_the_redirect(self):
        self.create_identity(self.create_user('customer'))
        response = self.log_in(next='/my/wechat')
        self.assertIn(urlsplit(response.headers['Location']).netloc,
                      ('', urlsplit(self.base_url()).netloc))
