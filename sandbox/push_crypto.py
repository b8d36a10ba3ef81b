# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Signatures and encryption of pushed messages (wechat-platform.md 7.1 and 7.2)."""

import base64
import binascii
import hashlib
import struct

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes


def sign(*parts):
    """:return: the signature over texts, hexadecimal."""
    joined = b''.join(sorted(part.encode() for part in parts))
    return hashlib.sha1(joined).hexdigest()


def _cipher(encoding_aes_key):
    key = base64.b64decode(encoding_aes_key + '=')
    return Cipher(algorithms.AES(key), modes.CBC(key[:16]))


def seal(encoding_aes_key, appid, message, random, damage=None):
    """Encrypt a message.

    :param bytes message: the message
    :param bytes random: 16 bytes
    :param str damage: `padding` or `length`: what to do wrong
    :return: base64 text
    """
    length = len(message) + (10 ** 6 if damage == 'length' else 0)
    plain = random + struct.pack('>I', length) + message + appid.encode()
    pad = 32 - len(plain) % 32
    filling = b'\0' * pad if damage == 'padding' else bytes([pad]) * pad
    encryptor = _cipher(encoding_aes_key).encryptor()
    return base64.b64encode(
        encryptor.update(plain + filling) + encryptor.finalize(),
    ).decode()


def open_sealed(encoding_aes_key, appid, sealed):
    """Decrypt an answer as strictly as WeChat.

    :return: the message (bytes)
    :raise ValueError: what is wrong with it
    """
    try:
        data = base64.b64decode(sealed.encode('ascii'), validate=True)
    except (UnicodeEncodeError, binascii.Error):
        raise ValueError("Encrypt is not base64") from None
    if not data or len(data) % 32:
        raise ValueError("Encrypt is not a multiple of 32 bytes")
    decryptor = _cipher(encoding_aes_key).decryptor()
    plain = decryptor.update(data) + decryptor.finalize()
    pad = plain[-1]
    if not 1 <= pad <= 32 or plain[-pad:] != bytes([pad]) * pad:
        raise ValueError("the padding is not that of blocks of 32 bytes, or the key is wrong")
    plain = plain[:-pad]
    length, = struct.unpack('>I', plain[16:20]) if len(plain) >= 20 else (-1,)
    message, rest = plain[20:20 + max(0, length)], plain[20 + max(0, length):]
    if len(message) != length:
        raise ValueError("the length within Encrypt is wrong")
    if rest != appid.encode():
        raise ValueError("the appid within Encrypt is wrong")
    return message
