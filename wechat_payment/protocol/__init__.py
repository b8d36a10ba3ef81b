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
    payment_codes,
    refunds,
    signing,
    v2_client_values,
    v2_comments,
    v2_errors,
    v2_orders,
    v2_refund_info,
    v2_refunds,
    v2_signing,
    v2_xml,
    verification,
)
