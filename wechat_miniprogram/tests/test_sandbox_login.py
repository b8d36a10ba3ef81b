# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import os

import requests

from odoo.tests import tagged
from odoo.tools import mute_logger

from .common import MiniprogramCommon

FIRST, SECOND = 'wx0000000000000002', 'wx0000000000000003'


@tagged('post_install', '-at_install', '-standard', 'wechat_sandbox')
class TestSandboxLogin(MiniprogramCommon):
    """Login against the project's sandbox, whose address is in WECHAT_SANDBOX_URL."""

    def setUp(self):
        super().setUp()
        self.sandbox = os.environ['WECHAT_SANDBOX_URL'].rstrip('/')
        self.env['ir.config_parameter'].set_param('wechat.api_url', self.sandbox)
        self.control('POST', 'reset')
        secrets = {one['appid']: one['secret'] for one in self.control('GET', 'world')['apps']}
        self.app.secret = secrets[FIRST]
        self.second = self.create_app(SECOND, secret=secrets[SECOND])

    def control(self, method, path, /, **body):
        """Call the control API of the sandbox."""
        response = requests.request(
            method, f'{self.sandbox}/_sandbox/{path}', json=body or None, timeout=10,
        )
        response.raise_for_status()
        return response.json() if response.content else None

    def login_code(self, appid=FIRST, **values):
        """Return what wx.login gives a user of the sandbox."""
        return self.control('POST', 'login_code', appid=appid, **values)

    def test_person_logs_in_and_returns(self):
        person = self.login_code()
        first = self.authenticate_phone(code=person['code'])
        self.assertTrue(first['is_new_user'])
        self.assertEqual(self.identity(person['openid']).unionid, person['unionid'])
        again = self.login_code(user=person['user'])
        second = self.authenticate_phone(code=again['code'])
        self.assertEqual(second['uid'], first['uid'])
        read = self.call_kw(second['session_id'], 'res.users', 'read', [[first['uid']], ['login']])
        self.assertIn('result', read)

    def test_person_is_one_user_in_two_apps(self):
        person = self.login_code(FIRST)
        first = self.authenticate_phone(code=person['code'], appid=FIRST)
        again = self.login_code(SECOND, user=person['user'])
        self.assertNotEqual(again['openid'], person['openid'])
        second = self.authenticate_phone(code=again['code'], appid=SECOND)
        self.assertEqual(second['uid'], first['uid'])

    @mute_logger('odoo.addons.wechat.models.wechat_app_request')
    def test_used_code_is_refused(self):
        code = self.login_code()['code']
        self.authenticate_phone(code=code)
        self.refuse_phone('code_used', 40163, code=code)

    @mute_logger('odoo.addons.wechat.models.wechat_app_request')
    def test_expired_code_is_refused(self):
        code = self.login_code(expired=True)['code']
        self.refuse_phone('invalid_code', 40029, code=code)

    @mute_logger('odoo.addons.wechat.models.wechat_app_request')
    def test_code_of_another_app_is_refused(self):
        code = self.login_code(SECOND)['code']
        self.refuse_phone('invalid_code', 40029, code=code, appid=FIRST)

    @mute_logger('odoo.addons.wechat.models.wechat_app_request')
    def test_invented_code_is_refused(self):
        self.refuse_phone('invalid_code', 40029, code='invented')

    @mute_logger('odoo.addons.wechat.models.wechat_app_request')
    def test_wrong_secret_is_misconfigured(self):
        self.app.secret = 'f' * 32
        self.refuse_phone('misconfigured', 40125, code=self.login_code()['code'])

    @mute_logger('odoo.addons.wechat.models.wechat_app_request')
    def test_appid_unknown_to_WeChat_is_misconfigured(self):
        unknown = self.create_app('wx00000000000000ff')
        self.refuse_phone('misconfigured', 40013, code='any', appid=unknown.appid)

    @mute_logger('odoo.addons.wechat.models.wechat_app_request')
    def test_faults_of_WeChat_have_their_words(self):
        for fault, word, errcode in (
            ({'action': 'drop'}, 'wechat_unavailable', None),
            ({'action': 'refuse_before'}, 'wechat_unavailable', None),
            ({'action': 'garbage'}, 'wechat_unavailable', None),
            ({'action': 'delay', 'seconds': 6}, 'wechat_unavailable', None),
            ({'action': 'errcode', 'errcode': -1, 'errmsg': 'system error'}, 'wechat_busy', -1),
            ({'action': 'errcode', 'errcode': 40226, 'errmsg': 'blocked'}, 'user_blocked', 40226),
        ):
            with self.subTest(fault=fault):
                self.control('POST', 'faults', path='/sns/jscode2session', **fault)
                self.refuse_phone(word, errcode, code=self.login_code()['code'])
                self.control('DELETE', 'faults')
