# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Several workers send what waits: real transactions, in threads that share nothing else."""

import threading
import time
from contextlib import ExitStack

from odoo import api
from odoo.api import SUPERUSER_ID
from odoo.tests import TransactionCase, tagged

from odoo.addons.wechat.tests.common import FakeWechat

SEND = '/cgi-bin/message/template/send'
COUNT = 12


@tagged('post_install', '-at_install')
class TestMessageConcurrency(TransactionCase):

    def setUp(self):
        super().setUp()
        self.fake = FakeWechat()
        self.addCleanup(self.fake.stop)
        self.fake.answer('POST', '/cgi-bin/stable_token', {
            'access_token': 'TOKEN', 'expires_in': 7200})
        self.fake.answer('POST', SEND, self._answer_send)
        with self.registry.cursor() as cr:  # What the threads see must be committed.
            env = api.Environment(cr, SUPERUSER_ID, {})
            parameters = env['ir.config_parameter']
            self.before = parameters.get_param('wechat.api_url')
            parameters.set_param('wechat.api_url', self.fake.url)
            app = env['wechat.app'].create({
                'name': "Shared", 'appid': 'wx00000000sharedyy', 'secret': 'S',
                'app_type': 'official_account',
            })
            template = env['wechat.message.template'].create({
                'name': "T", 'app_id': app.id, 'kind': 'template', 'template_id': 'T',
                'content': '{{first.DATA}}',
            })
            identity = env['wechat.identity'].create({'app_id': app.id, 'openid': 'o1'})
            env['wechat.message.log'].create([{
                'app_id': app.id, 'template_id': template.id, 'kind': 'template',
                'identity_id': identity.id, 'payload': {'data': {'first': {'value': str(index)}}},
            } for index in range(COUNT)])
            self.app_id = app.id
        self.addCleanup(self._clean)

    def _answer_send(self, request):
        time.sleep(0.05)
        return {'errcode': 0, 'msgid': int(request.json['data']['first']['value']) + 1}

    def _clean(self):
        with self.registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            env['ir.config_parameter'].set_param('wechat.api_url', self.before)
            app = env['wechat.app'].browse(self.app_id)
            env['wechat.message.log'].search([('app_id', '=', app.id)]).unlink()
            env['wechat.message.template'].search([('app_id', '=', app.id)]).unlink()
            app.identity_ids.unlink()
            app.unlink()

    def test_each_message_is_sent_once_by_workers_at_once(self):
        problems = []

        def work(env):
            try:
                env['wechat.message.log']._cron_send_messages()
            except Exception as error:  # noqa: BLE001 shown below
                problems.append(error)

        with ExitStack() as stack:
            # Made here: during tests the main thread holds the lock of the registries.
            threads = [
                threading.Thread(target=work, args=(api.Environment(
                    stack.enter_context(self.registry.cursor()), SUPERUSER_ID, {},
                ),)) for _worker in range(4)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(30)
        self.assertFalse(problems)
        sent = [request.json['data']['first']['value'] for request in self.fake.calls(SEND)]
        self.assertEqual(sorted(sent, key=int), [str(index) for index in range(COUNT)])
        with self.registry.cursor() as cr:
            logs = api.Environment(cr, SUPERUSER_ID, {})['wechat.message.log'].search(
                [('app_id', '=', self.app_id)])
            self.assertEqual(set(logs.mapped('state')), {'sent'})
            self.assertEqual(len(set(logs.mapped('msgid'))), COUNT)
