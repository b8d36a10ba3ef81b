# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""WeChat's sender of messages, towards a small server that reads strictly and answers at will."""

import base64
import hashlib
import json
import threading
import time
import xml.etree.ElementTree as ET
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from .merchant import APPID

ACCOUNT = 'wx00000000000000aa'
TOKEN = 'teahouse2026'
KEY = 'abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG'
TEXT = {'MsgType': 'text', 'Content': "你好"}


def sign(*parts):
    return hashlib.sha1(b''.join(sorted(part.encode() for part in parts))).hexdigest()


def cipher():
    key = base64.b64decode(KEY + '=')
    return Cipher(algorithms.AES(key), modes.CBC(key[:16]))


def unseal(text):
    """:return: (message, appid, whether the padding is right)."""
    machine = cipher().decryptor()
    plain = machine.update(base64.b64decode(text)) + machine.finalize()
    pad = plain[-1]
    length = int.from_bytes(plain[16:20])
    message, rest = plain[20:20 + length], plain[20 + length:-pad]
    return message.decode('utf-8', 'replace'), rest.decode('utf-8', 'replace'), \
        pad > 0 and plain[-pad:] == bytes([pad]) * pad


def seal(message, appid):
    plain = b'r' * 16 + len(message.encode()).to_bytes(4) + message.encode() + appid.encode()
    pad = 32 - len(plain) % 32
    machine = cipher().encryptor()
    data = machine.update(plain + bytes([pad]) * pad) + machine.finalize()
    return base64.b64encode(data).decode()


class App:
    """The server that messages are pushed to."""

    def __init__(self):
        app = self
        self.received = []
        self.answer = 'success'
        self.status = 200
        self.delay = 0
        self.echoes = True

        class Handler(BaseHTTPRequestHandler):
            protocol_version = 'HTTP/1.1'

            def do_GET(self):
                query = app.query(self.path)
                right = query.get('signature') == sign(TOKEN, query['timestamp'], query['nonce'])
                self.write(query['echostr'] if right and app.echoes else 'no')

            def do_POST(self):
                length = int(self.headers['Content-Length'])
                body = self.rfile.read(length)
                app.received.append((app.query(self.path), body, dict(self.headers)))
                number = len(app.received)
                time.sleep(app.delay if not isinstance(app.delay, list) else app.delay[number - 1])
                self.write(app.answer(body) if callable(app.answer) else app.answer)

            def write(self, text):
                self.send_response(app.status)
                self.send_header('Content-Length', str(len(text.encode())))
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(('127.0.0.1', 0), Handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_arguments: None
        self.url = f'http://127.0.0.1:{self.server.server_address[1]}/wechat/push'
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    @staticmethod
    def query(path):
        return {name: values[0] for name, values in parse_qs(
            urlsplit(path).query, keep_blank_values=True).items()}

    def envelope(self, index=-1):
        """:return: the fields of a received body."""
        body = self.received[index][1]
        if body[:1] == b'{':
            return json.loads(body)
        return {child.tag: child.text for child in ET.fromstring(body)}  # noqa: S314


@pytest.fixture
def app():
    value = App()
    yield value
    value.server.shutdown()
    value.server.server_close()


@pytest.fixture
def account(sandbox, app):
    """An official account whose push is configured."""
    sandbox.post('apps', appid=ACCOUNT, app_type='official_account')
    return configure(sandbox, app)


def configure(sandbox, app, appid=ACCOUNT, **changes):
    return sandbox.post('push_config', **{
        'appid': appid, 'url': app.url, 'token': TOKEN, 'encoding_aes_key': KEY, **changes,
    })


def refuse(sandbox, path, /, **data):
    """:return: why the control API does not do it."""
    answer = sandbox.call('POST', path, data)
    assert answer.status == 400, answer.body
    return answer.json()['error']


def push(sandbox, message=TEXT, appid=ACCOUNT, **options):
    """:return: the first delivery."""
    return sandbox.post('push', appid=appid, message=message, **options)['deliveries'][0]


# === The console === #

def test_console_tests_the_address(sandbox, app, account):
    assert account['mode'] == 'secure' and account['format'] == 'XML'
    assert account['original_id'].startswith('gh_')
    app.echoes = False
    assert 'token验证失败' in refuse(
        sandbox, 'push_config', appid=ACCOUNT, url=app.url, token=TOKEN, encoding_aes_key=KEY)


@pytest.mark.parametrize('changes', [
    {'token': 'ab'}, {'token': 'x' * 33}, {'token': 'a-b-c'}, {'encoding_aes_key': 'x' * 42},
    {'mode': 'safe'}, {'format': 'JSON'}, {'format': 'YAML'}, {'url': 'example.com'},
])
def test_console_refuses_wrong_settings(sandbox, app, account, changes):
    assert refuse(sandbox, 'push_config', **{
        'appid': ACCOUNT, 'url': app.url, 'token': TOKEN, 'encoding_aes_key': KEY, **changes,
    })


def test_app_without_configuration_gets_nothing(sandbox):
    assert 'push_config' in refuse(sandbox, 'push', appid=APPID, message=TEXT)


# === Modes === #

@pytest.mark.parametrize('appid, form', [(ACCOUNT, 'XML'), (APPID, 'JSON')])
@pytest.mark.parametrize('mode', ['plain', 'compatible', 'secure'])
def test_message_is_signed_and_sealed_as_the_mode_says(sandbox, app, account, appid, form, mode):
    configure(sandbox, app, appid, mode=mode)
    answer = sandbox.post('push', appid=appid, message=TEXT)
    assert answer['deliveries'][0]['problem'] is None
    query, body, _headers = app.received[-1]
    fields = app.envelope()
    assert (body[:1] == b'{') == (form == 'JSON')
    assert query['signature'] == sign(TOKEN, query['timestamp'], query['nonce'])
    assert abs(int(query['timestamp']) - time.time()) < 5
    if mode == 'plain':
        assert 'msg_signature' not in query and fields['Content'] == "你好"
    else:
        assert query['msg_signature'] == sign(
            TOKEN, query['timestamp'], query['nonce'], fields['Encrypt'])
        message, sealed_for, is_padded = unseal(fields['Encrypt'])
        assert "你好" in message and sealed_for == appid and is_padded
        assert ('Content' in fields) == (mode == 'compatible')
    assert answer['message']['MsgId'] and answer['message']['ToUserName'].startswith('gh_')


def test_lists_of_subscribe_events_are_nested_in_xml_and_bare_in_json(sandbox, app, account):
    event = {'MsgType': 'event', 'Event': 'subscribe_msg_popup_event',
             'List': [{'TemplateId': 'A', 'SubscribeStatusString': 'accept'}]}
    configure(sandbox, app, mode='plain')
    push(sandbox, event)
    root = ET.fromstring(app.received[-1][1])  # noqa: S314
    assert root.find('SubscribeMsgPopupEvent/List/TemplateId').text == 'A'
    configure(sandbox, app, APPID, mode='plain')
    push(sandbox, event, APPID)
    assert json.loads(app.received[-1][1])['List']['TemplateId'] == 'A'
    event['List'].append({'TemplateId': 'B', 'SubscribeStatusString': 'reject'})
    push(sandbox, event, APPID)
    assert len(json.loads(app.received[-1][1])['List']) == 2


# === Defects === #

def test_every_defect_is_what_it_says(sandbox, app, account):
    app.status, app.answer = 403, ''

    def delivered(defect):
        outcome = push(sandbox, defect=defect)
        assert [attempt['status'] for attempt in outcome['attempts']] == [403]
        assert outcome['problem'] == 'the answer was 403' and outcome['shown']
        query, body, _headers = app.received[-1]
        return query, body

    def is_right(query):
        return query.get('msg_signature') == sign(
            TOKEN, query['timestamp'], query['nonce'], app.envelope()['Encrypt'])

    query, _body = delivered('wrong_signature')
    assert query['signature'] == query['msg_signature'] == '0' * 40
    query, _body = delivered('wrong_msg_signature')
    assert query['signature'] == sign(TOKEN, query['timestamp'], query['nonce'])
    assert not is_right(query)
    query, _body = delivered('no_signature')
    assert not {'signature', 'msg_signature'} & set(query)
    query, _body = delivered('other_token')
    assert not is_right(query)
    for defect, sign_of in (('old_timestamp', -1), ('future_timestamp', 1)):
        query, _body = delivered(defect)
        assert sign_of * (int(query['timestamp']) - time.time()) > 500 and is_right(query)
    query, _body = delivered('other_appid')
    assert is_right(query) and unseal(app.envelope()['Encrypt'])[1] != ACCOUNT
    for defect in ('other_key', 'bad_padding'):
        query, _body = delivered(defect)
        assert is_right(query) and not unseal(app.envelope()['Encrypt'])[2]
    query, _body = delivered('bad_length')
    assert is_right(query) and not unseal(app.envelope()['Encrypt'])[1]
    _query, body = delivered('no_encrypt')
    assert b'Encrypt' not in body and "你好".encode() in body
    query, _body = delivered('other_body')
    assert not is_right(query) and unseal(app.envelope()['Encrypt'])[1] == ACCOUNT
    _query, body = delivered('entity_bomb')
    assert body.count(b'<!ENTITY') == 10
    query, _body = delivered('sealed_entity_bomb')
    assert is_right(query) and '<!ENTITY' in unseal(app.envelope()['Encrypt'])[0]
    _query, body = delivered('huge_body')
    assert len(body) == 5 * 1024 * 1024
    _query, body = delivered('garbage_body')
    assert body[:1] == b'\xff'
    _query, body = delivered('empty_body')
    assert body == b''


def test_unknown_defect_is_refused(sandbox, account):
    assert 'wrong_signature' in refuse(
        sandbox, 'push', appid=ACCOUNT, message=TEXT, defect='nonsense')


# === Retries === #

def test_message_without_answer_in_time_comes_three_times(sandbox, app, account):
    sandbox.post('settings', push_limit=0.3)
    app.delay = 1
    outcome = push(sandbox)
    assert [attempt['status'] for attempt in outcome['attempts']] == [None] * 3
    assert 'no answer' in outcome['problem'] and outcome['shown']
    bodies = {unseal(app.envelope(index)['Encrypt'])[0] for index in range(3)}
    assert len(app.received) == 3 and len(bodies) == 1


def test_retry_ends_with_the_first_answer(sandbox, app, account):
    sandbox.post('settings', push_limit=0.3)
    app.delay = [1, 0]
    outcome = push(sandbox)
    assert [attempt['status'] for attempt in outcome['attempts']] == [None, 200]
    assert outcome['problem'] is None


def test_retry_can_be_left_out_and_waits_as_it_is_told(sandbox, app, account):
    sandbox.post('settings', push_limit=0.2, push_retry_after=0.4)
    app.delay = 1
    assert len(push(sandbox, retry=False)['attempts']) == 1
    began = time.monotonic()
    push(sandbox)
    assert time.monotonic() - began > 3 * 0.2 + 2 * 0.4


def test_message_comes_twice_at_once_to_one_or_two_servers(sandbox, app, account):
    other = App()
    try:
        app.delay = other.delay = 0.5
        began = time.monotonic()
        answer = sandbox.post(
            'push', appid=ACCOUNT, message=TEXT, repeat=4, parallel=True,
            urls=[app.url, other.url])
        assert time.monotonic() - began < 1.5
        assert len(answer['deliveries']) == 4
        assert len(app.received) == len(other.received) == 2
    finally:
        other.server.shutdown()
        other.server.server_close()


# === Answers === #

def reply(sent, **changes):
    fields = {
        'ToUserName': sent['FromUserName'], 'FromUserName': sent['ToUserName'],
        'CreateTime': '1700000000', 'MsgType': 'text', 'Content': "茶", **changes,
    }
    return '<xml>' + ''.join(
        f'<{name}>{value}</{name}>' for name, value in fields.items() if value is not None
    ) + '</xml>'


def answering(app, **changes):
    """Answer with an encrypted reply."""
    nonce, wrong = changes.pop('nonce', '42'), changes.pop('signature', None)
    appid = changes.pop('appid', ACCOUNT)

    def answer(body):
        sent = ET.fromstring(unseal(ET.fromstring(body).find('Encrypt').text)[0])  # noqa: S314
        text = reply({child.tag: child.text for child in sent}, **changes)
        encrypted = seal(text, appid)
        signature = wrong or sign(TOKEN, '1700000000', nonce, encrypted)
        return (f'<xml><Encrypt>{encrypted}</Encrypt><MsgSignature>{signature}</MsgSignature>'
                f'<TimeStamp>1700000000</TimeStamp><Nonce>{nonce}</Nonce></xml>')

    app.answer = answer


def test_right_answer_is_read(sandbox, app, account):
    answering(app)
    outcome = push(sandbox)
    assert outcome['problem'] is None and outcome['shown'] is None
    assert outcome['reply']['Content'] == "茶"
    for word in ('success', ''):
        app.answer = word
        outcome = push(sandbox)
        assert outcome['reply'] is outcome['problem'] is None


@pytest.mark.parametrize('changes', [
    {'signature': '0' * 40}, {'appid': 'wx1'}, {'ToUserName': 'oOTHER'}, {'CreateTime': 'now'},
    {'MsgType': 'nonsense'}, {'Content': None}, {'Extra': 'x'}, {'Content': '茶' * 683},
    {'MsgType': 'image'}, {'MsgType': 'transfer_customer_service'},
    {'MsgType': 'news', 'Content': None, 'ArticleCount': 2, 'Articles':
     '<item><Title>a</Title><Url>u</Url></item><item><Title>b</Title><Url>u</Url></item>'},
])
def test_wrong_answer_shows_the_customer_an_error(sandbox, app, account, changes):
    answering(app, **changes)
    outcome = push(sandbox)
    assert outcome['problem'] and '故障' in outcome['shown']


@pytest.mark.parametrize('answer', ['nonsense', '{"a": 1}', '<xml/>', '<a>b</a>', 'Success'])
def test_garbage_shows_the_customer_an_error(sandbox, app, account, answer):
    app.answer = answer
    assert push(sandbox)['problem']


def test_plain_answer_in_secure_mode_is_wrong(sandbox, app, account):
    app.answer = reply({'FromUserName': 'o', 'ToUserName': 'gh'})
    assert 'encrypted' in push(sandbox)['problem']


def test_events_may_get_eight_articles_and_are_not_handed_over(sandbox, app, account):
    event = {'MsgType': 'event', 'Event': 'CLICK', 'EventKey': 'tea'}
    answering(app, MsgType='news', Content=None, ArticleCount=2, Articles=(
        '<item><Title>a</Title><Url>u</Url></item><item><Title>b</Title><Url>u</Url></item>'))
    assert push(sandbox, event)['problem'] is None
    answering(app, MsgType='transfer_customer_service', Content=None)
    assert push(sandbox, event)['problem']
    assert push(sandbox)['problem'] is None


def test_mini_programs_only_hand_over(sandbox, app):
    configure(sandbox, app, APPID, mode='plain')

    def answer(body):
        sent = json.loads(body)
        return json.dumps({
            'ToUserName': sent['FromUserName'], 'FromUserName': sent['ToUserName'],
            'CreateTime': 1700000000, **content,
        })

    app.answer = answer
    content = {'MsgType': 'text', 'Content': 'x'}
    assert 'mini-program' in push(sandbox, appid=APPID)['problem']
    content = {'MsgType': 'transfer_customer_service'}
    assert push(sandbox, appid=APPID)['problem'] is None
