# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from unittest.mock import patch

from odoo import fields
from odoo.tests import tagged
from odoo.tools import SQL, mute_logger

from odoo.addons.wechat_payment.tests.concurrency_common import WechatPayServers


@tagged('post_install', '-at_install')
class TestSettlementConcurrency(WechatPayServers):
    """Notifications, queries and the customer's return at once, on several servers (D11)."""

    def _get_transaction_values(self):
        return {
            'state': 'draft',
            'wechat_order_body': '{}',
            'wechat_trade_type': 'JSAPI',
            'wechat_time_expire': fields.Datetime.add(fields.Datetime.now(), hours=1),
        }

    def setUp(self):
        super().setUp()
        # What other addons hang on the result is done in the same transaction: counted there.
        self.startPatcher(patch.object(
            type(self.env['payment.transaction']), '_wechat_on_result', self._count_result,
        ))

    @staticmethod
    def _count_result(tx, kind, order):
        tx.env.cr.execute(SQL(
            "UPDATE payment_transaction SET wechat_purpose = COALESCE(wechat_purpose, '') || 'x'"
            " WHERE id = %s", tx.id,
        ))

    def _notify(self, env):
        env['payment.transaction']._wechat_process_notification(
            env['payment.provider'].browse(self.provider_id),
            dict(self.fake.orders[self.reference]),
        )

    def _query(self, env):
        env['payment.transaction'].browse(self.tx_id)._wechat_query()

    def _close(self, env):
        env['payment.transaction'].browse(self.tx_id)._wechat_close()

    def _poll(self, env):
        env['payment.transaction'].browse(self.tx_id)._wechat_poll(check=True)

    def _read(self):
        """Return what is committed: state, WeChat Pay's number, how many results, the alert."""
        with self._server() as env:
            tx = env['payment.transaction'].browse(self.tx_id)
            return tx.state, tx.provider_reference, len(tx.wechat_purpose or ''), tx.wechat_alert

    @mute_logger('odoo.sql_db')
    def test_whoever_finds_the_payment_it_is_settled_once(self):
        results = self._in_parallel(
            self._notify, self._query, self._poll, self._notify, self._close, self._query,
        )
        self.assertEqual([result for result in results if isinstance(result, Exception)], [])
        self.assertEqual(self._read(), ('done', '4200000000000000000000000001', 1, False))

    @mute_logger('odoo.sql_db')
    def test_a_notification_that_overtakes_the_answer_of_a_query_settles_it_once(self):
        """While WeChat Pay answers the query, another server takes the notification."""
        with self._server() as other:
            def answer(request):
                if other['payment.transaction'].browse(self.tx_id).state == 'draft':
                    self._notify(other)
                    other.cr.commit()
                return self.fake.signed(self.fake.orders[self.reference])

            self.fake.override('GET /v3/pay', answer)
            results = self._in_parallel(self._query)
        self.assertEqual([result for result in results if isinstance(result, Exception)], [])
        self.assertGreater(len(self.fake.requests), 1, "the query ran again on what was new")
        self.assertEqual(self._read(), ('done', '4200000000000000000000000001', 1, False))

    @mute_logger('odoo.sql_db', 'odoo.addons.wechat_payment.models.payment_transaction_api')
    def test_a_wrong_amount_beside_the_right_one_confirms_once_and_is_shown(self):
        def notify_wrong(env):
            order = dict(self.fake.orders[self.reference], amount={'total': 1, 'currency': 'CNY'})
            env['payment.transaction']._wechat_process_notification(
                env['payment.provider'].browse(self.provider_id), order,
            )

        self._in_parallel(notify_wrong, self._notify, notify_wrong, self._query)
        state, _number, count, alert = self._read()
        self.assertEqual((state, count), ('done', 1))
        self.assertEqual(alert.count('amount.total'), 1)
