# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import json
import tempfile
import time

from odoo.tests import HttpCase, tagged
from odoo.tools import mute_logger

from odoo.addons.wechat_payment.tests.common import WechatPayCommon
from odoo.addons.wechat_payment.tests.fake_wechat_pay import (
    API_V3_KEY,
    build_notification,
    get_key_pair,
    sign_headers,
)

CONTROLLER = 'odoo.addons.wechat_payment.controllers.main'
API = 'odoo.addons.wechat_payment.models.payment_transaction_api'
NATIVE = '/v3/pay/transactions/native'


@tagged('post_install', '-at_install')
class TestNotifications(WechatPayCommon, HttpCase):

    def setUp(self):
        super().setUp()
        self.tx = self._create_wechat_order(19.99)
        self.order = dict(self.fake.pay(self.tx.reference))

    def _assert_refused(self, response, status):
        self.assertEqual(response.status_code, status)
        self.assertEqual(response.json()['code'], 'FAIL')
        self.assertEqual(self.tx.state, 'draft')
        self.assertFalse(self.tx.wechat_alert)

    def _assert_alert(self, order, text):
        with mute_logger(API):
            response = self._notify(order)
        self.assertEqual(response.status_code, 200)
        self.assertEqual(self.tx.state, 'draft')
        self.assertIn(text, self.tx.wechat_alert)

    def test_a_verified_notification_confirms_the_transaction(self):
        response = self._notify(self.order)
        self.assertEqual(response.status_code, 200)
        self.assertEqual(response.content, b'')
        self.assertEqual(self.tx.state, 'done')
        self.assertEqual(self.tx.provider_reference, self.order['transaction_id'])
        self.assertEqual(self.tx.wechat_trade_state, 'SUCCESS')
        self.assertFalse(self.tx.wechat_next_query)

    def test_it_triggers_the_post_processing_instead_of_doing_it(self):
        cron = self.env.ref('payment.cron_post_process_payment_tx')
        before = self.env['ir.cron.trigger'].search_count([('cron_id', '=', cron.id)])
        self._notify(self.order)
        self.assertFalse(self.tx.is_post_processed)
        self.assertEqual(
            self.env['ir.cron.trigger'].search_count([('cron_id', '=', cron.id)]), before + 1,
        )

    def test_it_leaves_no_session_behind(self):
        self.assertNotIn('Set-Cookie', self._notify(self.order).headers)

    def test_a_platform_certificate_is_trusted_beside_the_public_key(self):
        platform = get_key_pair('platform')
        self.provider.wechat_certificate_ids = [(0, 0, {'certificate': platform.certificate_pem})]
        response = self._notify(self.order, serial=platform.serial_no, key=platform)
        self.assertEqual(response.status_code, 200)
        self.assertEqual(self.tx.state, 'done')

    def test_an_expired_platform_certificate_is_not_trusted(self):
        expired = get_key_pair('expired')
        self.provider.wechat_certificate_ids = [(0, 0, {'certificate': expired.certificate_pem})]
        with mute_logger(CONTROLLER):
            response = self._notify(self.order, serial=expired.serial_no, key=expired)
        self._assert_refused(response, 401)

    @mute_logger(CONTROLLER)
    def test_a_wrong_signature_is_refused(self):
        self._assert_refused(self._notify(self.order, key=get_key_pair('merchant')), 401)
        body = build_notification(self.order)
        self._assert_refused(self._notify(body=body, headers=sign_headers(body + b' ')), 401)
        self._assert_refused(
            self._notify(self.order, headers={'Wechatpay-Signature': '***'}), 401,
        )
        self._assert_refused(
            self._notify(self.order, headers={'Wechatpay-Signature': (
                'WECHATPAY/SIGNTEST/' + self.wechat.sign(b'probe')
            )}), 401,
        )

    @mute_logger(CONTROLLER)
    def test_an_unknown_serial_is_refused(self):
        self._assert_refused(self._notify(self.order, serial='PUB_KEY_ID_1'), 401)

    @mute_logger(CONTROLLER)
    def test_a_missing_or_empty_header_is_refused(self):
        for name in ('Timestamp', 'Nonce', 'Serial', 'Signature'):
            with self.subTest(name):
                for value in (None, ''):
                    response = self._notify(self.order, headers={f'Wechatpay-{name}': value})
                    self._assert_refused(response, 401)

    @mute_logger(CONTROLLER)
    def test_a_doubled_header_is_refused(self):
        body = build_notification(self.order)
        for name, value in sign_headers(body).items():
            with self.subTest(name):
                headers = {**sign_headers(body), name: f'{value}, {value}'}
                self._assert_refused(self._notify(body=body, headers=headers), 401)

    @mute_logger(CONTROLLER)
    def test_another_signature_type_is_refused(self):
        headers = {'Wechatpay-Signature-Type': 'WECHATPAY2-SM2-WITH-SM3'}
        self._assert_refused(self._notify(self.order, headers=headers), 401)

    @mute_logger(CONTROLLER)
    def test_a_time_off_by_more_than_300_seconds_is_refused_both_ways(self):
        for offset in (-302, 310):
            with self.subTest(offset):
                response = self._notify(self.order, timestamp=int(time.time()) + offset)
                self._assert_refused(response, 401)

    @mute_logger(CONTROLLER)
    def test_what_was_encrypted_with_another_key_is_refused_and_shown(self):
        body = build_notification(self.order, api_v3_key='f' * 32)
        self._assert_refused(self._notify(body=body), 400)
        self.assertEqual(self.provider.wechat_check_state, 'error')
        self.assertIn("APIv3", self.provider.wechat_last_error)

    @mute_logger(CONTROLLER)
    def test_signed_garbage_is_refused(self):
        for body in (
            b'', b'garbage', b'[]', b'null', b'{}', b'\xff\xfe', b'{"resource": 5}',
            b'{"resource": {"algorithm": "none"}}', build_notification(["no object"]),
        ):
            with self.subTest(body[:20]):
                self._assert_refused(self._notify(body=body), 400)

    def test_a_huge_body_is_refused_unread(self):
        body = b'{"padding": "' + b'x' * 70000 + b'"}'
        response = self._notify(body=body)
        self.assertEqual(response.status_code, 413)
        self.assertEqual(self.tx.state, 'draft')

    @mute_logger(CONTROLLER)
    def test_a_body_whose_length_is_not_told_is_not_read_on_and_on(self):
        def endless():
            for _part in range(100):
                yield b'x' * 10000

        body = build_notification(self.order)
        response = self.url_open(
            f'/payment/wechat_pay/notify/{self.provider.id}', data=endless(), method='POST',
            headers={'Content-Type': 'application/json', **sign_headers(body)},
        )
        self.assertIn(response.status_code, (401, 413))
        self.assertEqual(self.tx.state, 'draft')

    @mute_logger(CONTROLLER)
    def test_a_hostile_xml_notification_is_not_parsed(self):
        """Neither its entities are fetched or unfolded, nor what it says believed (D1, D2, D23)."""
        secret = 'WHAT_STANDS_IN_THE_FILE'
        with tempfile.NamedTemporaryFile('w', suffix='.txt') as file:
            file.write(secret)
            file.flush()
            bomb = ''.join(
                f'<!ENTITY l{n} "{f"&l{n - 1};" * 10 if n else "lol" * 10}">' for n in range(10)
            )
            reference = self.tx.reference
            paid = f'<result_code>SUCCESS</result_code><out_trade_no>{reference}</out_trade_no>'
            path = f'/payment/wechat_pay/notify/{self.provider.id}'
            for entities, content in (
                (f'<!ENTITY e SYSTEM "file://{file.name}">', '&e;'),
                (f'<!ENTITY e SYSTEM "{self.fake.url}/xxe">', '&e;'),
                (f'<!ENTITY % p SYSTEM "{self.fake.url}/xxe.dtd">%p;', ''),
                (bomb, '&l9;'),
                ('', f'<return_code>SUCCESS</return_code>{paid}<total_fee>1999</total_fee>'),
            ):
                doctype = f'<!DOCTYPE xml [{entities}]>' if entities else ''
                answer = self.url_open(
                    path, data=f'<?xml version="1.0"?>{doctype}<xml>{content}</xml>'.encode(),
                    headers={'Content-Type': 'text/xml'}, timeout=10,
                )
                self.assertEqual(answer.status_code, 400)
                self.assertNotIn(secret, answer.text)
                self.assertNotIn('lol', answer.text)
        self.assertFalse([r for r in self.fake.requests if 'xxe' in r.path])
        self.assertEqual(self.tx.state, 'draft')

    @mute_logger('odoo.http')
    def test_another_provider_or_method_is_refused(self):
        other = self.provider.copy()
        other.code = 'none'
        url = f'/payment/wechat_pay/notify/{other.id}'
        self.assertEqual(self.url_open(url, data=b'{}').status_code, 404)
        self.assertEqual(
            self.url_open('/payment/wechat_pay/notify/2000000000', data=b'{}').status_code, 404,
        )
        self.assertEqual(
            self.url_open(f'/payment/wechat_pay/notify/{self.provider.id}').status_code, 405,
        )

    @mute_logger(API)
    def test_an_unknown_order_is_acknowledged_like_a_known_one(self):
        for number in ('S00000-unknown', None, 5, ['x'], {'a': 1}):
            response = self._notify({**self.order, 'out_trade_no': number})
            self.assertEqual((response.status_code, response.content), (200, b''))
        self.assertEqual(self.tx.state, 'draft')

    def test_an_order_of_another_provider_is_not_touched(self):
        other = self.provider.copy({'company_id': self.env['res.company'].create({
            'name': "Other company", 'currency_id': self.currency_cny.id,
        }).id})
        self.tx.provider_id = other
        with mute_logger(API):
            self.assertEqual(self._notify(self.order).status_code, 200)
        self.assertEqual(self.tx.state, 'draft')

    def test_a_wrong_amount_is_an_alert_and_changes_nothing(self):
        for total in (1, 1998, 2000, 199900, '1999', 1999.0, True, None):
            with self.subTest(total):
                self.tx.wechat_alert = False
                self._assert_alert(
                    {**self.order, 'amount': {'total': total, 'currency': 'CNY'}}, 'amount.total',
                )
        self._assert_alert({**self.order, 'amount': None}, 'amount.total')

    def test_an_alert_speaks_the_companys_language(self):
        self.env['res.lang']._activate_lang('zh_CN')
        self.provider.company_id.partner_id.lang = 'zh_CN'
        for changes in ({'mchid': '1900000009'}, {'trade_state': 'CLOSED'}):
            self.tx.wechat_alert = False
            self._assert_alert({**self.order, **changes}, "微信支付")

    def test_a_wrong_currency_is_an_alert(self):
        self._assert_alert(
            {**self.order, 'amount': {'total': 1999, 'currency': 'USD'}}, 'amount.currency',
        )

    def test_a_foreign_merchant_or_app_is_an_alert(self):
        self._assert_alert({**self.order, 'mchid': '1900000002'}, 'mchid')
        self._assert_alert({**self.order, 'appid': 'wx0000000000000009'}, 'appid')

    def test_a_success_event_in_another_state_is_an_alert(self):
        for state in ('NOTPAY', 'CLOSED', 'REFUND', None):
            self._assert_alert({**self.order, 'trade_state': state}, str(state))

    def test_a_coupon_does_not_count_as_a_wrong_amount(self):
        amount = {'total': 1999, 'currency': 'CNY', 'payer_total': 999, 'payer_currency': 'CNY'}
        self._notify({**self.order, 'amount': amount})
        self.assertEqual(self.tx.state, 'done')

    def test_a_wrong_amount_twice_and_then_the_right_one(self):
        wrong = {**self.order, 'amount': {'total': 1, 'currency': 'CNY'}}
        self._assert_alert(wrong, 'amount.total')
        alert = self.tx.wechat_alert
        self._assert_alert(wrong, 'amount.total')
        self.assertEqual(self.tx.wechat_alert, alert, "the same alert is stored once")
        self._notify(self.order)
        self.assertEqual(self.tx.state, 'done')
        self.assertEqual(self.tx.wechat_alert, alert, "the alert stays until somebody looked")

    def test_a_doubled_notification_is_done_once(self):
        self._notify(self.order)
        changed = self.tx.last_state_change
        self.tx.is_post_processed = True
        for _i in range(2):
            self.assertEqual(self._notify(self.order).status_code, 200)
        self.assertEqual(self.tx.last_state_change, changed)
        self.assertTrue(self.tx.is_post_processed, "nothing is processed a second time")
        self.assertFalse(self.tx.wechat_alert)

    def test_a_second_payment_of_the_same_order_is_an_alert(self):
        self._notify(self.order)
        with mute_logger(API):
            self._notify({**self.order, 'transaction_id': '4200000000000000000000000009'})
        self.assertEqual(self.tx.provider_reference, self.order['transaction_id'])
        self.assertIn('transaction_id', self.tx.wechat_alert)

    def test_a_late_success_after_a_cancel_is_done_with_a_note(self):
        self.tx._set_canceled()
        self.assertEqual(self._notify(self.order).status_code, 200)
        self.assertEqual(self.tx.state, 'done')

    def test_a_success_after_an_error_is_done(self):
        self.tx._set_error("an answer was lost")
        self._notify(self.order)
        self.assertEqual(self.tx.state, 'done')

    def test_an_early_notification_overtakes_the_answer_of_the_order(self):
        self.assertFalse(self.tx.wechat_prepay_id)
        self._notify(self.order)
        self.assertEqual(self.tx.state, 'done')

    def test_a_disabled_provider_still_takes_what_was_paid(self):
        self.provider.state = 'disabled'
        self._notify(self.order)
        self.assertEqual(self.tx.state, 'done')

    def test_nothing_secret_or_personal_is_logged(self):
        body = build_notification(self.order)
        headers = sign_headers(body)
        with self.assertLogs('odoo.addons', 'DEBUG') as logs:
            self._notify(body=body, headers={**headers, 'Wechatpay-Signature': 'eA=='})
            self._notify(body=build_notification({**self.order, 'amount': {'total': 1}}))
            self._notify(body=body, headers=headers)
        self.assertEqual(self.tx.state, 'done')
        text = '\n'.join(logs.output)
        self.assertIn(self.tx.reference, text)
        for secret in (
            API_V3_KEY, self.openid, headers['Wechatpay-Signature'],
            json.loads(body)['resource']['ciphertext'],
        ):
            self.assertNotIn(secret, text)

    def test_other_events_are_acknowledged_and_change_nothing(self):
        body = build_notification(self.order, event_type='REFUND.SUCCESS')
        self.assertEqual(self._notify(body=body).status_code, 200)
        self.assertEqual(self.tx.state, 'draft')

    def test_the_notification_address_is_the_configured_one(self):
        self.assertEqual(
            json.loads(self.tx.wechat_order_body)['notify_url'],
            f'https://shop.example.com/payment/wechat_pay/notify/{self.provider.id}',
        )

    def test_the_notification_address_does_not_come_from_the_host_header(self):
        self.provider.wechat_notify_base_url = False
        self.env['ir.config_parameter'].set_param('web.base.url', 'https://shop.example.com')
        tx = self.env['payment.transaction'].create({
            'provider_id': self.provider.id,
            'payment_method_id': self.env.ref('payment.payment_method_wechat_pay').id,
            'reference': 'S00042-hostheader', 'amount': 19.99,
            'currency_id': self.currency_cny.id, 'partner_id': self.customer.partner_id.id,
            'operation': 'online_redirect',
        })
        for host in ('Host', 'X-Forwarded-Host'):
            self.url_open('/payment/wechat_pay/start', headers={host: 'evil.example'}, json={
                'jsonrpc': '2.0', 'method': 'call', 'params': {
                    'reference': tx.reference, 'access_token': tx._wechat_get_access_token(),
                },
            })
        sent = [request.json['notify_url'] for request in self.fake.calls(NATIVE)]
        self.assertTrue(sent)
        for notify_url in sent:
            self.assertTrue(notify_url.startswith('https://shop.example.com/'), notify_url)
