# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from datetime import timedelta

from odoo import fields
from odoo.exceptions import UserError
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.wechat_payment.tests.concurrency_common import WechatPayServers


@tagged('post_install', '-at_install')
class TestRefundConcurrency(WechatPayServers):
    """Two clerks on two servers."""

    reference = 'two-clerks-one-payment'

    def _get_transaction_values(self):
        return {
            'state': 'done',
            'is_post_processed': True,
            'provider_reference': '4200000000000000000000000001',
            'wechat_success_time': fields.Datetime.now(),
        }

    def _read(self):
        """Return what is committed of the refunds now: state, amount, body."""
        with self._server() as env:
            return self._read_from(env.cr)

    def _read_from(self, cr):
        cr.execute(
            "SELECT state, amount::float, wechat_refund_body FROM payment_transaction"
            " WHERE source_transaction_id = %s", [self.tx_id],
        )
        return cr.fetchall()

    @mute_logger('odoo.sql_db')
    def test_of_two_clerks_who_refund_too_much_together_one_wins(self):
        results = self._in_parallel(
            *[lambda env: env['payment.transaction'].browse(self.tx_id)._refund(15)] * 2,
        )
        errors = [result for result in results if isinstance(result, Exception)]
        self.assertEqual(len(errors), 1)
        self.assertIsInstance(errors[0], UserError)
        self.assertEqual([amount for _state, amount, _body in self._read()], [-15])
        self.assertEqual(len(self.fake.refunds), 1)

    @mute_logger('odoo.sql_db')
    def test_two_clerks_who_refund_parts_at_once_both_do_a_minute_apart(self):
        results = self._in_parallel(
            *[lambda env: env['payment.transaction'].browse(self.tx_id)._refund(10).id] * 2,
        )
        self.assertFalse([result for result in results if isinstance(result, Exception)])
        self.assertEqual(
            [(state, amount) for state, amount, _body in self._read()], [('pending', -10)] * 2,
        )
        self.assertEqual(len(self.fake.refunds), 1)
        with self._server() as env:
            refunds = env['payment.transaction'].browse(self.tx_id).child_transaction_ids
            waiting_id = refunds.filtered(lambda tx: tx._wechat_is_waiting_refund()).id
            (refunds - refunds.browse(waiting_id)).wechat_refund_sent -= timedelta(minutes=2)
        self._in_parallel(
            lambda env: env['payment.transaction'].browse(waiting_id)._wechat_repeat_refund(),
        )
        self.assertEqual(len(self.fake.refunds), 2, "each under its own number, each once")

    def test_number_and_body_are_committed_before_the_call(self):
        seen = []
        with self._server() as observer:
            def answer(request):
                seen.append((self._read_from(observer.cr), request.body.decode()))
                return self.fake._answer_refund(request)

            self.fake.override('POST /v3/refund', answer)
            self._in_parallel(
                lambda env: env['payment.transaction'].browse(self.tx_id)._refund(5),
            )
        (stored, sent), = seen
        self.assertEqual(stored, [('draft', -5.0, sent)])
        self.assertEqual(self._read()[0][0], 'pending')

    @mute_logger('odoo.sql_db', 'odoo.addons.wechat_payment.models.payment_transaction_refund')
    def test_a_request_that_odoo_would_run_again_makes_no_second_refund(self):
        """While WeChat Pay answers, another server writes the refund's row."""
        with self._server() as other:
            def answer(request):
                other.cr.execute(
                    "UPDATE payment_transaction SET partner_name = 'x' WHERE reference = %s",
                    [request.json['out_refund_no']],
                )
                other.cr.commit()
                return self.fake._answer_refund(request)

            self.fake.override('POST /v3/refund', answer)
            self._in_parallel(
                lambda env: env['payment.transaction'].browse(self.tx_id)._refund(5),
            )
        refunds = self._read()
        self.assertEqual(len(refunds), 1)
        self.assertIn(refunds[0][0], ('draft', 'pending'))
        self.assertEqual(len(self.fake.refunds), 1)
