# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import base64
import time
import traceback
from unittest.mock import patch

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.wechat.exceptions import (
    WeChatError,
    WeChatRefused,
    WeChatUnknown,
    WeChatUnverified,
)
from odoo.addons.wechat_payment.exceptions import WeChatPayRefused
from odoo.addons.wechat_payment.protocol import keys
from odoo.addons.wechat_payment.tests.common import API_V3_KEY, WechatPayCommon
from odoo.addons.wechat_payment.tests.fake_wechat_pay import (
    PUBLIC_KEY_ID,
    get_key_pair,
    sign_headers,
)

API = 'odoo.addons.wechat_payment.models.payment_provider_api'
PATH = '/v3/pay/transactions/out-trade-no/S00042'


@tagged('post_install', '-at_install')
class TestRequests(WechatPayCommon):

    def _answer(self, answer):
        self.fake.override('S00042', answer)

    def _request(self, **kwargs):
        return self.provider._wechat_request('GET', PATH, params={'mchid': '1'}, **kwargs)

    @mute_logger(API)
    def _assert_raises(self, error_class, code):
        with self.assertRaises(error_class) as caught:
            self._request()
        self.assertIs(
            next(c for c in (WeChatRefused, WeChatUnknown, WeChatUnverified)
                 if isinstance(caught.exception, c)),
            WeChatRefused if error_class is WeChatPayRefused else error_class,
        )
        self.assertEqual(caught.exception.context, {'code': code, 'errcode': None})
        text = ''.join(traceback.format_exception(caught.exception))
        for secret in (API_V3_KEY, self.merchant.private_pem[40:100], 'WECHATPAY2'):
            self.assertNotIn(secret, text)
        return caught.exception

    def test_the_signature_covers_the_exact_bytes_that_are_sent(self):
        self._answer(lambda request: self.fake.signed({}))
        self.provider._wechat_request(
            'POST', PATH, params={'b': '2 ü', 'a': '1'}, payload={'text': "微信 ü", 'n': 1},
        )
        request = self.fake.requests[-1]
        values = dict(
            pair.split('=', 1)
            for pair in request.headers['Authorization'].split(' ', 1)[1].split(',')
        )
        values = {name: value.strip('"') for name, value in values.items()}
        self.assertEqual(values['mchid'], self.provider.wechat_mch_id)
        self.assertEqual(values['serial_no'], self.merchant.serial_no)
        self.assertEqual(request.body.decode(), '{"text":"微信 ü","n":1}')
        message = (
            f'POST\n{PATH}?b=2+%C3%BC&a=1\n{values["timestamp"]}\n{values["nonce_str"]}\n'
        ).encode() + request.body + b'\n'
        self.merchant.key.public_key().verify(
            base64.b64decode(values['signature']), message, padding.PKCS1v15(), hashes.SHA256(),
        )

    def test_every_request_names_the_public_key_and_who_we_are(self):
        self._answer(lambda request: self.fake.signed({}))
        self._request()
        headers = self.fake.requests[-1].headers
        self.assertEqual(headers['Wechatpay-Serial'], PUBLIC_KEY_ID)
        self.assertEqual(headers['Accept'], 'application/json')
        self.assertTrue(headers['User-Agent'])

    def test_a_signed_answer_is_returned(self):
        self._answer(lambda request: self.fake.signed({'名': '值'}))
        self.assertEqual(self._request(), {'名': '值'})

    def test_an_answer_without_a_body_is_verified_too(self):
        self._answer(lambda request: self.fake.signed(None, status=204))
        self.assertEqual(self._request(), {})
        self._answer(lambda request: (204, {}, b''))
        self._assert_raises(WeChatUnverified, 'wechat_unavailable')

    def test_an_answer_that_is_not_signed_as_it_must_be_is_not_believed(self):
        answers = {
            'unsigned': (200, {}, b'{}'),
            'another key': self.fake.signed({}, key=get_key_pair('merchant')),
            'unknown serial': self.fake.signed({}, serial='PUB_KEY_ID_9'),
            'old': self.fake.signed({}, timestamp=int(time.time()) - 302),
            'early': self.fake.signed({}, timestamp=int(time.time()) + 310),
            'changed': (*self.fake.signed({})[:2], b'{"prepay_id": "other"}'),
        }
        for name, answer in answers.items():
            with self.subTest(name):
                self._answer(lambda request, answer=answer: answer)
                self._assert_raises(WeChatUnverified, 'wechat_unavailable')

    def test_no_answer_leaves_the_outcome_open(self):
        self._answer(None)
        self.assertTrue(self._assert_raises(WeChatUnknown, 'wechat_unavailable').sent)

    def test_a_server_that_is_not_there_never_got_the_request(self):
        self.env['ir.config_parameter'].set_param('wechat.pay_url', 'http://127.0.0.1:9')
        self.assertFalse(self._assert_raises(WeChatUnknown, 'wechat_unavailable').sent)

    def test_a_slow_server_is_not_waited_for(self):
        def slow(request):
            time.sleep(1)
            return self.fake.signed({})

        self._answer(slow)
        with mute_logger(API), self.assertRaises(WeChatUnknown):
            self._request(timeout=(0.2, 0.2))

    def test_signed_garbage_leaves_the_outcome_open(self):
        for body in (b'garbage', b'[]', b'\xff'):
            self._answer(lambda request, body=body: (200, sign_headers(body), body))
            self._assert_raises(WeChatUnknown, 'wechat_unavailable')

    def test_errors_of_the_server_leave_the_outcome_open(self):
        for status, code in ((202, ''), (302, ''), (429, 'FREQUENCY_LIMITED'),
                             (500, 'SYSTEM_ERROR'), (502, ''), (503, '')):
            with self.subTest(status):
                self._answer(lambda request, a=(status, code): self.fake.error(*a))
                word = 'wechat_busy' if status >= 429 else 'wechat_unavailable'
                self._assert_raises(WeChatUnknown, word)

    def test_a_redirect_is_not_followed(self):
        self._answer(lambda request: (302, {'Location': self.fake.url + '/v3/elsewhere'}, b''))
        self._assert_raises(WeChatUnknown, 'wechat_unavailable')
        self.assertFalse(self.fake.calls('/v3/elsewhere'))

    def test_a_refusal_carries_the_symbolic_code(self):
        for status, code, word in (
            (400, 'PARAM_ERROR', 'payment_refused'),
            (401, 'SIGN_ERROR', 'misconfigured'),
            (403, 'NO_AUTH', 'misconfigured'),
            (400, 'APPID_MCHID_NOT_MATCH', 'misconfigured'),
            (403, 'RULE_LIMIT', 'payment_refused'),
            (404, 'ORDER_NOT_EXIST', 'payment_refused'),
        ):
            with self.subTest(code):
                self._answer(lambda request, a=(status, code): self.fake.error(*a))
                error = self._assert_raises(WeChatPayRefused, word)
                self.assertEqual((error.status, error.wechat_code), (status, code))
                self.assertIn(code, str(error))

    def test_a_refusal_without_a_readable_body_is_a_refusal(self):
        for body in (b'', b'<html>', b'[]', b'{"code": 5}'):
            self._answer(lambda request, body=body: (404, {}, body))
            self._assert_raises(WeChatPayRefused, 'payment_refused')

    def test_advice_comes_in_the_users_language(self):
        self._answer(lambda request: self.fake.error(403, 'NO_AUTH'))
        self.env['res.lang']._activate_lang('zh_CN')
        with mute_logger(API), self.assertRaises(WeChatPayRefused) as caught:
            self.provider.with_context(lang='zh_CN')._wechat_request('GET', PATH)
        self.assertIn("产品中心", str(caught.exception))

    def test_missing_keys_are_said_before_anything_is_sent(self):
        self.provider.state = 'disabled'
        self.provider.wechat_merchant_private_key = False
        with self.assertRaises(WeChatError) as caught:
            self._request()
        self.assertEqual(caught.exception.code, 'misconfigured')
        self.assertFalse(self.fake.requests)

    def test_the_private_key_is_parsed_once(self):
        self._answer(lambda request: self.fake.signed({}))
        self._request()
        with patch.object(keys, '_import_key', side_effect=AssertionError("parsed again")):
            self._request()

    def test_nothing_secret_is_logged(self):
        self._answer(lambda request: self.fake.signed({'prepay_id': 'PREPAY'}))
        with self.assertLogs('odoo.addons.wechat_payment', 'DEBUG') as logs:
            self.provider._wechat_request('POST', PATH, payload={'payer': 'OPENID'})
        text = '\n'.join(logs.output)
        for secret in (API_V3_KEY, 'WECHATPAY2', 'signature', 'PREPAY', 'OPENID'):
            self.assertNotIn(secret, text)


@tagged('post_install', '-at_install')
class TestQueryAndClose(WechatPayCommon):

    def setUp(self):
        super().setUp()
        self.tx = self._create_wechat_order(12.5)

    def test_an_unpaid_order_stays_open(self):
        self.assertEqual(self.tx._wechat_query()['trade_state'], 'NOTPAY')
        self.assertEqual(self.tx.state, 'draft')
        self.assertEqual(self.tx.wechat_trade_state, 'NOTPAY')

    def test_a_paid_order_is_done(self):
        order = self.fake.pay(self.tx.reference)
        self.tx._wechat_query()
        self.assertEqual(self.tx.state, 'done')
        self.assertEqual(self.tx.provider_reference, order['transaction_id'])

    def test_a_partly_refunded_order_was_paid(self):
        self.fake.pay(self.tx.reference, trade_state='REFUND')
        self.tx._wechat_query()
        self.assertEqual(self.tx.state, 'done')

    def test_a_paid_order_that_does_not_agree_is_an_alert(self):
        self.fake.pay(self.tx.reference, amount={'total': 1, 'currency': 'CNY'})
        with mute_logger('odoo.addons.wechat_payment.models.payment_transaction_api'):
            self.tx._wechat_query()
        self.assertEqual(self.tx.state, 'draft')
        self.assertIn('amount.total', self.tx.wechat_alert)

    def test_what_wechat_pay_has_never_seen_changes_nothing(self):
        tx = self._create_wechat_order(placed=False)
        self.assertEqual(tx._wechat_query(), {})
        self.assertEqual(tx._wechat_close(), {})
        self.assertEqual(tx.state, 'draft')

    def test_an_unpaid_order_is_closed(self):
        self.assertEqual(self.tx._wechat_close()['trade_state'], 'CLOSED')
        self.assertEqual(self.tx.state, 'cancel')

    def test_closing_a_paid_order_finds_the_payment(self):
        self.fake.pay(self.tx.reference)
        self.tx._wechat_close()
        self.assertEqual(self.tx.state, 'done')

    def test_a_closed_order_never_undoes_a_payment(self):
        self.fake.pay(self.tx.reference)
        self.tx._wechat_query()
        self.fake.orders[self.tx.reference]['trade_state'] = 'CLOSED'
        self.tx._wechat_query()
        self.assertEqual(self.tx.state, 'done')

    @mute_logger(API)
    def test_an_unverified_answer_changes_nothing(self):
        self.fake.pay(self.tx.reference)
        self.fake.override(
            'GET', lambda request: (200, {}, self.fake.orders[self.tx.reference]),
        )
        with self.assertRaises(WeChatUnverified):
            self.tx._wechat_query()
        self.assertEqual(self.tx.state, 'draft')

    def test_the_button_tells_what_wechat_pay_says(self):
        action = self.tx.action_wechat_query()
        self.assertIn('NOTPAY', action['params']['message'])
