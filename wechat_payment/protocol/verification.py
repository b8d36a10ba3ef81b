# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Signatures that WeChat Pay makes: answers and notifications (A1.5)."""

import base64
import binascii
import re

from Crypto.Hash import SHA256
from Crypto.Signature import pkcs1_15

from .keys import KeyFormatError, load_public_key
from .signing import SCHEME

TOLERANCE = 300  # seconds, in both directions


class VerificationError(Exception):
    """The signature is not what it must be.

    :ivar str reason: `header` (missing, doubled or malformed), `algorithm`, `clock`,
        `serial` (no key of that name) or `signature`.
    """

    def __init__(self, reason):
        super().__init__(reason)
        self.reason = reason


class Verifier:
    """Verify with a map from serial to key, which covers both trust modes without a branch.

    :param dict keys: The names that `Wechatpay-Serial` may carry (a public key id, serials of
        platform certificates), each with the PEM text of its public key or certificate.
    """

    def __init__(self, keys):
        self.keys = keys

    def verify(self, headers, body, now):
        """Verify the signature of an answer or a notification.

        :param headers: The headers as a mapping that ignores case. A doubled header must reach
            this method as a joined value (as WSGI and requests do): it matches no format below.
        :param bytes body: The raw body, as received.
        :param int|float now: The time here, seconds since 1970.
        :return: None
        :raise VerificationError: If anything is not as it must be.
        """
        timestamp = headers.get('Wechatpay-Timestamp') or ''
        nonce = headers.get('Wechatpay-Nonce') or ''
        serial = headers.get('Wechatpay-Serial') or ''
        signature = headers.get('Wechatpay-Signature') or ''
        if not re.fullmatch(r'[0-9]{1,12}', timestamp) or not serial or not signature:
            raise VerificationError('header')
        if not re.fullmatch(r'[\x21-\x2b\x2d-\x7e]{1,128}', nonce):  # no comma: never doubled
            raise VerificationError('header')
        # Sources differ on whether this header must be there; if it is, it must say this.
        if (headers.get('Wechatpay-Signature-Type') or SCHEME) != SCHEME:
            raise VerificationError('algorithm')
        if abs(now - int(timestamp)) > TOLERANCE:
            raise VerificationError('clock')
        # By its exact name only: an unknown serial never falls back to another key.
        if serial not in self.keys:
            raise VerificationError('serial')
        message = f'{timestamp}\n{nonce}\n'.encode() + body + b'\n'
        try:
            key = load_public_key(self.keys[serial])
            pkcs1_15.new(key).verify(
                SHA256.new(message), base64.b64decode(signature, validate=True),
            )
        except KeyFormatError:
            raise VerificationError('serial') from None
        except (ValueError, binascii.Error):
            raise VerificationError('signature') from None
