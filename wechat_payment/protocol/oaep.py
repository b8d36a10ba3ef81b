# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""RSAES-OAEP with SHA-1: single fields that only the other side may read (A2.4).

One FAQ of WeChat Pay names SHA-256; all guides and official tools use SHA-1 for both hashes.
"""

import base64
import binascii

from Crypto.Cipher import PKCS1_OAEP

from .keys import load_private_key, load_public_key

MAX_PLAINTEXT_BYTES = 214  # of a 2048 bit key


class FieldDecryptionError(Exception):
    """The field cannot be decrypted: made for another key, or changed. Nothing is quoted."""


def encrypt(text, pem):
    """Encrypt a field for WeChat Pay; the name of the key goes into `Wechatpay-Serial`.

    :param str text: The plaintext, at most 214 bytes as UTF-8.
    :param str pem: The WeChat Pay public key, or a platform certificate, in PEM text.
    :return: The ciphertext in base64, another one each time.
    :rtype: str
    :raise KeyFormatError: If the key cannot be read.
    :raise ValueError: If the text is too long.
    """
    return base64.b64encode(PKCS1_OAEP.new(load_public_key(pem)).encrypt(text.encode())).decode()


def decrypt(ciphertext, private_key_pem):
    """Decrypt a field that WeChat Pay encrypted with the merchant's certificate.

    :param str ciphertext: The ciphertext in base64.
    :param str private_key_pem: The merchant's private key in PEM text.
    :return: The plaintext.
    :rtype: str
    :raise KeyFormatError: If the key cannot be read.
    :raise FieldDecryptionError: If it cannot be decrypted.
    """
    key = load_private_key(private_key_pem)
    try:
        data = base64.b64decode(ciphertext, validate=True)
        return PKCS1_OAEP.new(key).decrypt(data).decode()
    except (ValueError, TypeError, binascii.Error):
        raise FieldDecryptionError("made for another key, or changed") from None
