# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Refunds of API v2: apply and query (wechat-pay.md B2.4, B2.5)."""

from . import refunds
from .fields import one_of
from .order_fields import check_currency, check_notify_url
from .refund_fields import check_refund_number
from .v2_call import changed, lasting
from .v2_errors import V2Error, invalid_request
from .v2_fields import Field, Fields, fen, number, stamp
from .v2_orders import find

PAGE = 20
STATUS = {
    'PROCESSING': 'PROCESSING', 'SUCCESS': 'SUCCESS', 'ABNORMAL': 'CHANGE', 'CLOSED': 'REFUNDCLOSE',
}
_SOURCES = ('REFUND_SOURCE_UNSETTLED_FUNDS', 'REFUND_SOURCE_RECHARGE_FUNDS')
# Which number counts if several are given (B2.5).
_NUMBERS = ('refund_id', 'out_refund_no', 'transaction_id', 'out_trade_no')

REFUND = Fields(
    transaction_id=Field(32),
    out_trade_no=Field(32),
    out_refund_no=Field(64, required=True, check=check_refund_number),
    total_fee=Field(18, required=True, check=fen),
    refund_fee=Field(18, required=True, check=fen),
    refund_fee_type=Field(8, check=check_currency),
    refund_desc=Field(80),
    refund_account=Field(30, check=one_of(*_SOURCES)),
    notify_url=Field(256, check=check_notify_url),
)
QUERY = Fields(
    transaction_id=Field(32), out_trade_no=Field(32), out_refund_no=Field(64),
    refund_id=Field(32), offset=Field(9, check=number),
)


def apply(world, merchant, request, values):
    """POST /secapi/pay/refund (B2.4)."""
    if 'notify_url' not in values:
        request.problems.append(
            "warning: no notify_url, so only the address set in the console is told",
        )
    with world.lock:
        order = _order(world, merchant, values)
        known = world.refunds.get((merchant.mchid, values['out_refund_no']))
        if known:
            names = changed(known.parameters, lasting(values))
            if names:
                raise _mismatch(f"out_refund_no was used with another {', '.join(names)}")
            return _answer(known)
        if int(values['total_fee']) != order.total:
            raise _mismatch("total_fee is not the total of the order")
        refund = refunds.apply(
            world, merchant, order, values['out_refund_no'], int(values['refund_fee']),
            lasting(values), world.settings['refund_interval'],
        )
        refund.version = 2
        answer = _answer(refund)
        if world.settings['auto_refund']:
            answer['_finishes'] = refund
        return answer


def _order(world, merchant, values):
    """:return: the paid `Order` that is to be refunded."""
    try:
        order = find(world, merchant, values)
    except V2Error as error:
        if error.code == 'ORDERNOTEXIST' and 'transaction_id' in values:
            error.code = 'INVALID_TRANSACTIONID'
        raise
    if not order.paid:
        raise V2Error('ORDERNOTEXIST', '订单未支付', "the order to refund is not paid")
    return order


def _mismatch(why):
    return V2Error(
        'REFUND_FEE_MISMATCH', '订单金额或退款金额与之前请求不一致，请核实后再试', why,
    )


def _answer(refund):
    order = refund.order
    return {
        'transaction_id': order.transaction_id,
        'out_trade_no': order.out_trade_no,
        'out_refund_no': refund.out_refund_no,
        'refund_id': refund.refund_id,
        'refund_fee': refund.amount,
        'settlement_refund_fee': refund.amount,
        'total_fee': order.total,
        'settlement_total_fee': order.total,
        'fee_type': 'CNY',
        'cash_fee': order.total,
        'cash_refund_fee': refund.amount,
        'coupon_refund_fee': 0,
        'coupon_refund_count': 0,
    }


def query(world, merchant, request, values):
    """POST /pay/refundquery (B2.5)."""
    names = [name for name in _NUMBERS if name in values]
    if not names:
        raise invalid_request(
            '缺少订单号或退款单号', f"one of {', '.join(_NUMBERS)} is required",
        )
    if len(names) > 1:
        request.problems.append(f"warning: of several numbers {names[0]} counts")
    with world.lock:
        world.refund(merchant.mchid, values[names[0]])
        found = _find(world, merchant, names[0], values[names[0]], values.get('sub_mch_id', ''))
        if not found:
            raise V2Error(
                'REFUNDNOTEXIST', '退款不存在', "this merchant has no refund of this number",
            )
        first = int(values.get('offset', 0))
        shown = found[first:first + PAGE]
        order = found[0].order
        answer = {
            'transaction_id': order.transaction_id,
            'out_trade_no': order.out_trade_no,
            'total_fee': order.total,
            'fee_type': 'CNY',
            'cash_fee': order.total,
            'total_refund_count': len(order.refunds),
            'refund_count': len(shown),
        }
        for index, refund in enumerate(shown):
            answer |= {f'{name}_{index}': value for name, value in _row(refund).items()}
        return answer


def _find(world, merchant, name, value, sub_mchid):
    return [
        refund for refund in world.refunds.values()
        if refund.mchid == merchant.mchid and refund.order.sub_mchid == sub_mchid
        and value == getattr(refund if 'refund' in name else refund.order, name)
    ]


def _row(refund):
    row = {
        'out_refund_no': refund.out_refund_no,
        'refund_id': refund.refund_id,
        'refund_channel': refund.channel,
        'refund_fee': refund.amount,
        'settlement_refund_fee': refund.amount,
        'refund_status': STATUS[refund.state],
        'refund_account': refund.parameters.get('refund_account', _SOURCES[0]),
        'refund_recv_accout': refund.account,
    }
    if refund.state == 'SUCCESS':
        row['refund_success_time'] = stamp(refund.success_time, '%Y-%m-%d %H:%M:%S')
    return row
