# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Keys and certificates as administrators paste them, parsed once per process and content."""

from functools import lru_cache

from Crypto.PublicKey import RSA
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


class KeyFormatError(ValueError):
    """The text is not the key or certificate that is wanted. The text is never quoted."""


@lru_cache(maxsize=64)
def load_private_key(pem):
    """Return the RSA private key of a merchant API certificate (file apiclient_key.pem).

    Reading a PEM key costs some 27 ms, a signature 2 ms: the parsed key stays in memory.

    :param str pem: PEM text, PKCS#8 or PKCS#1.
    :rtype: Crypto.PublicKey.RSA.RsaKey
    :raise KeyFormatError: If the text is no RSA private key of at least 2048 bits.
    """
    key = _import_key(pem)
    if not key.has_private():
        raise KeyFormatError("a public key or a certificate where a private key is wanted")
    return key


@lru_cache(maxsize=64)
def load_public_key(pem):
    """Return an RSA public key, from a public key or an X.509 certificate in PEM text.

    :param str pem: PEM text of a public key (file pub_key.pem) or of a certificate.
    :rtype: Crypto.PublicKey.RSA.RsaKey
    :raise KeyFormatError: If the text holds no RSA public key, or a private one.
    """
    if 'CERTIFICATE' in pem:
        pem = _load_certificate(pem).public_key().public_bytes(
            Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
        )
    key = _import_key(pem)
    if key.has_private():
        raise KeyFormatError("a private key where a public key is wanted")
    return key


def read_certificate(pem):
    """Return what a certificate says of itself.

    :param str pem: PEM text of an X.509 certificate.
    :return: {'serial_no': upper-case hex, 'effective_time', 'expire_time': naive UTC datetimes,
             'subject': common name or ''}
    :rtype: dict
    :raise KeyFormatError: If the text is no X.509 certificate.
    """
    certificate = _load_certificate(pem)
    names = certificate.subject.get_attributes_for_oid(x509.oid.NameOID.COMMON_NAME)
    return {
        'serial_no': f'{certificate.serial_number:X}',
        'effective_time': certificate.not_valid_before_utc.replace(tzinfo=None),
        'expire_time': certificate.not_valid_after_utc.replace(tzinfo=None),
        'subject': names[0].value if names else '',
    }


def is_pair(private_key_pem, certificate_pem):
    """Tell whether a certificate (or public key) belongs to a private key.

    :param str private_key_pem: PEM text of the private key.
    :param str certificate_pem: PEM text of the certificate or public key.
    :rtype: bool
    :raise KeyFormatError: If one of the two cannot be read.
    """
    return load_private_key(private_key_pem).public_key() == load_public_key(certificate_pem)


def _import_key(pem):
    try:
        key = RSA.import_key(pem)
    except (ValueError, IndexError, TypeError):
        # The library's own message may quote what it was given.
        raise KeyFormatError("not an RSA key in PEM text") from None
    if key.size_in_bits() < 2048:
        raise KeyFormatError("an RSA key of fewer than 2048 bits")
    return key


def _load_certificate(pem):
    try:
        return x509.load_pem_x509_certificate(pem.encode())
    except ValueError:
        raise KeyFormatError("not an X.509 certificate in PEM text") from None
