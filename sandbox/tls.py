# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The TLS address: where calls that want the merchant's certificate can prove that it was sent."""

import os
import ssl
import tempfile

from .keys import serial_of

# Certificates are valid by the sandbox's clock, which tests move: `v2_call` looks at that.
_NO_CHECK_TIME = 0x200000


def server_context(authority, host):
    """Make the server's side of TLS.

    A client's certificate is asked for, not demanded; one that this sandbox has not issued ends
    the connection.

    :param Authority authority: who certifies the server and its clients
    :param str host: the address it listens on
    :return: `ssl.SSLContext`
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.verify_mode = ssl.CERT_OPTIONAL
    context.verify_flags |= _NO_CHECK_TIME
    context.load_verify_locations(cadata=authority.certificate)
    # The module reads keys from files only; this one is gone before anybody connects.
    descriptor, path = tempfile.mkstemp(prefix='sandbox-tls-')
    try:
        with os.fdopen(descriptor, 'w') as file:
            file.write(authority.server_pem(host))
        context.load_cert_chain(path)
    finally:
        os.unlink(path)
    return context


def client_serial(connection):
    """:return: the serial of the certificate that the client proved, '' without one or TLS."""
    der = connection.getpeercert(True) if isinstance(connection, ssl.SSLSocket) else None
    return serial_of(der) if der else ''
