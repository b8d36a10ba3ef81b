# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Several servers and one consent: real transactions, in threads that share nothing else."""

import threading
from contextlib import ExitStack, contextmanager

from odoo import api
from odoo.api import SUPERUSER_ID
from odoo.modules.registry import Registry
from odoo.tests import TransactionCase, tagged
from odoo.tools import mute_logger

from odoo.addons.wechat.exceptions import WeChatError
from odoo.addons.wechat.tests.common import FakeWechat

from ..protocol import subscriptions
from .subscribe_common import CALLS, SEND

SERVERS = 6


@tagged('post_install', '-at_install')
class TestSubscribeConcurrency(TransactionCase):

    def setUp(self):
        super().setUp()
        self.fake = FakeWechat()
        self.addCleanup(self.fake.stop)
        self.fake.answer('POST', '/cgi-bin/stable_token', {
            'access_token': 'TOKEN', 'expires_in': 7200})
        self.fake.answer('POST', SEND, {'errcode': 0, 'msgid': 1})
        # What the threads see must be committed; it is deleted again at the end.
        with self._server() as env:
            parameters = env['ir.config_parameter']
            before = parameters.get_param('wechat.api_url')
            parameters.set_param('wechat.api_url', self.fake.url)
            app = env['wechat.app'].create({
                'name': "Shared", 'appid': 'wx00000000sharedxx', 'secret': 'S',
            })
            self.app_id = app.id
            self.identity_id = env['wechat.identity'].create({
                'app_id': app.id, 'openid': 'openid-of-consents'}).id
            self.template_id = env['wechat.message.template'].create({
                'name': "T", 'app_id': app.id, 'kind': 'subscribe', 'template_id': 'TEMPLATE_1',
                'content': "商品:{{thing1.DATA}}",
            }).id
            app._get_token()
        self.addCleanup(self._clean, before)

    def _clean(self, api_url):
        with self._server() as env:
            env['ir.config_parameter'].set_param('wechat.api_url', api_url)
            env['wechat.message.template'].browse(self.template_id).unlink()
            env['wechat.identity'].browse(self.identity_id).unlink()
            env['wechat.app'].browse(self.app_id).unlink()

    @contextmanager
    def _server(self):
        """The environment of a transaction of its own, committed at the end."""
        with self.registry.cursor() as cr:
            yield api.Environment(cr, SUPERUSER_ID, {})

    def _in_parallel(self, work, count=SERVERS):
        """Return what `work(env, number)` returns or raises in each of some servers at once."""
        results = []

        def run(env, number):
            try:
                results.append(work(env, number))
                env.cr.commit()
            except Exception as error:  # noqa: BLE001 - looked at by the test
                results.append(error)

        with ExitStack() as stack:
            servers = [stack.enter_context(self._server()) for _number in range(count)]
            for env in servers:
                env['wechat.app'].browse(self.app_id).read(['name'])  # Their snapshots are old.
            threads = [
                threading.Thread(target=run, args=(env, number))
                for number, env in enumerate(servers)
            ]
            with self._registry_unlocked():
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join(30)
        return results

    @contextmanager
    def _registry_unlocked(self):
        """The thread of the tests holds this lock, and other servers know nothing of it."""
        Registry._lock.release()
        try:
            yield
        finally:
            Registry._lock.acquire()

    def _read(self, env):
        return (env['wechat.identity'].browse(self.identity_id),
                env['wechat.message.template'].browse(self.template_id))

    def _record(self, env, number, source=subscriptions.CLIENT):
        identity, template = self._read(env)
        return env['wechat.subscribe.consent']._record(
            identity, template, 'accept', source, f'{source}-{number}')

    def _remaining(self):
        with self._server() as env:
            return env['wechat.subscribe.consent'].search([
                ('identity_id', '=', self.identity_id)]).remaining

    def _send(self, env, number):
        identity, template = self._read(env)
        return identity._send_subscribe_message(template, '', {'thing1': f'{number}'})

    @mute_logger(CALLS)
    def test_one_consent_is_one_message_whoever_is_at_it(self):
        with self._server() as env:
            self._record(env, 0)
        results = self._in_parallel(self._send)
        self.assertEqual(len(self.fake.calls(SEND)), 1)
        self.assertEqual(results.count('1'), 1)
        refused = [error for error in results if isinstance(error, WeChatError)]
        self.assertEqual([error.code for error in refused], ['user_blocked'] * (SERVERS - 1))
        self.assertEqual(self._remaining(), 0)
        with self._server() as env:
            states = env['wechat.message.log'].search(
                [('app_id', '=', self.app_id)]).mapped('state')
        self.assertEqual(sorted(states), ['failed'] * (SERVERS - 1) + ['sent'])

    @mute_logger(CALLS)
    def test_queue_that_several_servers_work_off_uses_a_consent_once(self):
        with self._server() as env:
            self._record(env, 0)
            env['wechat.message.log'].create([{
                'app_id': self.app_id, 'template_id': self.template_id, 'kind': 'subscribe',
                'identity_id': self.identity_id,
                'payload': {'data': {'thing1': {'value': 'x'}}, 'lang': 'zh_CN'},
            } for _message in range(4)])
        results = self._in_parallel(
            lambda env, _number: env['wechat.message.log']._cron_send_messages(), 3)
        self.assertEqual(results, [None] * 3)
        self.assertEqual((len(self.fake.calls(SEND)), self._remaining()), (1, 0))
        with self._server() as env:
            states = env['wechat.message.log'].search(
                [('app_id', '=', self.app_id)]).mapped('state')
        self.assertEqual(sorted(states), ['failed'] * 3 + ['sent'])

    @mute_logger(CALLS)
    def test_three_consents_are_three_messages(self):
        with self._server() as env:
            for number in range(3):
                self._record(env, number)
        self._in_parallel(self._send)
        self.assertEqual((len(self.fake.calls(SEND)), self._remaining()), (3, 0))

    def test_consents_recorded_at_once_are_all_counted(self):
        self._in_parallel(self._record)
        self.assertEqual(self._remaining(), SERVERS)

    def test_one_tap_told_by_client_and_event_at_once_counts_once(self):
        self._in_parallel(lambda env, number: self._record(
            env, number, (subscriptions.CLIENT, subscriptions.EVENT)[number % 2]))
        self.assertEqual(self._remaining(), SERVERS // 2)

    def test_what_was_used_stays_used_when_the_caller_rolls_back(self):
        with self._server() as env:
            self._record(env, 0)
        with self.assertRaises(ZeroDivisionError), self._server() as env:
            self._send(env, 0)
            raise ZeroDivisionError
        self.assertEqual(self._remaining(), 0)
        with self._server() as env:
            log = env['wechat.message.log'].search([('app_id', '=', self.app_id)])
            self.assertEqual((log.state, log.msgid), ('sent', '1'))

    def test_consent_given_in_the_same_request_can_be_used(self):
        with self._server() as env:
            env['wechat.app'].browse(self.app_id).read(['name'])  # The snapshot is older.
            self.assertEqual(self._record(env, 0), 1)
            identity, template = self._read(env)
            identity._check_may_receive(template)
            self.assertEqual(self._send(env, 0), '1')

    @mute_logger(CALLS)
    def test_nobody_waits_for_a_row_while_wechat_is_asked(self):
        with self._server() as env:
            self._record(env, 0)

        def answer(request):
            # The person agrees once more while their message is on its way.
            with self._server() as env:
                self._record(env, 1)
            return {'errcode': 0, 'msgid': 1}

        self.fake.answer('POST', SEND, answer)
        with self._server() as env, self._registry_unlocked():
            self.assertEqual(self._send(env, 0), '1')
        self.assertEqual(self._remaining(), 1)
