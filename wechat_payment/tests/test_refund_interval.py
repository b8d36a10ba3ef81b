# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from contextlib import contextmanager
from datetime import timedelta

from freezegun import freeze_time

from odoo import fields
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.wechat_payment.protocol.refunds import REFUND_INTERVAL
from odoo.addons.wechat_payment.tests.refund_common import WechatRefundCommon

ALERT = 'odoo.addons.wechat_payment.models.payment_transaction_api'
API = 'odoo.addons.wechat_payment.models.payment_provider_api'
REFUND = 'odoo.addons.wechat_payment.models.payment_transaction_refund'
MINUTE = timedelta(seconds=REFUND_INTERVAL)


@tagged('post_install', '-at_install')
class TestRefundInterval(WechatRefundCommon):
    """WeChat Pay wants a minute between two refunds of one payment (A6.1)."""

    @contextmanager
    def _later(self, **delay):
        """Move the clock on; it goes on from there."""
        with freeze_time(fields.Datetime.now() + timedelta(**delay), tick=True):
            yield

    def _run_cron(self):
        self.env.flush_all()
        self.env.ref('wechat_payment.cron_wechat_settle').method_direct_trigger()
        self.env.invalidate_all()

    def _sent(self):
        """Return the numbers of the refunds that were sent, in their order."""
        return [request.json['out_refund_no'] for request in self._calls()]

    def test_a_second_refund_within_a_minute_is_made_but_not_sent(self):
        first = self._refund(5)
        second = self._refund(6, at_once=True)
        self.assertEqual(second.state, 'pending')
        self.assertEqual(second.wechat_next_query, first.wechat_refund_sent + MINUTE)
        self.assertFalse(second.wechat_refund_sent)
        self.assertEqual(self._sent(), [first.reference])
        self.assertFalse(self._calls('GET'))

    def test_it_has_its_number_and_its_body_and_takes_its_part_of_the_payment(self):
        self._refund(5)
        second = self._refund(6, at_once=True)
        self.assertIn(second.reference, second.wechat_refund_body)
        self.assertEqual(self.tx._wechat_get_refundable_amount(), 8.99)
        message = self._press_refused('action_refund', amount_to_refund=9)
        self.assertIn("8.99", message)

    def test_the_scheduled_action_is_woken_up_for_it(self):
        self._refund(5)
        second = self._refund(6, at_once=True)
        self.assertTrue(self.env['ir.cron.trigger'].search([
            ('cron_id', '=', self.env.ref('wechat_payment.cron_wechat_settle').id),
            ('call_at', '=', second.wechat_next_query),
        ]))

    def test_the_clerk_is_told_that_it_is_sent_by_itself(self):
        self._press('action_refund', amount_to_refund=5)
        params = self._press('action_refund', amount_to_refund=6)['params']
        self.assertEqual(params['type'], 'info')
        self.assertIn("by itself when the minute is over", params['message'])
        waiting = self.tx.child_transaction_ids.filtered(lambda tx: tx.amount == -6)
        self.assertIn("by itself when the minute is over", waiting.state_message)

    def test_it_is_sent_when_the_minute_is_over_and_not_before(self):
        first, second = self._refund(5), self._refund(6, at_once=True)
        with self._later(seconds=50):
            self._run_cron()
            self.assertEqual(self._sent(), [first.reference])
        with self._later(seconds=REFUND_INTERVAL):
            self._run_cron()
            self.assertEqual(self._sent(), [first.reference, second.reference])
            self.assertEqual(second.wechat_refund_status, 'PROCESSING')
            self.assertFalse(second.state_message)
            self._notify_refund(self.fake.finish_refund(second.reference))
            self.assertEqual(second.state, 'done')
        self.assertFalse(
            [r for r in self._calls('GET') if second.reference in r.path],
            "what was never sent is not asked for",
        )

    def test_a_third_one_waits_another_minute(self):
        first = self._refund(5)
        second, third = self._refund(6, at_once=True), self._refund(7, at_once=True)
        self.assertEqual(third.wechat_next_query, first.wechat_refund_sent + 2 * MINUTE)
        with self._later(seconds=2 * REFUND_INTERVAL + 1):
            # The scheduled action comes late, when both are due: still only one is sent.
            self._run_cron()
            self.assertEqual(self._sent(), [first.reference, second.reference])
            self.assertTrue(third._wechat_is_waiting_refund())
            self.assertGreaterEqual(
                third.wechat_next_query, second.wechat_refund_sent + MINUTE,
            )
        with self._later(seconds=3 * REFUND_INTERVAL + 5):
            self._run_cron()
            self.assertEqual(
                self._sent(), [first.reference, second.reference, third.reference],
            )

    def test_a_second_refund_after_a_minute_is_sent_at_once(self):
        first = self._refund(5)
        with self._later(seconds=REFUND_INTERVAL + 1):
            second = self._refund(6, at_once=True)
        self.assertEqual(self._sent(), [first.reference, second.reference])

    def test_refunds_of_other_payments_do_not_wait(self):
        first = self._refund(5)
        self.tx = self._create_wechat_order(19.99)
        self.tx._wechat_apply_order(self.fake.pay(self.tx.reference))
        self.tx.wechat_success_time = fields.Datetime.now()
        self.env.flush_all()
        second = self._refund(5, at_once=True)
        self.assertEqual(self._sent(), [first.reference, second.reference])

    @mute_logger(API, REFUND, ALERT)
    def test_after_a_refusal_the_next_one_does_not_wait(self):
        self.fake.override('POST /v3/refund', lambda r: self.fake.error(403, 'NOT_ENOUGH'))
        refused = self._refund(5)
        self.assertEqual(refused.state, 'error')
        self.fake.overrides.clear()
        second = self._refund(6, at_once=True)
        self.assertEqual(second.wechat_refund_status, 'PROCESSING')

    @mute_logger(API, REFUND, ALERT)
    def test_a_refused_one_that_is_repeated_waits_for_the_one_made_meanwhile(self):
        self.fake.override('POST /v3/refund', lambda r: self.fake.error(403, 'NOT_ENOUGH'))
        refused = self._refund(5)
        self.fake.overrides.clear()
        self._refund(6, at_once=True)
        params = self._press('action_wechat_repeat_refund', refused)['params']
        self.assertIn("by itself when the minute is over", params['message'])
        self.assertEqual(refused.state, 'pending')
        self.assertEqual(len(self._calls()), 2)
        with self._later(seconds=REFUND_INTERVAL + 1):
            self._run_cron()
        self.assertEqual(refused.wechat_refund_status, 'PROCESSING')
        self.assertEqual(self._calls()[0].body, self._calls()[2].body)

    @mute_logger(API, REFUND)
    def test_one_whose_outcome_is_not_known_may_have_been_taken_so_the_next_waits(self):
        self.fake.override('POST /v3/refund', None)
        self._refund(5)
        self.fake.overrides.clear()
        self.assertTrue(self._refund(6, at_once=True)._wechat_is_waiting_refund())

    def test_one_that_was_made_elsewhere_counts_as_well(self):
        self.fake.refund(self.tx.reference, 'CONSOLE0001', 300)
        self._notify_refund(self.fake.finish_refund('CONSOLE0001'))
        self.assertEqual(len(self.tx.child_transaction_ids), 1)
        self.assertTrue(self._refund(6, at_once=True)._wechat_is_waiting_refund())
        self.assertFalse(self._calls())

    def test_pressing_repeat_sends_it_no_earlier(self):
        self._refund(5)
        second = self._refund(6, at_once=True)
        due = second.wechat_next_query
        params = self._press('action_wechat_repeat_refund', second)['params']
        self.assertEqual(params['type'], 'info')
        self.assertIn("by itself when the minute is over", params['message'])
        self.assertEqual(second.wechat_next_query, due)
        self.assertEqual(len(self._calls()), 1)

    @mute_logger(ALERT)
    def test_one_that_no_longer_fits_when_its_turn_comes_is_not_sent(self):
        first, second = self._refund(5), self._refund(14, at_once=True)
        self.fake.refund(self.tx.reference, 'CONSOLE0001', 1400)
        self._notify_refund(self.fake.finish_refund('CONSOLE0001'))
        with self._later(seconds=2 * REFUND_INTERVAL):
            self._run_cron()
        self.assertEqual(second.state, 'error')
        self.assertTrue(second.wechat_needs_attention)
        self.assertEqual(self._sent(), [first.reference])
