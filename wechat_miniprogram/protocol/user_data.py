# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What the session_key encrypts and signs (wechat-platform.md, sections 1.4, 2.1 and 2.2).

Data that cannot be read means as a rule that the key kept here is not the one that the phone's data
were encrypted with: the client logs in again and asks the phone for fresh data.
"""

import base64
import binascii
import hashlib
import hmac
import json

from Crypto.Cipher import AES

BLOCK = 16
MAX_ENCRYPTED = 48 * 1024  # characters of Base64; WeChat's own data are below 2 KB


class UserDataError(ValueError):
    """The data cannot be read or are not signed with this key; `reason` says in a word why."""

    def __init__(self, reason):
        super().__init__(reason)
        self.reason = reason


class WatermarkMismatch(UserDataError):
    """The data could be read, and are those of another app."""


def decrypt(session_key, encrypted_data, iv, appid):
    """Decrypt what wx.getUserInfo or getPhoneNumber gave the client (section 2.1).

    :param str session_key: Base64 of 16 bytes.
    :param str encrypted_data: Base64, a multiple of 16 bytes.
    :param str iv: Base64 of 16 bytes.
    :param str appid: The AppID whose data they must be.
    :return: WeChat's fields under WeChat's names; unknown ones are kept.
    :rtype: dict
    :raise WatermarkMismatch: If they are another app's.
    :raise UserDataError: If they cannot be read.
    """
    key = _decode(session_key, 'session_key')
    vector = _decode(iv, 'iv')
    data = _decode(encrypted_data, 'encrypted_data')
    if len(key) != BLOCK or len(vector) != BLOCK or not data or len(data) % BLOCK:
        raise UserDataError('size')
    plain = _unpad(AES.new(key, AES.MODE_CBC, iv=vector).decrypt(data))
    try:
        fields = json.loads(plain.decode(), parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise UserDataError('json') from None
    if not isinstance(fields, dict):
        raise UserDataError('json')
    check_watermark(fields, appid)
    return fields


def check_watermark(fields, appid):
    """Refuse data that WeChat made for another app.

    :param dict fields: What was decrypted, or what WeChat answered.
    :param str appid: The AppID whose data they must be.
    :raise WatermarkMismatch: If they are another app's.
    """
    watermark = fields.get('watermark')
    found = watermark.get('appid') if isinstance(watermark, dict) else None
    if not isinstance(found, str) or not hmac.compare_digest(
        found.encode('utf-8', 'surrogatepass'), appid.encode(),
    ):
        raise WatermarkMismatch('watermark')


def watermark_time(fields):
    """Return when WeChat made the data, in seconds since the epoch; 0 if it does not say.

    :param dict fields: What was decrypted.
    :rtype: int
    """
    watermark = fields.get('watermark')
    value = watermark.get('timestamp') if isinstance(watermark, dict) else None
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def read_raw_data(session_key, raw_data, signature):
    """Read rawData of wx.getUserInfo after checking who signed it (section 2.2).

    :param str session_key: The key as its Base64 text.
    :param str raw_data: The text exactly as the client got it.
    :param str signature: 40 hexadecimal digits.
    :rtype: dict
    :raise UserDataError: If it was not signed with this key, or is not an object.
    """
    expected = sign_raw_data(session_key, raw_data)
    if not hmac.compare_digest(expected.encode(), signature.encode('utf-8', 'surrogatepass')):
        raise UserDataError('signature')
    try:
        fields = json.loads(raw_data, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise UserDataError('json') from None
    if not isinstance(fields, dict):
        raise UserDataError('json')
    return fields


def sign_raw_data(session_key, raw_data):
    """Return the signature of rawData: sha1 over the text and the key's text.

    :rtype: str
    """
    try:
        return hashlib.sha1((raw_data + session_key).encode()).hexdigest()  # noqa: S324 - WeChat's
    except UnicodeEncodeError:  # half surrogates, which WeChat never signs
        raise UserDataError('encoding') from None


def sign_session_key(session_key):
    """Return the signature of checksession and resetusersessionkey (section 1.4).

    :param str session_key: The key as its Base64 text, which is not decoded here.
    :return: 64 hexadecimal digits.
    :rtype: str
    """
    return hmac.new(session_key.encode(), b'', 'sha256').hexdigest()


def _decode(text, name):
    if not isinstance(text, str) or not text or len(text) > MAX_ENCRYPTED:
        raise UserDataError(name)
    try:
        return base64.b64decode(text.encode('ascii'), validate=True)
    except (UnicodeEncodeError, binascii.Error):
        raise UserDataError(name) from None


def _unpad(plain):
    """Remove the PKCS#7 padding, all of whose bytes must be right."""
    count = plain[-1]
    if not 1 <= count <= BLOCK or plain[-count:] != bytes([count]) * count:
        raise UserDataError('padding')
    return plain[:-count]


def _refuse_constant(name):
    raise ValueError(name)
