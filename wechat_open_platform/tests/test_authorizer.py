# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import time

from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.wechat_open_platform.tests.component_common import (
    ACCOUNT,
    COMPONENT,
    LOGGERS,
    ComponentCommon,
)

REFRESH = 'authorizer_refresh_token'


@tagged('post_install', '-at_install')
class TestAuthorizer(ComponentCommon):
    """From the event of an authorisation to its end."""

    def setUp(self):
        super().setUp()
        self.send_ticket()

    # === AUTHORISATION === #

    def test_authorised_account_appears_as_an_app(self):
        app = self.authorize()
        self.assertRecordValues(app, [{
            'name': "茶馆", 'app_type': 'official_account', 'token_source': 'component',
            'component_id': self.component.id, 'company_id': self.company.id, 'active': True,
            'authorization_state': 'authorized', 'authorization_scopes': '1, 15',
            'original_id': 'gh_0123456789ab', 'state': 'ok',
        }])
        self.assertEqual(self.stored(REFRESH, app), 'REFRESH_0')
        self.assertEqual(app._get_token(), 'ACCESS_0')
        self.assertFalse(self.calls('authorizer_token'))

    def test_account_does_not_become_the_default_before_own_apps(self):
        own = self.env['wechat.app'].create({
            'name': "Own", 'app_type': 'official_account', 'appid': 'wx00000000000000c7',
            'company_id': self.company.id, 'sequence': 50})
        self.authorize()
        default = self.env['wechat.app']._get_default('official_account', self.company)
        self.assertEqual(default, own)

    def test_mini_program_is_told_by_its_info(self):
        self.fake.answer('POST', '/cgi-bin/component/api_get_authorizer_info', {
            'authorizer_info': {'nick_name': "Tea", 'MiniProgramInfo': {'network': {}}}})
        self.assertEqual(self.authorize().app_type, 'miniprogram')

    def test_event_is_answered_before_wechat_is_asked(self):
        self.event('authorized', AuthorizerAppid=ACCOUNT, AuthorizationCode='CODE_1')
        self.assertFalse(self.calls('query_auth'))
        self.assertTrue(self.env['wechat.authorization'].search([('state', '=', 'new')]))

    def test_event_twice_asks_once(self):
        self.authorize()
        self.authorize()
        self.assertEqual(len(self.calls('query_auth')), 1)
        self.assertEqual(len(self.env['wechat.authorization'].search([])), 1)

    @mute_logger(*LOGGERS)
    def test_used_code_is_not_asked_again(self):
        self.fake.answer('POST', '/cgi-bin/component/api_query_auth', {'errcode': 61009})
        self.assertFalse(self.authorize())
        self.take()
        self.assertEqual(len(self.calls('query_auth')), 1)
        self.assertEqual(self.env['wechat.authorization'].search([]).state, 'failed')

    @mute_logger(*LOGGERS)
    def test_code_survives_that_wechat_is_down(self):
        self.fake.answer('POST', '/cgi-bin/component/api_query_auth', None)
        self.assertFalse(self.authorize())
        self.fake.answer('POST', '/cgi-bin/component/api_query_auth', self._answer_query_auth)
        self.take()
        self.assertEqual(self.account().authorization_state, 'authorized')

    @mute_logger(*LOGGERS)
    def test_answer_survives_that_wechat_is_down_after_it(self):
        self.fake.answer('POST', '/cgi-bin/component/api_get_authorizer_info', None)
        self.assertFalse(self.authorize())
        self.fake.answer(
            'POST', '/cgi-bin/component/api_get_authorizer_info', self._answer_get_authorizer_info)
        self.take()
        self.assertEqual(self.stored(REFRESH, self.account()), 'REFRESH_0')
        self.assertEqual(len(self.calls('query_auth')), 1)

    def test_own_app_is_not_taken_over(self):
        own = self.env['wechat.app'].create({
            'name': "Own", 'app_type': 'official_account', 'appid': ACCOUNT, 'secret': 'S'})
        self.authorize()
        self.assertRecordValues(own, [{'token_source': 'wechat', 'component_id': False}])
        row = self.env['wechat.authorization'].search([])
        self.assertEqual((row.state, row.problem), ('refused', 'own_app'))
        self.assertIn('Tokens From', row.advice)
        self.assertFalse(self.stored(REFRESH, own))
        own.write({'token_source': 'component', 'component_id': self.component.id})
        self.authorize('CODE_2')
        self.assertEqual(own.authorization_state, 'authorized')

    def test_app_of_another_company_is_not_taken_over(self):
        company = self.env['res.company'].create({'name': "Other"})
        other = self.env['wechat.app'].create({
            'name': "Other", 'appid': ACCOUNT, 'company_id': company.id})
        self.authorize()
        self.assertRecordValues(other, [{
            'company_id': company.id, 'token_source': 'wechat', 'authorization_state': False}])
        self.assertEqual(self.env['wechat.authorization'].search([]).problem, 'other_company')

    def test_account_of_another_platform_is_not_taken_over(self):
        second = self.env['wechat.app'].create({
            'name': "Second", 'app_type': 'component', 'appid': 'wx00000000000000c9'})
        app = self.env['wechat.app'].create({
            'name': "A", 'appid': ACCOUNT, 'token_source': 'component', 'component_id': second.id})
        self.authorize()
        self.assertEqual(app.component_id, second)
        self.assertEqual(self.env['wechat.authorization'].search([]).problem, 'other_component')

    def test_answer_for_another_account_than_the_events_changes_nothing(self):
        self.event('authorized', AuthorizerAppid='wx00000000000000c8', AuthorizationCode='CODE_1')
        self.take()
        self.assertFalse(self.account())
        self.assertEqual(self.env['wechat.authorization'].search([]).problem, 'other_appid')

    # === TOKENS === #

    def expire(self, app):
        """Let the account's access token expire."""
        self.env.cr.execute(
            "UPDATE wechat_token SET expires_at = now() - interval '1 hour'"
            " WHERE app_id = %s AND kind = 'access_token'", [app.id])

    def test_new_refresh_token_is_stored_with_the_token(self):
        app = self.authorize()
        self.expire(app)
        token = app._get_token()
        call, = self.calls('authorizer_token')
        self.assertEqual(call.json, {
            'component_appid': COMPONENT, 'authorizer_appid': ACCOUNT,
            'authorizer_refresh_token': 'REFRESH_0'})
        self.assertEqual(call.query, {'component_access_token': 'COMPONENT_1'})
        self.assertEqual(token, self.stored('access_token', app))
        self.assertEqual(self.stored(REFRESH, app), self.refresh_token)
        self.assertNotEqual(self.refresh_token, 'REFRESH_0')

    def test_lost_refresh_token_is_read_again_from_the_list(self):
        app = self.authorize()
        self.expire(app)
        self.env.cr.execute(
            "DELETE FROM wechat_token WHERE app_id = %s AND kind = %s", [app.id, REFRESH])
        self.assertTrue(app._get_token())
        self.assertEqual(len(self.calls('get_authorizer_list')), 1)
        self.assertEqual(self.stored(REFRESH, app), self.refresh_token)

    @mute_logger(*LOGGERS)
    def test_refresh_token_whose_successor_was_lost_is_read_again(self):
        app = self.authorize()
        self.expire(app)
        self.refresh_token = 'ANSWERED_BUT_NEVER_RECEIVED'
        self.assertTrue(app._get_token())
        self.assertEqual(len(self.calls('authorizer_token')), 2)
        self.assertEqual(self.stored(REFRESH, app), self.refresh_token)

    @mute_logger(*LOGGERS)
    def test_refused_access_token_is_renewed_and_the_call_repeated(self):
        app = self.authorize()
        self.fake.answer('GET', '/cgi-bin/test', lambda request: (
            {'errcode': 40001} if request.query['access_token'] == 'ACCESS_0' else {'fine': 1}))
        self.assertEqual(app._request('GET', '/cgi-bin/test'), {'fine': 1})
        self.assertEqual(len(self.calls('authorizer_token')), 1)

    def test_tickets_come_by_the_accounts_token(self):
        app = self.authorize()
        self.fake.answer('GET', '/cgi-bin/ticket/getticket', {
            'errcode': 0, 'ticket': 'JSAPI', 'expires_in': 7200})
        self.assertTrue(app._sign_jssdk('https://shop.example.com/')['signature'])
        call, = self.fake.calls('/cgi-bin/ticket/getticket')
        self.assertEqual(call.query['access_token'], 'ACCESS_0')

    def test_hub_lends_tokens_only_to_keys_that_name_the_kind(self):
        app = self.authorize()
        Key = self.env['wechat.hub.key']
        plain = Key._find(Key._issue('Plain', app + self.component))
        for appid, kind in (
            (ACCOUNT, 'access_token'), (COMPONENT, 'component_access_token'),
            (COMPONENT, 'component_verify_ticket'), (ACCOUNT, REFRESH),
        ):
            with self.subTest(kind=kind), self.assertRefused('not_allowed'):
                plain._hand_out(appid, kind)
        named = Key._find(Key._issue(
            'Named', app + self.component, ['authorizer_access_token', 'component_access_token']))
        self.assertEqual(named._hand_out(ACCOUNT, 'access_token')['value'], 'ACCESS_0')
        self.assertEqual(
            named._hand_out(COMPONENT, 'component_access_token')['value'], 'COMPONENT_1')
        for appid, kind in ((COMPONENT, 'component_verify_ticket'), (ACCOUNT, REFRESH)):
            with self.subTest(kind=kind), self.assertRefused('not_allowed'):
                named._hand_out(appid, kind)

    # === LOGIN === #

    def test_codes_are_exchanged_by_the_components_token(self):
        app = self.authorize()
        self.fake.answer('GET', '/sns/component/jscode2session', {'openid': 'o'})
        self.fake.answer('GET', '/sns/oauth2/component/access_token', {'openid': 'o', 'scope': 's'})
        self.assertEqual(app._exchange_miniprogram_code('C1')['openid'], 'o')
        self.assertEqual(app._exchange_oauth_code('C2')['openid'], 'o')
        call, = self.fake.calls('/sns/component/jscode2session')
        self.assertEqual(call.query, {
            'appid': ACCOUNT, 'js_code': 'C1', 'grant_type': 'authorization_code',
            'component_appid': COMPONENT, 'component_access_token': 'COMPONENT_1'})
        call, = self.fake.calls('/sns/oauth2/component/access_token')
        self.assertEqual(call.query, {
            'appid': ACCOUNT, 'code': 'C2', 'grant_type': 'authorization_code',
            'component_appid': COMPONENT, 'component_access_token': 'COMPONENT_1'})
        self.assertEqual(app._consent_page_parameters(), (('component_appid', COMPONENT),))

    # === THE END === #

    def unauthorize(self, **fields):
        """Let the account end the authorisation."""
        self.assertEqual(
            self.event('unauthorized', AuthorizerAppid=ACCOUNT, **fields).text, 'success')
        self.env.invalidate_all()

    @mute_logger(*LOGGERS)
    def test_end_of_the_authorisation_stops_everything_and_deletes_nobody(self):
        app = self.authorize()
        identity = self.env['wechat.identity'].create({'app_id': app.id, 'openid': 'o1'})
        self.unauthorize()
        self.assertEqual((app.authorization_state, app.state), ('unauthorized', 'error'))
        self.assertIn('no longer authorised', app.advice)
        self.assertFalse(app.token_ids)
        asked = len(self.fake.requests)
        for use in (
            app._get_token, lambda: app._request('GET', '/cgi-bin/test'),
            lambda: app._exchange_miniprogram_code('C'), lambda: app._exchange_oauth_code('C'),
            app._consent_page_parameters, lambda: app._sign_jssdk('https://shop.example.com/'),
        ):
            with self.assertRefused('misconfigured') as refused:
                use()
            self.assertIn('Authorise', str(refused.exception))
        self.assertEqual(len(self.fake.requests), asked)
        self.assertTrue(identity.exists())

    def test_new_authorisation_brings_the_account_back(self):
        app = self.authorize()
        self.unauthorize()
        app.write({'name': "Renamed", 'active': False})
        self.refresh_token = 'REFRESH_NEW'
        self.assertEqual(self.authorize('CODE_2'), app)
        self.assertRecordValues(app, [{
            'name': "Renamed", 'active': True, 'authorization_state': 'authorized', 'state': 'ok'}])
        self.assertEqual(self.stored(REFRESH, app), 'REFRESH_NEW')

    def test_late_end_of_an_earlier_authorisation_changes_nothing(self):
        app = self.authorize()
        self.unauthorize(CreateTime=int(time.time()) - 100)
        self.assertEqual(app.authorization_state, 'authorized')

    def test_end_for_an_account_of_somebody_else_changes_nothing(self):
        own = self.env['wechat.app'].create({'name': "Own", 'appid': ACCOUNT, 'secret': 'S'})
        self.unauthorize()
        self.assertEqual(own.state, 'new')

    def test_end_twice_is_one_end(self):
        app = self.authorize()
        self.unauthorize()
        first = app.last_error_date
        self.unauthorize()
        self.assertEqual(app.last_error_date, first)

    # === MESSAGES === #

    def message(self, appid=ACCOUNT, **fields):
        """Push a message for an account."""
        return self.push(f'{COMPONENT}/message/{appid}', {
            'ToUserName': 'gh_0123456789ab', 'FromUserName': 'o1', 'CreateTime': int(time.time()),
            'MsgType': 'text', 'Content': "茶", 'MsgId': 7, **fields,
        })

    def test_message_reaches_the_accounts_app_and_is_answered(self):
        app = self.authorize()
        received = []
        self.patch(type(self.env['wechat.app']), '_on_message', lambda app, message: (
            received.append((app, message.text('Content'))), "你好")[1])
        response = self.message()
        self.assertEqual(received, [(app, "茶")])
        encrypted = response.text.partition('<Encrypt><![CDATA[')[2].partition(']]>')[0]
        self.assertIn("你好", self.crypto.decrypt(encrypted).decode())
        self.message()
        self.assertEqual(len(received), 1)

    def test_message_for_an_account_that_is_not_ours_is_answered_and_not_handled(self):
        app = self.authorize()
        self.unauthorize()
        self.patch(type(self.env['wechat.app']), '_on_message', lambda app, message: self.fail())
        for appid in (ACCOUNT, self.app.appid, 'wx00000000000000cf'):
            response = self.message(appid)
            self.assertEqual((response.status_code, response.text), (200, 'success'))
        self.assertFalse(self.env['wechat.push.message'].search([('app_id', '=', app.id)]))

    @mute_logger(*LOGGERS)
    def test_forged_message_is_refused(self):
        self.authorize()
        response = self.push(f'{COMPONENT}/message/{ACCOUNT}', {}, tamper='AAAA')
        self.assertEqual(response.status_code, 403)

    def test_accounts_have_no_address_of_their_own(self):
        app = self.authorize()
        app.write({'push_token': 'teahouse2026', 'push_mode': 'plain'})
        self.assertFalse(self.env['wechat.app']._get_by_push_appid(ACCOUNT))
        self.assertEqual(app._push_mode(), 'secure')
