# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo.exceptions import AccessError, UserError
from odoo.tests import HttpCase, tagged
from odoo.tools import mute_logger

from odoo.addons.wechat_payment_operations.tests.payout_common import LOGGERS, SandboxPayoutCommon

PATH = '/mch-transfer/transfer-bills'
BATCH_LOGGERS = (
    *LOGGERS, 'odoo.addons.wechat_payment_operations.models.wechat_pay_payout_batch_send',
)


@tagged('-standard', 'wechat_sandbox', 'post_install', '-at_install')
class TestSandboxPayoutBatches(SandboxPayoutCommon, HttpCase):
    """Money for many people over real HTTP against the sandbox."""

    def setUp(self):
        super().setUp()
        self._connect_payouts()
        self.partners = self.env['res.partner']
        for number in range(5):
            partner = self.env['res.partner'].create({
                'name': f"Guest {number}", 'ref': f'G{number}',
            })
            self._create_identity(self._meet()).partner_id = partner
            self.partners |= partner

    def _wizard(self, user=None, **values):
        source = f'{self.provider.id},{self.app.id}'
        return self.env['wechat.pay.payout.batch.create'].with_user(user or self.preparer).create({
            'name': "October", 'source': source, 'remark': "活动奖励", 'amount': 1,
            'source_of_people': 'selected', 'partner_ids': self.partners.ids,
            'transfer_scene_id': self.scene.id, **values,
        })

    def _create_batch(self, user=None, **values):
        wizard = self._wizard(user, **values)
        wizard.action_check()
        self.assertEqual(set(wizard.line_ids.mapped('problem')), {''})
        batch_id = wizard.action_create_batch()['res_id']
        return self.env['wechat.pay.payout.batch'].browse(batch_id)

    def _ready(self, **values):
        batch = self._create_batch(**values)
        batch.with_user(self.preparer).action_hand_over()
        return batch

    def _run(self, batch, user=None):
        """Send a batch, or resume it, and let the scheduled action work."""
        batch.with_user(user or self.sender).action_send()
        self._cron()

    def _cron(self):
        self.env.flush_all()
        self.env.ref(
            'wechat_payment_operations.cron_wechat_payout_batches'
        ).method_direct_trigger()
        self.env.invalidate_all()

    def _states(self, batch):
        return batch.transfer_ids.sorted('id').mapped('state')

    # === SENDING === #

    def test_a_batch_is_prepared_by_one_person_and_sent_by_another(self):
        batch = self._ready()
        self.assertEqual((batch.total_count, batch.total_amount), (5, 5.0))
        self.assertEqual(batch.transfer_ids.create_uid, self.preparer)
        self.assertEqual(self._control('GET', 'transfers')['transfers'], [])
        self._run(batch)
        self.assertEqual((batch.state, batch.progress, batch.sent_count), ('done', 100, 5))
        self.assertEqual(self._states(batch), ['waiting'] * 5)
        self.assertEqual(batch.transfer_ids.sent_by_id, self.sender)
        openids = {item['openid'] for item in self._control('GET', 'transfers')['transfers']}
        self.assertEqual(openids, set(batch.transfer_ids.identity_id.mapped('openid')))
        self.assertEqual(len(openids), 5)

    def test_red_packets_are_sent_as_a_batch(self):
        self._control('POST', 'reset')
        self._connect_payouts('official_account')
        batch = self._create_batch(
            kind='red_packet', partner_ids=self.customer.partner_id.ids, act_name="会员活动",
        )
        batch.with_user(self.preparer).action_hand_over()
        self._run(batch)
        self.assertEqual((batch.state, batch.red_packet_ids.state), ('done', 'waiting'))
        self.assertEqual(len(self._control('GET', 'red_packets')['red_packets']), 1)

    def test_who_prepared_a_batch_does_not_send_it(self):
        batch = self._create_batch(self.both)
        batch.with_user(self.both).action_hand_over()
        with self.assertRaisesRegex(UserError, "four eyes"):
            batch.with_user(self.both).action_send()
        with self.assertRaises(AccessError):
            batch.with_user(self.preparer).action_send()
        self.assertEqual(batch.state, 'ready')
        self.provider.wechat_payout_four_eyes = False
        self._run(batch, self.both)
        self.assertEqual(batch.state, 'done')

    def test_it_is_sent_only_after_it_was_handed_over_and_only_as_it_was_seen(self):
        batch = self._create_batch()
        with self.assertRaises(UserError):
            batch.with_user(self.sender).action_send()
        preparer = batch.with_user(self.preparer)
        preparer.action_hand_over()
        seen = batch.revision
        draft = preparer.transfer_ids[0]
        for change in (lambda: draft.write({'amount': 100}), draft.unlink):
            with self.assertRaisesRegex(UserError, "handed over"):
                change()
        preparer.action_take_back()
        draft.amount = 100
        preparer.action_hand_over()
        sender = batch.with_user(self.sender).with_context(wechat_seen_revision=seen)
        with self.assertRaisesRegex(UserError, "changed"):
            sender.action_send()
        sender.with_context(wechat_seen_revision=batch.revision).action_send()
        self.assertEqual(batch.state, 'sending')

    def test_sending_twice_sends_once(self):
        batch = self._ready()
        batch.with_user(self.sender).action_send()
        with self.assertRaisesRegex(UserError, "faster"):
            batch.with_user(self.both).action_send()
        self._cron()
        self._cron()
        self.assertEqual(self._calls(PATH), 5)

    def test_nobody_writes_a_batch_by_hand(self):
        batch = self._ready()
        for user in (self.preparer, self.sender):
            with self.assertRaises(AccessError):
                batch.with_user(user).write({'state': 'sending', 'sent_by_id': self.sender.id})
        with self.assertRaises(AccessError):
            batch.transfer_ids[0].with_user(self.preparer).batch_run = 5
        with self.assertRaises(AccessError):
            batch.with_user(self.customer).action_pause()

    # === STOPPING === #

    @mute_logger(*BATCH_LOGGERS)
    def test_it_stops_without_funds_and_goes_on_after_topping_up(self):
        self._control('POST', 'money_settings', transfer_short_of_funds='NOT_ENOUGH')
        self._at_merchant('funds', balance=250)
        batch = self._ready()
        self._run(batch)
        self.assertEqual(
            self._states(batch), ['waiting', 'waiting', 'refused', 'draft', 'draft'])
        self.assertEqual(batch.state, 'stopped')
        self.assertIn("Top it up", batch.stop_reason)
        number = batch.transfer_ids.sorted('id')[2].out_bill_no
        self._at_merchant('top_up', amount=1000)
        self._run(batch)
        self.assertEqual((batch.state, batch.stop_reason), ('done', False))
        self.assertEqual(self._states(batch), ['waiting'] * 5)
        self.assertEqual(batch.transfer_ids.sorted('id')[2].out_bill_no, number)
        self.assertEqual(self._balance(), 750)

    def test_it_stops_where_wechat_pay_accepts_without_funds(self):
        self._at_merchant('funds', balance=150)
        batch = self._ready()
        self._run(batch)
        self.assertEqual(batch.state, 'stopped')
        self.assertIn("top it up", batch.stop_reason)
        self.assertEqual(
            self._states(batch), ['waiting', 'processing', 'draft', 'draft', 'draft'])

    @mute_logger(*BATCH_LOGGERS)
    def test_unknown_is_not_failed_and_is_not_sent_again(self):
        self._fault('drop', PATH, times=2)
        batch = self._ready()
        self._run(batch)
        self.assertEqual(
            self._states(batch), ['sending', 'waiting', 'waiting', 'waiting', 'waiting'])
        self.assertEqual((batch.state, batch.unknown_count, batch.failed_count), ('done', 1, 0))
        unknown = batch.transfer_ids.filtered(lambda transfer: transfer.state == 'sending')
        self._settle(unknown)
        self.assertEqual((unknown.state, batch.unknown_count), ('waiting', 0))
        self.assertEqual(len(self._control('GET', 'transfers')['transfers']), 5)

    @mute_logger(*BATCH_LOGGERS)
    def test_it_stops_while_wechat_pay_does_not_answer_at_all(self):
        self._fault('refuse_before', PATH, times=20)
        batch = self._ready()
        self._run(batch)
        self.assertEqual(batch.state, 'stopped')
        self.assertIn("not known yet", batch.stop_reason)
        self.assertEqual(
            self._states(batch), ['sending', 'sending', 'sending', 'draft', 'draft'])

    @mute_logger(*BATCH_LOGGERS)
    def test_a_provider_that_is_disabled_stops_it_before_anything_is_called(self):
        batch = self._ready()
        self.provider.state = 'disabled'
        self._run(batch)
        self.assertEqual((batch.state, self._states(batch)), ('stopped', ['draft'] * 5))
        self.assertIn("disabled", batch.stop_reason)
        self.assertEqual(self._calls(PATH), 0)

    @mute_logger(*BATCH_LOGGERS)
    def test_whose_right_to_send_was_taken_away_sends_nothing_more(self):
        batch = self._ready()
        batch.with_user(self.sender).action_send()
        self.sender.group_ids -= self.env.ref('wechat_payment_operations.group_payout_manager')
        self._cron()
        self.assertEqual((batch.state, self._states(batch)), ('stopped', ['draft'] * 5))
        self.assertIn("may not send", batch.stop_reason)

    def test_limits_hold_for_each_and_the_rest_is_sent(self):
        batch = self._ready()
        limited = batch.transfer_ids.sorted('id')[0]
        self.provider.wechat_payout_user_day_amount = 2
        self._send(self._create_transfer(2, identity_id=limited.identity_id.id))
        self._run(batch)
        self.assertEqual(batch.state, 'stopped')
        self.assertEqual(
            self._states(batch), ['draft', 'waiting', 'waiting', 'waiting', 'waiting'])
        self.assertIn("limit", limited.message)
        self.assertIn("1 payouts were not sent", batch.stop_reason)
        self.provider.wechat_payout_user_day_amount = 100
        self._run(batch)
        self.assertEqual((batch.state, limited.state, limited.message), ('done', 'waiting', False))

    def test_the_limit_of_the_day_stops_it(self):
        self.provider.wechat_payout_day_count = 1
        batch = self._ready()
        self._run(batch)
        self.assertEqual(self._states(batch), ['waiting', 'draft', 'draft', 'draft', 'draft'])
        self.assertEqual(batch.state, 'stopped')
        self.assertIn("limit of 1", batch.stop_reason)
        self.provider.wechat_payout_day_count = 100
        self._run(batch)
        self.assertEqual(self._states(batch), ['waiting'] * 5)

    # === PAUSING AND CANCELLING === #

    def test_what_is_paused_waits_until_it_is_resumed(self):
        batch = self._ready()
        batch.with_user(self.sender).action_send()
        batch.with_user(self.preparer).action_pause()
        self._cron()
        self.assertEqual((batch.state, self._calls(PATH)), ('paused', 0))
        self._run(batch)
        self.assertEqual((batch.state, self._calls(PATH)), ('done', 5))

    @mute_logger(*BATCH_LOGGERS)
    def test_the_rest_is_cancelled_and_what_was_sent_stays_sent(self):
        self.provider.wechat_payout_day_count = 2
        batch = self._ready()
        self._run(batch)
        batch.with_user(self.sender).action_cancel()
        self.assertEqual(
            self._states(batch), ['waiting', 'waiting', 'cancelled', 'cancelled', 'cancelled'])
        self.provider.wechat_payout_day_count = 100
        with self.assertRaises(UserError):
            batch.with_user(self.sender).action_send()
        with self.assertRaises(UserError):
            self._send(batch.transfer_ids.sorted('id')[4])
        self._cron()
        self.assertEqual(self._calls(PATH), 2)

    def test_a_server_that_dies_leaves_a_batch_that_goes_on(self):
        batch = self._ready()
        batch.with_user(self.sender).action_send()
        first = batch.transfer_ids.sorted('id')[0]
        # As a server leaves it that died after the commit of the number, before the call.
        first.write({**first._build_call(), 'state': 'sending', 'batch_run': 1,
                     'sent_by_id': self.sender.id, 'sent_on': '2026-01-01', 'day': '2026-01-01'})
        self._cron()
        self.assertEqual(
            self._states(batch), ['sending', 'waiting', 'waiting', 'waiting', 'waiting'])
        self.assertEqual(self._calls(PATH), 4)
        self.assertEqual(batch.unknown_count, 1)
