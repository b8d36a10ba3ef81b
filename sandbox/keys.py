# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Keys and certificates, made at start: nothing in a sandbox is worth stealing."""

import ipaddress
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
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


def _name(common_name):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _draft(subject, issuer, key, number, begin, end):
    return (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(_name(issuer))
        .public_key(key.public_key())
        .serial_number(number)
        .not_valid_before(begin.replace(tzinfo=None))
        .not_valid_after(end.replace(tzinfo=None))
    )


def _pem(certificate):
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


class Authority:
    """Who signs the certificates of a sandbox: merchants', the platform's, the TLS address's."""

    NAME = "Sandbox CA"

    def __init__(self):
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._id = x509.SubjectKeyIdentifier.from_public_key(self._key.public_key())
        now = datetime.now(timezone.utc)
        draft = _draft(
            self.NAME, self.NAME, self._key, x509.random_serial_number(),
            now - timedelta(days=2), now + timedelta(seconds=20 * YEAR),
        )
        self.certificate = _pem(
            draft
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(x509.KeyUsage(
                digital_signature=True, key_cert_sign=True, crl_sign=True,
                content_commitment=False, key_encipherment=False, data_encipherment=False,
                key_agreement=False, encipher_only=False, decipher_only=False,
            ), critical=True)
            .add_extension(self._id, critical=False)
            .sign(self._key, hashes.SHA256()),
        )

    def _sign(self, draft):
        identifier = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(self._id)
        return _pem(
            draft
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(identifier, critical=False)
            .sign(self._key, hashes.SHA256()),
        )

    def certified(self, common_name, effective, seconds=5 * YEAR):
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
        return Signer(
            serial=f'{number:040X}',
            private_key=key,
            certificate=self._sign(_draft(common_name, self.NAME, key, number, begin, end)),
            effective=begin.timestamp(),
            expire=end.timestamp(),
        )

    def server_pem(self, host):
        """:return: PEM text of a key and a certificate for a server on this machine."""
        key = ec.generate_private_key(ec.SECP256R1())
        now = datetime.now(timezone.utc)
        names = [x509.DNSName('localhost')]
        for address in {'127.0.0.1', '::1', host}:
            try:
                names.append(x509.IPAddress(ipaddress.ip_address(address)))
            except ValueError:
                names.append(x509.DNSName(address))
        draft = _draft(
            "Sandbox", self.NAME, key, x509.random_serial_number(), now - timedelta(days=1),
            now + timedelta(seconds=5 * YEAR),
        ).add_extension(x509.SubjectAlternativeName(names), critical=False)
        return private_pem(key) + self._sign(draft)


def serial_of(der):
    """:return: the serial of a certificate in DER, 40 upper-case hex digits."""
    return f'{x509.load_der_x509_certificate(der).serial_number:040X}'
