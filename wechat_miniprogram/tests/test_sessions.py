# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo.exceptions import AccessError
from odoo.http import root
from odoo.tests import tagged
from odoo.tools import mute_logger

from .common import AUTHENTICATE, SESSION_KEY
from .people_common import PeopleCommon

DAY = 86400


@tagged('post_install', '-at_install')
class TestSessions(PeopleCommon):
    """Sessions opened through an app live as long as the app and administrators let them."""

    def age(self, session_id, seconds):
        """Make a session's last use longer ago."""
        session = self.stored_session(session_id)
        session['wechat_last_use'] -= seconds
        root.session_store.save(session)

    # === EXPIRY === #

    def test_session_that_nobody_used_for_the_apps_time_is_over(self):
        self.app.login_duration = 3
        self.age(self.anna['session_id'], 3 * DAY - 60)
        self.assertTrue(self.is_logged_in(self.anna['session_id']))
        self.age(self.anna['session_id'], 3 * DAY + 60)
        self.assertFalse(self.is_logged_in(self.anna['session_id']))

    def test_use_makes_a_session_live_on(self):
        self.app.login_duration = 3
        for _visit in range(3):
            self.age(self.anna['session_id'], 2 * DAY)
            self.assertTrue(self.is_logged_in(self.anna['session_id']))

    def test_use_is_written_down_once_an_hour_at_most(self):
        written = self.stored_session(self.anna['session_id'])['wechat_last_use']
        self.age(self.anna['session_id'], 1800)
        self.assertTrue(self.is_logged_in(self.anna['session_id']))
        self.assertEqual(
            self.stored_session(self.anna['session_id'])['wechat_last_use'], written - 1800,
        )

    def test_shorter_time_of_the_app_holds_for_sessions_that_are_open(self):
        self.age(self.anna['session_id'], 5 * DAY)
        self.app.login_duration = 4
        self.assertFalse(self.is_logged_in(self.anna['session_id']))

    def test_zero_days_leave_it_to_Odoo(self):
        self.app.login_duration = 0
        self.age(self.anna['session_id'], 1000 * DAY)
        self.assertTrue(self.is_logged_in(self.anna['session_id']))

    def test_expires_in_is_the_apps_time_if_that_is_shorter(self):
        self.app.login_duration = 1
        self.assertEqual(self.authenticate_phone()['expires_in'], DAY)
        self.app.login_duration = 0
        self.assertEqual(self.authenticate_phone()['expires_in'], 7 * DAY)

    # === ENDING === #

    def test_ended_sessions_are_over_and_the_person_can_log_in_again(self):
        second = self.authenticate_phone()
        self.identity().action_end_sessions()
        for answer in (self.anna, second):
            self.assertFalse(self.is_logged_in(answer['session_id']))
        again = self.authenticate_phone()
        self.assertTrue(self.is_logged_in(again['session_id']))
        self.assertEqual(again['uid'], self.anna['uid'])

    def test_sessions_of_others_go_on(self):
        self.wechat_says(openid='openid-of-ben')
        ben = self.authenticate_phone()
        self.identity().action_end_sessions()
        read = self.call_kw(ben['session_id'], 'res.users', 'read', [[ben['uid']], ['login']])
        self.assertIn('result', read)

    def test_ended_session_is_anonymous_on_public_routes(self):
        self.identity().action_end_sessions()
        session_id = self.anna['session_id']
        self.wechat_says({'errcode': 40029, 'errmsg': 'no'})
        with mute_logger('odoo.addons.wechat.models.wechat_app_request'):
            self.refuse_phone('invalid_code', 40029, session_id=session_id)
        response = self.raw('GET', '/my', cookie=session_id)
        self.assertIn('/web/login', response.headers.get('Location', ''))

    def test_sessions_of_the_user_are_ended_from_the_users_form(self):
        second = self.create_app()
        self.create_identity(self.user, 'anna-in-second', second)
        self.wechat_says(openid='anna-in-second')
        other = self.authenticate_phone(appid=second.appid)
        administrator = self.create_user('administrator', 'base.group_erp_manager')
        self.user.with_user(administrator).action_wechat_end_sessions()
        for answer in (self.anna, other):
            self.assertFalse(self.is_logged_in(answer['session_id']))

    def test_only_administrators_end_sessions(self):
        employee = self.create_user('employee', 'base.group_user')
        with self.assertRaises(AccessError):
            self.identity().with_user(employee).action_end_sessions()
        with self.assertRaises(AccessError):
            self.user.with_user(employee).action_wechat_end_sessions()
        self.assertTrue(self.is_logged_in(self.anna['session_id']))

    def test_session_of_an_identity_that_is_taken_away_is_over(self):
        self.identity().user_id = self.create_user('other')
        self.assertFalse(self.is_logged_in(self.anna['session_id']))

    def test_session_of_a_deleted_identity_is_over(self):
        self.identity().unlink()
        self.assertFalse(self.is_logged_in(self.anna['session_id']))

    def test_password_login_over_a_WeChat_session_is_not_ended_with_it(self):
        other = self.create_user('other', password='a long password')
        session = self.stored_session(self.anna['session_id'])
        answer = self.post('/web/session/authenticate', {
            'db': self.env.cr.dbname, 'login': 'other', 'password': 'a long password',
        }, session.sid)
        new = answer.cookies.get('session_id')
        read = {'model': 'res.users', 'method': 'read', 'args': [[other.id], ['login']],
                'kwargs': {}}
        self.assertIn('result', self.post('/web/dataset/call_kw', read, new).json())
        self.assertNotIn('wechat_identity_id', self.stored_session(new))
        self.identity().action_end_sessions()
        self.assertIn('result', self.post('/web/dataset/call_kw', read, new).json())

    def test_identity_that_was_made_by_sql_has_sessions_that_end(self):
        self.env.cr.execute(
            "INSERT INTO wechat_identity (app_id, openid) VALUES (%s, 'openid-of-ben')",
            [self.app.id],
        )
        self.wechat_says(openid='openid-of-ben')
        ben = self.authenticate_phone()
        read = {'model': 'res.users', 'method': 'read', 'args': [[ben['uid']], ['login']],
                'kwargs': {}}
        path, session_id = '/web/dataset/call_kw', ben['session_id']
        self.assertIn('result', self.post(path, read, session_id).json())
        self.identity('openid-of-ben').action_end_sessions()
        self.assertEqual(self.post(path, read, session_id).json()['error']['code'], 100)

    # === BLOCKING === #

    def test_blocked_person_is_logged_out_and_cannot_log_in(self):
        self.identity().action_block()
        self.assertFalse(self.is_logged_in(self.anna['session_id']))
        self.refuse_phone('login_refused')
        self.refuse_phone('login_refused')

    def test_unblocked_person_can_log_in_again(self):
        self.identity().action_block()
        self.identity().action_unblock()
        self.assertFalse(self.is_logged_in(self.anna['session_id']))
        self.assertTrue(self.is_logged_in(self.authenticate_phone()['session_id']))

    def test_only_administrators_of_WeChat_block(self):
        employee = self.create_user('employee', 'base.group_user')
        for name in ('action_block', 'action_unblock'):
            with self.assertRaises(AccessError):
                getattr(self.identity().with_user(employee), name)()
        manager = self.create_user('manager', 'wechat.group_manager')
        self.identity().with_user(manager).action_block()
        self.assertTrue(self.identity().is_blocked)

    # === SESSION KEY === #

    def notification(self, action):
        return action['params']['type'], action['params']['message']

    def test_session_key_is_checked_with_its_signature(self):
        self.fake.answer('GET', '/wxa/checksession', {'errcode': 0, 'errmsg': 'ok'})
        kind, _message = self.notification(self.identity().action_check_session_key())
        self.assertEqual(kind, 'success')
        sent = self.fake.calls('/wxa/checksession')[0].query
        self.assertEqual(sent['openid'], 'openid-of-anna')
        self.assertEqual(sent['sig_method'], 'hmac_sha256')
        self.assertRegex(sent['signature'], r'^[0-9a-f]{64}$')
        self.assertNotIn(SESSION_KEY, str(sent))

    @mute_logger('odoo.addons.wechat.models.wechat_app_request')
    def test_session_key_that_is_not_in_force_is_told(self):
        self.fake.answer('GET', '/wxa/checksession', {'errcode': 87009, 'errmsg': 'no'})
        kind, message = self.notification(self.identity().action_check_session_key())
        self.assertEqual(kind, 'warning')
        self.assertIn("no longer", message)

    def test_new_session_key_is_kept(self):
        self.fake.answer('GET', '/wxa/resetusersessionkey', {
            'errcode': 0, 'openid': 'openid-of-anna', 'session_key': 'AAECAwQFBgcICQoLDA0ODw==',
        })
        action = self.identity().action_reset_session_key()
        self.assertEqual(action['params']['type'], 'success')
        self.assertNotIn('AAECAwQF', str(action))
        self.assertEqual(self.identity().sudo().session_key, 'AAECAwQFBgcICQoLDA0ODw==')

    def test_identity_without_a_key_has_nothing_to_check(self):
        self.identity().sudo().session_key = False
        action = self.identity().action_check_session_key()
        self.assertEqual(action['params']['type'], 'warning')
        self.assertFalse(self.fake.calls('/wxa/checksession'))


@tagged('post_install', '-at_install')
class TestSessionHeader(PeopleCommon):
    """The header X-Openerp-Session-Id of clients that were written for Odoo 11."""

    def setUp(self):
        super().setUp()
        self.app.accept_session_header = True

    def odoo_11_client(self, session_id, path='/web/dataset/call_kw', cookie=None, **params):
        """Call as the documented client of the old addon: a header, no cookie jar.

        :return: the HTTP response
        """
        if path == '/web/dataset/call_kw' and not params:
            params = {'model': 'res.users', 'method': 'read', 'kwargs': {},
                      'args': [[self.user.id], ['login']]}
        return self.raw(
            'POST', path, cookie=cookie, headers={'X-Openerp-Session-Id': session_id},
            json={'jsonrpc': '2.0', 'method': 'call', 'id': 1, 'params': params},
        )

    def assertTaken(self, response):
        self.assertEqual(response.json()['result'][0]['login'], self.user.login)

    def assertIgnored(self, response):
        self.assertEqual(response.json()['error']['code'], 100)

    def test_old_client_logs_in_reads_and_logs_out(self):
        answer = self.raw('POST', AUTHENTICATE, json={
            'jsonrpc': '2.0', 'method': 'call', 'id': 1,
            'params': {'code': 'code-1', 'user_info': {'nickName': "Anna"}},
        }).json()['result']
        session_id = answer['session_id']
        self.assertTaken(self.odoo_11_client(session_id))
        self.assertTaken(self.odoo_11_client(session_id))
        self.assertTrue(self.odoo_11_client(
            session_id, '/wechat/miniprogram/logout',
        ).json()['result'])
        self.assertIgnored(self.odoo_11_client(session_id))

    def test_header_is_ignored_with_the_setting_off(self):
        self.app.accept_session_header = False
        self.assertIgnored(self.odoo_11_client(self.anna['session_id']))
        self.app.accept_session_header = True
        self.assertTaken(self.odoo_11_client(self.anna['session_id']))

    def test_setting_is_that_of_the_app_that_opened_the_session(self):
        second = self.create_app(accept_session_header=False)
        self.wechat_says(openid='anna-in-second')
        answer = self.authenticate_phone(appid=second.appid)
        self.assertIgnored(self.odoo_11_client(answer['session_id']))

    def test_header_beside_a_cookie_is_ignored(self):
        self.wechat_says(openid='openid-of-ben')
        ben = self.authenticate_phone()
        for cookie in (ben['session_id'], 'x', 'A' * 84):
            with self.subTest(cookie=cookie):
                response = self.odoo_11_client(self.anna['session_id'], cookie=cookie)
                self.assertNotIn('result', response.json())

    def test_session_that_a_password_opened_is_ignored(self):
        self.user.password = 'a long password'
        session = self.authenticate(self.user.login, 'a long password')
        self.assertIgnored(self.odoo_11_client(session.sid))

    def test_password_login_over_a_WeChat_session_is_ignored(self):
        other = self.create_user('other', password='a long password')
        answer = self.post('/web/session/authenticate', {
            'db': self.env.cr.dbname, 'login': 'other', 'password': 'a long password',
        }, self.anna['session_id'])
        self.assertEqual(answer.json()['result']['uid'], other.id)
        self.assertIgnored(self.odoo_11_client(answer.cookies['session_id']))

    def test_values_that_are_no_session_are_ignored(self):
        for session_id in ('', 'x', 'A' * 84, '../' * 28, self.anna['session_id'][:-1]):
            with self.subTest(session_id=session_id):
                self.assertIgnored(self.odoo_11_client(session_id))

    def test_session_of_another_database_is_ignored(self):
        session = self.stored_session(self.anna['session_id'])
        session['db'] = 'another_database'
        root.session_store.save(session)
        self.assertIgnored(self.odoo_11_client(session.sid))

    def test_ended_and_blocked_sessions_are_ignored(self):
        self.identity().action_end_sessions()
        self.assertIgnored(self.odoo_11_client(self.anna['session_id']))
        again = self.authenticate_phone()
        self.assertTaken(self.odoo_11_client(again['session_id']))
        self.identity().action_block()
        self.assertIgnored(self.odoo_11_client(again['session_id']))

    def test_rotated_id_comes_back_in_the_header(self):
        session_id = self.anna['session_id']
        response = self.odoo_11_client(session_id)
        self.assertNotIn('X-Openerp-Session-Id', response.headers)
        session = self.stored_session(session_id)
        session['create_time'] -= 3 * 3600 + 1
        root.session_store.save(session)
        response = self.odoo_11_client(session_id)
        self.assertTaken(response)
        new = response.headers['X-Openerp-Session-Id']
        self.assertNotEqual(new, session_id)
        self.assertTaken(self.odoo_11_client(new))
        repeated = self.odoo_11_client(session_id)  # good for two minutes more
        self.assertTaken(repeated)
        self.assertEqual(repeated.headers['X-Openerp-Session-Id'], new)

    def test_public_routes_know_the_user(self):
        response = self.odoo_11_client(
            self.anna['session_id'], '/wechat/miniprogram/user_info', nickName="Anna",
        )
        self.assertEqual(response.json()['result']['nickName'], "Anna")
        response = self.raw(
            'POST', '/wechat/miniprogram/avatar', files={'file': ('a.jpg', self.picture())},
            headers={'X-Openerp-Session-Id': self.anna['session_id']},
        )
        self.assertEqual(response.status_code, 200, response.text)
        self.assertTrue(self.user.image_128)

    def test_logging_in_again_gives_the_new_id(self):
        response = self.odoo_11_client(self.anna['session_id'], AUTHENTICATE, code='code-2')
        new = response.json()['result']['session_id']
        self.assertNotEqual(new, self.anna['session_id'])
        self.assertEqual(response.headers['X-Openerp-Session-Id'], new)
        self.assertIgnored(self.odoo_11_client(self.anna['session_id']))
