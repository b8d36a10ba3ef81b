# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from . import (
    addresses,
    errcodes,
    errcodes_miniprogram,
    message_values,
    messages,
    push,
    push_crypto,
    replies,
    signatures,
    user_info,
)
