# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import fields
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.wechat_payment.protocol import v2_signing, v2_xml
from odoo.addons.wechat_payment.tests.fake_wechat_pay import MCHID
from odoo.addons.wechat_payment.tests.order_versions_common import WechatOrderVersionsCommon

CONTROLLER = 'odoo.addons.wechat_payment.controllers.main'
NOTIFICATION = 'odoo.addons.wechat_payment.models.payment_transaction_notification'
TRANSACTION_API = 'odoo.addons.wechat_payment.models.payment_transaction_api'

# What the sandbox can do wrong (its README), by what Odoo answers.
DEFECTS = {
    **dict.fromkeys((
        'bad_signature', 'missing_sign', 'other_sign_type', 'tampered_body', 'extra_element',
        'empty_body',
    ), 401),
    **dict.fromkeys((
        'doubled_element', 'nested_element', 'entity_bomb', 'external_entity', 'garbage_body',
    ), 400),
    'huge_body': 413,
}


@tagged('post_install', '-at_install', '-standard', 'wechat_sandbox')
class TestSandboxV2Notifications(WechatOrderVersionsCommon):
    """Notifications of API v2, right and wrong, against the sandbox (B3.1, D1 to D11, D13)."""

    def setUp(self):
        super().setUp()
        self._use('v2')
        self.tx = self._order('NATIVE')
        self._pay(self.tx, notify=False)

    def _answers(self, **kwargs):
        """Have WeChat Pay notify, and return what Odoo answered each time."""
        with mute_logger(CONTROLLER, TRANSACTION_API, NOTIFICATION):
            return self._at_merchant('notify', out_trade_no=self.tx.reference, **kwargs)['answers']

    def _statuses(self, **kwargs):
        return [answer['status'] for answer in self._answers(**kwargs)]

    def _post(self, body, provider=None):
        """Send a body to a provider's address."""
        path = f'/payment/wechat_pay/notify/{(provider or self.provider).id}'
        with mute_logger(CONTROLLER, TRANSACTION_API, NOTIFICATION):
            answer = self.url_open(path, data=body, headers={'Content-Type': 'text/xml'})
        self.env.invalidate_all()
        return answer

    def _sign(self, sign_type='HMAC-SHA256', key=None, /, **changes):
        """Return a notification of the order, signed."""
        message = {
            'return_code': 'SUCCESS', 'result_code': 'SUCCESS', 'appid': self.app.appid,
            'mch_id': MCHID, 'nonce_str': 'n', 'out_trade_no': self.tx.reference,
            'total_fee': '1999', 'fee_type': 'CNY', 'transaction_id': '4200000000202601020000001',
            'time_end': '20260102200000', **changes,
        }
        key = key or self.provider.wechat_api_v2_key
        return v2_xml.build({**message, 'sign': v2_signing.sign(message, key, sign_type)})

    def _assert_nothing_happened(self):
        self.assertEqual((self.tx.state, self.tx.wechat_alert), ('draft', False))

    def test_nothing_that_is_wrong_confirms_a_payment(self):
        for defect, status in DEFECTS.items():
            with self.subTest(defect):
                self.assertEqual(self._statuses(defect=defect), [status])
                self._assert_nothing_happened()
        self.assertEqual(self._statuses(), [200], "what is right is taken")
        self.assertEqual(self.tx.state, 'done')

    def test_what_is_right_is_acknowledged_as_v2_wants_it(self):
        answer = self._answers()[0]
        self.assertEqual(answer['status'], 200)
        self.assertEqual(v2_xml.parse(answer['body'].encode()), {
            'return_code': 'SUCCESS', 'return_msg': 'OK',
        })
        self.assertEqual((self.tx.state, self.tx.wechat_alert), ('done', False))

    def test_a_refusal_says_fail_and_nothing_of_what_is_inside(self):
        answer = self._answers(defect='bad_signature')[0]
        self.assertEqual(v2_xml.parse(answer['body'].encode()), {
            'return_code': 'FAIL', 'return_msg': 'sign',
        })

    def test_an_empty_element_is_no_other_message(self):
        self.assertEqual(self._statuses(defect='empty_element'), [200])
        self.assertEqual(self.tx.state, 'done')

    def test_what_comes_again_and_at_once_is_done_once(self):
        self.assertEqual(self._statuses(repeat=3, parallel=True), [200] * 3)
        self.assertEqual(self._statuses(repeat=2, identical=True), [200] * 2)
        self.assertEqual((self.tx.state, self.tx.wechat_alert), ('done', False))

    def test_content_that_does_not_agree_is_an_alert_and_no_payment(self):
        for name, value in (
            ('total_fee', '1'), ('total_fee', '199900'), ('total_fee', None), ('fee_type', 'USD'),
            ('mch_id', '1900000002'), ('mch_id', None), ('appid', 'wx0000000000000003'),
            ('sub_mch_id', '1900000109'), ('transaction_id', None),
        ):
            with self.subTest(f'{name} {value}'):
                self.tx.wechat_alert = False
                self.assertEqual(self._statuses(overrides={name: value}), [200])
                self.assertEqual(self.tx.state, 'draft')
                self.assertTrue(self.tx.wechat_alert)

    def test_what_was_paid_in_cash_is_not_what_was_ordered(self):
        self.assertEqual(self._statuses(overrides={'total_fee': '1', 'cash_fee': '1999'}), [200])
        self.assertEqual(self.tx.state, 'draft')
        self.assertIn('amount.total', self.tx.wechat_alert)

    def test_numbers_that_are_none_are_refused_though_signed(self):
        for value in ('19.99', '-1', '01999', '1e3', '٣'):
            with self.subTest(value):
                self.assertEqual(self._statuses(overrides={'total_fee': value}), [400])
                self._assert_nothing_happened()

    def test_a_payment_that_failed_is_a_reason_to_ask(self):
        for name in ('result_code', 'return_code'):
            self.tx.wechat_next_query = fields.Datetime.add(fields.Datetime.now(), hours=1)
            self.assertEqual(self._statuses(overrides={name: 'FAIL'}), [200])
            self._assert_nothing_happened()
            self.assertLessEqual(self.tx.wechat_next_query, fields.Datetime.now())

    def test_an_unknown_order_is_answered_as_any_other(self):
        answer = self._post(self._sign(out_trade_no='S99999-0123456789'))
        self.assertEqual((answer.status_code, 'SUCCESS' in answer.text), (200, True))
        self._assert_nothing_happened()

    def test_an_order_belongs_to_the_provider_who_made_it(self):
        other = self.provider.copy({
            'wechat_mch_id': '1900000002', 'wechat_app_ids': [(6, 0, self.app.ids)],
            'wechat_api_v2_key': self.provider.wechat_api_v2_key,
        })
        answer = self._post(self._sign(), other)
        self.assertEqual(answer.status_code, 200)
        self._assert_nothing_happened()

    def test_the_type_of_signature_is_ours_not_the_messages(self):
        for sign_type, changes in (
            ('MD5', {}), ('MD5', {'sign_type': 'MD5'}), ('MD5', {'sign_type': 'HMAC-SHA256'}),
            ('HMAC-SHA256', {'sign_type': 'MD5'}),
        ):
            with self.subTest(f'{sign_type} {changes}'):
                self.assertEqual(self._post(self._sign(sign_type, **changes)).status_code, 401)
                self._assert_nothing_happened()
        self.assertEqual(self._post(self._sign()).status_code, 200)
        self.assertEqual(self.tx.state, 'done')

    def test_an_order_is_notified_in_its_own_type_when_the_merchant_has_changed_it(self):
        self.provider.wechat_v2_sign_type = 'MD5'
        self.env.flush_all()
        self.assertEqual(self._post(self._sign('MD5')).status_code, 401)
        self.assertEqual(self._statuses(), [200])
        self.assertEqual(self.tx.state, 'done')

    def test_a_signature_of_the_key_of_v3_or_of_none_is_refused(self):
        for key in ('0123456789abcdef0123456789abcdef', ' '):
            self.assertEqual(self._post(self._sign('HMAC-SHA256', key)).status_code, 401)
        without = self._sign().split(b'<sign>', maxsplit=1)[0]
        for end in (b'</xml>', b'<sign></sign></xml>', b'<sign>0</sign></xml>'):
            self.assertEqual(self._post(without + end).status_code, 401)
        self._assert_nothing_happened()

    def test_ten_megabytes_are_not_read(self):
        answer = self._post(b'<xml>' + b'<a>x</a>' * 1310720 + b'</xml>')
        self.assertEqual(answer.status_code, 413)

    def test_an_order_of_v3_is_not_confirmed_by_the_weaker_key(self):
        key = self.provider.wechat_api_v2_key
        self._use('v3')
        self.provider.write({'wechat_api_version': 'v3', 'wechat_api_v2_key': key})
        self.tx = self._order('NATIVE')
        self.tx.wechat_next_query = fields.Datetime.add(fields.Datetime.now(), hours=1)
        self.env.flush_all()
        self.assertEqual(self._post(self._sign()).status_code, 200)
        self._assert_nothing_happened()
        self.assertLessEqual(self.tx.wechat_next_query, fields.Datetime.now(), "it is asked for")

    def test_without_the_key_nothing_is_read(self):
        self._use('v3')
        merchant = self._control('GET', 'world')['merchants'][0]
        self.provider.wechat_api_version = 'v3'
        self.provider.wechat_api_v2_key = False
        self.env.flush_all()
        answer = self._post(self._sign('HMAC-SHA256', merchant['api_v2_key']))
        self.assertEqual((answer.status_code, 'FAIL' in answer.text), (400, True))

    def test_a_notification_after_the_query_changes_nothing(self):
        self.tx._wechat_query()
        self.assertEqual(self.tx.state, 'done')
        self.assertEqual(self._statuses(), [200])
        self.assertEqual((self.tx.state, self.tx.wechat_alert), ('done', False))

    def test_a_payment_after_it_was_cancelled_here_is_done(self):
        self.tx._set_canceled()
        self.assertEqual(self._statuses(), [200])
        self.assertEqual(self.tx.state, 'done')
