# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Signatures and encryption of what WeChat pushes (wechat-platform.md, sections 7.1 and 7.2).

The same for an account (its Token, EncodingAESKey and AppID) and for a third-party platform (those
of the component).
"""

import base64
import binascii
import hashlib
import hmac
import re
import secrets

from Crypto.Cipher import AES

BLOCK = 32  # of the padding; AES has 16.
RANDOM = 16
LENGTH = 4
TOKEN = re.compile(r'[0-9A-Za-z]{3,32}', re.ASCII)
ENCODING_AES_KEY = re.compile(r'[0-9A-Za-z]{43}', re.ASCII)


class CryptoError(ValueError):
    """The text cannot be decrypted; `reason` is `undecryptable` or `appid_mismatch`."""

    def __init__(self, reason):
        super().__init__(reason)
        self.reason = reason


class PushCrypto:
    """The secrets that an app shares with WeChat for its pushes."""

    def __init__(self, token, encoding_aes_key, appid):
        """
        :param str token: The Token.
        :param encoding_aes_key: The EncodingAESKey, 43 characters; not needed in plain mode.
        :param str appid: The AppID that WeChat puts into what it encrypts.
        """
        self.token = token
        self.encoding_aes_key = encoding_aes_key
        self.appid = appid

    def signature(self, *parts):
        """Return the signature of a push.

        :param str parts: timestamp and nonce, and the encrypted text for `msg_signature`.
        :return: 40 hexadecimal digits.
        :rtype: str
        """
        texts = sorted(_bytes(part) for part in (self.token, *parts))
        return hashlib.sha1(b''.join(texts)).hexdigest()  # noqa: S324 - WeChat's choice

    def is_signed(self, signature, *parts):
        """Tell in constant time whether a signature is the one of these parts.

        :param str signature: What came with the push.
        :rtype: bool
        """
        return bool(self.token) and hmac.compare_digest(
            self.signature(*parts).encode(), _bytes(signature),
        )

    def decrypt(self, encrypted):
        """Return what WeChat encrypted.

        :param str encrypted: The field `Encrypt`.
        :rtype: bytes
        :raise CryptoError: If it was made with another key, cut, or meant for another app.
        """
        try:
            data = base64.b64decode(_bytes(encrypted), validate=True)
        except binascii.Error:
            raise CryptoError('undecryptable') from None
        if not data or len(data) % BLOCK:
            raise CryptoError('undecryptable')
        plain = self._cipher().decrypt(data)
        pad = plain[-1]
        if not 1 <= pad <= BLOCK or plain[-pad:] != bytes([pad]) * pad:
            raise CryptoError('undecryptable')
        plain = plain[:-pad]
        size = int.from_bytes(plain[RANDOM:RANDOM + LENGTH])
        message, appid = plain[RANDOM + LENGTH:][:size], plain[RANDOM + LENGTH + size:]
        if len(plain) < RANDOM + LENGTH or len(message) != size:
            raise CryptoError('undecryptable')
        if not hmac.compare_digest(appid, _bytes(self.appid)):
            raise CryptoError('appid_mismatch')
        return message

    def encrypt(self, message, random=None):
        """Return a reply as WeChat decrypts it.

        :param bytes message: The reply.
        :param bytes random: 16 bytes; by default fresh ones.
        :return: The field `Encrypt`.
        :rtype: str
        """
        plain = (
            (random or secrets.token_bytes(RANDOM)) + len(message).to_bytes(LENGTH) + message
            + _bytes(self.appid)
        )
        pad = BLOCK - len(plain) % BLOCK
        return base64.b64encode(self._cipher().encrypt(plain + bytes([pad]) * pad)).decode()

    def _cipher(self):
        if not ENCODING_AES_KEY.fullmatch(self.encoding_aes_key or ''):
            raise CryptoError('undecryptable')
        key = base64.b64decode(self.encoding_aes_key + '=')
        return AES.new(key, AES.MODE_CBC, iv=key[:16])


def _bytes(text):
    return str(text).encode('utf-8', 'surrogatepass')
