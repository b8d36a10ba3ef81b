# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Refunds of API v2, from and to the shape that they have in v3 (B2.4, B2.5, A6.1).

Whoever makes and follows refunds knows v3's shape only.
"""

import re
import unicodedata
from datetime import datetime

REFUND_PATH = '/secapi/pay/refund'
QUERY_PATH = '/pay/refundquery'
# So many refunds come in one answer at most (B2.5).
PAGE = 20
# Whether the limit of 80 counts characters or bytes is not documented: bytes are always safe.
REASON_BYTES = 80

# v2's names of a refund's states, and v3's (A6.1). Another one is handed on as it is.
STATES = {
    'SUCCESS': 'SUCCESS',
    'PROCESSING': 'PROCESSING',
    'REFUNDCLOSE': 'CLOSED',
    'CHANGE': 'ABNORMAL',
}


class V2RefundError(ValueError):
    """The answer is not one about refunds, though signed. Nothing of it is quoted."""


def build_refund(body):
    """Return what the refund call says, from the body of v3 (B2.4).

    :param dict body: The body of v3's call, for a direct merchant or a service provider.
    :return: The parameters without apps, merchants and signature.
    :rtype: dict
    """
    amount = body['amount']
    params = {
        'out_trade_no': body['out_trade_no'],
        'out_refund_no': body['out_refund_no'],
        'total_fee': amount['total'],
        'refund_fee': amount['refund'],
        'refund_fee_type': amount['currency'],
        'notify_url': body['notify_url'],
    }
    if reason := build_reason(body.get('reason')):
        params['refund_desc'] = reason
    return params


def build_reason(text):
    """Return a reason that survives XML and fits.

    :param str text: What the customer should read.
    :rtype: str
    """
    text = ''.join(
        ' ' if unicodedata.category(char)[0] in 'CZ' else char for char in text or ''
    )
    text = ' '.join(text.split())
    return text.encode()[:REASON_BYTES].decode(errors='ignore').rstrip()


def read_accepted_refund(message):
    """Return the refund of an answer that took it (B2.4). That is not yet the refund.

    :param dict message: The verified answer.
    :return: The refund as v3 tells it, `PROCESSING`.
    :rtype: dict
    :raise V2RefundError: If an amount or a number is missing or none.
    """
    return _build(message, {
        'refund_id': message.get('refund_id'),
        'out_refund_no': message.get('out_refund_no'),
        'refund_fee': message.get('refund_fee'),
        'refund_fee_type': message.get('refund_fee_type'),
        'refund_status': 'PROCESSING',
    })


def read_refunds(message):
    """Return the refunds of an answer to a query, which are in columns `$n` (B2.5).

    :param dict message: The verified answer.
    :return: The refunds as v3 tells them, in the order of the answer.
    :rtype: list[dict]
    :raise V2RefundError: If an amount or a number is missing or none.
    """
    count = _read_number(message.get('refund_count'))
    if count > PAGE:
        raise V2RefundError("more refunds than an answer holds")
    names = (
        'refund_id', 'out_refund_no', 'refund_fee', 'refund_fee_type', 'refund_status',
        'refund_channel', 'refund_success_time',
        'refund_recv_accout',  # WeChat Pay spells it so.
    )
    return [
        _build(message, {name: message.get(f'{name}_{index}') for name in names})
        for index in range(count)
    ]


def _build(message, row):
    """Return a refund as v3 tells it.

    :param dict message: The verified answer: what all refunds in it have in common.
    :param dict row: What is of this refund only, by v2's names without a number.
    :rtype: dict
    """
    if not (row['refund_id'] and row['out_refund_no'] and row['refund_status']):
        raise V2RefundError("a number or the state is missing")
    refund = {
        'refund_id': row['refund_id'],
        'out_refund_no': row['out_refund_no'],
        'transaction_id': message.get('transaction_id'),
        'out_trade_no': message.get('out_trade_no'),
        'status': STATES.get(row['refund_status'], row['refund_status']),
        'channel': row.get('refund_channel'),
        'user_received_account': row.get('refund_recv_accout'),
        'success_time': _read_time(row.get('refund_success_time')),
        'amount': {
            'total': _read_number(message.get('total_fee')),
            'refund': _read_number(row['refund_fee']),
            'currency': row['refund_fee_type'] or message.get('fee_type') or 'CNY',
        },
    }
    # A service provider and its sub-merchant, or a merchant: named as v3's notifications do.
    if message.get('sub_mch_id'):
        refund |= {'sp_mchid': message.get('mch_id'), 'sub_mchid': message['sub_mch_id']}
    elif message.get('mch_id'):
        refund['mchid'] = message['mch_id']
    return {name: value for name, value in refund.items() if value is not None}


def _read_number(text):
    if not isinstance(text, str) or not re.fullmatch(r'0|[1-9][0-9]{0,17}', text, re.ASCII):
        raise V2RefundError("a number is missing or none")
    return int(text)


def _read_time(text):
    """Return a time of Beijing in RFC 3339, as v3 writes it; `None` if there is none."""
    try:
        return f'{datetime.strptime(text, "%Y-%m-%d %H:%M:%S").isoformat()}+08:00'
    except (TypeError, ValueError):
        return None
