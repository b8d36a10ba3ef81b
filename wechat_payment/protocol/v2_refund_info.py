# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""`req_info`: what a v2 notification of a refund says, encrypted and not signed (B3.2).

That it can be decrypted proves little (ECB): it is a reason to query the refund, nothing more.
"""

import base64
import binascii
import hashlib

from Crypto.Cipher import AES
from Crypto.Util.Padding import unpad

from . import v2_xml

ROOT = 'root'


class RefundInfoError(ValueError):
    """It cannot be decrypted: another key, or it was changed. Nothing of it is quoted."""


def decrypt(req_info, api_key):
    """Return what a notification says of a refund. Not to be believed: query the refund.

    :param str req_info: The encrypted part, in base64.
    :param str api_key: The APIv2 key.
    :return: transaction_id, out_trade_no, refund_id, out_refund_no, refund_status and amounts
        in fen, all texts.
    :rtype: dict
    :raise RefundInfoError: If it is malformed or made with another key.
    """
    # The key is the text of the digest, in lower case.
    key = hashlib.md5(api_key.encode()).hexdigest().encode()  # noqa: S324 - WeChat Pay's choice
    try:
        data = base64.b64decode(req_info, validate=True)
        plaintext = unpad(AES.new(key, AES.MODE_ECB).decrypt(data), AES.block_size)
        return v2_xml.parse(plaintext, root=ROOT)
    except (TypeError, ValueError, binascii.Error):
        raise RefundInfoError("malformed, changed, or made with another key") from None
