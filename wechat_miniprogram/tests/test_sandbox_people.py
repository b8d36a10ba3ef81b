# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import os

import requests

from odoo.tests import tagged
from odoo.tools import mute_logger

from .common import MiniprogramCommon
from .people_common import DEACTIVATE, PHONE, USER_INFO
from .test_sandbox_login import FIRST, SECOND

REQUEST_LOGGER = 'odoo.addons.wechat.models.wechat_app_request'


@tagged('post_install', '-at_install', '-standard', 'wechat_sandbox')
class TestSandboxPeople(MiniprogramCommon):
    """People and their data against the project's sandbox, whose address is in WECHAT_SANDBOX_URL.
    """

    def setUp(self):
        super().setUp()
        self.sandbox = os.environ['WECHAT_SANDBOX_URL'].rstrip('/')
        self.env['ir.config_parameter'].set_param('wechat.api_url', self.sandbox)
        self.control('POST', 'reset')
        secrets = {one['appid']: one['secret'] for one in self.control('GET', 'world')['apps']}
        self.app.secret = secrets[FIRST]
        self.person = self.control('POST', 'login_code', appid=FIRST)
        self.anna = self.authenticate_phone(code=self.person['code'])
        self.user = self.env['res.users'].browse(self.anna['uid'])

    def control(self, method, path, /, **body):
        """Call the control API of the sandbox."""
        response = requests.request(
            method, f'{self.sandbox}/_sandbox/{path}', json=body or None, timeout=10,
        )
        response.raise_for_status()
        return response.json()

    def data(self, **values):
        """Return what WeChat encrypts for the person's phone."""
        return self.control(
            'POST', 'encrypted_data', appid=FIRST, user=self.person['user'], **values,
        )

    def call_route(self, path, **params):
        answer = self.post(path, params, self.anna['session_id']).json()
        self.assertNotIn('error', answer)
        return answer['result']

    def refuse_route(self, path, word, errcode=None, **params):
        answer = self.post(path, params, self.anna['session_id']).json()
        self.assertEqual(
            answer.get('error', {}).get('data', {}).get('context'),
            {'code': word, 'errcode': errcode}, answer,
        )

    # === PROFILE === #

    def test_encrypted_and_signed_profile_are_read(self):
        data = self.data(overrides={'nickName': "小安", 'country': 'CN', 'gender': 2})
        encrypted = {key: data[key] for key in ('encryptedData', 'iv')}
        signed = {key: data[key] for key in ('rawData', 'signature')}
        for params in (encrypted, signed):
            answer = self.call_route(USER_INFO, **params)
            self.assertEqual((answer['nickName'], answer['gender']), ("小安", 2))
        self.assertEqual(self.user.country_id, self.env.ref('base.cn'))

    def test_data_of_an_older_key_are_refused_until_the_next_login(self):
        data = self.data()
        encrypted = {key: data[key] for key in ('encryptedData', 'iv')}
        again = self.control(
            'POST', 'login_code', appid=FIRST, user=self.person['user'], new_session_key=True,
        )
        fresh = self.data()
        fresh = {key: fresh[key] for key in ('encryptedData', 'iv')}
        self.refuse_route(USER_INFO, 'decrypt_failed', **fresh)
        self.anna = self.authenticate_phone(code=again['code'])
        self.call_route(USER_INFO, **fresh)
        self.refuse_route(USER_INFO, 'decrypt_failed', **encrypted)

    def test_watermark_of_another_app_is_refused(self):
        data = self.data(watermark_appid=SECOND)
        self.refuse_route(
            USER_INFO, 'watermark_mismatch', encryptedData=data['encryptedData'], iv=data['iv'],
        )

    # === PHONE NUMBER === #

    def test_phone_number_by_code_and_by_data(self):
        self.control(
            'POST', 'phone_number', user=self.person['user'], number='51234567',
            country_code='852',
        )
        code = self.control('POST', 'phone_code', appid=FIRST, user=self.person['user'])['code']
        expected = {'phone': '+85251234567', 'countryCode': '852'}
        self.assertEqual(self.call_route(PHONE, code=code), expected)
        self.assertEqual(self.user.phone, '+85251234567')
        self.assertEqual(self.call_route(PHONE, **self.data(kind='phone')), expected)

    @mute_logger(REQUEST_LOGGER)
    def test_phone_codes_that_are_not_the_persons_own_fresh_ones_are_refused(self):
        other = self.control('POST', 'users')['user']
        foreign = self.control('POST', 'phone_code', appid=FIRST, user=other)['code']
        self.refuse_route(PHONE, 'invalid_code', 40003, code=foreign)
        own = self.control('POST', 'phone_code', appid=FIRST, user=self.person['user'])['code']
        self.call_route(PHONE, code=own)
        self.refuse_route(PHONE, 'invalid_code', 40029, code=own)
        old = self.control(
            'POST', 'phone_code', appid=FIRST, user=self.person['user'], expired=True,
        )['code']
        self.refuse_route(PHONE, 'invalid_code', 40029, code=old)
        second = self.control('POST', 'phone_code', appid=SECOND, user=self.person['user'])['code']
        self.refuse_route(PHONE, 'invalid_code', 40013, code=second)

    # === SESSION KEY === #

    @mute_logger(REQUEST_LOGGER)
    def test_session_key_is_checked_and_renewed(self):
        identity = self.identity(self.person['openid'])
        self.assertEqual(identity.action_check_session_key()['params']['type'], 'success')
        old = identity.sudo().session_key
        self.assertEqual(identity.action_reset_session_key()['params']['type'], 'success')
        self.assertNotEqual(identity.sudo().session_key, old)
        self.assertEqual(identity.action_check_session_key()['params']['type'], 'success')
        identity.sudo().session_key = old
        self.assertEqual(identity.action_check_session_key()['params']['type'], 'warning')

    # === LEAVING === #

    @mute_logger(REQUEST_LOGGER)
    def test_account_is_closed_with_a_fresh_code_of_the_same_person_only(self):
        other = self.control('POST', 'login_code', appid=FIRST)['code']
        self.refuse_route(DEACTIVATE, 'invalid_code', code=other)
        self.refuse_route(DEACTIVATE, 'code_used', 40163, code=self.person['code'])
        fresh = self.control('POST', 'login_code', appid=FIRST, user=self.person['user'])['code']
        self.assertIs(self.call_route(DEACTIVATE, code=fresh), True)
        self.assertFalse(self.user.active)
