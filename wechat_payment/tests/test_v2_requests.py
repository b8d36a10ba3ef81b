# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import logging
import time
import traceback
from unittest.mock import patch

from odoo.tests import HttpCase, tagged
from odoo.tools import mute_logger

from odoo.addons.wechat.exceptions import WeChatRefused, WeChatUnknown, WeChatUnverified
from odoo.addons.wechat_payment.exceptions import (
    WeChatPayMisconfigured,
    WeChatPayNoAnswer,
    WeChatPayNotTaken,
    WeChatPayRefused,
    WeChatPayUnsettled,
    WeChatPayUnverified,
)
from odoo.addons.wechat_payment.protocol import v2_errors, v2_signing
from odoo.addons.wechat_payment.tests.fake_wechat_pay import API_V2_KEY, MCHID
from odoo.addons.wechat_payment.tests.fake_wechat_pay_v2 import (
    QUERY,
    REFUND,
    FakeWechatPayV2,
    WechatPayV2Common,
    answer_v2,
    fail_v2,
    is_hex,
    not_taken_v2,
    read_v2,
    sign_v2,
    write_v2,
)

V2 = 'odoo.addons.wechat_payment.models.payment_provider_v2'
PAID = {'trade_state': 'SUCCESS', 'out_trade_no': 'S00042', 'total_fee': '990'}


@tagged('post_install', '-at_install')
class TestV2Requests(WechatPayV2Common, HttpCase):

    @mute_logger(V2)
    def _assert_raises(self, error_class, kind, answer=..., **kwargs):
        """Return the error of a call, which quotes no secret and is of one kind of failure."""
        if answer is not ...:
            self.fake_v2.answers[QUERY] = answer
        # Not assertRaises, which rolls back what the failure noted on the provider.
        error = None
        try:
            self._request_v2(**kwargs)
        except error_class as raised:
            error = raised
        self.env.invalidate_all()
        self.assertIsNotNone(error, f"{error_class.__name__} was not raised")
        self.assertEqual(
            [c for c in (WeChatRefused, WeChatUnknown, WeChatUnverified) if isinstance(error, c)],
            [kind] if kind else [],
        )
        text = ''.join(traceback.format_exception(error))
        for secret in (API_V2_KEY, self.merchant.private_pem[40:100]):
            self.assertNotIn(secret, text)
        return error

    def _assert_unverified(self, answer, reason):
        with self.subTest(reason=reason):
            error = self._assert_raises(WeChatPayUnverified, WeChatUnverified, answer)
            self.assertEqual(error.reason, reason)
            self.assertEqual(error.context['code'], 'wechat_unavailable')

    # === REQUESTS === #

    def test_what_is_sent_is_signed_as_it_is_read(self):
        self.fake_v2.answers[QUERY] = answer_v2(PAID)
        for sign_type, length in (('HMAC-SHA256', 64), ('MD5', 32)):
            with self.subTest(sign_type):
                self.provider.wechat_v2_sign_type = sign_type
                self.fake_v2.answers[QUERY] = answer_v2(PAID, sign_type=sign_type)
                self._request_v2(params={'body': "茶 & <Tea> ]]>", 'zero': 0, 'empty': ''})
                values = self.fake_v2.received[-1][1]
                self.assertEqual(values['body'], "茶 & <Tea> ]]>")
                self.assertEqual(values['zero'], '0', "a number, and not left out")
                self.assertNotIn('empty', values)
                self.assertTrue(is_hex(values['sign'], length))
                self.assertEqual(values['sign'], sign_v2(values, sign_type=sign_type))
                self.assertEqual(
                    values.get('sign_type', 'MD5'), sign_type, "without it, it is MD5",
                )

    def test_it_says_who_calls_and_never_the_same_nonce_twice(self):
        self.fake_v2.answers[QUERY] = answer_v2(PAID)
        self._request_v2()
        self._request_v2()
        (_path, first), (_path, second) = self.fake_v2.received
        self.assertEqual(first['mch_id'], MCHID)
        self.assertNotIn('sub_mch_id', first)
        self.assertLessEqual(len(first['nonce_str']), 32)
        self.assertNotEqual(first['nonce_str'], second['nonce_str'])

    def test_a_service_provider_names_the_sub_merchant(self):
        self.provider.wechat_sub_mch_id = '1900000200'
        self.fake_v2.answers[QUERY] = answer_v2(PAID)
        self._request_v2()
        self.assertEqual(self.fake_v2.received[-1][1]['sub_mch_id'], '1900000200')

    def test_a_call_that_takes_one_type_of_signature_only_gets_it(self):
        self.fake_v2.answers[QUERY] = answer_v2(PAID, sign_type='MD5')
        self.assertEqual(self._request_v2(sign_type='MD5')['total_fee'], '990')

    def test_it_works_for_a_provider_of_v3_that_has_the_key(self):
        self.provider.wechat_api_v3_key = 'x' * 32
        self.provider.write({
            'wechat_pay_public_key_id': 'PUB_KEY_ID_01', 'wechat_api_version': 'v3',
            'wechat_pay_public_key': self.wechat.public_pem,
        })
        self.assertTrue(self.provider._wechat_has_v2())
        self.fake_v2.answers[QUERY] = answer_v2(PAID)
        self.assertEqual(self._request_v2()['total_fee'], '990')

    def test_a_text_that_xml_would_change_is_not_sent(self):
        with self.assertRefused('bad_request'):
            self._request_v2(params={'body': 'tea\x0b'})
        self.assertFalse(self.fake_v2.received)

    def test_without_the_key_nothing_is_sent(self):
        self.provider.state = 'disabled'
        self.provider.wechat_api_v2_key = False
        self.assertFalse(self.provider._wechat_has_v2())
        error = self._assert_raises(WeChatPayMisconfigured, None)
        self.assertEqual(error.reason, 'v2_key_missing')
        self.assertFalse(self.fake_v2.received)

    def test_without_the_certificate_nothing_is_sent(self):
        self.provider.state = 'disabled'
        for name in ('wechat_merchant_certificate', 'wechat_merchant_private_key'):
            with self.subTest(name), self.env.cr.savepoint() as savepoint:
                self.provider[name] = False
                error = self._assert_raises(
                    WeChatPayMisconfigured, None, path=REFUND, certificate=True,
                )
                self.assertEqual(error.reason, 'client_certificate_missing')
                savepoint.rollback()
            self.env.invalidate_all()
        self.assertFalse(self.fake_v2.received)

    # === ANSWERS === #

    def test_fields_that_are_not_known_take_part_in_the_sign(self):
        self.fake_v2.answers[QUERY] = answer_v2({**PAID, 'new_field': '新'})
        self.assertEqual(self._request_v2()['new_field'], '新')

    def test_a_field_that_was_added_changed_or_removed_later_is_noticed(self):
        for changes in ({'new_field': '1'}, {'total_fee': '1'}, {'trade_state': ''}):
            self._assert_unverified(answer_v2(PAID, **changes), 'signature')

    def test_an_answer_without_a_sign_is_not_believed(self):
        self._assert_unverified(answer_v2(PAID, sign=''), 'missing')
        values = read_v2(answer_v2(PAID)[2])
        del values['sign']
        self._assert_unverified((200, {}, write_v2(values.items())), 'missing')
        self._assert_unverified(fail_v2('ORDERNOTEXIST', sign=''), 'missing')

    def test_an_answer_that_is_signed_with_another_key_is_not_believed(self):
        self._assert_unverified(answer_v2(PAID, key=API_V2_KEY[::-1]), 'signature')
        self._assert_unverified(fail_v2('ORDERNOTEXIST', key=API_V2_KEY[::-1]), 'signature')

    def test_the_type_of_signature_is_the_configured_one_whatever_an_answer_says(self):
        md5 = {'sign_type': 'MD5'}
        self._assert_unverified(answer_v2(PAID, sign_type='MD5'), 'signature')
        self._assert_unverified(answer_v2({**PAID, **md5}, sign_type='MD5'), 'type')
        self._assert_unverified(answer_v2({**PAID, **md5}), 'type')
        self.provider.wechat_v2_sign_type = 'MD5'
        self._assert_unverified(answer_v2(PAID), 'signature')

    def test_a_sign_in_lower_case_or_cut_is_none(self):
        sign = sign_v2(read_v2(answer_v2(PAID)[2]))
        for wrong in (sign.lower(), sign[:63], sign + ' 0', '0' * 64):
            self._assert_unverified(answer_v2(PAID, sign=wrong), 'signature')

    def test_signs_are_compared_in_constant_time(self):
        with patch.object(v2_signing.hmac, 'compare_digest', return_value=False) as compare:
            self._assert_unverified(answer_v2(PAID), 'signature')
        self.assertEqual(compare.call_count, 1, "it alone decides")
        with patch.object(v2_signing.hmac, 'compare_digest', return_value=True):
            self.fake_v2.answers[QUERY] = answer_v2(PAID, sign='0' * 64)
            self.assertEqual(self._request_v2()['total_fee'], '990')

    def test_an_answer_about_another_merchant_is_not_believed(self):
        self._assert_unverified(answer_v2({**PAID, 'mch_id': '1900000077'}), 'merchant')

    def test_hostile_xml_is_not_read(self):
        good = answer_v2(PAID)[2].decode()
        sign = sign_v2(read_v2(good.encode()))
        bomb = ''.join(
            f'<!ENTITY a{n} "{f"&a{n - 1};" * 20}">' for n in range(1, 9)
        )
        for name, body in {
            'doubled sign': good.replace('</xml>', f'<sign>{sign}</sign></xml>'),
            'doubled field': good.replace('</xml>', '<total_fee>1</total_fee></xml>'),
            'external entity': '<!DOCTYPE xml [<!ENTITY x SYSTEM "file:///etc/passwd">]>' + good,
            'empty document type': '<!DOCTYPE xml>' + good,
            'bomb': f'<!DOCTYPE xml [<!ENTITY a0 "ha">{bomb}]>' + good.replace('990', '&a8;'),
            'nested': good.replace('</xml>', '<a><b>1</b></a></xml>'),
            'attribute': good.replace('<xml>', '<xml a="1">'),
            'comment': good.replace('</xml>', '<!-- 1 --></xml>'),
            'instruction': '<?xml-stylesheet href="http://127.0.0.1/"?>' + good,
            'another root': good.replace('xml>', 'root>'),
            'two roots': good * 2,
            'half': good[:-10],
            'json': '{"return_code": "SUCCESS"}',
            'empty': '',
            'not utf-8': good.encode().replace(b'990', b'\xff\xfe'),
            'too long': good.replace('</xml>', f'<a>{"x" * 70000}</a></xml>'),
            'no code': '<xml><result_code>SUCCESS</result_code></xml>',
        }.items():
            with self.subTest(name):
                body = body if isinstance(body, bytes) else body.encode()
                started = time.monotonic()
                error = self._assert_raises(WeChatUnknown, WeChatUnknown, (200, {}, body))
                self.assertEqual(error.context['code'], 'wechat_unavailable')
                self.assertLess(time.monotonic() - started, 3)

    def test_a_longer_answer_is_read_where_it_is_expected(self):
        self.fake_v2.answers[QUERY] = answer_v2({**PAID, 'a': 'x' * 70000})
        self.assertEqual(len(self._request_v2(max_bytes=200000)['a']), 70000)

    def test_a_refusal_has_its_code(self):
        error = self._assert_raises(WeChatPayRefused, WeChatRefused, fail_v2('ORDERNOTEXIST'))
        self.assertEqual(error.wechat_code, 'ORDERNOTEXIST')
        self.assertEqual(error.context['code'], 'payment_refused')
        self.assertEqual(self.provider.wechat_check_state, 'unknown', "nothing to be mended")

    def test_a_failure_that_settles_nothing_leaves_the_outcome_open(self):
        for code, word in (
            ('SYSTEMERROR', 'wechat_busy'), ('BANKERROR', 'wechat_busy'),
            ('USERPAYING', 'wechat_unavailable'), ('NEW_CODE', 'wechat_unavailable'),
            ('', 'wechat_unavailable'),
        ):
            with self.subTest(code):
                self.assertFalse(v2_errors.is_outcome_known(code))
                error = self._assert_raises(WeChatPayUnsettled, WeChatUnknown, fail_v2(code))
                self.assertEqual((error.wechat_code, error.context['code']), (code, word))
                self.assertTrue(error.sent)

    def test_a_result_that_is_neither_success_nor_failure_settles_nothing(self):
        for code in ('', 'OK'):
            self._assert_raises(
                WeChatUnknown, WeChatUnknown, answer_v2({**PAID, 'result_code': code}),
            )

    def test_what_is_not_taken_is_no_refusal_as_nobody_signed_it(self):
        error = self._assert_raises(WeChatPayNotTaken, WeChatUnknown, not_taken_v2())
        self.assertEqual((error.return_msg, error.context['code']), ("签名错误", 'misconfigured'))
        self.assertEqual(self.provider.wechat_error_reason, 'v2_not_taken')
        self.assertIn("签名错误", self.provider.wechat_last_error)
        error = self._assert_raises(
            WeChatPayNotTaken, WeChatUnknown, not_taken_v2("<b>x</b>\n" * 100),
        )
        self.assertNotRegex(error.return_msg, '[<>\n]')
        self.assertLessEqual(len(error.return_msg), 128)

    def test_answers_that_never_have_a_sign_are_read_only_where_that_is_said(self):
        answer = answer_v2(PAID, sign='')
        self.fake_v2.answers[QUERY] = answer
        self.assertEqual(self._request_v2(is_answer_signed=False)['total_fee'], '990')
        self._assert_unverified(answer, 'missing')

    def test_no_answer_leaves_the_outcome_open(self):
        for answer, end in (
            (None, 'broken'), ((502, {}, b''), 'HTTP 502'), ((400, {}, b'<html>'), 'HTTP 400'),
            ((302, {'Location': self.fake_v2.url + '/x'}, b''), 'HTTP 302'),
            ((204, {}, b''), 'HTTP 204'),
        ):
            with self.subTest(end):
                error = self._assert_raises(WeChatPayNoAnswer, WeChatUnknown, answer)
                self.assertEqual((error.end, error.sent), (end, True))
        self.assertFalse(self.fake_v2.calls('/x'), "redirects are not followed")

    def test_a_server_that_is_not_there_never_got_the_request(self):
        self.env['ir.config_parameter'].set_param('wechat.pay_url', 'http://127.0.0.1:9')
        error = self._assert_raises(WeChatPayNoAnswer, WeChatUnknown)
        self.assertEqual((error.end, error.sent), ('connect', False))

    def test_a_slow_server_is_not_waited_for(self):
        def slow(values):
            time.sleep(1)
            return answer_v2(PAID)
        error = self._assert_raises(
            WeChatPayNoAnswer, WeChatUnknown, slow, timeout=(0.2, 0.2),
        )
        self.assertEqual((error.end, error.sent), ('timeout', True))

    # === BACKUP HOST === #

    def _add_backup(self):
        backup = FakeWechatPayV2()
        backup.reset()
        self.addCleanup(backup.stop)
        self.env['ir.config_parameter'].set_param('wechat.pay_backup_url', backup.url)
        return backup

    @mute_logger(V2)
    def test_the_backup_host_is_asked_for_what_may_be_repeated(self):
        backup = self._add_backup()
        backup.answers[QUERY] = answer_v2(PAID)
        for answer in (None, (503, {}, b'')):
            self.fake_v2.answers[QUERY] = answer
            self.assertEqual(self._request_v2(repeatable=True)['total_fee'], '990')
        (_path, first), (_path, second) = self.fake_v2.received[-1], backup.received[-1]
        self.assertNotEqual(first['sign'], '')
        self.assertEqual(second['out_trade_no'], first['out_trade_no'])

    def test_the_backup_host_gets_nothing_that_must_not_be_repeated(self):
        backup = self._add_backup()
        self._assert_raises(WeChatPayNoAnswer, WeChatUnknown, None)
        self.assertFalse(backup.received)

    def test_a_refusal_by_the_second_host_does_not_say_that_the_first_did_nothing(self):
        backup = self._add_backup()
        backup.answers[QUERY] = fail_v2('NOTENOUGH')
        error = self._assert_raises(WeChatPayUnsettled, WeChatUnknown, None, repeatable=True)
        self.assertEqual(error.wechat_code, 'NOTENOUGH')
        backup.answers[QUERY] = fail_v2('ORDERPAID')
        self._assert_raises(WeChatPayRefused, WeChatRefused, None, repeatable=True)

    # === WHAT ADMINISTRATORS SEE === #

    def test_what_must_be_mended_is_noted_and_forgotten_when_it_works(self):
        self._assert_raises(WeChatPayRefused, WeChatRefused, fail_v2('NOAUTH'))
        self.assertEqual(self.provider.wechat_error_reason, 'api_v2')
        self.assertIn("NOAUTH", self.provider.wechat_last_error)
        self.fake_v2.answers[QUERY] = answer_v2(PAID)
        self._request_v2()
        self.env.invalidate_all()
        self.assertEqual(self.provider.wechat_check_state, 'ok')
        self._assert_unverified(answer_v2(PAID, sign=''), 'missing')
        self.assertEqual(self.provider.wechat_error_reason, 'v2_signature')

    def test_what_is_wrong_with_v2_is_not_forgotten_because_v3_works(self):
        self.provider.write({
            'wechat_api_v3_key': 'x' * 32, 'wechat_pay_public_key_id': 'PUB_KEY_ID_01',
            'wechat_pay_public_key': self.wechat.public_pem,
        })
        self.provider.wechat_api_version = 'v3'
        self._assert_raises(WeChatPayNotTaken, WeChatUnknown, not_taken_v2())
        self.env['ir.config_parameter'].set_param('wechat.pay_url', self.fake.url)
        self.fake.override('S00042', lambda request: self.fake.signed(
            {}, serial='PUB_KEY_ID_01',
        ))
        self.provider._wechat_request('GET', '/v3/pay/transactions/out-trade-no/S00042')
        self.env.invalidate_all()
        self.assertEqual(self.provider.wechat_error_reason, 'v2_not_taken')

    def test_logs_tell_how_long_and_the_code_and_no_content(self):
        self.fake_v2.answers[QUERY] = fail_v2('ORDERNOTEXIST')
        with self.assertLogs(V2, logging.DEBUG) as logs, self.assertRaises(WeChatPayRefused):
            self._request_v2(params={'openid': 'oSECRETopenid', 'out_trade_no': 'S00042'})
        text = '\n'.join(logs.output)
        self.assertRegex(text, r'answered POST /pay/orderquery with 200 in \d\.\d{3} s')
        self.assertIn('ORDERNOTEXIST', text)
        for secret in (API_V2_KEY, 'oSECRETopenid', self.fake_v2.received[-1][1]['sign']):
            self.assertNotIn(secret, text)
