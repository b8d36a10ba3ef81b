# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""AEAD_AES_256_GCM: what notifications and platform certificates come in (A3)."""

import base64
import binascii

from Crypto.Cipher import AES

ALGORITHM = 'AEAD_AES_256_GCM'
TAG_LENGTH = 16  # bytes at the end of the decoded ciphertext


class DecryptionError(Exception):
    """The text cannot be decrypted: another key, or it was changed. Nothing of it is quoted."""


def decrypt(resource, api_v3_key):
    """Decrypt the `resource` of a notification or an `encrypt_certificate`.

    :param dict resource: {algorithm, nonce, ciphertext (base64), associated_data (optional)}.
    :param str api_v3_key: The merchant's APIv3 key, 32 ASCII characters.
    :return: The plaintext.
    :rtype: bytes
    :raise DecryptionError: If the resource is malformed, names another algorithm, or its tag
        does not match.
    """
    try:
        if resource['algorithm'] != ALGORITHM:
            raise DecryptionError("another algorithm")
        data = base64.b64decode(resource['ciphertext'], validate=True)
        if len(data) < TAG_LENGTH:
            raise DecryptionError("too short")
        cipher = AES.new(api_v3_key.encode(), AES.MODE_GCM, nonce=resource['nonce'].encode())
        cipher.update((resource.get('associated_data') or '').encode())
        return cipher.decrypt_and_verify(data[:-TAG_LENGTH], data[-TAG_LENGTH:])
    except (KeyError, TypeError, AttributeError, ValueError, binascii.Error):
        raise DecryptionError("malformed, changed, or made with another key") from None
