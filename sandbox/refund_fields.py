# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What the body of a refund may hold (wechat-pay.md A6)."""

import re

from .fields import Array, Integer, Object, Text, one_of
from .order_fields import check_currency, check_goods_id, check_notify_url, check_number

_REFUND_NUMBER = re.compile(r'[0-9A-Za-z_\-|*@]+', re.ASCII)
_BANKS = 'CMB COMM ABC CCB ICBC BOC PAB SPDB CITIC CEB CMBC CIB GDB PSBC NBCB'
BANK_TYPES = [f'{bank}_DEBIT' for bank in _BANKS.split()]


def check_refund_number(value):
    """Raise ValueError unless an out_refund_no uses the allowed characters only."""
    if not _REFUND_NUMBER.fullmatch(value):
        raise ValueError("only digits, letters and _ - | * @ are allowed")


REFUND = Object(
    sub_mchid=Text(32),
    transaction_id=Text(32),
    out_trade_no=Text(32, shortest=6, check=check_number),
    out_refund_no=Text(64, required=True, check=check_refund_number),
    reason=Text(80),
    notify_url=Text(256, check=check_notify_url),
    funds_account=Text(32, check=one_of('AVAILABLE', 'UNSETTLED')),
    amount=Object(
        required=True,
        refund=Integer(1, required=True),
        total=Integer(1, required=True),
        currency=Text(16, required=True, check=check_currency),
        **{'from': Array(Object(
            account=Text(32, required=True, check=one_of('AVAILABLE', 'UNAVAILABLE')),
            amount=Integer(1, required=True),
        ), 2)},
    ),
    goods_detail=Array(Object(
        merchant_goods_id=Text(32, required=True, check=check_goods_id),
        wechatpay_goods_id=Text(32),
        goods_name=Text(256),
        unit_price=Integer(0, required=True),
        refund_amount=Integer(0, required=True),
        refund_quantity=Integer(1, required=True),
    ), 6000),
)

ABNORMAL_REFUND = Object(
    sub_mchid=Text(32),
    out_refund_no=Text(64, required=True, check=check_refund_number),
    type=Text(32, required=True, check=one_of('USER_BANK_CARD', 'MERCHANT_BANK_CARD')),
    bank_type=Text(16, check=one_of(*BANK_TYPES)),
    bank_account=Text(1024),
    real_name=Text(1024),
)
