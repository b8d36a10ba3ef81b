# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Numbers and texts of an order within WeChat Pay's limits (C)."""

import re
import secrets
import unicodedata

OUT_TRADE_NO_LENGTH = 32
DESCRIPTION_BYTES = 127
RANDOM_LENGTH = 10
# Letters of one case only: whether WeChat Pay tells cases apart is not documented.
RANDOM_ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz'


def build_out_trade_no(prefix):
    """Return a new merchant order number that starts with a readable prefix.

    The random part keeps numbers apart between copies of a database that share a merchant.

    :param str prefix: What the number should remind of, e.g. the order's name.
    :return: 6 to 32 characters out of [0-9A-Za-z_-].
    :rtype: str
    """
    readable = unicodedata.normalize('NFKD', prefix or '').encode('ascii', 'ignore').decode()
    readable = re.sub(r'[^0-9A-Za-z_]+', '-', readable).strip('-')
    readable = readable[:OUT_TRADE_NO_LENGTH - RANDOM_LENGTH - 1].rstrip('-')
    random_part = ''.join(secrets.choice(RANDOM_ALPHABET) for _ in range(RANDOM_LENGTH))
    return f'{readable}-{random_part}' if readable else random_part


def build_description(text):
    """Return a description that WeChat Pay takes: no control characters, at most 127 bytes.

    Sources differ on whether the limit counts characters or bytes: bytes are always safe.

    :param str text: The text that the customer should see in the bill.
    :rtype: str
    """
    text = ''.join(
        ' ' if unicodedata.category(char)[0] in 'CZ' else char for char in text or ''
    )
    text = ' '.join(text.split())
    return text.encode()[:DESCRIPTION_BYTES].decode(errors='ignore').rstrip()
