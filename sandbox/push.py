# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""WeChat's sender of messages and events (wechat-platform.md 7)."""

import hashlib
import http.client
import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from urllib.parse import quote, urlencode, urlsplit

from . import customer_service, push_answers, push_crypto, push_format
from .notifications import deliver
from .world import Refusal

ATTEMPTS = 3
LIMIT = 5
HUGE = 5 * 1024 * 1024
MODES = ('plain', 'compatible', 'secure')
SERVICE_ERROR = '该公众号提供的服务出现故障，请稍后再试'
_BOMB = (
    b'<?xml version="1.0"?><!DOCTYPE xml [<!ENTITY a0 "aaaaaaaaaa">'
    + b''.join(
        b'<!ENTITY a%d "%b">' % (number + 1, b'&a%d;' % number * 10) for number in range(9)
    )
    + b']><xml><ToUserName>&a9;</ToUserName><Encrypt>&a9;</Encrypt></xml>'
)
# What may be wrong with a push, and what it does.
DEFECTS = {
    'wrong_signature': "both signatures are wrong",
    'wrong_msg_signature': "msg_signature is wrong, signature is right",
    'no_signature': "there are no signatures",
    'other_token': "signed with another Token",
    'old_timestamp': "signed ten minutes ago",
    'future_timestamp': "signed ten minutes ahead",
    'other_appid': "encrypted for another appid",
    'other_key': "encrypted with another EncodingAESKey",
    'bad_padding': "encrypted with a wrong padding",
    'bad_length': "the length within the encryption is too large",
    'no_encrypt': "Encrypt is missing; the fields are there in plain text",
    'other_body': "another encrypted message than the one that was signed",
    'entity_bomb': "the body declares entities that grow without end",
    'sealed_entity_bomb': "the message within the encryption does",
    'huge_body': "5 MB",
    'garbage_body': "neither XML nor JSON",
    'empty_body': "nothing at all",
}


@dataclass
class PushConfig:
    """What was entered in the console of an app."""

    appid: str
    url: str
    token: str
    encoding_aes_key: str = ''
    mode: str = 'secure'
    form: str = 'XML'
    original_id: str = ''

    @property
    def sealed_for(self):
        """:return: the appid that is put into the encryption."""
        return self.appid


def original_id(appid):
    """:return: the original id (`gh_…`) of an account."""
    return f'gh_{hashlib.sha256(appid.encode()).hexdigest()[:12]}'


def check_address(world, config):
    """Make the test of the console: GET with an echo.

    :raise Refusal: the address did not give it back
    """
    timestamp, nonce = world.clock.timestamp(), str(secrets.randbelow(10 ** 10))
    echo = str(secrets.randbelow(10 ** 19))
    query = {
        'signature': push_crypto.sign(config.token, timestamp, nonce), 'echostr': echo,
        'timestamp': timestamp, 'nonce': nonce,
    }
    status, body = _get(with_query(config.url, query))
    if (status, body) != (200, echo):
        raise Refusal(f"token验证失败: the address answered {status} {body[:100]!r}, not the echo")


def _get(url):
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == 'https' else http.client.HTTPConnection
    connection = kind(parts.hostname, parts.port, timeout=LIMIT)
    try:
        connection.request('GET', f'{parts.path or "/"}?{parts.query}')
        answer = connection.getresponse()
        return answer.status, answer.read(65536).decode('utf-8', 'replace')
    except (OSError, http.client.HTTPException) as error:
        return None, f"no answer: {error}"
    finally:
        connection.close()


def with_query(url, query):
    """:return: an address with parameters."""
    return f"{url}{'&' if '?' in url else '?'}{urlencode(query, quote_via=quote)}"


def complete(world, config, appid, openid, fields):
    """:return: a message with what all messages have, unless it is there (dict)."""
    message = {
        'ToUserName': config.original_id if config.appid == appid else original_id(appid),
        'FromUserName': openid,
        'CreateTime': int(world.clock.now()),
        **fields,
    }
    if message.get('MsgType', 'event') != 'event' and 'MsgId' not in message:
        message['MsgId'] = 24_000_000_000_000_000 + world.number('message')
    return {name: value for name, value in message.items() if value is not None}


def make(world, config, message, defect=None):
    """Make one delivery.

    :return: (parameters of the address, body)
    """
    timestamp = int(world.clock.now()) + {'old_timestamp': -600, 'future_timestamp': 600}.get(
        defect, 0)
    timestamp, nonce = str(timestamp), str(secrets.randbelow(10 ** 10))
    token = 'another0token' if defect == 'other_token' else config.token
    query = {
        'signature': push_crypto.sign(token, timestamp, nonce), 'timestamp': timestamp,
        'nonce': nonce, 'openid': message.get('FromUserName', ''),
    }
    text = _BOMB if defect == 'sealed_entity_bomb' else push_format.write(message, config.form)
    body = text
    if config.mode != 'plain':
        key, appid = config.encoding_aes_key, config.sealed_for
        if defect == 'other_key':
            key = key[:-1].swapcase()[::-1] + key[-1]
        if defect == 'other_appid':
            appid = 'wxffffffffffffffff'
        damage = {'bad_padding': 'padding', 'bad_length': 'length'}.get(defect)
        sealed = push_crypto.seal(key, appid, text, _random(), damage)
        query |= {
            'encrypt_type': 'aes',
            'msg_signature': push_crypto.sign(token, timestamp, nonce, sealed),
        }
        if defect == 'other_body':
            sealed = push_crypto.seal(key, appid, text, _random())
        if config.mode == 'compatible' or defect == 'no_encrypt':
            fields = dict(message)
        elif 'InfoType' in message:
            fields = {'AppId': message['AppId']}
        else:
            fields = {'ToUserName': message.get('ToUserName', config.original_id)}
        if defect != 'no_encrypt':
            fields['Encrypt'] = sealed
        body = push_format.write(fields, config.form)
    return _damaged_query(query, defect), _damaged_body(body, defect)


def _random():
    return secrets.token_hex(8).encode()


def _damaged_query(query, defect):
    if defect == 'no_signature':
        return {name: value for name, value in query.items() if 'signature' not in name}
    wrong = {'wrong_signature': query, 'wrong_msg_signature': ('msg_signature',)}.get(defect, ())
    return {
        name: '0' * 40 if name in wrong and 'signature' in name else value
        for name, value in query.items()
    }


def _damaged_body(body, defect):
    if defect == 'entity_bomb':
        return _BOMB
    if defect == 'huge_body':
        return body + b' ' * (HUGE - len(body))
    return {'garbage_body': b'\xff\xfe not a message', 'empty_body': b''}.get(defect, body)


def push(
    world, config, appid, message, *, urls=None, defect=None, repeat=1, parallel=False, retry=True,
):
    """Push a message, once or several times, to one address or to several servers.

    :param PushConfig config: whose Token and key
    :param str appid: the app that it is for
    :param dict message: the complete message
    :param list urls: other addresses than the console's, taken in turn
    :param bool retry: whether to come again when there is no answer in time
    :return: list of dict `attempts` ({status, body, seconds}), `reply`, `problem`, `shown`
    """
    app_type = world.apps[appid].app_type
    customer_service.open_window(world, appid, message)
    urls = urls or [config.url]
    jobs = [urls[number % len(urls)] for number in range(repeat)]

    def one(url):
        attempts = []
        while len(attempts) < (ATTEMPTS if retry else 1):
            if attempts:
                time.sleep(world.settings['push_retry_after'])
            query, body = make(world, config, message, defect)
            media_type = 'application/json' if config.form == 'JSON' else 'text/xml'
            pairs = [
                ('Content-Type', media_type), ('User-Agent', 'Mozilla/4.0'), ('Accept', '*/*'),
            ]
            attempts.append(deliver(
                with_query(url, query), pairs, body, world.settings['push_limit'],
            ))
            if attempts[-1]['status'] is not None:
                break
        last = attempts[-1]
        reply, problem = push_answers.judge(
            config, app_type, message, config.form, last['status'], last['body'],
        )
        return {
            'attempts': attempts, 'reply': reply, 'problem': problem,
            'shown': SERVICE_ERROR if problem else None,
        }

    if not parallel:
        return [one(url) for url in jobs]
    with ThreadPoolExecutor(len(jobs)) as pool:
        return list(pool.map(one, jobs))
