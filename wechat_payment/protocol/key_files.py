# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Files as WeChat Pay's consoles and tools hand them out, recognised by what is in them."""

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)

from .keys import KeyFormatError, load_private_key, load_public_key, read_certificate

MAX_BYTES = 64 * 1024

_MARKS = {
    '-----BEGIN CERTIFICATE-----': 'certificate',
    '-----BEGIN PRIVATE KEY-----': 'private_key',
    '-----BEGIN RSA PRIVATE KEY-----': 'private_key',
    '-----BEGIN PUBLIC KEY-----': 'public_key',
    '-----BEGIN RSA PUBLIC KEY-----': 'public_key',
}


def recognise(data):
    """Tell what a file is.

    :param bytes data: The content of the file.
    :return: `certificate`, `private_key`, `public_key`, `pkcs12`, or `None`: nothing of use.
    :rtype: str|None
    """
    if not data or len(data) > MAX_BYTES:
        return None
    if data[:1] == b'\x30':
        return 'pkcs12'  # DER; who reads it will see.
    text = _decode(data)
    return next((kind for mark, kind in _MARKS.items() if mark in text), None)


def read_pem(data):
    """Return the first key or certificate of a PEM file, without what stands around it.

    Tools write attributes before the first line, and the certificates of the authority after it.

    :param bytes data: The content of the file.
    :return: The kind as :func:`recognise` tells it, and the PEM text.
    :rtype: tuple[str, str]
    :raise KeyFormatError: If the content is not what its first line says.
    """
    text = _decode(data)
    found = [(text.find(mark), mark) for mark in _MARKS if mark in text]
    if not found:
        raise KeyFormatError("no key and no certificate")
    start, mark = min(found)
    end_mark = mark.replace('BEGIN', 'END')
    end = text.find(end_mark, start)
    if end < 0:
        raise KeyFormatError("the end of the key or certificate is missing")
    pem = text[start:end + len(end_mark)] + '\n'
    kind = _MARKS[mark]
    if kind == 'private_key':
        load_private_key(pem)
    else:
        load_public_key(pem)
    return kind, pem


def read_pkcs12(data, password):
    """Return the key and the certificate of a `.p12` file (apiclient_cert.p12).

    :param bytes data: The content of the file.
    :param str password: For files of WeChat Pay: the merchant number.
    :return: The private key and the certificate in PEM text.
    :rtype: tuple[str, str]
    :raise KeyFormatError: If the password is another one, or the file holds something else.
    """
    try:
        key, certificate, _others = pkcs12.load_key_and_certificates(data, password.encode())
        if key is None or certificate is None:
            raise KeyFormatError("no private key with its certificate")
        private_key_pem = key.private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, NoEncryption(),
        ).decode()
        certificate_pem = certificate.public_bytes(Encoding.PEM).decode()
    except KeyFormatError:
        raise
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise KeyFormatError("another password, or not a PKCS#12 file") from None
    load_private_key(private_key_pem)
    read_certificate(certificate_pem)
    return private_key_pem, certificate_pem


def _decode(data):
    return data.decode('utf-8-sig', errors='replace').replace('\r\n', '\n').replace('\r', '\n')
