# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""WeChat Pay's protocol: bytes to bytes, knowing neither Odoo nor the database."""

from . import (
    aead,
    amounts,
    errors,
    key_files,
    keys,
    oaep,
    order_numbers,
    refunds,
    signing,
    verification,
)
