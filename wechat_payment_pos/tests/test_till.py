# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo.exceptions import UserError
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from odoo.addons.wechat_payment_pos.tests.common import WechatPayPosCommon

API = 'odoo.addons.wechat_payment.models.payment_transaction_api'
POS_ORDER = 'odoo.addons.wechat_payment_pos.models.pos_order'
OPEN = '/v3/pay/transactions/out-trade-no'


@tagged('post_install', '-at_install')
class TestTill(WechatPayPosCommon):
    """What the till learns of payments, and when."""

    def _bus_messages(self):
        channel = f'{self.pos_config.access_token}-ONLINE_PAYMENTS_NOTIFICATION'
        self.env.cr.precommit.run()
        return self.env['bus.bus'].search([]).filtered(lambda message: channel in message.message)

    def _close_session(self):
        self.till.post_closing_cash_details(
            sum(self.till.order_ids.payment_ids.filtered(
                lambda payment: payment.payment_method_id == self.cash_method
            ).mapped('amount'))
        )
        return self.till.close_session_from_ui()

    # === CONFIRMATION === #

    def test_the_till_is_told_with_the_notification_not_with_the_post_processing(self):
        tx = self._start()
        self.assertFalse(self._bus_messages())
        self.assertEqual(self._notify(self.fake.pay(tx.reference)).status_code, 200)
        self.env.invalidate_all()
        self.assertFalse(tx.is_post_processed)
        self.assertEqual(len(self._bus_messages()), 1)
        self.assertIn(f'"id":{self.order.id}', self._bus_messages().message.replace(' ', ''))

    def test_the_till_that_asks_has_the_order_paid_before_the_post_processing(self):
        tx = self._start()
        self._notify(self.fake.pay(tx.reference))
        self.assertEqual(self.order.state, 'draft')
        data = self._at_till()
        self.assertEqual(data['paid_order'][0]['state'], 'paid')
        self.assertFalse(tx.is_post_processed)
        self.assertEqual(self.order.payment_ids.online_account_payment_id, tx.payment_id)

    def test_a_payment_is_credited_once_whoever_comes_first(self):
        tx = self._start()
        self._notify(self.fake.pay(tx.reference))
        self._at_till()
        self._notify(self.fake.orders[tx.reference])
        self._post_process()
        self._at_till()
        self.url_open(tx.landing_route)
        self.env.invalidate_all()
        self.assertTrue(tx.is_post_processed)
        self.assertEqual(self.order.payment_ids.mapped('amount'), [48])
        self.assertEqual(
            self.env['account.payment'].search_count([('payment_transaction_id', '=', tx.id)]), 1,
        )
        self.assertFalse(tx.wechat_alert)

    def test_without_a_till_the_post_processing_pays_the_order(self):
        tx = self._start()
        self._notify(self.fake.pay(tx.reference))
        self._post_process()
        self.assertEqual(self.order.state, 'paid')

    def test_the_session_closes_with_balanced_books(self):
        tx = self._start()
        self._notify(self.fake.pay(tx.reference))
        self._at_till()
        self.assertTrue(self._close_session()['successful'])
        self.assertEqual((self.till.state, self.order.state), ('closed', 'done'))
        receivables = self.till._get_related_account_moves().line_ids.filtered(
            lambda line: line.account_id == tx.payment_id.destination_account_id
        )
        self.assertTrue(receivables)
        self.assertTrue(all(receivables.mapped('reconciled')))

    def test_a_lost_notification_is_made_good_when_the_cashier_asks_again(self):
        tx = self._start()
        self._at_till(48)
        self.fake.pay(tx.reference)
        tx.wechat_last_query = False  # Two seconds later.
        self.assertEqual(self._at_till(48)['paid_order'][0]['state'], 'paid')

    # === THE CASHIER CHANGES SOMETHING === #

    def test_cash_is_taken_only_after_the_code_was_closed(self):
        tx = self._start()
        data = self._at_till(0)
        self.assertEqual(data['online_payments'], [])
        self.assertEqual((tx.state, self._trade_state(tx)), ('cancel', 'CLOSED'))

    def test_a_payment_that_came_meanwhile_is_told_before_cash_is_taken(self):
        tx = self._start()
        self.fake.pay(tx.reference)
        self.assertEqual(self._at_till(0)['paid_order'][0]['state'], 'paid')
        self.assertEqual(tx.state, 'done')

    def test_the_till_says_that_it_does_not_know_when_wechat_pay_does_not_answer(self):
        tx = self._start()
        self.fake.override(OPEN, None)
        with mute_logger('odoo.addons.wechat_payment.models.payment_provider_api'):
            answer = self._call_till('get_and_set_online_payments_data', 0)
        self.assertEqual(
            answer['error']['data']['context']['code'], 'wechat_unavailable', answer,
        )
        self.assertTrue(tx._wechat_is_open())

    def test_another_amount_closes_the_code_of_the_first(self):
        tx = self._start()
        data = self._at_till(20)
        self.assertEqual(data['amount_unpaid'], 48)
        self.assertEqual(self._trade_state(tx), 'CLOSED')

    def test_the_same_amount_leaves_the_code_open(self):
        tx = self._start()
        self._at_till(48)
        self.assertEqual(self._trade_state(tx), 'NOTPAY')

    def test_a_part_is_paid_by_phone_and_the_rest_in_cash(self):
        self._at_till(20)
        tx = self._start(20)
        self._notify(self.fake.pay(tx.reference))
        data = self._at_till()
        self.assertEqual((len(data['online_payments']), data['amount_unpaid']), (1, 28))
        self.assertEqual(self.order.state, 'draft')
        self._sync_order(uuid=self.order.uuid, state='paid', cash=28)
        self.assertEqual(self.order.state, 'paid')
        self.assertEqual(sorted(self.order.payment_ids.mapped('amount')), [20, 28])

    # === CANCELLED AT THE TILL === #

    def test_an_order_that_is_cancelled_closes_its_code(self):
        tx = self._start()
        self.assertNotIn('error', self._call_till('action_pos_order_cancel'))
        self.assertEqual(self.order.state, 'cancel')
        self.assertEqual((tx.state, self._trade_state(tx)), ('cancel', 'CLOSED'))

    def test_an_order_that_was_just_paid_is_not_cancelled(self):
        tx = self._start()
        self.fake.pay(tx.reference)
        answer = self._call_till('action_pos_order_cancel')
        self.assertIn("was paid with WeChat Pay", answer['error']['data']['message'])
        self.assertEqual((self.order.state, tx.state), ('paid', 'done'))

    def test_an_order_can_be_cancelled_when_wechat_pay_does_not_answer(self):
        tx = self._start()
        self.fake.override(OPEN, None)
        with mute_logger('odoo.addons.wechat_payment.models.payment_provider_api', POS_ORDER):
            self.assertNotIn('error', self._call_till('action_pos_order_cancel'))
        self.assertEqual(self.order.state, 'cancel')
        self.assertTrue(tx._wechat_is_open())

    def test_an_order_with_a_payment_is_not_deleted(self):
        tx = self._start()
        with self.assertRaisesRegex(UserError, "Cancel the order instead"):
            self.order.unlink()
        self._call('cancel', tx)
        self.order.unlink()
        self.assertFalse(tx.pos_order_id)

    # === MONEY THAT NO ORDER WAITS FOR === #

    def _assert_refused(self, tx):
        """Check that the payment is the merchant's, not the order's, and that a person is told."""
        payments = self.order.payment_ids
        with mute_logger(API):
            self._notify(self.fake.pay(tx.reference))
            self._post_process()
        self.assertEqual(tx.state, 'done')
        self.assertTrue(tx.payment_id)
        self.assertEqual(self.order.payment_ids, payments)
        self.assertIn("press Refund", tx.wechat_alert)
        self.assertNotIn('\n', tx.wechat_alert)
        self.assertTrue(tx.wechat_needs_attention)
        self.assertIn("press Refund", ' '.join(self.order.message_ids.mapped('body')))

    def test_a_payment_after_the_order_was_paid_in_cash_is_to_be_refunded(self):
        tx = self._start()
        self._sync_order(uuid=self.order.uuid, state='paid', cash=48)
        self._assert_refused(tx)
        self.assertIn("already paid", tx.wechat_alert)
        self.assertTrue(self._close_session()['successful'])

    def test_a_payment_after_the_order_was_cancelled_is_to_be_refunded(self):
        tx = self._start()
        self.order.state = 'cancel'
        self._assert_refused(tx)

    def test_a_payment_of_a_closed_code_after_the_order_was_paid_is_told_once(self):
        tx = self._start()
        self._at_till(0)
        self._sync_order(uuid=self.order.uuid, state='paid', cash=48)
        self._assert_refused(tx)

    def test_a_payment_after_the_till_was_closed_is_to_be_refunded(self):
        tx = self._start()
        self.till.state = 'closed'
        self._assert_refused(tx)

    def test_an_alert_that_was_seen_does_not_come_back(self):
        tx = self._start()
        self.order.state = 'cancel'
        self._assert_refused(tx)
        tx.action_wechat_alert_seen()
        with mute_logger(API):
            tx._process_pos_online_payment()
        self.assertFalse(tx.wechat_alert)

    def test_a_code_that_was_closed_and_paid_nevertheless_pays_the_open_order(self):
        tx = self._start()
        self._at_till(0)
        self._notify(self.fake.pay(tx.reference))
        self.assertEqual(self._at_till()['paid_order'][0]['state'], 'paid')
        self.assertFalse(tx.wechat_alert)

    # === REFUNDS === #

    def test_a_refund_leaves_the_order_as_it_was_sold(self):
        tx = self._start()
        self._notify(self.fake.pay(tx.reference))
        self._at_till()
        self._post_process()
        new_test_user(self.env, 'boss', groups='base.group_system,account.group_account_manager')
        self.assertNotIn('error', self._call_as('boss', tx, 'action_refund', 48))
        refund = tx.child_transaction_ids
        self.fake.finish_refund(refund.reference)
        self._call_as('boss', refund, 'action_wechat_query')
        self._post_process()
        self.assertEqual(refund.state, 'done')
        self.assertEqual((self.order.state, self.order.payment_ids.amount), ('paid', 48))
        self.assertEqual(refund.payment_id.payment_type, 'outbound')
        self.assertIn(refund.reference, ' '.join(self.order.message_ids.mapped('body')))

    # === ACCESS === #

    def test_who_is_no_cashier_settles_nothing(self):
        tx = self._start()
        new_test_user(self.env, 'clerk', groups='base.group_user')
        for method, args in (
            ('get_and_set_online_payments_data', [0]), ('action_pos_order_cancel', []),
        ):
            answer = self._call_as('clerk', self.order, method, *args)
            self.assertEqual(answer['error']['data']['name'], 'odoo.exceptions.AccessError')
        self.assertEqual(self._trade_state(tx), 'NOTPAY')
