# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import json
import os

import requests

from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.wechat.tests.common import APPID, WechatCommon

LOGGER = 'odoo.addons.wechat.models.wechat_app_request'
PAGE = 'https://shop.example.com/web?x=%E4%B8%AD#/cart'
ADDRESSES = '/cgi-bin/getcallbackip'


@tagged('post_install', '-at_install', '-standard', 'wechat_sandbox')
class TestSandboxTokens(WechatCommon):
    """Tokens, tickets and quotas against the project's sandbox, whose address is in
    WECHAT_SANDBOX_URL.
    """

    def setUp(self):
        super().setUp()
        self.sandbox = os.environ['WECHAT_SANDBOX_URL'].rstrip('/')
        self.env['ir.config_parameter'].set_param('wechat.api_url', self.sandbox)
        self.control('POST', 'reset')
        world = self.control('GET', 'world')
        self.app.secret = next(one['secret'] for one in world['apps'] if one['appid'] == APPID)

    def control(self, method, path, /, **body):
        """Call the control API of the sandbox."""
        response = requests.request(
            method, f'{self.sandbox}/_sandbox/{path}', json=body or None, timeout=10,
        )
        response.raise_for_status()
        return response.json()

    def calls(self, path):
        """Return how many requests the sandbox got at a path."""
        return self.control('GET', 'requests')['counts'].get(path, 0)

    # === TOKENS AND SIGNATURES === #

    def test_page_that_is_signed_is_accepted_on_that_page_only(self):
        config = self.app._sign_jssdk(PAGE)
        for url, message in ((PAGE, 'config:ok'), (config['url'], 'config:ok'),
                             ('https://shop.example.com/', 'config:fail, invalid signature')):
            answer = self.control('POST', 'wx_config', appid=APPID, url=url, config=config)
            self.assertEqual(answer['errMsg'], message)

    def test_cards_that_are_signed_are_accepted(self):
        for given in ({}, {'openid': 'o1'}, {'code': '77', 'openid': 'o1'}):
            ext = json.loads(json.dumps(self.app._sign_card('pCARD', **given)))
            answer = self.control('POST', 'add_card', appid=APPID, card_id='pCARD', card_ext=ext)
            self.assertEqual(answer['errMsg'], 'addCard:ok')
        for given in ({}, {'card_type': 'GROUPON'}, {'card_id': 'p1', 'shop_id': '7'}):
            answer = self.control(
                'POST', 'choose_card', appid=APPID,
                parameters=self.app._sign_choose_card(**given))
            self.assertEqual(answer['errMsg'], 'chooseCard:ok')
        self.assertEqual(self.calls('/cgi-bin/ticket/getticket'), 1)
        self.assertEqual(self.calls('/cgi-bin/stable_token'), 1)

    def test_token_that_was_revoked_is_forced_to_change_for_a_ticket(self):
        token = self.app._get_token()
        self.control('POST', 'revoke_token', appid=APPID)
        with mute_logger(LOGGER):
            self.assertTrue(self.app._get_token('jsapi_ticket'))
        self.assertNotEqual(self.app._get_token(), token)
        self.assertEqual(self.calls('/cgi-bin/stable_token'), 3)
        self.assertEqual(self.calls('/cgi-bin/ticket/getticket'), 2)

    # === QUOTAS === #

    def test_quota_that_is_used_up_is_shown_and_cleared(self):
        self.control('POST', 'quotas', appid=APPID, path=ADDRESSES, limit=2)
        for _number in range(2):
            self.app._request('GET', ADDRESSES)
        with mute_logger(LOGGER), self.assertRefused('rate_limited', 45009):
            self.app._request('GET', ADDRESSES)
        self.assertEqual(self.app.state, 'error')
        self.assertIn("quota", self.app.advice)
        quota = self.app._get_quota(ADDRESSES)
        self.assertEqual((quota['daily_limit'], quota['used'], quota['remain']), (2, 2, 0))
        self.app.action_clear_quota()
        self.assertEqual(self.app._get_quota(ADDRESSES)['used'], 0)
        self.app._request('GET', ADDRESSES)
        self.assertEqual(self.app.state, 'ok')

    def test_quota_of_tokens_is_cleared_with_the_secret(self):
        self.control('POST', 'quotas', appid=APPID, path='/cgi-bin/stable_token', used=10000)
        with mute_logger(LOGGER):
            with self.assertRefused('rate_limited', 45009):
                self.app._get_token()
            self.app.action_clear_quota()
        self.assertTrue(self.app._get_token())
        self.assertEqual(self.calls('/cgi-bin/clear_quota/v2'), 1)

    def test_eleventh_clearing_of_a_month_is_refused_in_plain_words(self):
        for _number in range(10):
            self.app._clear_quota()
        with mute_logger(LOGGER), self.assertRefused('rate_limited', 48006) as refused:
            self.app._clear_quota()
        self.assertIn("10 times", str(refused.exception))

    def test_unknown_path_of_an_api_is_told(self):
        with mute_logger(LOGGER), self.assertRefused('bad_request', 76021):
            self.app._get_quota('cgi-bin/x')

    # === TROUBLE === #

    def test_address_that_is_not_allowed_is_shown_to_the_administrator(self):
        self.control('POST', 'ip_allow_list', appid=APPID, addresses=['192.0.2.7'])
        with mute_logger(LOGGER):
            action = self.app.action_check_credentials()
        self.assertIn("The address is 127.0.0.1.", action['params']['message'])
        self.assertIn("The address is 127.0.0.1.", self.app.advice)
        self.control('POST', 'ip_allow_list', appid=APPID, addresses=['127.0.0.1'])
        self.assertEqual(self.app.action_check_credentials()['params']['type'], 'success')
        self.assertFalse(self.app.advice)

    def test_secret_that_was_reset_is_told_until_the_new_one_is_entered(self):
        world = self.control('POST', 'apps', appid=APPID, secret='f' * 32)
        with mute_logger(LOGGER), self.assertRefused('misconfigured', 40125):
            self.app._get_token()
        self.assertIn("AppSecret is wrong", self.app.advice)
        self.app.secret_input = world['secret']
        self.assertTrue(self.app._get_token())

    def test_wechat_that_is_down_slow_or_busy_is_told_and_comes_back(self):
        for fault, code in (
            ({'action': 'refuse_before'}, 'wechat_unavailable'),
            ({'action': 'drop'}, 'wechat_unavailable'),
            ({'action': 'garbage', 'status': 502}, 'wechat_unavailable'),
            ({'action': 'errcode', 'errcode': -1}, 'wechat_busy'),
            ({'action': 'errcode', 'errcode': 45009}, 'rate_limited'),
        ):
            self.control('POST', 'faults', path='/cgi-bin/ticket/getticket', **fault)
            with self.subTest(fault=fault), mute_logger(LOGGER):
                with self.assertRefused(code):
                    self.app._get_token('jsapi_ticket')
                self.assertTrue(self.app._get_token('jsapi_ticket'))
            self.env['wechat.token'].search([]).unlink()
        self.control(
            'POST', 'faults', path=ADDRESSES, action='delay', seconds=1)
        with mute_logger(LOGGER), self.assertRefused('wechat_unavailable'):
            self.app._request('GET', ADDRESSES, timeout=(1, 0.2))
