# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The lines of a trade bill, from the book of orders and refunds (wechat-pay.md A8)."""

import heapq
from datetime import datetime
from operator import itemgetter

from .bill_money import fee, fee_rate, fee_returned, fee_yuan, moment, plain, refund_settled, yuan
from .clock import BEIJING
from .world import DAY

_FRONT = [
    '交易时间', '公众账号ID', '商户号', '特约商户号', '设备号', '微信订单号', '商户订单号',
    '用户标识', '交易类型', '交易状态', '付款银行', '货币种类', '应结订单金额', '代金券金额',
]
_TIMES = ['退款申请时间', '退款成功时间']
_REFUND = [
    '微信退款单号', '商户退款单号', '退款金额', '充值券退款金额', '退款类型', '退款状态',
]
_END = [
    '商品名称', '商户数据包', '手续费', '费率', '订单金额',
]
COLUMNS = {
    'ALL': [*_FRONT, *_REFUND, *_END, '申请退款金额', '费率备注'],
    'SUCCESS': [*_FRONT, *_END, '费率备注'],
    'REFUND': [*_FRONT, *_TIMES, *_REFUND, *_END, '申请退款金额', '费率备注'],
}
# What the summary adds up, in its order; the first is the number of lines.
SUMMARY = [
    ('总交易单数', None), ('应结订单总金额', '应结订单金额'), ('退款总金额', '退款金额'),
    ('充值券退款总金额', '充值券退款金额'), ('手续费总金额', '手续费'),
    ('订单总金额', '订单金额'), ('申请退款总金额', '申请退款金额'),
]
_STATES = {
    'SUCCESS': ('SUCCESS',), 'REFUND': ('REFUND', 'REVOKED'),
    'ALL': ('SUCCESS', 'REFUND', 'REVOKED'),
}
# What bills call the state of a refund.
_REFUND_STATES = {
    'PROCESSING': 'PROCESSING', 'SUCCESS': 'SUCCESS', 'ABNORMAL': 'CHANGE', 'CLOSED': 'FAIL',
}


def day_begin(day):
    """:return: when a Beijing day begins, seconds since the epoch.

    :param str day: ``yyyy-mm-dd``
    :raise ValueError: it is none
    """
    if len(day) != 10:
        raise ValueError(day)
    return datetime.strptime(day, '%Y-%m-%d').replace(tzinfo=BEIJING).timestamp()


def lines(world, mchid, day, bill_type='ALL', sub_mchid=''):
    """Give the lines of a day, one after the other by time. The caller holds the lock.

    :param str sub_mchid: of this sub-merchant only
    :return: iterator of dict column -> text, all columns that there are
    """
    begin = day_begin(day)
    entries = [
        *(entry for order in world.orders.values()
          if order.mchid == mchid and order.transaction_id
          and sub_mchid in ('', order.sub_mchid)
          for entry in _of_order(world, order, begin)),
    ]
    masses = [
        _of_mass(world, mass) for mass in world.mass_orders
        if mass.mchid == mchid and mass.begin == begin and sub_mchid in ('', mass.sub_mchid)
    ]
    by_time = itemgetter(0)
    for _moment, line in heapq.merge(sorted(entries, key=by_time), *masses, key=by_time):
        if line['交易状态'] in _STATES[bill_type]:
            yield line


def _of_order(world, order, begin):
    """:return: (time, line) of an order and its refunds, if it was that day (list)."""
    found = []
    if begin <= order.success_time < begin + DAY:
        found.append((order.success_time, _payment(world, order)))
    if begin <= order.revoked_time < begin + DAY:
        found.append((order.revoked_time, _reversal(world, order)))
    found += [
        (refund.created, _refund(world, refund)) for refund in order.refunds
        if begin <= refund.created < begin + DAY
    ]
    return found


def _common(world, order):
    return {
        '交易时间': '',
        '公众账号ID': order.appid,
        '商户号': order.mchid,
        '特约商户号': order.sub_mchid or '0',
        '设备号': _device(order),
        '微信订单号': order.transaction_id,
        '商户订单号': order.out_trade_no,
        '用户标识': order.openid,
        '交易类型': order.trade_type,
        '交易状态': 'SUCCESS',
        '付款银行': 'OTHERS',
        '货币种类': 'CNY',
        '应结订单金额': '0.00',
        '代金券金额': '0.00',
        '退款申请时间': '',
        '退款成功时间': '',
        '微信退款单号': '0',
        '商户退款单号': '0',
        '退款金额': '0.00',
        '充值券退款金额': '0.00',
        '退款类型': '',
        '退款状态': '',
        '商品名称': plain(order.description),
        '商户数据包': plain(order.attach),
        '手续费': '0.00000',
        '费率': fee_rate(world),
        '订单金额': '0.00',
        '申请退款金额': '0.00',
        '费率备注': '',
    }


def _device(order):
    if order.version == 2:
        return order.parameters.get('device_info', '')
    return order.parameters.get('scene_info', {}).get('device_id', '')


def _payment(world, order):
    return _common(world, order) | {'交易时间': moment(order.success_time)} | _paid(
        world, order.total, order.coupon,
    )


def _paid(world, total, coupon=0):
    return {
        '应结订单金额': yuan(total - coupon),
        '代金券金额': yuan(coupon),
        '手续费': fee_yuan(fee(world, total - coupon)),
        '订单金额': yuan(total),
    }


def _refund(world, refund):
    order = refund.order
    # A bill is made once: what becomes of a refund later does not change it.
    state = world.billed_states.setdefault(
        (refund.mchid, refund.out_refund_no), _REFUND_STATES[refund.state],
    )
    returned = 0 if state == 'FAIL' else fee_returned(world, order, refund.amount)
    return _common(world, order) | {
        '交易时间': moment(refund.created),
        '交易状态': 'REFUND',
        '退款申请时间': moment(refund.created),
        '退款成功时间': moment(refund.success_time) if state == 'SUCCESS' else '',
        '微信退款单号': refund.refund_id,
        '商户退款单号': refund.out_refund_no,
        '退款金额': yuan(refund_settled(order, refund.amount)),
        '退款类型': 'ORIGINAL',
        '退款状态': state,
        '手续费': fee_yuan(-returned),
        '申请退款金额': yuan(refund.amount),
    }


def reversal_id(order):
    """:return: the number under which the money of a reversed payment goes back."""
    return '5' + order.transaction_id[1:]


def _reversal(world, order):
    returned = fee_returned(world, order, order.total)
    return _common(world, order) | {
        '交易时间': moment(order.revoked_time),
        '交易状态': 'REVOKED',
        '退款申请时间': moment(order.revoked_time),
        '退款成功时间': moment(order.revoked_time),
        '微信退款单号': reversal_id(order),
        '商户退款单号': order.out_trade_no,
        '退款金额': yuan(order.total - order.coupon),
        '退款类型': 'ORIGINAL',
        '退款状态': 'SUCCESS',
        '手续费': fee_yuan(-returned),
        '申请退款金额': yuan(order.total),
    }


def _of_mass(world, mass):
    """:return: (time, line) of many orders, by time (iterator)."""
    refunds, amounts = [], {}
    like = _payment(world, mass.make(0))
    for index in range(mass.count):
        if index in mass.taken:
            continue
        paid, amount = mass.paid(index), mass.amount(index)
        while refunds and refunds[0][0] <= paid:
            yield refunds.pop(0)
        if amount not in amounts:
            amounts[amount] = _paid(world, amount)
        yield paid, {
            **like, **amounts[amount],
            '交易时间': moment(paid),
            '微信订单号': mass.transaction_id(index),
            '商户订单号': mass.number(index),
            '用户标识': mass.openid(index),
            '商品名称': plain(mass.description(index)),
        }
        if mass.refunded(index):
            refund, = mass.make(index).refunds
            refunds.append((refund.created, _refund(world, refund)))
    yield from refunds
