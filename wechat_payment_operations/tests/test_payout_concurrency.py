# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo.exceptions import UserError
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from odoo.addons.wechat_payment.tests.concurrency_common import WechatPayServers
from odoo.addons.wechat_payment_operations.tests.payout_common import (
    LOGGERS,
    MANAGER,
    USER,
    answer_transfer,
)


@tagged('post_install', '-at_install')
class TestPayoutConcurrency(WechatPayServers):
    """Two managers on two servers, and what is committed when."""

    reference = 'two-managers-one-transfer'

    def _get_transaction_values(self):
        return {}

    def setUp(self):
        super().setUp()
        self.sent = []

        def answer(request):
            self.sent.append(request.json)
            return answer_transfer(self.fake, request)

        self.fake.override('POST /v3/fund-app', answer)
        with self._server() as env:
            env['wechat.app'].browse(self.app_id).active = True
            company_ids = [(6, 0, env['payment.provider'].browse(self.provider_id).company_id.ids)]
            users = [
                new_test_user(
                    env, f'payout-{index}-{self.tx_id}', groups, company_ids=company_ids,
                    company_id=company_ids[0][2][0],
                ) for index, groups in enumerate((USER, MANAGER, MANAGER))
            ]
            identity = env['wechat.identity'].create({
                'app_id': self.app_id, 'openid': f'oCONCURRENT{self.tx_id}',
            })
            transfers = env['wechat.pay.transfer'].with_user(users[0]).create([{
                'identity_id': identity.id, 'amount': 6,
                'scene_id': env.ref('wechat_payment_operations.transfer_scene_marketing').id,
                'remark': "x",
            } for _index in range(2)])
            self.assertEqual(transfers.provider_id.id, self.provider_id)
            self.user_ids, self.identity_id = [user.id for user in users], identity.id
            self.transfer_ids = transfers.ids
        self.addCleanup(self._clean_payouts)

    def _clean_payouts(self):
        with self._server() as env:
            env.cr.execute(
                "DELETE FROM mail_message WHERE model = 'wechat.pay.transfer'"
                " AND res_id IN %(ids)s;"
                "DELETE FROM mail_followers WHERE res_model = 'wechat.pay.transfer'"
                " AND res_id IN %(ids)s;"
                "DELETE FROM wechat_pay_transfer WHERE id IN %(ids)s;"
                "DELETE FROM mail_message WHERE model = 'wechat.pay.payout.batch';"
                "DELETE FROM mail_followers WHERE res_model = 'wechat.pay.payout.batch';"
                "DELETE FROM wechat_pay_payout_batch WHERE provider_id = %(provider_id)s;",
                {'ids': tuple(self.transfer_ids), 'provider_id': self.provider_id},
            )
            env['wechat.identity'].browse(self.identity_id).unlink()
            env['wechat.app'].browse(self.app_id).active = False
            env['res.users'].browse(self.user_ids).active = False

    def _sending(self, transfer_id, user_id):
        def work(env):
            env(user=user_id)['wechat.pay.transfer'].browse(transfer_id).action_send()
        return work

    def _read(self, cr):
        cr.execute(
            "SELECT state, out_bill_no, body, sent_by_id FROM wechat_pay_transfer WHERE id IN %s"
            " ORDER BY id", [tuple(self.transfer_ids)],
        )
        return cr.fetchall()

    @mute_logger('odoo.sql_db', *LOGGERS)
    def test_two_managers_who_send_one_transfer_at_once_send_it_once(self):
        results = self._in_parallel(*[
            self._sending(self.transfer_ids[0], user_id) for user_id in self.user_ids[1:]
        ])
        errors = [result for result in results if result is not None]
        self.assertEqual([type(error) for error in errors], [UserError])
        self.assertEqual(len(self.sent), 1)

    @mute_logger('odoo.sql_db', *LOGGERS)
    def test_two_managers_at_once_do_not_exceed_the_day_together(self):
        with self._server() as env:
            env['payment.provider'].browse(self.provider_id).wechat_payout_day_amount = 10
        results = self._in_parallel(*[
            self._sending(*pair) for pair in zip(self.transfer_ids, self.user_ids[1:], strict=True)
        ])
        errors = [result for result in results if result is not None]
        self.assertEqual([type(error) for error in errors], [UserError])
        self.assertEqual(len(self.sent), 1)

    @mute_logger(*LOGGERS)
    def test_number_and_body_are_committed_before_the_call(self):
        seen = []
        with self._server() as observer:
            def answer(request):
                seen.append((self._read(observer.cr)[0], request.body.decode()))
                return answer_transfer(self.fake, request)

            self.fake.override('POST /v3/fund-app', answer)
            self._in_parallel(self._sending(self.transfer_ids[0], self.user_ids[1]))
        (stored, sent), = seen
        self.assertEqual(stored[0], 'sending')
        self.assertIn(stored[1], sent)
        self.assertEqual((stored[2], stored[3]), (sent, self.user_ids[1]))

    @mute_logger('odoo.sql_db', *LOGGERS)
    def test_a_row_that_somebody_writes_meanwhile_is_left_to_the_next_query(self):
        with self._server() as other:
            def answer(request):
                self.sent.append(request.json)
                other.cr.execute(
                    "UPDATE wechat_pay_transfer SET reason = 'x' WHERE id = %s",
                    [self.transfer_ids[0]],
                )
                other.cr.commit()
                return answer_transfer(self.fake, request)

            self.fake.override('POST /v3/fund-app', answer)
            self._in_parallel(self._sending(self.transfer_ids[0], self.user_ids[1]))
        with self._server() as env:
            transfer = env['wechat.pay.transfer'].browse(self.transfer_ids[0])
            self.assertIn(transfer.state, ('sending', 'waiting'))
            self.assertTrue(transfer.next_query)
        self.assertEqual(len(self.sent), 1)

    # === BATCHES === #

    def _create_batch(self, state='ready'):
        with self._server() as env:
            batch = env['wechat.pay.payout.batch'].with_user(self.user_ids[0]).sudo().create({
                'name': "x", 'kind': 'transfer', 'provider_id': self.provider_id, 'state': state,
            })
            env['wechat.pay.transfer'].browse(self.transfer_ids).batch_id = batch
            if state == 'sending':
                batch.write({'run': 1, 'sent_by_id': self.user_ids[1]})
            return batch.id

    def _on_batch(self, batch_id, method, user_id=None):
        def work(env):
            batch = env(user=user_id or env.uid)['wechat.pay.payout.batch'].browse(batch_id)
            getattr(batch, method)()
        return work

    def _send_while(self, batch_id, method):
        """Send a batch; a manager does something on another server during the first call."""
        with self._server() as other:
            def answer(request):
                self.sent.append(request.json)
                if len(self.sent) == 1:
                    self._on_batch(batch_id, method, self.user_ids[2])(other)
                    other.cr.commit()
                return answer_transfer(self.fake, request)

            self.fake.override('POST /v3/fund-app', answer)
            self._in_parallel(self._on_batch(batch_id, '_send_left'))

    def _read_batch(self, batch_id):
        with self._server() as env:
            batch = env['wechat.pay.payout.batch'].browse(batch_id)
            return batch.state, batch.transfer_ids.sorted('id').mapped('state')

    @mute_logger('odoo.sql_db', *LOGGERS)
    def test_two_managers_begin_a_batch_once(self):
        batch_id = self._create_batch()
        results = self._in_parallel(*[
            self._on_batch(batch_id, 'action_send', user_id) for user_id in self.user_ids[1:]
        ])
        errors = [result for result in results if result is not None]
        self.assertEqual([type(error) for error in errors], [UserError])

    @mute_logger('odoo.sql_db', *LOGGERS)
    def test_two_servers_that_send_a_batch_at_once_send_each_payout_once(self):
        batch_id = self._create_batch('sending')
        self._in_parallel(*[self._on_batch(batch_id, '_send_left') for _index in range(2)])
        self.assertEqual(len(self.sent), 2)
        self.assertEqual(len({body['out_bill_no'] for body in self.sent}), 2)
        self.assertEqual(self._read_batch(batch_id), ('done', ['waiting', 'waiting']))

    @mute_logger('odoo.sql_db', *LOGGERS)
    def test_a_batch_that_is_paused_while_it_is_sent_finishes_the_payout_under_way_only(self):
        batch_id = self._create_batch('sending')
        self._send_while(batch_id, 'action_pause')
        self.assertEqual(len(self.sent), 1)
        self.assertEqual(self._read_batch(batch_id), ('paused', ['waiting', 'draft']))

    @mute_logger('odoo.sql_db', *LOGGERS)
    def test_a_batch_that_is_cancelled_while_it_is_sent_keeps_what_was_sent(self):
        batch_id = self._create_batch('sending')
        self._send_while(batch_id, 'action_cancel')
        self.assertEqual(len(self.sent), 1)
        self.assertEqual(self._read_batch(batch_id), ('cancelled', ['waiting', 'cancelled']))
