# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Several servers on one database: real transactions, in threads that share nothing else."""

import threading
import time
from contextlib import ExitStack

from psycopg2.errors import SerializationFailure

from odoo import api
from odoo.api import SUPERUSER_ID
from odoo.tests import TransactionCase, tagged
from odoo.tools import mute_logger

from odoo.addons.wechat.exceptions import WeChatError
from odoo.addons.wechat.tests.common import FakeWechat

LOGGER = 'odoo.addons.wechat.models.wechat_app_request'
ADDRESS = '198.51.100.77'


@tagged('post_install', '-at_install')
class TestConcurrency(TransactionCase):

    def setUp(self):
        super().setUp()
        self.fake = FakeWechat()
        self.addCleanup(self.fake.stop)
        self.token_count = 0
        self.fake.answer('POST', '/cgi-bin/stable_token', self._answer_stable_token)
        # What the threads see must be committed; it is deleted again at the end.
        with self._server() as env:
            parameters = env['ir.config_parameter']
            names = [f'wechat.{name}_url' for name in ('api', 'open', 'mp', 'pay')]
            before = {name: parameters.get_param(name) for name in names}
            for name in names:
                parameters.set_param(name, self.fake.url)
            self.shared_id = env['wechat.app'].create({
                'name': "Shared", 'appid': 'wx00000000sharedxx', 'secret': 'S',
            }).id
        self.addCleanup(self._clean, before)

    def _answer_stable_token(self, request):
        if not self.token_count or request.json.get('force_refresh'):
            self.token_count += 1
        return {'access_token': f'TOKEN_{self.token_count}', 'expires_in': 7200}

    def _clean(self, parameters):
        with self._server() as env:
            for key, value in parameters.items():
                env['ir.config_parameter'].set_param(key, value)
            env['wechat.app'].with_context(active_test=False).browse(self.shared_id).unlink()
            env.cr.execute("DELETE FROM wechat_call WHERE address = %s", [ADDRESS])

    def _app(self, env):
        return env['wechat.app'].browse(self.shared_id)

    def _server(self):
        """Return a context manager: the environment of a transaction of its own, committed."""
        test = self

        class Server:
            def __enter__(self):
                self.cr = test.registry.cursor()
                return api.Environment(self.cr, SUPERUSER_ID, {})

            def __exit__(self, exc_type, exc, traceback):
                try:
                    if exc_type is None:
                        self.cr.commit()
                finally:
                    self.cr.close()

        return Server()

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
                env['wechat.app'].browse(self.shared_id).read(['name'])  # Their snapshots are old.
            threads = [threading.Thread(target=run, args=(env,)) for env in servers]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(30)
        return results

    def _slow_token(self, request):
        time.sleep(0.3)
        return self._answer_stable_token(request)

    def test_servers_that_need_a_token_at_once_fetch_one(self):
        self.fake.answer('POST', '/cgi-bin/stable_token', self._slow_token)
        tokens = self._in_parallel(6, lambda env: self._app(env)._get_token())
        self.assertEqual(tokens, ['TOKEN_1'] * 6)
        self.assertEqual(len(self.fake.requests), 1)

    def test_fifty_threads_that_need_a_ticket_at_once_fetch_one_ticket_and_one_token(self):
        # Each holds a connection already: the pool of 64 has too few for as many renewals.
        def answer_ticket(request):
            time.sleep(0.3)
            return {'ticket': 'TICKET', 'expires_in': 7200}

        self.fake.answer('POST', '/cgi-bin/stable_token', self._slow_token)
        self.fake.answer('GET', '/cgi-bin/ticket/getticket', answer_ticket)
        tickets = self._in_parallel(50, lambda env: self._app(env)._get_token('jsapi_ticket'))
        self.assertEqual(tickets, ['TICKET'] * 50)
        self.assertEqual(
            [request.path for request in self.fake.requests],
            ['/cgi-bin/stable_token', '/cgi-bin/ticket/getticket'],
        )

    def test_threads_that_need_tickets_and_tokens_at_once_do_not_block_each_other(self):
        kinds = ['access_token', 'jsapi_ticket', 'wx_card_ticket'] * 4
        self.fake.answer('POST', '/cgi-bin/stable_token', self._slow_token)
        self.fake.answer('GET', '/cgi-bin/ticket/getticket', lambda request: {
            'ticket': request.query['type'], 'expires_in': 7200})
        tokens = self._in_parallel(12, lambda env: self._app(env)._get_token(kinds.pop()))
        self.assertEqual(sorted(tokens), ['TOKEN_1'] * 4 + ['jsapi'] * 4 + ['wx_card'] * 4)
        self.assertEqual(len(self.fake.requests), 3)

    def test_servers_whose_token_is_refused_at_once_renew_it_once(self):
        with self._server() as env:
            self._app(env)._get_token()
        self.fake.requests.clear()
        self.fake.answer('POST', '/cgi-bin/stable_token', self._slow_token)
        self.fake.answer('GET', '/cgi-bin/x', lambda request: (
            {'errcode': 40001} if request.query['access_token'] == 'TOKEN_1' else {'ok': True}
        ))
        with mute_logger(LOGGER):
            answers = self._in_parallel(
                5, lambda env: self._app(env)._request('GET', '/cgi-bin/x'))
        self.assertEqual(answers, [{'ok': True}] * 5)
        self.assertEqual(
            [request.json['force_refresh'] for request in self.fake.calls('/cgi-bin/stable_token')],
            [False, True],
        )

    def test_token_outlives_the_rollback_of_the_caller(self):
        with self.assertRaises(ZeroDivisionError), self._server() as env:
            self._app(env)._get_token()
            raise ZeroDivisionError
        with self._server() as env:
            self.assertEqual(self._app(env)._get_token(), 'TOKEN_1')
        self.assertEqual(len(self.fake.requests), 1)

    def test_reason_of_a_failure_outlives_the_rollback_of_the_caller(self):
        self.fake.answer('POST', '/cgi-bin/stable_token', {'errcode': 40125})
        with mute_logger(LOGGER), self.assertRaises(WeChatError), self._server() as env:
            self._app(env)._get_token()
        with self._server() as env:
            app = env['wechat.app'].browse(self.shared_id)
            self.assertEqual((app.state, app.last_errcode), ('error', 40125))
            self.fake.answer('POST', '/cgi-bin/stable_token', self._answer_stable_token)
            self.fake.answer('GET', '/cgi-bin/x', {})
            app._request('GET', '/cgi-bin/x')
        with self._server() as env:
            self.assertEqual(env['wechat.app'].browse(self.shared_id).state, 'ok')

    def test_transaction_that_has_changed_the_app_does_not_wait_for_itself(self):
        for values in ({'name': "Changed"}, {'secret': 'NEW'}, {'appid': 'wx0000000otherxxxx'}):
            for answer in ({'errcode': 40125}, self._answer_stable_token):
                self.fake.answer('POST', '/cgi-bin/stable_token', answer)
                with self.subTest(values=values), self._server() as env:
                    app = env['wechat.app'].browse(self.shared_id)
                    app.write(values)
                    env.flush_all()
                    start = time.monotonic()
                    with mute_logger(LOGGER):
                        try:
                            app._renew_token('another')
                            app._check_credentials()
                        except WeChatError as error:
                            self.assertEqual(error.errcode, 40125)
                    self.assertLess(time.monotonic() - start, 5)

    def test_secret_that_collides_with_another_change_is_in_no_log(self):
        for name in ('secret', 'hub_key', 'push_token', 'push_aes_key'):
            with self.subTest(name=name), self._server() as env:
                app = self._app(env)
                app.read(['name'])  # From here on its snapshot is old.
                with self._server() as other:
                    self._app(other).name = f"Changed before {name}"
                with (
                    self.assertLogs('odoo.sql_db', 'ERROR') as logs,
                    self.assertRaises(SerializationFailure),
                ):
                    app[name] = 'Hush'.ljust(43, 'A') if name == 'push_aes_key' else 'Hush'
                    env.flush_all()
                env.cr.rollback()
                self.assertNotIn('Hush', str(logs.output))

    def test_app_of_the_same_transaction_can_be_called(self):
        with self.assertRaises(ZeroDivisionError), self._server() as env:
            app = env['wechat.app'].create({
                'name': "New", 'appid': 'wx000000000newxxxx', 'secret': 'S',
            })
            self.assertEqual(app._get_token(), 'TOKEN_1')
            self.assertEqual(app._get_token(), 'TOKEN_1')
            self.fake.answer('POST', '/cgi-bin/stable_token', {'errcode': 40125})
            with mute_logger(LOGGER):
                self.assertEqual(app.action_check_credentials()['params']['type'], 'danger')
            self.assertEqual(app.state, 'error')
            raise ZeroDivisionError

    def test_exactly_the_limit_passes_of_many_calls_at_once(self):
        with self._server() as env:
            limit = env['wechat.call']._calls_per_minute()

        def call(env):
            passed = 0
            for _call in range(limit // 4):
                try:
                    env['wechat.call']._count(ADDRESS)
                    passed += 1
                except WeChatError as error:
                    self.assertEqual(error.code, 'rate_limited')
            return passed

        self.assertEqual(sum(self._in_parallel(6, call)), limit)

    def test_counted_call_outlives_the_rollback_of_the_caller(self):
        with self.assertRaises(ZeroDivisionError), self._server() as env:
            env['wechat.call']._count(ADDRESS)
            raise ZeroDivisionError
        with self._server() as env:
            self.assertEqual(env['wechat.call'].search_count([('address', '=', ADDRESS)]), 1)
