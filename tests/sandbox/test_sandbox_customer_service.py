# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Customer-service messages: who may be written to, when and how often (wechat-platform.md 6.4)."""

import pytest

from .merchant import APPID
from .test_sandbox_push import ACCOUNT, TEXT, app, configure, push  # noqa: F401 - a fixture

SEND, TYPING = '/cgi-bin/message/custom/send', '/cgi-bin/message/custom/typing'


@pytest.fixture
def chat(sandbox, app):  # noqa: F811
    """Mini-program and account with a push, and somebody who uses both."""
    sandbox.post('apps', appid=ACCOUNT, app_type='official_account', secret='s' * 32)
    configure(sandbox, app)
    configure(sandbox, app, APPID)
    return Chat(sandbox, sandbox.post('users'))


class Chat:
    def __init__(self, sandbox, user):
        self.sandbox, self.user = sandbox, user
        self.tokens = {}

    def call(self, path, appid, body):
        secret = self.sandbox.app(appid)['secret']
        if appid not in self.tokens:
            self.tokens[appid] = self.sandbox.platform('POST', '/cgi-bin/stable_token', {
                'grant_type': 'client_credential', 'appid': appid, 'secret': secret,
            }).json()['access_token']
        return self.sandbox.platform(
            'POST', f'{path}?access_token={self.tokens[appid]}', body).json()['errcode']

    def says(self, appid=ACCOUNT, **message):
        push(self.sandbox, message or TEXT, appid, user=self.user['user'])

    def send(self, appid=ACCOUNT, **changes):
        return self.call(SEND, appid, {
            'touser': self.user['openids'][appid], 'msgtype': 'text', 'text': {'content': "茶"},
            **changes,
        })

    def typing(self, command='Typing'):
        return self.call(TYPING, ACCOUNT, {
            'touser': self.user['openids'][ACCOUNT], 'command': command})


def test_nobody_who_did_nothing_is_written_to(chat):
    assert chat.send() == 45015


def test_five_messages_within_48_hours_of_a_message(chat):
    chat.says()
    assert [chat.send() for _number in range(6)] == [0] * 5 + [45047]
    chat.says()
    assert chat.send() == 0
    chat.sandbox.clock(48 * 3600 + 10)
    chat.tokens.clear()
    assert chat.send() == 45015


@pytest.mark.parametrize('event', ['subscribe', 'SCAN', 'CLICK'])
def test_three_messages_within_a_minute_of_an_action(chat, event):
    chat.says(MsgType='event', Event=event, EventKey='x')
    assert [chat.send() for _number in range(4)] == [0] * 3 + [45047]
    chat.says(MsgType='event', Event=event, EventKey='x')
    chat.sandbox.clock(61)
    assert chat.send() == 45015


def test_other_events_open_nothing(chat):
    for event in ('unsubscribe', 'VIEW', 'LOCATION', 'TEMPLATESENDJOBFINISH'):
        chat.says(MsgType='event', Event=event)
        assert chat.send() == 45015


def test_messages_are_kept_as_they_were_sent(chat):
    chat.says()
    chat.send(text={'content': "一"})
    chat.send(msgtype='image', image={'media_id': 'M'}, text=None)
    sent = chat.sandbox.get(f'customer_messages/{ACCOUNT}')['messages']
    assert [item['msgtype'] for item in sent] == ['text']
    assert sent[0]['text'] == {'content': "一"}
    assert sent[0]['touser'] == chat.user['openids'][ACCOUNT]


def test_what_is_no_message_is_refused(chat):
    chat.says()
    chat.says(APPID)
    assert chat.send(touser='oUNKNOWN') == 40003
    assert chat.send(touser=chat.user['openids'][APPID]) == 40003
    assert chat.send(msgtype='nonsense') == 40008
    assert chat.send(msgtype='link') == 40008
    assert chat.send(text='x') == 47001
    assert chat.send(text={'content': ''}) == 44004
    assert chat.send(text={'content': '茶' * 683}) == 45002
    assert chat.send(text={'content': 'x', 'color': 'red'}) == 47001
    assert chat.send(extra=1) == 47001
    assert chat.send(APPID, msgtype='news', text=None, news={'articles': []}) == 40008
    assert chat.send() == 0 == chat.send(APPID)


def test_typing_follows_a_message_of_the_last_30_seconds(chat):
    assert chat.typing() == 45080
    chat.says()
    assert chat.typing('Nonsense') == 45072
    assert [chat.typing(), chat.typing()] == [0, 45081]
    assert chat.sandbox.get(f'customer_messages/{ACCOUNT}')['typing'] == [
        chat.user['openids'][ACCOUNT]]
    assert [chat.typing('CancelTyping'), chat.typing()] == [0, 0]
    chat.sandbox.clock(31)
    assert chat.typing('CancelTyping') == 0
    assert chat.typing() == 45080
