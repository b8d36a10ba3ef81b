# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Pushed messages and replies: what is read alike, what is refused, what survives anything."""

import base64
import json
import random

import pytest

from tests.protocol.loader import load

load('wechat')

from wechat_protocol import messages, push, replies  # noqa: E402
from wechat_protocol.push_crypto import CryptoError, PushCrypto  # noqa: E402

APPID = 'wx0000000000000001'
CRYPTO = PushCrypto('dummytoken', 'abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG', APPID)
NOW = 1700000000
XML = (
    '<xml><ToUserName><![CDATA[gh_1]]></ToUserName><FromUserName><![CDATA[o1]]></FromUserName>'
    '<CreateTime>1700000000</CreateTime><MsgType><![CDATA[text]]></MsgType>'
    '<Content><![CDATA[你好 <b> & ]]></Content><MsgId>9007199254740993</MsgId></xml>'
).encode()


def sealed(text, crypto=CRYPTO, timestamp=NOW, **changes):
    """:return: (parameters, body) of a push in secure mode."""
    encrypted = crypto.encrypt(text)
    query = {
        'timestamp': str(timestamp), 'nonce': 'n',
        'msg_signature': crypto.signature(str(timestamp), 'n', encrypted), **changes,
    }
    return query, f'<xml><Encrypt>{encrypted}</Encrypt></xml>'.encode()


# === Messages === #

def test_xml_and_json_give_the_same():
    data = {
        'ToUserName': 'gh_1', 'FromUserName': 'o1', 'CreateTime': NOW, 'MsgType': 'text',
        'Content': '你好 <b> & ', 'MsgId': 9007199254740993,
    }
    as_json = messages.parse(json.dumps(data).encode())
    assert as_json == messages.parse(XML)
    assert as_json.key == messages.parse(XML).key
    assert as_json['MsgId'] == '9007199254740993'
    assert (as_json.msg_type, as_json.event, as_json.openid, as_json.account, as_json.created) == (
        'text', '', 'o1', 'gh_1', NOW)
    assert not as_json.is_body_signed


def test_names_of_events_are_lower_case_and_only_those_of_events():
    event = {'MsgType': 'Event', 'Event': 'TEMPLATESENDJOBFINISH'}
    assert messages.Message(event).event == 'templatesendjobfinish'
    assert messages.Message({'MsgType': 'text', 'Event': 'subscribe'}).event == ''


def test_event_is_told_from_every_other_one_by_any_field():
    event = {'FromUserName': 'o1', 'CreateTime': '1', 'MsgType': 'event', 'Event': 'x',
             'transaction_id': '1', 'List': [{'MsgID': '1'}]}
    others = [{**event, name: '2'} for name in event if name != 'List']
    others.append({**event, 'List': [{'MsgID': '2'}]})
    keys = {messages.Message(item).key for item in [event, *others]}
    assert len(keys) == len(others) + 1
    assert messages.Message(dict(reversed(event.items()))).key == messages.Message(event).key
    assert all(len(key) == 64 for key in keys)


def test_scalars_of_json_are_text():
    assert messages.parse(b'{"a":1.50,"b":true,"c":null,"d":[1,{"e":false}]}') == {
        'a': '1.50', 'b': 'true', 'c': '', 'd': ['1', {'e': 'false'}]}


@pytest.mark.parametrize('body', [
    b'', b' ', b'{', b'[]', b'"x"', b'null', b'{"a":NaN}', b'{"a":1,"a":2}', b'{"a":"\\u0000"}',
    b'{"a":"\\ud800"}', b'{"a":' * 20 + b'1' + b'}' * 20, b'[' * 10 ** 6, b'{"a":' * 10 ** 5,
    b'\xff\xfe<\x00', b'<xml>', b'<xml/>', b'<xml>text</xml>', b'<xml><a>1</a>text</xml>',
    b'<a><b>1</b></a>', b'<xml><a>&b;</a></xml>', b'<!DOCTYPE xml><xml><a>1</a></xml>',
    b'<!DOCTYPE xml [<!ENTITY b "c">]><xml><a>&b;</a></xml>',
    b'<!DOCTYPE xml SYSTEM "file:///etc/passwd"><xml><a>1</a></xml>',
    b'<xml><a>1</a></xml><xml/>', b'<a>' * 10 ** 5, b'<xml><a>\x00</a></xml>',
    b'<xml>' + b'<a>' * 20 + b'1' + b'</a>' * 20 + b'</xml>',
    '<?xml version="1.0" encoding="utf-16"?><xml><a>1</a></xml>'.encode('utf-16'),
])
def test_what_is_no_message_is_refused(body):
    with pytest.raises(messages.MessageError):
        messages.parse(body)


def test_message_that_another_encoding_is_claimed_for_is_read_as_utf8():
    body = '<?xml version="1.0" encoding="ISO-8859-1"?><xml><a>茶</a></xml>'.encode()
    assert messages.parse(body) == {'a': '茶'}


# === Pushes === #

def test_push_of_every_mode_is_received():
    query, body = sealed(XML)
    plain = {**query, 'signature': CRYPTO.signature(str(NOW), 'n')}
    for mode in ('secure', 'compatible'):
        assert push.receive(CRYPTO, mode, plain, body, NOW).message.is_body_signed
    received = push.receive(CRYPTO, 'plain', plain, XML, NOW)
    assert received.message == messages.parse(XML) and not received.message.is_body_signed


@pytest.mark.parametrize(('reason', 'mode', 'changes', 'options'), [
    ('signature', 'secure', {'msg_signature': '0' * 40}, {}),
    ('signature', 'secure', {'msg_signature': ''}, {}),
    ('signature', 'secure', {'nonce': 'm'}, {}),
    ('signature', 'compatible', {}, {}),
    ('signature', 'plain', {}, {}),
    ('timestamp', 'secure', {}, {'timestamp': NOW - 301}),
    ('timestamp', 'secure', {}, {'timestamp': NOW + 301}),
    ('timestamp', 'secure', {}, {'timestamp': ''}),
    ('appid_mismatch', 'secure', {}, {
        'crypto': PushCrypto('dummytoken', CRYPTO.encoding_aes_key, 'wx2')}),
    ('undecryptable', 'secure', {}, {
        'crypto': PushCrypto('dummytoken', CRYPTO.encoding_aes_key[::-1], APPID)}),
])
def test_push_is_refused_for_its_reason(reason, mode, changes, options):
    query, body = sealed(XML, **options, **changes)
    with pytest.raises(push.PushRefused) as refused:
        push.receive(CRYPTO, mode, query, body, NOW)
    assert refused.value.reason == reason


def test_app_without_token_believes_nothing():
    for token in ('', None, False):
        crypto = PushCrypto(token, CRYPTO.encoding_aes_key, APPID)
        assert not crypto.is_signed(PushCrypto('', '', '').signature('1', '2'), '1', '2')


@pytest.mark.parametrize('damage', range(32))
def test_padding_is_strict(damage):
    plain = b'r' * 16 + (5).to_bytes(4) + b'hello' + APPID.encode()
    pad = 32 - len(plain) % 32
    filling = bytearray([pad] * pad)
    filling[damage % pad] ^= 1 + damage
    encrypted = base64.b64encode(CRYPTO._cipher().encrypt(plain + bytes(filling))).decode()
    with pytest.raises(CryptoError):
        CRYPTO.decrypt(encrypted)


def test_whatever_comes_is_received_or_refused():
    dice = random.Random(7)
    query, body = sealed(XML)
    query['signature'] = CRYPTO.signature(str(NOW), 'n')
    seen = set()
    for _round in range(3000):
        damaged = bytearray(dice.choice((body, XML, b'{"Encrypt":"AAAA","MsgType":"text"}')))
        for _change in range(dice.randint(0, 4)):
            position = dice.randrange(len(damaged))
            damaged[position:position + dice.randint(0, 3)] = dice.randbytes(dice.randint(0, 3))
        try:
            push.receive(CRYPTO, dice.choice(('plain', 'compatible', 'secure')), query,
                         bytes(damaged), NOW)
            seen.add('received')
        except push.PushRefused as refused:
            seen.add(refused.reason)
    assert {'received', 'signature', 'body', 'plain_body'} <= seen
    assert seen <= {'received', *push.REASONS}


# === Replies === #

def test_answer_cannot_be_broken_out_of():
    received = push.Push(CRYPTO, messages.parse(XML), 'n', False, False)
    for text in (']]>', '<a/>', '&amp;', ']]]]>><![CDATA[', '茶😀', 'a\x00\x0bb'):
        _type, body = received.answer(replies.text(text), NOW)
        expected = text.replace('\x00', '').replace('\x0b', '')
        assert messages.parse(body.encode())['Content'] == expected
        assert messages.parse(body.encode())['ToUserName'] == 'o1'


def test_no_reply_is_success():
    received = push.Push(CRYPTO, messages.parse(XML), 'n', False, True)
    assert received.answer(None) == ('text/plain', 'success')


def test_customer_service_messages_have_the_names_of_the_api():
    article = {'title': 'T', 'description': 'D', 'url': 'U', 'picurl': 'P'}
    for reply, expected in (
        (replies.text('x'), {'content': 'x'}),
        (replies.image('M'), {'media_id': 'M'}),
        (replies.voice('M'), {'media_id': 'M'}),
        (replies.video('M', 'T'), {'media_id': 'M', 'title': 'T'}),
        (replies.music('M', url='u', hq_url='h'),
         {'thumb_media_id': 'M', 'musicurl': 'u', 'hqmusicurl': 'h'}),
        (replies.news([article, article]), {'articles': [article]}),
        (replies.link('T', 'D', 'U', 'P'),
         {'title': 'T', 'description': 'D', 'url': 'U', 'thumb_url': 'P'}),
        (replies.miniprogram_page('T', 'pages/a', 'M', APPID),
         {'title': 'T', 'pagepath': 'pages/a', 'thumb_media_id': 'M', 'appid': APPID}),
    ):
        kind = reply['MsgType']
        assert replies.to_customer_service(reply, 'o1') == {
            'touser': 'o1', 'msgtype': kind, kind: expected}
    with pytest.raises(replies.ReplyError):
        replies.to_customer_service(replies.transfer_customer_service(), 'o1')


def test_replies_that_cannot_be_in_an_answer_are_refused_there():
    for write in (replies.to_xml, replies.to_json):
        with pytest.raises(replies.ReplyError):
            write(replies.link('T', 'D', 'U'), 'o1', 'gh_1', NOW)
    for articles in ([], [{'title': 'T'}] * 9):
        with pytest.raises(replies.ReplyError):
            replies.news(articles)
