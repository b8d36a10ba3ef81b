# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.tests import HttpCase, JsonRpcException, tagged
from odoo.tools import mute_logger

from odoo.addons.wechat_payment.tests.common import WechatPayCommon

SETTLEMENT = 'odoo.addons.wechat_payment.models.payment_transaction_settlement'
API = 'odoo.addons.wechat_payment.models.payment_provider_api'
POST_PROCESSING = 'odoo.addons.wechat_payment.models.payment_transaction_post_processing'


@tagged('post_install', '-at_install')
class TestStatus(WechatPayCommon, HttpCase):

    def setUp(self):
        super().setUp()
        self.tx = self._create_wechat_order(12.5)
        self.authenticate(self.customer.login, self.customer.login)

    def _status(self, reference=None):
        return self.make_jsonrpc_request(
            '/wechat/payment/status', {'reference': reference or self.tx.reference},
        )

    def _queries(self):
        return [request for request in self.fake.requests if request.method == 'GET']

    def test_an_unpaid_payment_is_a_draft(self):
        self.assertEqual(self._status(), {
            'reference': self.tx.reference, 'state': 'draft', 'state_message': '',
        })

    def test_wechat_pay_is_asked_and_the_payment_found(self):
        self.fake.pay(self.tx.reference)
        self.assertEqual(self._status()['state'], 'done')
        self.assertEqual(self.tx.state, 'done')

    def test_what_the_client_says_of_the_payment_is_not_heard(self):
        answer = self.make_jsonrpc_request('/wechat/payment/status', {
            'reference': self.tx.reference, 'state': 'done', 'trade_state': 'SUCCESS',
            'errMsg': 'requestPayment:ok', 'transaction_id': '4200000000000000000000000001',
        })
        self.assertEqual(answer['state'], 'draft')
        self.assertEqual((self.tx.state, self.tx.provider_reference), ('draft', False))

    def test_it_is_asked_at_most_once_in_two_seconds(self):
        for _i in range(4):
            self._status()
        self.assertEqual(len(self._queries()), 1)
        self.tx.wechat_last_query -= timedelta(seconds=3)
        self._status()
        self.assertEqual(len(self._queries()), 2)

    def test_what_is_settled_is_not_asked_for(self):
        self.tx._set_done()
        self.assertEqual(self._status()['state'], 'done')
        self.assertFalse(self._queries())

    @mute_logger(SETTLEMENT, API)
    def test_a_silent_wechat_pay_leaves_the_state_as_it_is_known(self):
        self.fake.override('GET', None)
        self.assertEqual(self._status()['state'], 'draft')

    @mute_logger('odoo.http')
    def test_only_who_asked_for_a_payment_learns_its_state(self):
        other = self._create_wechat_order()
        other.wechat_user_id = self.internal_user
        for reference in (other.reference, 'S00000-unknown', '', 'x' * 65):
            with self.subTest(reference), self.assertRaises(JsonRpcException) as caught:
                self._status(reference or ' ')
            self.assertIn('WeChatError', str(caught.exception))

    @mute_logger('odoo.http')
    def test_a_reference_must_be_a_text(self):
        for reference in (5, None, ['x'], {'a': 1}, True):
            response = self.url_open('/wechat/payment/status', json={
                'jsonrpc': '2.0', 'method': 'call', 'params': {'reference': reference},
            }).json()
            self.assertEqual(
                response['error']['data']['context'], {'code': 'bad_request', 'errcode': None},
            )

    @mute_logger('odoo.http')
    def test_a_stranger_is_not_let_in(self):
        self.logout()
        with self.assertRaises(JsonRpcException):
            self._status()


@tagged('post_install', '-at_install')
class TestCron(WechatPayCommon):

    def setUp(self):
        super().setUp()
        self.tx = self._create_wechat_order(12.5)
        self.tx.wechat_next_query = fields.Datetime.now() - timedelta(seconds=1)

    def _run_cron(self):
        with self.enter_registry_test_mode():
            self.env.ref('wechat_payment.cron_wechat_settle').method_direct_trigger()

    def _expire(self):
        self.tx.wechat_time_expire = fields.Datetime.now() - timedelta(seconds=1)

    def test_a_payment_without_a_notification_is_found(self):
        self.fake.pay(self.tx.reference)
        self._run_cron()
        self.assertEqual(self.tx.state, 'done')
        self.assertFalse(self.tx.wechat_next_query)

    def test_an_unpaid_order_is_asked_for_again_later(self):
        self._run_cron()
        self.assertEqual(self.tx.state, 'draft')
        self.assertEqual(self.tx.wechat_query_count, 1)
        self.assertGreater(self.tx.wechat_next_query, fields.Datetime.now())
        self.fake.requests.clear()
        self._run_cron()
        self.assertFalse(self.fake.requests, "it is not due yet")

    def test_what_is_not_open_is_left_alone(self):
        self.tx._set_done()
        self._run_cron()
        self.assertFalse(self.fake.requests)
        self.assertFalse(self.tx.wechat_next_query)

    def test_an_expired_order_is_closed_at_wechat_pay_and_then_here(self):
        self._expire()
        self._run_cron()
        self.assertEqual(self.fake.orders[self.tx.reference]['trade_state'], 'CLOSED')
        self.assertEqual(self.tx.state, 'cancel')

    def test_an_expired_order_that_was_paid_is_done(self):
        self._expire()
        self.fake.pay(self.tx.reference)
        self._run_cron()
        self.assertEqual(self.tx.state, 'done')

    def test_an_expired_order_that_never_arrived_is_canceled(self):
        self._expire()
        self.fake.orders.clear()
        self._run_cron()
        self.assertEqual(self.tx.state, 'cancel')

    @mute_logger(SETTLEMENT, API)
    def test_trouble_with_one_order_does_not_stop_the_others(self):
        other = self._create_wechat_order()
        other.wechat_next_query = fields.Datetime.now() - timedelta(seconds=9)
        self.fake.override(other.reference, None)
        self.fake.pay(self.tx.reference)
        self._run_cron()
        self.assertEqual(self.tx.state, 'done')
        self.assertEqual(other.state, 'draft')
        self.assertGreater(other.wechat_next_query, fields.Datetime.now())

    @mute_logger(SETTLEMENT, API)
    def test_a_silent_wechat_pay_never_cancels_anything(self):
        self._expire()
        self.fake.override('.', None)
        self._run_cron()
        self.assertEqual(self.tx.state, 'draft')

    def test_the_plan_slows_down_and_ends_at_expiry(self):
        now = fields.Datetime.now()
        delays = []
        for count in (0, 1, 2, 6, 50):
            self.tx.wechat_query_count = count
            self.tx._wechat_schedule_query()
            delays.append(round((self.tx.wechat_next_query - now).total_seconds(), -1))
        self.assertEqual(delays, sorted(delays))
        self.assertLessEqual(delays[-1], 1810)
        self.tx.wechat_time_expire = now + timedelta(seconds=60)
        self.tx._wechat_schedule_query()
        self.assertEqual(self.tx.wechat_next_query, self.tx.wechat_time_expire)


@tagged('post_install', '-at_install')
class TestPostProcessing(WechatPayCommon):
    """What follows a payment may fail; the payment, the order and the reason may not get lost."""

    def setUp(self):
        super().setUp()
        self.tx = self._create_wechat_order(12.5)
        self.tx._set_done()

    def _run(self, post_process):
        """Run the cron with a step that stands for mails and PDFs, which cannot be made to fail."""
        self.env.flush_all()
        with patch.object(
            type(self.env['payment.transaction']), '_post_process', post_process,
        ), self.enter_registry_test_mode():
            self.env.ref('payment.cron_post_process_payment_tx').method_direct_trigger()
        self.env.invalidate_all()

    def test_nothing_is_noted_when_all_goes_well(self):
        self._run(lambda txs: txs.write({'is_post_processed': True}))
        self.assertTrue(self.tx.is_post_processed)
        self.assertFalse(self.tx.wechat_post_process_error)

    @mute_logger(POST_PROCESSING)
    def test_a_failing_mail_is_left_out_and_shown(self):
        def post_process(txs):
            if not txs.env.context.get('wechat_without_mail'):
                raise ValueError("no PDF")
            txs.is_post_processed = True

        self._run(post_process)
        self.assertTrue(self.tx.is_post_processed)
        self.assertTrue(self.tx.wechat_is_mail_unsent)
        self.assertEqual(self.tx.wechat_post_process_error, "ValueError: no PDF")
        self._run(post_process)
        self.assertFalse(self.tx.wechat_is_mail_unsent, "the mail was sent by the next run")
        self.assertFalse(self.tx.wechat_post_process_error)

    @mute_logger(POST_PROCESSING)
    def test_what_fails_without_the_mail_too_is_shown_and_retried(self):
        def post_process(txs):
            raise ValueError("no stock")

        self._run(post_process)
        self.assertEqual(self.tx.state, 'done')
        self.assertFalse(self.tx.is_post_processed)
        self.assertEqual(self.tx.wechat_post_process_error, "ValueError: no stock")
        self._run(lambda txs: txs.write({'is_post_processed': True}))
        self.assertTrue(self.tx.is_post_processed)
        self.assertFalse(self.tx.wechat_post_process_error)
