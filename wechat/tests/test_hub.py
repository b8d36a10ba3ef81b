# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import json
import logging
from datetime import timedelta

from odoo import fields
from odoo.tests import HttpCase, tagged
from odoo.tools import mute_logger

from odoo.addons.wechat.tests.common import APPID, SECRET, WechatCommon

LOGGER = 'odoo.addons.wechat.models.wechat_app_request'
CONTROLLER = 'odoo.addons.wechat.controllers.hub'
KEYS = 'odoo.addons.wechat.models.wechat_hub_key'
STABLE = '/cgi-bin/stable_token'
OTHER_APPID = 'wx0000000000000077'


@tagged('post_install', '-at_install')
class TestHub(WechatCommon, HttpCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.key = cls.env['wechat.hub.key']._issue("Web shop", cls.app)
        cls.record = cls.env['wechat.hub.key']._find(cls.key)
        cls.other_app = cls.env['wechat.app'].create({
            'name': "Other", 'appid': OTHER_APPID, 'secret': 'OTHER',
        })

    def setUp(self):
        super().setUp()
        self.fake.answer('GET', '/cgi-bin/ticket/getticket', lambda request: {
            'ticket': f"TICKET_{request.query['type']}", 'expires_in': 7200,
        })

    def _get(self, kind='access_token', key=None, appid=APPID, headers=None):
        if headers is None:
            headers = {'Authorization': f'Bearer {key or self.key}'}
        return self.url_open(f'/wechat/hub/{appid}/{kind}', headers=headers)

    def _refresh(self, value, kind='access_token', key=None, body=None, appid=APPID):
        return self.url_open(
            f'/wechat/hub/{appid}/{kind}/refresh',
            data=json.dumps({'value': value}) if body is None else body,
            headers={'Authorization': f'Bearer {key or self.key}',
                     'Content-Type': 'application/json'},
        )

    def _assert_error(self, response, status, code, errcode=None):
        self.assertEqual(response.status_code, status, response.text)
        error = response.json()
        self.assertEqual(set(error), {'code', 'message', 'errcode'})
        self.assertEqual((error['code'], error['errcode']), (code, errcode))
        self.assertTrue(error['message'])
        self.assertEqual(response.headers['Cache-Control'], 'no-store')
        self.assertNotIn('TOKEN_', response.text)

    def _forced(self):
        return [request.json['force_refresh'] for request in self.fake.calls(STABLE)]

    def _forget_force(self):
        self.env['wechat.token'].search([]).sudo().write({
            'forced_at': fields.Datetime.now() - timedelta(seconds=31),
        })
        self.env.flush_all()

    # === FETCHING === #

    def test_token_and_its_seconds_are_handed_out(self):
        response = self._get()
        self.assertEqual(response.status_code, 200)
        self.assertEqual(set(response.json()), {'value', 'expires_in'})
        self.assertEqual(response.json()['value'], 'TOKEN_1')
        self.assertAlmostEqual(response.json()['expires_in'], 7200, delta=5)
        self.assertEqual(response.headers['Cache-Control'], 'no-store')
        self.assertIn('application/json', response.headers['Content-Type'])
        self.assertNotIn('Set-Cookie', response.headers)

    def test_seconds_are_those_that_remain(self):
        self._get()
        self.env['wechat.token'].search([]).sudo().expires_at = (
            fields.Datetime.now() + timedelta(seconds=1000))
        self.env.flush_all()
        self.assertAlmostEqual(self._get().json()['expires_in'], 1000, delta=5)
        self.assertEqual(len(self.fake.calls(STABLE)), 1)

    def test_tickets_are_handed_out(self):
        self.assertEqual(self._get('jsapi_ticket').json()['value'], 'TICKET_jsapi')
        self.assertEqual(self._get('wx_card_ticket').json()['value'], 'TICKET_wx_card')

    def test_fetching_costs_one_call_to_wechat_for_everybody(self):
        self.app._get_token()
        other = self.env['wechat.hub.key']._issue("Another system", self.app)
        for key in (self.key, other, self.key):
            self.assertEqual(self._get(key=key).json()['value'], 'TOKEN_1')
        self.assertEqual(len(self.fake.calls(STABLE)), 1)

    def test_use_is_noted_and_logged_by_the_name_of_the_key(self):
        self.assertFalse(self.record.last_used)
        with self.assertLogs(KEYS, logging.INFO) as logs:
            self._get()
            self._refresh('TOKEN_1')
        self.record.invalidate_recordset()
        self.assertAlmostEqual(
            self.record.last_used, fields.Datetime.now(), delta=timedelta(seconds=10))
        output = '\n'.join(logs.output)
        self.assertIn("'Web shop'", output)
        self.assertIn("issued", output)
        self.assertIn("refreshed", output)
        for secret in (self.key, 'TOKEN_1', 'TOKEN_2', SECRET):
            self.assertNotIn(secret, output)

    # === KEYS === #

    def test_wrong_revoked_and_missing_keys_are_refused(self):
        revoked = self.env['wechat.hub.key']._issue("Gone", self.app)
        self.env['wechat.hub.key']._find(revoked).action_revoke()
        for headers in ({}, {'Authorization': ''}, {'Authorization': self.key},
                        {'Authorization': f'Basic {self.key}'},
                        {'Authorization': 'Bearer '}, {'Authorization': f'Bearer {self.key} x'},
                        {'Authorization': f'Bearer {self.key}x'},
                        {'Authorization': f'Bearer {revoked}'}):
            with self.subTest(headers=headers), mute_logger(CONTROLLER):
                response = self._get(headers=headers)
                self._assert_error(response, 401, 'invalid_key')
                self.assertEqual(response.headers['WWW-Authenticate'], 'Bearer')
        with mute_logger(CONTROLLER):
            self._assert_error(self._refresh('TOKEN_1', key=revoked), 401, 'invalid_key')
        self.assertFalse(self.fake.requests)

    def test_key_in_the_query_is_not_read(self):
        with mute_logger(CONTROLLER):
            response = self.url_open(f'/wechat/hub/{APPID}/access_token?key={self.key}')
        self._assert_error(response, 401, 'invalid_key')

    def test_wrong_keys_are_limited_per_address_and_right_ones_are_not(self):
        self.env['ir.config_parameter'].set_param('wechat.calls_per_minute', '3')
        with mute_logger(CONTROLLER):
            statuses = [self._get(key='hub_wrong-wrong').status_code for _number in range(5)]
            self.assertEqual(statuses, [401, 401, 401, 429, 429])
            self._assert_error(self._get(key='hub_wrong-wrong'), 429, 'rate_limited')
        for _number in range(5):
            self.assertEqual(self._get().status_code, 200)

    def test_wrong_key_is_not_in_the_log(self):
        with self.assertLogs(CONTROLLER, 'WARNING') as logs:
            self._get(key='hub_wrong-wrong')
        self.assertIn('127.0.0.1', str(logs.output))
        self.assertNotIn('hub_wrong', str(logs.output))

    # === WHAT A KEY IS GOOD FOR === #

    def test_other_apps_are_refused_whether_they_exist_or_not(self):
        texts = set()
        for appid in (OTHER_APPID, 'wx00000000nonexist', 'x', APPID.upper()):
            response = self._get(appid=appid)
            self._assert_error(response, 403, 'not_allowed')
            self._assert_error(self._refresh('T', appid=appid), 403, 'not_allowed')
            texts.add(response.text)
        self.assertEqual(len(texts), 1)
        self.assertFalse(self.fake.requests)

    def test_other_kinds_are_refused(self):
        key = self.env['wechat.hub.key']._issue("Pages", self.app, ['jsapi_ticket'])
        for kind in ('access_token', 'wx_card_ticket', 'component_access_token'):
            self._assert_error(self._get(kind, key=key), 403, 'not_allowed')
        self.assertEqual(self._get('jsapi_ticket', key=key).status_code, 200)
        for kind in ('secret', 'component_verify_ticket', 'refresh_token', 'session_key', 'value',
                     'component_access_token', 'authorizer_access_token'):
            self._assert_error(self._get(kind), 403, 'not_allowed')

    def test_token_of_an_authorized_account_must_be_named(self):
        self.app.token_source = 'component'
        self._assert_error(self._get(), 403, 'not_allowed')
        key = self.env['wechat.hub.key']._issue("Platform", self.app, ['authorizer_access_token'])
        for kind in ('access_token', 'authorizer_access_token'):
            self.assertNotEqual(self._get(kind, key=key).status_code, 403)
        self.app.token_source = 'wechat'
        for kind in ('access_token', 'authorizer_access_token'):
            self._assert_error(self._get(kind, key=key), 403, 'not_allowed')

    def test_archived_app_is_refused(self):
        self.app.active = False
        self._assert_error(self._get(), 403, 'not_allowed')

    def test_hub_hands_out_nothing_that_it_takes_from_another_hub(self):
        self.app.write({
            'token_source': 'hub', 'hub_url': self.fake.url, 'hub_key': 'hub_0123456789'})
        self._assert_error(self._get(), 403, 'not_allowed')
        self.assertFalse(self.fake.requests)

    # === REFRESHING === #

    def test_refused_token_is_renewed_once_for_all_who_report_it(self):
        self._get()
        for _number in range(3):
            response = self._refresh('TOKEN_1')
            self.assertEqual(response.status_code, 200)
            self.assertEqual(response.json()['value'], 'TOKEN_2')
            self.assertAlmostEqual(response.json()['expires_in'], 7200, delta=5)
            self.assertEqual(response.headers['Cache-Control'], 'no-store')
        self.assertEqual(self._forced(), [False, False, True])
        self.assertEqual(self.app._get_token(), 'TOKEN_2')

    def test_token_that_was_never_issued_renews_nothing(self):
        self._get()
        self.assertEqual(self._refresh('NEVER_ISSUED').json()['value'], 'TOKEN_1')
        self.assertEqual(self._forced(), [False])

    def test_second_forced_renewal_within_thirty_seconds_is_too_early(self):
        self._get()
        self._refresh('TOKEN_1')
        calls = len(self.fake.calls(STABLE))
        self._assert_error(self._refresh('TOKEN_2'), 429, 'rate_limited')
        self.assertEqual(len(self.fake.calls(STABLE)), calls)
        self._forget_force()
        self.assertEqual(self._refresh('TOKEN_2').json()['value'], 'TOKEN_3')

    def test_thirty_seconds_are_those_of_the_app_whatever_the_kind(self):
        self._get()
        self._get('jsapi_ticket')
        self._refresh('TOKEN_1')
        self._assert_error(
            self._refresh('TICKET_jsapi', 'jsapi_ticket'), 429, 'rate_limited')
        self._forget_force()
        self.fake.answer('GET', '/cgi-bin/ticket/getticket', {'ticket': 'NEW', 'expires_in': 9})
        self.assertEqual(self._refresh('TICKET_jsapi', 'jsapi_ticket').json()['value'], 'NEW')

    def test_ordinary_fetch_does_not_count_as_a_forced_renewal(self):
        self._get()
        self.assertEqual(self._refresh('TOKEN_1').status_code, 200)

    def test_token_that_wechat_does_not_change_is_not_handed_out_again(self):
        self._get()
        self.fake.answer('POST', STABLE, {'access_token': 'TOKEN_1', 'expires_in': 7200})
        self._assert_error(self._refresh('TOKEN_1'), 429, 'rate_limited')
        calls = len(self.fake.calls(STABLE))
        self._assert_error(self._refresh('TOKEN_1'), 429, 'rate_limited')
        self.assertEqual(len(self.fake.calls(STABLE)), calls)

    def test_forced_renewal_that_failed_counts_too(self):
        self._get()
        for answer, status, code in ((None, 503, 'wechat_unavailable'),
                                     ({'errcode': 45009}, 429, 'rate_limited')):
            self.fake.answer('POST', STABLE, lambda request, answer=answer: (
                answer if request.json['force_refresh']
                else {'access_token': 'TOKEN_1', 'expires_in': 7200}
            ))
            self._forget_force()
            with mute_logger(LOGGER):
                self._assert_error(self._refresh('TOKEN_1'), status, code, (answer or {}).get(
                    'errcode'))
            calls = len(self.fake.calls(STABLE))
            self._assert_error(self._refresh('TOKEN_1'), 429, 'rate_limited')
            self.assertEqual(len(self.fake.calls(STABLE)), calls)

    def test_malformed_report_is_refused(self):
        self._get()
        for body in ('', 'x', '[]', '7', '{}', '{"value": ""}', '{"value": 7}', '{"value": null}',
                     '{"token": "TOKEN_1"}'):
            with self.subTest(body=body):
                self._assert_error(self._refresh(None, body=body or ' '), 400, 'bad_request')
        self.assertEqual(self._forced(), [False])

    def test_methods_are_get_and_post(self):
        with mute_logger('odoo.http'):
            response = self.url_open(
                f'/wechat/hub/{APPID}/access_token', data='{}',
                headers={'Authorization': f'Bearer {self.key}'})
            self.assertEqual(response.status_code, 405)
            response = self.url_open(
                f'/wechat/hub/{APPID}/access_token/refresh',
                headers={'Authorization': f'Bearer {self.key}'})
            self.assertEqual(response.status_code, 405)

    # === TROUBLE === #

    def test_trouble_with_wechat_is_told_with_its_number(self):
        for answer, status, code, errcode in (
            ({'errcode': -1}, 503, 'wechat_busy', -1),
            (None, 503, 'wechat_unavailable', None),
            ({'errcode': 45009}, 429, 'rate_limited', 45009),
            ({'errcode': 40125}, 502, 'misconfigured', 40125),
            ({'errcode': 40164, 'errmsg': 'invalid ip 192.0.2.7'}, 502, 'misconfigured', 40164),
        ):
            self.fake.answer('POST', STABLE, answer)
            with self.subTest(answer=answer), mute_logger(LOGGER):
                response = self._get()
                self._assert_error(response, status, code, errcode)
                self.assertNotIn(SECRET, response.text)
