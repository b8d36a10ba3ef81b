# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Signatures and encryption of WeChat Pay API v3 (wechat-pay.md A1.3 to A1.5, A3, A4.4)."""

import base64
import binascii
import re
import secrets

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

SCHEME = 'WECHATPAY2-SHA256-RSA2048'
AEAD = 'AEAD_AES_256_GCM'
TOLERANCE = 300
_PAIR = re.compile(r'([a-z_]+)="([^"]*)"')
_AUTHORIZATION_KEYS = {'mchid', 'nonce_str', 'signature', 'timestamp', 'serial_no'}


class MalformedAuthorization(ValueError):
    """The Authorization header is not what A1.4 describes; the text says why."""


def _lines(*parts):
    return b''.join(
        (part if isinstance(part, bytes) else part.encode()) + b'\n' for part in parts
    )


def request_message(method, target, timestamp, nonce, body):
    """:return: the bytes a merchant signs for a request (A1.3)."""
    return _lines(method, target, timestamp, nonce, body)


def answer_message(timestamp, nonce, body):
    """:return: the bytes WeChat Pay signs for an answer or a notification (A1.5)."""
    return _lines(timestamp, nonce, body)


def app_pay_message(appid, timestamp, nonce, prepay_id):
    """:return: the bytes signed for the OpenSDK of an app (A4.4)."""
    return _lines(appid, timestamp, nonce, prepay_id)


def pay_message(appid, timestamp, nonce, package):
    """:return: the bytes signed for wx.requestPayment (A4.4)."""
    return _lines(appid, timestamp, nonce, package)


def sign(private_key, message):
    """:return: Base64 text of the RSASSA-PKCS1-v1_5 signature with SHA-256."""
    signature = private_key.sign(message, padding.PKCS1v15(), hashes.SHA256())
    return base64.b64encode(signature).decode()


def verify(public_key, message, signature):
    """:return: whether the Base64 signature belongs to the message (bool, never raises)."""
    try:
        raw = base64.b64decode(signature.encode(), validate=True)
        public_key.verify(raw, message, padding.PKCS1v15(), hashes.SHA256())
    except (InvalidSignature, binascii.Error, ValueError):
        return False
    return True


def parse_authorization(value):
    """Take an Authorization header apart.

    :param str value: scheme, one space, five ``key="value"`` pairs in any order
    :return: dict of the five
    :raise MalformedAuthorization: anything else
    """
    scheme, space, rest = value.partition(' ')
    if scheme != SCHEME:
        raise MalformedAuthorization(f"the scheme is {scheme!r}, not {SCHEME}")
    if not space or rest != rest.strip():
        raise MalformedAuthorization("exactly one blank must follow the scheme")
    pairs = {}
    for part in rest.split(','):
        match = _PAIR.fullmatch(part)
        if not match:
            raise MalformedAuthorization('each pair must read key="value", without blanks')
        if match[1] in pairs:
            raise MalformedAuthorization(f"{match[1]} is given twice")
        pairs[match[1]] = match[2]
    if set(pairs) != _AUTHORIZATION_KEYS:
        missing = ', '.join(sorted(_AUTHORIZATION_KEYS - set(pairs))) or 'nothing'
        extra = ', '.join(sorted(set(pairs) - _AUTHORIZATION_KEYS)) or 'nothing'
        raise MalformedAuthorization(f"missing: {missing}; not known: {extra}")
    for key, content in pairs.items():
        if not content:
            raise MalformedAuthorization(f"{key} is empty")
    if not re.fullmatch(r'\d{10}', pairs['timestamp'], re.ASCII):
        raise MalformedAuthorization("timestamp must be ten digits: seconds, not milliseconds")
    return pairs


def encrypt(key, plaintext, associated_data):
    """Encrypt as WeChat Pay does (A3).

    :param str key: the merchant's API v3 key, 32 ASCII characters
    :param bytes plaintext:
    :param str associated_data:
    :return: dict `algorithm`, `ciphertext`, `associated_data`, `nonce`
    """
    nonce = secrets.token_hex(6)
    sealed = AESGCM(key.encode()).encrypt(nonce.encode(), plaintext, associated_data.encode())
    return {
        'algorithm': AEAD,
        'ciphertext': base64.b64encode(sealed).decode(),
        'associated_data': associated_data,
        'nonce': nonce,
    }


def _oaep():
    sha1 = hashes.SHA1()  # noqa: S303 what the service uses (A2.4)
    return padding.OAEP(padding.MGF1(sha1), sha1, None)


def seal(public_key, text):
    """:return: Base64 of a text encrypted for a key, as sensitive fields are (A2.4)."""
    return base64.b64encode(public_key.encrypt(text.encode(), _oaep())).decode()


def open_sealed(private_key, sealed):
    """Decrypt a sensitive field.

    :return: text
    :raise ValueError: not Base64, or not encrypted for this key
    """
    raw = base64.b64decode(sealed.encode(), validate=True)
    return private_key.decrypt(raw, _oaep()).decode()


def signature_headers(signer, timestamp, body, nonce=None):
    """:return: the five Wechatpay-* headers for a body (list of pairs)."""
    nonce = nonce or secrets.token_hex(16)
    return [
        ('Wechatpay-Timestamp', timestamp),
        ('Wechatpay-Nonce', nonce),
        ('Wechatpay-Signature', sign(signer.private_key, answer_message(timestamp, nonce, body))),
        ('Wechatpay-Serial', signer.serial),
        ('Wechatpay-Signature-Type', SCHEME),
    ]
