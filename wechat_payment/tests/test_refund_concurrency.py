# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Two clerks on two servers: real transactions, in threads that share nothing but the database."""

import threading
import time
from contextlib import ExitStack, contextmanager
from datetime import timedelta

import psycopg2

from odoo import api, fields
from odoo.api import SUPERUSER_ID
from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tests import TransactionCase, tagged
from odoo.tools import mute_logger

from odoo.addons.wechat_payment.tests.fake_wechat_pay import (
    API_V3_KEY,
    MCHID,
    PUBLIC_KEY_ID,
    FakeWechatPay,
    get_key_pair,
)

REFERENCE = 'two-clerks-one-payment'


@tagged('post_install', '-at_install')
class TestRefundConcurrency(TransactionCase):

    def setUp(self):
        super().setUp()
        self.fake = FakeWechatPay()
        self.addCleanup(self.fake.stop)
        self.fake.reset()
        # What the threads see must be committed; it is deleted again at the end.
        with self._server() as env:
            parameters = env['ir.config_parameter']
            before = parameters.get_param('wechat.pay_url')
            parameters.set_param('wechat.pay_url', self.fake.url)
            provider = env['payment.provider'].create({
                'name': "Two Clerks",
                'code': 'wechat_pay',
                'state': 'disabled',
                'wechat_mch_id': MCHID,
                'wechat_notify_base_url': 'https://shop.example.com',
                'wechat_api_v3_key': API_V3_KEY,
                'wechat_merchant_private_key': get_key_pair('merchant').private_pem,
                'wechat_merchant_certificate': get_key_pair('merchant').certificate_pem,
                'wechat_pay_public_key_id': PUBLIC_KEY_ID,
                'wechat_pay_public_key': get_key_pair('wechat').public_pem,
                'payment_method_ids': [Command.clear()],
            })
            tx = env['payment.transaction'].create({
                'provider_id': provider.id,
                'payment_method_id': env.ref('payment.payment_method_wechat_pay').id,
                'reference': REFERENCE,
                'amount': 20.0,
                'currency_id': env.ref('base.CNY').id,
                'partner_id': env.ref('base.partner_admin').id,
                'operation': 'online_direct',
                'state': 'done',
                'is_post_processed': True,
                'provider_reference': '4200000000000000000000000001',
                'wechat_success_time': fields.Datetime.now(),
            })
            env.flush_all()
            # As an enabled provider is, without what enabling sets up beside it.
            env.cr.execute("UPDATE payment_provider SET state = 'test' WHERE id=%s", [provider.id])
            self.provider_id, self.tx_id = provider.id, tx.id
        self.addCleanup(self._clean, before)
        self.fake.orders[REFERENCE] = {
            'out_trade_no': REFERENCE, 'transaction_id': '4200000000000000000000000001',
            'trade_state': 'SUCCESS', 'amount': {'total': 2000, 'currency': 'CNY'},
        }

    def _clean(self, pay_url):
        with self._server() as env:
            env['ir.config_parameter'].set_param('wechat.pay_url', pay_url)
            env.cr.execute(
                "DELETE FROM payment_transaction WHERE source_transaction_id = %(id)s;"
                " DELETE FROM payment_transaction WHERE id = %(id)s;"
                " UPDATE payment_provider SET state = 'disabled' WHERE id = %(provider)s",
                {'id': self.tx_id, 'provider': self.provider_id},
            )
            env['payment.provider'].browse(self.provider_id).unlink()

    @contextmanager
    def _server(self):
        """Open a transaction of its own, committed at the end."""
        with self.registry.cursor() as cr:
            yield api.Environment(cr, SUPERUSER_ID, {})

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

    def _in_parallel(self, count, work):
        """Return what `work(env)` returns or raises when servers do it at once.

        As `odoo.service.model.retrying` does, which takes a lock that the tests' thread holds.
        """
        results = []

        def run(env):
            for _try in range(5):
                try:
                    result = work(env)
                    env.cr.commit()
                except psycopg2.OperationalError as error:
                    result = error
                except Exception as error:  # noqa: BLE001 - looked at by the test
                    result = error
                    break
                else:
                    break
                env.cr.rollback()
                env.invalidate_all()
                time.sleep(0.1)
            results.append(result)

        with ExitStack() as stack:
            servers = [stack.enter_context(self._server()) for _number in range(count)]
            for env in servers:
                env['payment.transaction'].browse(self.tx_id).read(['state'])  # An old snapshot.
            threads = [threading.Thread(target=run, args=(env,)) for env in servers]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(60)
        return results

    @mute_logger('odoo.sql_db')
    def test_of_two_clerks_who_refund_too_much_together_one_wins(self):
        results = self._in_parallel(
            2, lambda env: env['payment.transaction'].browse(self.tx_id)._refund(15),
        )
        errors = [result for result in results if isinstance(result, Exception)]
        self.assertEqual(len(errors), 1)
        self.assertIsInstance(errors[0], UserError)
        self.assertEqual([amount for _state, amount, _body in self._read()], [-15])
        self.assertEqual(len(self.fake.refunds), 1)

    @mute_logger('odoo.sql_db')
    def test_two_clerks_who_refund_parts_at_once_both_do_a_minute_apart(self):
        results = self._in_parallel(
            2, lambda env: env['payment.transaction'].browse(self.tx_id)._refund(10).id,
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
            1, lambda env: env['payment.transaction'].browse(waiting_id)._wechat_repeat_refund(),
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
                1, lambda env: env['payment.transaction'].browse(self.tx_id)._refund(5),
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
                1, lambda env: env['payment.transaction'].browse(self.tx_id)._refund(5),
            )
        refunds = self._read()
        self.assertEqual(len(refunds), 1)
        self.assertIn(refunds[0][0], ('draft', 'pending'))
        self.assertEqual(len(self.fake.refunds), 1)
