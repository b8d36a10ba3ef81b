# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Messages that WeChat pushes to two Odoo servers: each handled once and answered in time."""

import contextlib
import secrets
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from devtools import postgres
from devtools.servers import OdooServer

TOKEN, KEY = 'teahouse2026', 'abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG'
# A server action is what an administrator would write; it leaves a trace of each run.
ACTION = '''
env['res.partner'].create({{'name': 'pushed ' + env.context['wechat_message']['Content']}})
time.sleep({seconds})
action = '茶 ' + env.context['wechat_message']['Content']
'''


class Account:
    """An official account whose auto-reply runs a server action."""

    def __init__(self, system):
        self.system, self.admin = system, system.admin
        self.appid = f'wx{secrets.token_hex(8)}'
        app = system.sandbox.control('POST', 'apps', {
            'appid': self.appid, 'app_type': 'official_account'})
        self.app_id = self.admin.call('wechat.app', 'create', [{
            'name': "Tea House", 'app_type': 'official_account', 'appid': self.appid,
            'secret': app['secret'], 'push_token_input': TOKEN, 'push_aes_key_input': KEY,
        }])[0]
        model = self.admin.call('ir.model', 'search', [['model', '=', 'wechat.identity']])[0]
        self.action_id = self.admin.call('ir.actions.server', 'create', [{
            'name': "Answer", 'model_id': model, 'state': 'code', 'code': 'pass'}])[0]
        self.admin.call('wechat.reply.rule', 'create', [{
            'name': "Answer", 'app_id': self.app_id, 'trigger': 'default',
            'answer_type': 'action', 'action_id': self.action_id}])
        self.user = system.sandbox.control('POST', 'users', {})
        self.openid = self.user['openids'][self.appid]
        system.sandbox.control('POST', 'push_config', {
            'appid': self.appid, 'url': self.url(system.first), 'token': TOKEN,
            'encoding_aes_key': KEY})

    def url(self, server):
        return f'{server.url}/wechat/push/{self.appid}'

    def take(self, seconds):
        """Let the handler take so long."""
        self.admin.call('ir.actions.server', 'write', [self.action_id], {
            'code': ACTION.format(seconds=seconds)})

    def says(self, word, servers, **options):
        """Have WeChat push what somebody writes; returns the deliveries."""
        return self.push({'MsgType': 'text', 'Content': word}, servers, **options)['deliveries']

    def push(self, message, servers, **options):
        return self.system.sandbox.control('POST', 'push', {
            'appid': self.appid, 'message': message, 'openid': self.openid,
            'urls': [self.url(server) for server in servers], **options})

    def runs(self, word):
        """Return how often the handler was carried out for a word."""
        return self.admin.call('res.partner', 'search_count', [['name', '=', f'pushed {word}']])

    def sent(self):
        """Return the texts that were sent as customer-service messages."""
        found = self.system.sandbox.control('GET', f'customer_messages/{self.appid}')
        return [item['text']['content'] for item in found['messages']]

    def rows(self):
        """Return the received messages as an administrator reads them, newest first."""
        return self.admin.call(
            'wechat.push.message', 'search_read', [['app_id', '=', self.app_id]],
            fields=['state', 'error', 'openid', 'msg_type'])

    def age(self):
        """Let a minute pass for the messages that nobody has handled."""
        with contextlib.closing(postgres.connect(self.system.shop.database)) as connection:
            connection.cursor().execute("""
                UPDATE wechat_push_message SET received_at = received_at - interval '1 minute'
                 WHERE state = 'new'
            """)


@pytest.fixture
def account(system):
    return Account(system)


def test_one_message_at_two_servers_at_once_is_handled_once_and_answered_alike(system, account):
    account.take(0.5)
    for word in ('green', 'black'):
        deliveries = account.says(
            word, [system.first, system.second], repeat=6, parallel=True)
        assert [one['problem'] for one in deliveries] == [None] * 6
        assert {one['reply']['Content'] for one in deliveries} == {f'茶 {word}'}
        assert all(len(one['attempts']) == 1 for one in deliveries)
        assert account.runs(word) == 1
    assert account.sent() == []
    assert [row['state'] for row in account.rows()] == ['done', 'done']


def test_slow_handler_is_answered_for_in_time_and_its_reply_comes_later(system, account):
    account.take(6)
    message = {'MsgType': 'text', 'Content': 'oolong', 'MsgId': 77}
    delivery, = account.push(message, [system.second])['deliveries']
    attempt, = delivery['attempts']
    assert attempt['status'] == 200 and attempt['body'] == 'success'
    assert 3.5 < attempt['seconds'] < 5
    system.wait(account.sent)
    assert account.sent() == ['茶 oolong']
    system.wait(lambda: account.rows()[0]['state'] == 'done')
    # A second delivery, late, gets what the first one got.
    again, = account.push(message, [system.first])['deliveries']
    assert again['attempts'][0]['body'] == 'success'
    assert account.sent() == ['茶 oolong']
    assert account.runs('oolong') == 1


def test_second_delivery_while_the_first_one_is_handled_waits_for_its_reply(system, account):
    account.take(2)
    message = {'MsgType': 'text', 'Content': 'white', 'MsgId': 78}
    answers = []
    first = threading.Thread(target=lambda: answers.append(account.push(message, [system.first])))
    first.start()
    system.wait(account.rows)
    answers.append(account.push(message, [system.second]))
    first.join(30)
    assert [answer['deliveries'][0]['reply']['Content'] for answer in answers] == ['茶 white'] * 2
    assert account.runs('white') == 1


def test_more_messages_at_once_than_a_server_handles_are_all_answered_and_handled(system, account):
    account.take(3)
    # WeChat takes five replies to a person: four of these will be late.
    words = [f'cup {number} {secrets.token_hex(3)}' for number in range(12)]
    with ThreadPoolExecutor(len(words)) as pool:
        deliveries = list(pool.map(
            lambda word: account.says(word, [system.second])[0], words))
    attempts = [attempt for one in deliveries for attempt in one['attempts']]
    assert [attempt['status'] for attempt in attempts] == [200] * len(words)
    assert max(attempt['seconds'] for attempt in attempts) < 5
    answered = {one['reply']['Content'] for one in deliveries if one['reply']}
    assert len(answered) == 8, "as many as a process handles beside its requests"
    account.take(0)
    account.age()
    system.run_cron('wechat.cron_recover_push_messages')
    system.wait(lambda: {row['state'] for row in account.rows()} == {'done'}, 60)
    assert [account.runs(word) for word in words] == [1] * len(words)
    assert answered | set(account.sent()) == {f'茶 {word}' for word in words}
    assert len(answered) + len(account.sent()) == len(words)


@pytest.fixture
def killed(system, account):
    """The message that a server was handling when it was killed."""
    shop = system.shop
    server = OdooServer(shop.source, shop.database, 'odoo-killed')
    account.take(20)
    word = f'pu-erh {secrets.token_hex(3)}'
    message = {'MsgType': 'text', 'Content': word, 'MsgId': 79}
    with server:
        sender = threading.Thread(target=lambda: account.push(message, [server], retry=False))
        sender.start()
        assert system.wait(account.rows)[0]['state'] == 'new'
        threading.Event().wait(1)
        server.kill()
        sender.join(30)
    account.take(0)
    assert account.runs(word) == 0
    return message


def test_message_whose_server_was_killed_is_recovered_by_the_cron(system, account, killed):
    account.age()
    system.run_cron('wechat.cron_recover_push_messages')
    system.wait(account.sent)
    assert account.sent() == [f"茶 {killed['Content']}"]
    assert account.runs(killed['Content']) == 1
    assert account.rows()[0]['state'] == 'done'


def test_message_whose_server_was_killed_is_taken_over_by_its_second_delivery(
    system, account, killed,
):
    delivery, = account.push(killed, [system.second])['deliveries']
    assert delivery['reply']['Content'] == f"茶 {killed['Content']}"
    assert account.runs(killed['Content']) == 1
    assert account.sent() == []
