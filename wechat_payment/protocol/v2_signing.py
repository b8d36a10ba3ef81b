# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Signatures of API v2: requests, answers, notifications and client values alike (B1)."""

import hashlib
import hmac

MD5 = 'MD5'
HMAC_SHA256 = 'HMAC-SHA256'
SIGN_TYPES = (MD5, HMAC_SHA256)


class V2SignatureError(Exception):
    """The signature is not what it must be.

    :ivar str reason: `missing`, `type` (the message names another than the configured one) or
        `signature`.
    """

    def __init__(self, reason):
        super().__init__(reason)
        self.reason = reason


def build_string_to_sign(params, api_key):
    """Return the text that is signed, which ends in the key: never log it.

    Empty values and `sign` itself are left out; whatever else is there takes part, known or not.

    :param dict params: Names and values, texts or integers; None and '' count as not there.
    :param str api_key: The APIv2 key.
    :rtype: str
    :raise TypeError: If a value is neither text nor a whole number.
    """
    lines = []
    # Code points sort as their UTF-8 bytes do.
    for name in sorted(params):
        value = params[name]
        if name == 'sign' or value is None or value == '':
            continue
        if type(value) not in (str, int):
            raise TypeError(f"{name} is neither text nor a whole number")
        lines.append(f'{name}={value}')
    return '&'.join([*lines, f'key={api_key}'])


def sign(params, api_key, sign_type):
    """Return the signature of a message.

    :param dict params: Names and values, as for :func:`build_string_to_sign`.
    :param str api_key: The APIv2 key.
    :param str sign_type: One of `SIGN_TYPES`.
    :return: Upper-case hexadecimal digits: 32 of MD5, 64 of HMAC-SHA256.
    :rtype: str
    :raise ValueError: If the type is another.
    """
    message = build_string_to_sign(params, api_key).encode()
    if sign_type == MD5:
        return hashlib.md5(message).hexdigest().upper()  # noqa: S324 - WeChat Pay's choice
    if sign_type == HMAC_SHA256:
        return hmac.new(api_key.encode(), message, hashlib.sha256).hexdigest().upper()
    raise ValueError("unknown type of signature")


def verify(params, api_key, sign_type):
    """Verify a message that WeChat Pay signed, as :func:`v2_xml.parse` returned it.

    The type is the one of our own configuration: what the message says of it can only make it be
    refused (D9).

    :param dict params: The fields of the message with their `sign`, all texts.
    :param str api_key: The APIv2 key.
    :param str sign_type: The configured type, one of `SIGN_TYPES`.
    :return: None
    :raise V2SignatureError: If it is not signed with this key in this way.
    :raise ValueError: If the configured type is unknown, or there is no key.
    """
    if not api_key:
        raise ValueError("there is no key to verify with")
    expected = sign(params, api_key, sign_type)
    given = params.get('sign')
    if not given:
        raise V2SignatureError('missing')
    if params.get('sign_type') not in (None, '', sign_type):
        raise V2SignatureError('type')
    if not hmac.compare_digest(expected.encode(), given.encode()):
        raise V2SignatureError('signature')
