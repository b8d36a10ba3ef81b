# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Several servers on one database: real transactions, in threads that share nothing else."""

import threading
import time
from contextlib import ExitStack, contextmanager
from datetime import timedelta

from odoo import api, fields
from odoo.api import SUPERUSER_ID
from odoo.tests import TransactionCase, tagged

from odoo.addons.wechat.tests.common import FakeWechat

COMPONENT, ACCOUNT = 'wx00000000sharedc0', 'wx00000000sharedc1'


@tagged('post_install', '-at_install')
class TestComponentConcurrency(TransactionCase):

    def setUp(self):
        super().setUp()
        self.fake = FakeWechat()
        self.addCleanup(self.fake.stop)
        self.refresh_token = 'REFRESH_0'
        for name in ('component_token', 'authorizer_token'):
            self.fake.answer(
                'POST', f'/cgi-bin/component/api_{name}', getattr(self, f'_answer_{name}'))
        # What the threads see must be committed; it is deleted again at the end.
        with self._server() as env:
            parameters = env['ir.config_parameter']
            before = parameters.get_param('wechat.api_url')
            parameters.set_param('wechat.api_url', self.fake.url)
            component = env['wechat.app'].create({
                'name': "Platform", 'app_type': 'component', 'appid': COMPONENT, 'secret': 'S'})
            component._store_ticket('TICKET', fields.Datetime.now())
            account = env['wechat.app'].create({
                'name': "Shared", 'appid': ACCOUNT, 'token_source': 'component',
                'component_id': component.id, 'authorization_state': 'authorized'})
            account._store_refresh_token(env.cr, self.refresh_token)
            self.component_id, self.account_id = component.id, account.id
        self.addCleanup(self._clean, before)

    def _clean(self, url):
        with self._server() as env:
            env['ir.config_parameter'].set_param('wechat.api_url', url)
            apps = env['wechat.app'].with_context(active_test=False)
            apps.search([('component_id', '=', self.component_id)]).unlink()
            apps.browse(self.component_id).unlink()

    @contextmanager
    def _server(self):
        """Have the environment of a transaction of its own, committed at the end."""
        with self.registry.cursor() as cr:
            yield api.Environment(cr, SUPERUSER_ID, {})

    def _in_parallel(self, count, work):
        """Return what `work(env)` returns or raises in each of some servers at once."""
        results = []

        def run(env):
            try:
                results.append(work(env))
                env.cr.commit()
            except Exception as error:  # noqa: BLE001 - looked at by the test
                results.append(error)

        # The environments are made here: the thread of the tests holds the registry's lock.
        with ExitStack() as stack:
            servers = [stack.enter_context(self._server()) for _number in range(count)]
            for env in servers:
                env['wechat.app'].browse(self.account_id).read(['name'])  # Their snapshots are old.
            threads = [threading.Thread(target=run, args=(env,)) for env in servers]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(30)
        return results

    def _answer_component_token(self, request):
        time.sleep(0.3)
        return {'component_access_token': 'COMPONENT', 'expires_in': 7200}

    def _answer_authorizer_token(self, request):
        time.sleep(0.3)
        if request.json['authorizer_refresh_token'] != self.refresh_token:
            return {'errcode': 61023}
        self.refresh_token = 'REFRESH_1'
        return {
            'authorizer_access_token': 'ACCESS', 'expires_in': 7200,
            'authorizer_refresh_token': self.refresh_token,
        }

    def _stored(self, env, kind):
        env.cr.execute(
            "SELECT value FROM wechat_token WHERE app_id = %s AND kind = %s",
            [self.account_id, kind])
        return env.cr.fetchone()[0]

    def test_twenty_threads_that_need_an_accounts_token_cost_one_call(self):
        tokens = self._in_parallel(
            20, lambda env: env['wechat.app'].browse(self.account_id)._get_token())
        self.assertEqual(tokens, ['ACCESS'] * 20)
        self.assertEqual([request.path for request in self.fake.requests], [
            '/cgi-bin/component/api_component_token', '/cgi-bin/component/api_authorizer_token'])

    def test_new_refresh_token_outlives_the_rollback_of_the_caller(self):
        with self.assertRaises(ZeroDivisionError), self._server() as env:
            env['wechat.app'].browse(self.account_id)._get_token()
            raise ZeroDivisionError
        with self._server() as env:
            self.assertEqual(self._stored(env, 'authorizer_refresh_token'), 'REFRESH_1')
            self.assertEqual(self._stored(env, 'access_token'), 'ACCESS')

    def test_tickets_at_once_leave_the_newest(self):
        now = fields.Datetime.now()
        ages = list(range(8))

        def store(env):
            age = ages.pop()
            component = env['wechat.app'].browse(self.component_id)
            for _attempt in range(20):  # As Odoo repeats a request.
                try:
                    component._store_ticket(f'T{age}', now + timedelta(seconds=100 - age))
                    env.cr.commit()
                    return True
                except Exception:  # noqa: BLE001 - serialization failures
                    env.cr.rollback()
            return False

        self.assertEqual(self._in_parallel(8, store), [True] * 8)
        with self._server() as env:
            self.assertEqual(env['wechat.app'].browse(self.component_id)._get_ticket(), 'T0')
