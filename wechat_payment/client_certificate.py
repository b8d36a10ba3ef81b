# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The merchant certificate as a proof of who connects: mutual TLS, for calls of API v2 (B2)."""

import contextlib
import functools
import os
import secrets
import ssl
import tempfile

from Crypto.PublicKey import RSA
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from odoo.addons.wechat_payment.protocol import keys


class ClientCertificate:
    """A certificate with its key, as `transport.send` takes it.

    :ivar ssl.SSLContext context: What holds both. Who is trusted is set where it is used.
    """

    def __init__(self, context):
        self.context = context


@functools.lru_cache(maxsize=16)
def load(private_key_pem, certificate_pem):
    """Return a client certificate; the same object for the same texts.

    Python's TLS reads keys from files only. The file is readable by this process's user alone, is
    gone before anything connects, and holds the key encrypted with a password that was never
    written anywhere: should the process die in between, what stays behind is of use to nobody.

    :param str private_key_pem: PEM text of the merchant's private key.
    :param str certificate_pem: PEM text of the merchant certificate.
    :rtype: ClientCertificate
    :raise KeyFormatError: If one of the two cannot be read, or if they do not belong together.
    """
    password = secrets.token_hex(32)
    if not keys.is_pair(private_key_pem, certificate_pem):
        raise keys.KeyFormatError("the key of another certificate")
    certificate = x509.load_pem_x509_certificate(certificate_pem.encode())
    private_key = RSA.import_key(private_key_pem).export_key(
        passphrase=password, pkcs=8, protection='PBKDF2WithHMAC-SHA512AndAES256-CBC',
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # Checks host names and certificates.
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    descriptor, path = tempfile.mkstemp(prefix='odoo-wechat-')
    try:
        with os.fdopen(descriptor, 'wb') as file:
            file.write(certificate.public_bytes(Encoding.PEM) + private_key + b'\n')
        context.load_cert_chain(path, password=password)
    except ssl.SSLError:
        raise keys.KeyFormatError("not a certificate that TLS takes") from None
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
    return ClientCertificate(context)
