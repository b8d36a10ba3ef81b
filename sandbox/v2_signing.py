# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Signatures and encryption of API v2 (wechat-pay.md B1, B3.2)."""

import base64
import hashlib
import hmac

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7


def string_to_sign(values, key):
    """:return: the text that is signed; empty values and the sign itself stay out."""
    names = sorted(
        (name for name in values if name != 'sign' and str(values[name])), key=str.encode,
    )
    pairs = [f'{name}={values[name]}' for name in names]
    return '&'.join(pairs) + f'&key={key}'


def sign(values, key, sign_type):
    """:return: the signature (upper-case hex); `sign_type` is MD5 or HMAC-SHA256."""
    text = string_to_sign(values, key).encode()
    if sign_type == 'HMAC-SHA256':
        return hmac.digest(key.encode(), text, 'sha256').hex().upper()
    if sign_type != 'MD5':
        raise ValueError(sign_type)
    return hashlib.md5(text).hexdigest().upper()


def seal(key, plaintext):
    """:return: `req_info`: Base64 of a plaintext (bytes) encrypted with a v2 key."""
    padder = PKCS7(128).padder()
    return seal_padded(key, padder.update(plaintext) + padder.finalize())


def seal_padded(key, padded):
    """:return: the same of a text that is padded already, rightly or not."""
    secret = hashlib.md5(key.encode()).hexdigest().encode()
    encryptor = Cipher(algorithms.AES(secret), modes.ECB()).encryptor()  # noqa: S305 what the service uses
    return base64.b64encode(encryptor.update(padded) + encryptor.finalize()).decode()
