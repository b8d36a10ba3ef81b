# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import json

from odoo import fields
from odoo.tests import tagged
from odoo.tools import mute_logger

from .common import SESSION_KEY
from .people_common import QLOGO, PeopleCommon

LOGIN, AUTH, SESSION = '/mina/login', '/mina/auth', '/mina/session'
USER_INFO = {
    'openId': 'openid-of-anna', 'nickName': "小安", 'gender': 2, 'language': 'zh_CN', 'city': '',
    'province': '', 'country': 'CN', 'avatarUrl': QLOGO,
}


@tagged('post_install', '-at_install')
class TestMina(PeopleCommon):

    def call(self, path, as_form=False, method='POST', headers=None, **values):
        """Call a route as a wafer client.

        :return: the answer
        """
        values.setdefault('app_id', self.app.id)
        body = {'data': values} if as_form else {'json': values}
        response = self.raw(method, path, headers=headers or {}, **body)
        self.assertEqual(response.status_code, 200, response.text)
        answer = response.json()
        self.assertEqual(set(answer), {'ok', 'msg', 'data'}, answer)
        self.assertNotIn(SESSION_KEY, response.text)
        return answer

    def succeed(self, path, **values):
        answer = self.call(path, **values)
        self.assertEqual(answer['ok'], 'success', answer)
        return answer['data']

    def fail_with(self, word, path, **values):
        answer = self.call(path, **values)
        self.assertEqual(answer['ok'], 'fail', answer)
        self.assertTrue(answer['msg'])
        self.assertEqual(answer['data'].get('code'), word, answer)

    def login(self, **values):
        return self.succeed(LOGIN, **{'code': 'code-1', 'encrypt_data': '', 'iv': '', **values})

    def auth(self, data, **values):
        return {'uuid': data['uuid'], 'skey': data['skey'], **values}

    def age(self, field, seconds):
        """Make a time of Anna's wafer session longer ago."""
        self.env.cr.execute(
            f"UPDATE wechat_session SET {field} = {field} - make_interval(secs => %s)", [seconds],
        )
        self.env['wechat.session'].invalidate_model()

    # === LOGIN === #

    def test_login_gives_a_session(self):
        data = self.login()
        self.assertEqual(set(data), {'uuid', 'skey', 'user_info', 'duration'})
        self.assertEqual(data['duration'], 2592000)
        self.assertGreater(len(data['uuid']), 5)
        self.assertGreater(len(data['skey']), 40)
        self.assertEqual(data['user_info']['openId'], 'openid-of-anna')

    def test_encrypted_data_are_the_user_info(self):
        encrypted = self.encrypt(USER_INFO)
        data = self.login(encrypt_data=encrypted['encryptedData'], iv=encrypted['iv'])
        self.assertEqual(data['user_info'], USER_INFO)
        self.assertEqual(self.succeed(AUTH, **self.auth(data))['user_info'], USER_INFO)
        self.assertEqual(self.identity().nickname, "小安")

    def test_form_body_is_taken_and_app_id_may_be_text(self):
        data = self.login(as_form=True)
        self.assertTrue(self.succeed(AUTH, as_form=True, **self.auth(data)))
        self.login(app_id=str(self.app.id))

    def test_json_body_is_taken_whatever_it_is_called(self):
        body = json.dumps({'code': 'c', 'app_id': self.app.id})
        for kind in ('application/json', 'text/plain', ''):
            response = self.raw('POST', LOGIN, data=body, headers={'Content-Type': kind})
            self.assertEqual(response.json()['ok'], 'success', kind)

    def test_app_is_the_companys_first_if_none_is_named(self):
        self.login(app_id='')

    def test_unknown_person_becomes_a_portal_user(self):
        self.wechat_says(openid='openid-of-ben')
        self.login()
        self.assertTrue(self.identity('openid-of-ben').user_id._is_portal())

    def test_second_login_keeps_the_uuid_and_ends_the_old_key(self):
        first, second = self.login(), self.login()
        self.assertEqual(second['uuid'], first['uuid'])
        self.assertNotEqual(second['skey'], first['skey'])
        self.fail_with('login_refused', AUTH, **self.auth(first))
        self.assertTrue(self.succeed(AUTH, **self.auth(second)))
        self.assertEqual(self.env['wechat.session'].search_count([]), 1)

    def test_key_is_stored_hashed(self):
        data = self.login()
        self.env.cr.execute("SELECT * FROM wechat_session")
        self.assertNotIn(data['skey'], str(self.env.cr.fetchall()))

    @mute_logger('odoo.addons.wechat.models.wechat_app_request')
    def test_refusals_of_the_login(self):
        self.fail_with('bad_request', LOGIN)
        for code in ('', 7, None, ['x'], 'a b'):
            self.fail_with('bad_request', LOGIN, code=code)
        self.wechat_says({'errcode': 40029, 'errmsg': 'invalid code'})
        self.fail_with('invalid_code', LOGIN, code='old')
        self.wechat_says({'errcode': 40163, 'errmsg': 'code been used'})
        self.fail_with('code_used', LOGIN, code='used')
        self.wechat_says(None)
        self.fail_with('wechat_unavailable', LOGIN, code='c')
        self.assertFalse(self.env['wechat.session'].search([]))

    def test_data_that_cannot_be_read_fail(self):
        stale = self.encrypt(USER_INFO, session_key='AAECAwQFBgcICQoLDA0ODw==')
        self.fail_with('decrypt_failed', LOGIN, code='c', encrypt_data=stale['encryptedData'],
                       iv=stale['iv'])
        foreign = self.encrypt(USER_INFO, appid='wx0000000000000099')
        self.fail_with('watermark_mismatch', LOGIN, code='c',
                       encrypt_data=foreign['encryptedData'], iv=foreign['iv'])

    def test_unknown_app_ids_fail(self):
        account = self.create_app('wx00000000000000aa', app_type='official_account')
        archived = self.create_app('wx00000000000000bb', active=False)
        for app_id in (0, 10 ** 8, account.id, archived.id):
            with self.subTest(app_id=app_id):
                self.fail_with('unknown_app', LOGIN, code='c', app_id=app_id)
        for app_id in (True, 'x', '1 OR 1', 1.5, -1, [1], {}, '9' * 30):
            with self.subTest(app_id=app_id):
                self.fail_with('bad_request', LOGIN, code='c', app_id=app_id)
        self.assertEqual(len(self.exchanges()), 1, "WeChat was asked for an app of nobody")

    def test_logins_are_limited_per_address(self):
        self.env['ir.config_parameter'].set_param('wechat.calls_per_minute', '2')
        self.login()  # Anna's own login was the first
        self.fail_with('rate_limited', LOGIN, code='c')

    def test_bodies_that_are_no_object_fail(self):
        for body in (b'', b'[]', b'nonsense', b'"x"', b'\xff', b'[' * 5000):
            with self.subTest(body=body[:10]):
                response = self.raw('POST', AUTH, data=body)
                self.assertEqual(response.status_code, 200)
                self.assertEqual(response.json()['ok'], 'fail')

    def test_other_methods_fail(self):
        self.assertEqual(self.call(LOGIN, method='GET')['ok'], 'fail')
        self.assertEqual(self.call(AUTH, method='PUT')['ok'], 'fail')

    @mute_logger('odoo.addons.wechat_miniprogram.controllers.mina')
    def test_failure_of_ours_is_told_without_its_details(self):
        self.patch(type(self.env['wechat.session']), '_open', lambda *_args: 1 / 0)
        answer = self.call(LOGIN, code='c')
        self.assertEqual(answer['ok'], 'fail')
        self.assertNotIn('division', str(answer))

    # === AUTH === #

    def test_foreign_keys_fail(self):
        data = self.login()
        self.wechat_says(openid='openid-of-ben')
        ben = self.login()
        for values in (
            {'uuid': data['uuid'], 'skey': ben['skey']},
            {'uuid': ben['uuid'], 'skey': data['skey']},
            {'uuid': data['uuid'], 'skey': data['skey'][:-1] + '.'},
            {'uuid': data['uuid'], 'skey': 'x' * 43},
            {'uuid': 'x' * 32, 'skey': data['skey']},
            {'uuid': data['uuid'].upper() + 'x', 'skey': data['skey']},
            {'uuid': data['uuid'], 'skey': 'é\ud800' * 10},
            {'uuid': 'é\ud800' * 10, 'skey': data['skey']},
        ):
            with self.subTest(values=values):
                self.fail_with('login_refused', AUTH, **values)
                self.fail_with('login_refused', SESSION, **values)

    def test_hash_of_the_key_is_no_key(self):
        data = self.login()
        stored = self.env['wechat.session'].sudo().search([]).skey
        self.fail_with('login_refused', AUTH, uuid=data['uuid'], skey=stored)

    def test_session_of_another_app_fails(self):
        data = self.login()
        second = self.create_app()
        self.fail_with('login_refused', AUTH, **self.auth(data, app_id=second.id))

    def test_parameters_that_cannot_be_meant_fail(self):
        data = self.login()
        for values in (
            {}, {'uuid': data['uuid']}, {'skey': data['skey']},
            {'uuid': 'x', 'skey': data['skey']}, {'uuid': data['uuid'], 'skey': 'short'},
            {'uuid': 7, 'skey': 7}, {'uuid': data['uuid'], 'skey': 'x' * 200},
            {'uuid': data['uuid'], 'skey': 'a\x00bcdefgh'}, {'uuid': ['x'], 'skey': {'a': 1}},
        ):
            with self.subTest(values=values):
                self.fail_with('bad_request', AUTH, **values)

    def test_session_without_a_visit_expires(self):
        data = self.login()
        self.app.session_duration = 100
        self.age('last_visit_time', 90)
        self.succeed(AUTH, **self.auth(data))
        self.age('last_visit_time', 90)
        self.succeed(AUTH, **self.auth(data))  # each visit counts anew
        self.age('last_visit_time', 110)
        self.fail_with('login_refused', AUTH, **self.auth(data))
        self.fail_with('login_refused', SESSION, **self.auth(data))

    def test_visits_do_not_prolong_the_login(self):
        data = self.login()
        self.app.login_duration = 2
        self.age('create_time', 2 * 86400 - 60)
        self.succeed(AUTH, **self.auth(data))
        self.age('create_time', 120)
        self.fail_with('login_refused', AUTH, **self.auth(data))

    def test_login_duration_of_no_days_sets_no_end_to_a_login(self):
        data = self.login()
        self.app.login_duration = 0
        self.age('create_time', 1000 * 86400)
        self.env.flush_all()
        self.env['wechat.session']._gc_sessions()
        self.succeed(AUTH, **self.auth(data))
        self.age('last_visit_time', 2592000 + 60)
        self.fail_with('login_refused', AUTH, **self.auth(data))

    def test_expired_sessions_are_deleted(self):
        self.login()
        self.wechat_says(openid='openid-of-ben')
        self.login()
        anna = self.env['wechat.session'].search([('identity_id', '=', self.identity().id)])
        anna.create_time = fields.Datetime.subtract(anna.create_time, days=31)
        self.env.flush_all()
        self.env['wechat.session']._gc_sessions()
        self.assertFalse(anna.exists())
        self.assertEqual(self.env['wechat.session'].search_count([]), 1)

    def test_archived_blocked_and_closed_accounts_fail(self):
        data = self.login()
        self.user.active = False
        self.fail_with('user_archived', AUTH, **self.auth(data))
        self.fail_with('user_archived', SESSION, **self.auth(data))
        self.user.active = True
        self.succeed(AUTH, **self.auth(data))
        self.identity().action_block()
        self.fail_with('login_refused', AUTH, **self.auth(data))
        self.fail_with('login_refused', LOGIN, code='c')

    def test_ended_sessions_fail(self):
        data = self.login()
        self.identity().action_end_sessions()
        self.fail_with('login_refused', AUTH, **self.auth(data))

    # === ODOO SESSION === #

    def test_pair_is_exchanged_for_an_Odoo_session(self):
        answer = self.succeed(SESSION, **self.auth(self.login()))
        self.assertEqual(set(answer), set(self.anna))
        self.assertEqual(answer['uid'], self.user.id)
        self.assertFalse(answer['is_new_user'])
        self.assertTrue(self.is_logged_in(answer['session_id']))

    def test_pages_of_other_sites_open_no_session(self):
        values = self.auth(self.login())
        self.fail_with(
            'bad_request', SESSION, headers={'Origin': 'https://evil.example'}, as_form=True,
            **values,
        )

    def test_employee_with_a_second_factor_gets_no_session(self):
        employee = self.create_user('employee', 'base.group_user')
        self.app.allow_internal_login = True
        self.identity().user_id = employee
        data = self.login()
        self.patch(type(employee), '_mfa_url', lambda user: '/web/login/totp')
        self.fail_with('mfa_required', SESSION, **self.auth(data))

    def test_employee_who_is_not_let_in_fails(self):
        employee = self.create_user('employee', 'base.group_user')
        self.identity().user_id = employee
        self.fail_with('login_refused', LOGIN, code='c')

    def test_session_that_Odoo_would_not_keep_fails(self):
        data = self.login()
        self.fail_with(
            'misconfigured', SESSION, headers={'X-Odoo-Database': self.env.cr.dbname},
            **self.auth(data),
        )

    # === RIGHTS === #

    def test_sessions_are_closed_to_customers(self):
        self.login()
        answer = self.call_kw(self.anna['session_id'], 'wechat.session', 'search_read', [[]])
        self.assertEqual(answer['error']['data']['name'], 'odoo.exceptions.AccessError')
