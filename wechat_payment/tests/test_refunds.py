# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from datetime import timedelta

from odoo import fields
from odoo.exceptions import UserError
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.wechat_payment.tests.fake_wechat_pay import get_key_pair
from odoo.addons.wechat_payment.tests.refund_common import WechatRefundCommon

API = 'odoo.addons.wechat_payment.models.payment_provider_api'
REFUND = 'odoo.addons.wechat_payment.models.payment_transaction_refund'
RESULT = 'odoo.addons.wechat_payment.models.payment_transaction_refund_result'
ALERT = 'odoo.addons.wechat_payment.models.payment_transaction_api'


@tagged('post_install', '-at_install')
class TestRefunds(WechatRefundCommon):

    def _assert_not_refunded(self, amount=None, *, text):
        count = len(self.tx.child_transaction_ids)
        kwargs = {} if amount is None else {'amount_to_refund': amount}
        self.assertIn(text, self._press_refused('action_refund', **kwargs))
        self.assertEqual(len(self.tx.child_transaction_ids), count)

    def test_the_provider_refunds_parts(self):
        self.assertEqual(self.provider.support_refund, 'partial')

    def test_an_accepted_refund_is_pending_and_not_done(self):
        refund = self._refund()
        self.assertEqual(refund.state, 'pending')
        self.assertEqual(refund.amount, -19.99)
        self.assertEqual(refund.wechat_refund_status, 'PROCESSING')
        self.assertEqual(refund.provider_reference, refund.wechat_refund_id)
        self.assertTrue(refund.wechat_next_query)

    def test_the_call_carries_number_amounts_and_address(self):
        refund = self._refund(5.01)
        self.assertEqual(self._calls()[0].json, {
            'out_trade_no': self.tx.reference,
            'out_refund_no': refund.reference,
            'notify_url': (
                f'https://shop.example.com/payment/wechat_pay/notify/{self.provider.id}'
            ),
            'amount': {'refund': 501, 'total': 1999, 'currency': 'CNY'},
        })
        self.assertRegex(refund.reference, r'^[0-9A-Za-z_-]{6,64}$')

    def test_an_answer_that_says_success_is_asked_about(self):
        def answer(request):
            self.fake._answer_refund(request)
            number = request.json['out_refund_no']
            return self.fake.signed({**self.fake.refunds[number], 'status': 'SUCCESS'})

        self.fake.override('POST /v3/refund', answer)
        refund = self._refund()
        self.assertEqual(refund.state, 'pending', "the query says PROCESSING")
        self.assertEqual(len(self._calls('GET')), 1)

    def test_a_query_finds_the_refund_done(self):
        refund = self._refund()
        self.fake.finish_refund(refund.reference)
        self._press('action_wechat_query', refund)
        self.assertEqual(refund.state, 'done')
        self.assertFalse(refund.wechat_next_query)

    def test_parts_can_be_refunded_until_nothing_is_left(self):
        first, second = self._refund(10), self._refund(9.99)
        self.assertNotEqual(first.reference, second.reference)
        self.assertEqual(self.tx._wechat_get_refundable_amount(), 0)
        self._assert_not_refunded(0.01, text="At most")

    def test_more_than_is_left_is_refused_and_says_what_is_left(self):
        self._refund(15)
        self._assert_not_refunded(5, text="4.99")
        self._assert_not_refunded(text="cannot be refunded")

    def test_an_open_refund_counts_as_well_as_a_done_one(self):
        refund = self._refund(19.99)
        self._assert_not_refunded(0.01, text="under way")
        self._notify_refund(self.fake.finish_refund(refund.reference))
        self._assert_not_refunded(0.01, text="went back")

    def test_amounts_that_are_none_are_refused(self):
        for amount in (-1, 0, 0.001):
            self._assert_not_refunded(amount, text="at least")

    def test_a_payment_that_is_not_done_cannot_be_refunded(self):
        other = self._create_wechat_order()
        with self.assertRaises(UserError):
            other._refund()
        refund = self._refund(1)
        with self.assertRaises(UserError):
            refund._refund()

    def test_a_payment_of_more_than_a_year_ago_cannot_be_refunded(self):
        self.tx.wechat_success_time = fields.Datetime.now() - timedelta(days=366)
        self._assert_not_refunded(text="more than a year")

    def test_the_fifty_first_part_is_refused(self):
        for number in range(50):
            self.tx._create_child_transaction(0.01, is_refund=True, reference=f'R-{number}-x')
        self._assert_not_refunded(0.01, text="50 parts")

    def test_a_disabled_provider_refunds_nothing(self):
        self.provider.state = 'disabled'
        self._assert_not_refunded(text="disabled")

    def test_an_address_that_cannot_be_called_stops_the_refund_before_its_number(self):
        self.provider.wechat_notify_base_url = False
        self.env['ir.config_parameter'].set_param('web.base.url', 'http://intranet')
        self._assert_not_refunded(text="notification")
        self.assertFalse(self._calls())

    @mute_logger(API, REFUND, ALERT)
    def test_a_lack_of_funds_is_an_error_with_advice(self):
        self.fake.override('POST /v3/refund', lambda r: self.fake.error(403, 'NOT_ENOUGH'))
        refund = self._refund()
        self.assertEqual(refund.state, 'error')
        self.assertIn("Top it up", refund.state_message)
        self.assertIn('NOT_ENOUGH', refund.state_message)
        self.assertTrue(refund.wechat_needs_attention)
        self.assertFalse(refund.wechat_next_query)

    @mute_logger(API, REFUND, ALERT)
    def test_the_clerk_is_told_why_in_the_answer_of_the_button(self):
        self.fake.override('POST /v3/refund', lambda r: self.fake.error(403, 'NOT_ENOUGH'))
        answer = self._press('action_refund')
        self.assertEqual(answer['params']['type'], 'danger')
        self.assertIn("Top it up", answer['params']['message'])

    def test_the_clerk_is_told_that_it_takes_time(self):
        self.assertIn("under way", self._press('action_refund')['params']['message'])

    @mute_logger(API, REFUND)
    def test_the_clerk_is_told_that_the_outcome_is_not_known(self):
        self.fake.override('POST /v3/refund', None)
        params = self._press('action_refund')['params']
        self.assertEqual(params['type'], 'warning')
        self.assertIn("Do not refund anew", params['message'])

    @mute_logger(API, REFUND, ALERT)
    def test_after_topping_up_the_same_number_is_sent_to_the_letter(self):
        self.fake.override('POST /v3/refund', lambda r: self.fake.error(403, 'NOT_ENOUGH'))
        refund = self._refund(5)
        self.fake.overrides.clear()
        self._press('action_wechat_repeat_refund', refund)
        self.assertEqual(refund.state, 'pending')
        first, second = self._calls()
        self.assertEqual(first.body, second.body)
        self.assertEqual(len(self.tx.child_transaction_ids), 1)

    @mute_logger(API, REFUND, ALERT)
    def test_a_refused_refund_whose_part_was_taken_is_not_repeated(self):
        self.fake.override('POST /v3/refund', lambda r: self.fake.error(403, 'NOT_ENOUGH'))
        refund = self._refund(15)
        self.fake.overrides.clear()
        self._refund(15)
        self.assertIn("At most", self._press_refused('action_wechat_repeat_refund', refund))
        self.assertEqual(refund.state, 'error')
        self.assertEqual(len(self._calls()), 2)

    @mute_logger(API, REFUND, ALERT)
    def test_every_refusal_is_an_error_that_says_what_to_do(self):
        for status, code, advice in (
            (400, 'INVALID_REQUEST', "rules"), (400, 'PARAM_ERROR', "value"),
            (403, 'USER_ACCOUNT_ABNORMAL', "outside WeChat Pay"), (403, 'NO_AUTH', "interface"),
            (404, 'RESOURCE_NOT_EXISTS', "nothing to refund"), (400, 'TRADE_OVERDUE', "year"),
            (400, 'REFUND_FEE_MISMATCH', "amount"), (404, 'MCH_NOT_EXISTS', "merchant number"),
            (400, 'SOMETHING_NEW', "refused"),
        ):
            with self.subTest(code):
                self.fake.overrides.clear()
                self.fake.override(
                    'POST /v3/refund', lambda r, s=status, c=code: self.fake.error(s, c),
                )
                refund = self._refund(1)
                self.assertEqual(refund.state, 'error')
                self.assertIn(advice, refund.state_message)
                self.assertIn(code, refund.state_message)

    @mute_logger(API, REFUND, ALERT)
    def test_a_refused_refund_takes_no_part_of_the_payment(self):
        self.fake.override('POST /v3/refund', lambda r: self.fake.error(403, 'NOT_ENOUGH'))
        self._refund()
        self.fake.overrides.clear()
        self.assertEqual(self._refund().state, 'pending')

    @mute_logger(API, REFUND)
    def test_a_refusal_is_not_believed_when_the_query_knows_the_refund(self):
        def answer(request):
            self.fake._answer_refund(request)
            return self.fake.error(400, 'INVALID_REQUEST')

        self.fake.override('POST /v3/refund', answer)
        refund = self._refund()
        self.assertEqual(refund.state, 'pending')
        self.assertTrue(refund.wechat_refund_id)

    @mute_logger(API, REFUND)
    def test_a_refusal_stays_open_when_the_query_is_refused_too(self):
        for status, code in ((401, 'SIGN_ERROR'), (404, ''), (404, 'MCH_NOT_EXISTS')):
            self.fake.overrides.clear()
            self.fake.override('/v3/refund', lambda r, s=status, c=code: self.fake.error(s, c))
            refund = self._refund(1)
            self.assertEqual(refund.state, 'pending')
            self.assertIn("not known", refund.state_message)

    @mute_logger(API, REFUND)
    def test_an_outcome_that_is_not_known_stays_pending_under_its_number(self):
        for answer in (
            None, lambda r: self.fake.error(500, 'SYSTEM_ERROR'),
            lambda r: self.fake.error(429, 'FREQUENCY_LIMITED'), lambda r: (200, {}, b'{}'),
            lambda r: self.fake.signed({'x': 1}, key=get_key_pair('merchant')),
            lambda r: self.fake.error(503, 'SERVICE_UNAVAILABLE'), lambda r: (302, {}, b''),
        ):
            self.fake.overrides.clear()
            self.fake.override('POST /v3/refund', answer)
            refund = self._refund(1)
            self.assertEqual(refund.state, 'pending')
            self.assertTrue(refund.wechat_next_query)
            self.assertIn("Do not refund anew", refund.state_message)
        self.assertEqual(self.tx._wechat_get_refundable_amount(), 12.99)

    @mute_logger(API, REFUND)
    def test_what_is_found_under_way_is_no_longer_called_unknown(self):
        self.fake.lose_answer = True
        refund = self._refund()
        self.assertIn("Do not refund anew", refund.state_message)
        self.fake.lose_answer = False
        self._press('action_wechat_query', refund)
        self.assertEqual(refund.wechat_refund_status, 'PROCESSING')
        self.assertEqual((refund.state, refund.state_message), ('pending', False))

    @mute_logger(API, REFUND, ALERT)
    def test_an_answer_that_does_not_agree_is_an_alert(self):
        for name, value in (
            ('out_refund_no', 'R-other'), ('out_trade_no', 'other'), ('transaction_id', '42'),
            ('refund_id', None), ('amount', {'refund': 101, 'total': 1999, 'currency': 'CNY'}),
            ('amount', {'refund': 100, 'total': 199, 'currency': 'CNY'}),
            ('amount', {'refund': 100, 'total': 1999, 'currency': 'USD'}), ('amount', None),
            ('amount', {'refund': 100.0, 'total': 1999, 'currency': 'CNY'}),
        ):
            with self.subTest(f'{name} {value}'):
                def answer(request, name=name, value=value):
                    self.fake._answer_refund(request)
                    refund = self.fake.refunds[request.json['out_refund_no']]
                    return self.fake.signed({**refund, name: value})

                self.fake.overrides.clear()
                self.fake.override('POST /v3/refund', answer)
                refund = self._refund(1)
                self.assertEqual(refund.state, 'pending')
                self.assertIn(name, refund.wechat_alert)

    def test_a_reason_is_told_to_the_customer(self):
        wizard = self.env['wechat.pay.refund'].create({
            'transaction_id': self.tx.id, 'amount': 2, 'reason': "少发一件",
        })
        self.assertEqual(wizard.amount_left, 19.99)
        self._press('action_refund', wizard)
        self.assertEqual(self._calls()[0].json['reason'], "少发一件")
        self.assertEqual(self.tx.child_transaction_ids.amount, -2)

    @mute_logger('odoo.http')
    def test_who_may_not_write_transactions_may_not_press_buttons(self):
        refund = self._refund(1)
        for login in (self.internal_user.login, self.customer.login):
            self.authenticate(login, login)
            for button, record in (
                ('action_refund', self.tx), ('action_wechat_query', self.tx),
                ('action_wechat_close', self.tx), ('action_wechat_post_process', self.tx),
                ('action_wechat_repeat_refund', refund), ('action_wechat_alert_seen', self.tx),
                ('action_wechat_refund', self.tx), ('action_wechat_find_refund', self.tx),
                ('action_wechat_complete_refund', refund),
            ):
                with self.subTest(button):
                    error = self._call_button(button, record)['error']
                    self.assertIn('AccessError', error['data']['name'])
