# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Bills of API v2: the answer is the file itself, or XML that says why not (wechat-pay.md B2.8)."""

import re

from . import bill_files, bills
from .fields import one_of
from .messages import Answer
from .v2_errors import V2Error
from .v2_fields import Field, Fields

ACCOUNTS = {'Basic': 'BASIC', 'Operation': 'OPERATION', 'Fees': 'FEES'}
_ERRORS = {
    'today': V2Error('20001', '账单日期须早于今天', "bill_date must be before today"),
    'old': V2Error(
        '20001', '仅支持三个月内的账单下载申请', "bill_date is more than three months ago",
    ),
    'creating': V2Error('20003', 'Bill Creating', "the bill is not ready yet"),
    'nothing': V2Error('20002', 'No Bill Exist', "nothing happened on that day"),
}


def _day(value):
    if not re.fullmatch(r'[0-9]{8}', value, re.ASCII):
        raise ValueError("must be a day like 20260102")


_COMMON = {
    'bill_date': Field(8, required=True, check=_day),
    'tar_type': Field(8, check=one_of('GZIP')),
}
TRADE_BILL = Fields(
    **_COMMON, bill_type=Field(16, check=one_of('ALL', 'SUCCESS', 'REFUND', 'RECHARGE_REFUND')),
)
FUND_FLOW = Fields(**_COMMON, account_type=Field(16, required=True, check=one_of(*ACCOUNTS)))


def trade_bill(world, merchant, request, values):
    """POST /pay/downloadbill."""
    return _bill(world, merchant, values, 'trade', values.get('bill_type', 'ALL'))


def fund_flow(world, merchant, request, values):
    """POST /pay/downloadfundflow."""
    return _bill(world, merchant, values, 'fundflow', ACCOUNTS[values['account_type']])


def _bill(world, merchant, values, kind, bill_type):
    day = values['bill_date']
    try:
        if bill_type == 'RECHARGE_REFUND':
            raise bills.NoBill('nothing')
        file = bills.make(
            world, merchant.mchid, kind, f'{day[:4]}-{day[4:6]}-{day[6:]}', bill_type,
            values.get('sub_mch_id', ''), 'tar_type' in values, world.address,
        )
    except bills.NoBill as error:
        raise _ERRORS[error.reason] from None
    except ValueError:
        raise V2Error('20001', 'data format error', "bill_date: is no day") from None
    kind = 'application/x-gzip' if 'tar_type' in values else 'text/plain; charset=utf-8'
    return Answer(200, b'', [('Content-Type', kind)], file=bill_files.download(file))
