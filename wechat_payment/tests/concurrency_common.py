# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Several servers at once: real transactions, in threads that share nothing but the database."""

import threading
import time
from contextlib import ExitStack, contextmanager

import psycopg2

from odoo import api
from odoo.api import SUPERUSER_ID
from odoo.fields import Command
from odoo.tests import TransactionCase

from odoo.addons.wechat_payment.tests.fake_wechat_pay import (
    API_V3_KEY,
    MCHID,
    PUBLIC_KEY_ID,
    FakeWechatPay,
    get_key_pair,
)

APPID = 'wx00000000000000cc'


class WechatPayServers(TransactionCase):
    """A provider and one transaction that all servers see."""

    reference = 'many-servers-one-payment'

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
            app = env['wechat.app'].create({
                'name': "Many Servers", 'app_type': 'miniprogram', 'appid': APPID, 'active': False,
            })
            provider = env['payment.provider'].create({
                'name': "Many Servers",
                'code': 'wechat_pay',
                'state': 'disabled',
                'wechat_mch_id': MCHID,
                'wechat_app_ids': [Command.set(app.ids)],
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
                'reference': self.reference,
                'amount': 20.0,
                'currency_id': env.ref('base.CNY').id,
                'partner_id': env.ref('base.partner_admin').id,
                'operation': 'online_direct',
                'wechat_app_id': app.id,
                **self._get_transaction_values(),
            })
            env.flush_all()
            # As an enabled provider is, without what enabling sets up beside it.
            env.cr.execute("UPDATE payment_provider SET state = 'test' WHERE id=%s", [provider.id])
            self.app_id, self.provider_id, self.tx_id = app.id, provider.id, tx.id
        self.addCleanup(self._clean, before)
        self.fake.orders[self.reference] = {
            'appid': APPID, 'mchid': MCHID, 'out_trade_no': self.reference,
            'transaction_id': '4200000000000000000000000001', 'trade_state': 'SUCCESS',
            'amount': {'total': 2000, 'currency': 'CNY'},
        }

    def _get_transaction_values(self):
        """Return what the transaction is like beside what all are.

        :rtype: dict
        """
        raise NotImplementedError

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
            env['wechat.app'].browse(self.app_id).unlink()

    @contextmanager
    def _server(self):
        """Open a transaction of its own, committed at the end."""
        with self.registry.cursor() as cr:
            yield api.Environment(cr, SUPERUSER_ID, {})

    def _in_parallel(self, *works):
        """Return what each `work(env)` returns or raises when servers do them at once.

        As `odoo.service.model.retrying` does, which takes a lock that the tests' thread holds.
        """
        results = []

        def run(env, work):
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
            servers = [stack.enter_context(self._server()) for _work in works]
            for env in servers:
                env['payment.transaction'].browse(self.tx_id).read(['state'])  # An old snapshot.
            threads = [
                threading.Thread(target=run, args=pair)
                for pair in zip(servers, works, strict=True)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(60)
        return results
