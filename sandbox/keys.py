# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Keys and certificates, made at start: nothing in a sandbox is worth stealing."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

YEAR = 365 * 86400


@dataclass
class Signer:
    """A private key and the name under which the other side knows its public half."""

    serial: str
    private_key: object
    certificate: str = ''
    effective: float = 0.0
    expire: float = 0.0

    @property
    def public_key(self):
        """:return: the public half, as an object of the cryptography package."""
        return self.private_key.public_key()


def new_key():
    """:return: a fresh RSA 2048 private key."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def private_pem(key):
    """:return: PKCS#8 PEM text, as in apiclient_key.pem."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


def public_pem(key):
    """:return: SubjectPublicKeyInfo PEM text, as in pub_key.pem."""
    return key.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo,
    ).decode()


def certified(common_name, effective, seconds=5 * YEAR):
    """Make a key with a certificate.

    :param str common_name: the mchid, or the name of the platform
    :param float effective: seconds since the epoch
    :param float seconds: validity
    :return: `Signer` whose serial is the certificate's, 40 upper-case hex digits
    """
    key = new_key()
    begin = datetime.fromtimestamp(int(effective), timezone.utc)
    end = begin + timedelta(seconds=int(seconds))
    # The highest digit is never 0 and never makes the number negative: always 40 digits.
    number = (secrets.randbits(156) | (secrets.choice(range(1, 8)) << 156))
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Sandbox CA")]))
        .public_key(key.public_key())
        .serial_number(number)
        .not_valid_before(begin.replace(tzinfo=None))
        .not_valid_after(end.replace(tzinfo=None))
        .sign(key, hashes.SHA256())
    )
    return Signer(
        serial=f'{number:040X}',
        private_key=key,
        certificate=certificate.public_bytes(serialization.Encoding.PEM).decode(),
        effective=begin.timestamp(),
        expire=end.timestamp(),
    )
