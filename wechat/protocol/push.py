# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A push of WeChat, from the bytes of the request to the bytes of the answer (section 7)."""

import json
import re
import time

from . import messages, replies
from .push_crypto import CryptoError

WINDOW = 300  # seconds, both ways
SUCCESS = 'success'
_TIMESTAMP = re.compile(r'[0-9]{1,12}', re.ASCII)


class PushRefused(ValueError):
    """The push is not believed. `reason` is one of :data:`REASONS`."""

    def __init__(self, reason):
        super().__init__(reason)
        self.reason = reason


REASONS = (
    'signature',  # not made with our Token
    'timestamp',  # made too long ago, or in the future
    'plain_body',  # not encrypted, where it must be
    'encrypted_body',  # encrypted, where the app is set to plain text
    'undecryptable',  # made with another EncodingAESKey
    'appid_mismatch',  # meant for another app
    'body',  # not a message
)


def check_echo(crypto, query, now=None):
    """Return what the console's test of an address is answered with.

    :param PushCrypto crypto: The app's secrets.
    :param dict query: The parameters of the address.
    :param float now: Seconds since the epoch.
    :return: The parameter `echostr`, as it came.
    :rtype: str
    :raise PushRefused: If it does not come from WeChat.
    """
    if not crypto.is_signed(
        query.get('signature', ''), query.get('timestamp', ''), query.get('nonce', ''),
    ):
        raise PushRefused('signature')
    _check_timestamp(query, now)
    return query.get('echostr', '')


def receive(crypto, mode, query, body, now=None):
    """Return a push that WeChat vouches for.

    :param PushCrypto crypto: The app's secrets, or those of its third-party platform.
    :param str mode: `plain`, `compatible` or `secure`.
    :param dict query: The parameters of the address.
    :param bytes body: The body.
    :param float now: Seconds since the epoch.
    :rtype: Push
    :raise PushRefused: If it is not believed.
    """
    timestamp, nonce = query.get('timestamp', ''), query.get('nonce', '')
    # The plain signature proves nothing about the body: in secure mode it is not even looked at.
    if mode != 'secure' and not crypto.is_signed(query.get('signature', ''), timestamp, nonce):
        raise PushRefused('signature')
    envelope = None
    if mode != 'plain':
        envelope = _parse(body)
        encrypted = envelope.text('Encrypt')
        if not encrypted:
            raise PushRefused('plain_body')
        if not crypto.is_signed(query.get('msg_signature', ''), timestamp, nonce, encrypted):
            raise PushRefused('signature')
    _check_timestamp(query, now)
    if envelope is None:
        message = _parse(body)
        if message.text('Encrypt') and not message.msg_type:
            raise PushRefused('encrypted_body')
    else:
        try:
            message = _parse(crypto.decrypt(encrypted))
        except CryptoError as error:
            raise PushRefused(error.reason) from None
        message.is_body_signed = True
    return Push(crypto, message, nonce, messages.is_json(body), envelope is not None)


class Push:
    """A push that is believed, and how it wants to be answered."""

    def __init__(self, crypto, message, nonce, is_json, is_encrypted):
        self.message = message
        self.is_json = is_json
        self.is_encrypted = is_encrypted
        self._crypto = crypto
        self._nonce = nonce

    def answer(self, reply, now=None):
        """Return the answer: XML to XML, JSON to JSON, encrypted to encrypted.

        :param dict reply: A reply of :mod:`replies`; `None` for the word `success`.
        :param float now: Seconds since the epoch.
        :return: The content type and the body.
        :rtype: tuple[str, str]
        """
        if not reply:
            return 'text/plain', SUCCESS
        created = int(time.time() if now is None else now)
        write = replies.to_json if self.is_json else replies.to_xml
        body = write(reply, self.message.openid, self.message.account, created)
        if self.is_encrypted:
            body = self._sealed(body, created)
        return 'application/json' if self.is_json else 'application/xml', body

    def _sealed(self, body, created):
        """Return an answer encrypted and signed."""
        encrypted = self._crypto.encrypt(body.encode())
        signature = self._crypto.signature(str(created), self._nonce, encrypted)
        if self.is_json:
            return json.dumps({
                'Encrypt': encrypted,
                'MsgSignature': signature,
                'TimeStamp': created,
                'Nonce': self._nonce,
            })
        return replies.element('xml', {
            'Encrypt': encrypted,
            'MsgSignature': signature,
            'TimeStamp': created,
            'Nonce': self._nonce,
        })


def _parse(body):
    try:
        return messages.parse(body)
    except messages.MessageError:
        raise PushRefused('body') from None


def _check_timestamp(query, now):
    timestamp = query.get('timestamp', '')
    now = time.time() if now is None else now
    if not _TIMESTAMP.fullmatch(timestamp) or abs(now - int(timestamp)) > WINDOW:
        raise PushRefused('timestamp')
