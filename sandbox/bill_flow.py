# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The lines of a fund-flow bill: every fen that came in or went out (wechat-pay.md A8)."""

import hashlib
import heapq
from dataclasses import dataclass
from operator import attrgetter

from . import red_packets, transfers
from .bill_money import day_digits, fee, fee_returned, moment, refund_settled, yuan
from .bill_trade import day_begin, reversal_id
from .world import DAY

ACCOUNTS = ('BASIC', 'OPERATION', 'FEES')
COLUMNS = [
    '记账时间', '微信支付业务单号', '资金流水单号', '业务名称', '业务类型', '收支类型',
    '收支金额(元)', '账户结余(元)', '资金变更提交申请人', '备注', '业务凭证号',
]


@dataclass(slots=True)
class Entry:
    """Money that came (`amount` above 0) or went, in fen; `voucher` is the merchant's number."""

    time: float
    business_id: str
    name: str
    kind: str
    amount: int
    voucher: str = ''
    remark: str = ''
    applicant: str = 'system'

    @property
    def flow_id(self):
        """:return: the number of the line, the same each time that a bill is made."""
        text = f'{self.business_id}|{self.kind}|{self.voucher}|{self.amount}'
        digits = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8])
        return f'{day_digits(self.time)}{digits:020d}'


def lines(world, mchid, day, account='BASIC', sub_mchid=''):
    """Give the lines of a day, by time. The caller holds the lock.

    :param str account: one of `ACCOUNTS`
    :param str sub_mchid: the account of this sub-merchant
    :return: iterator of dict column -> text
    """
    begin = day_begin(day)
    owner = sub_mchid or mchid
    balance = world.opening_balances.get((owner, account), 0)
    for entry in _entries(world, mchid, account, sub_mchid):
        if entry.time >= begin + DAY:
            return
        balance += entry.amount
        if entry.time >= begin:
            yield _line(entry, balance)


def _line(entry, balance):
    return {
        '记账时间': moment(entry.time),
        '微信支付业务单号': entry.business_id,
        '资金流水单号': entry.flow_id,
        '业务名称': entry.name,
        '业务类型': entry.kind,
        '收支类型': '收入' if entry.amount > 0 else '支出',
        '收支金额(元)': yuan(abs(entry.amount)),
        '账户结余(元)': yuan(balance),
        '资金变更提交申请人': entry.applicant,
        '备注': entry.remark,
        '业务凭证号': entry.voucher,
    }


def _entries(world, mchid, account, sub_mchid):
    """:return: iterator of what happened on an account since the beginning, by time."""
    found = [
        Entry(item['time'], item['number'], '充值', '充值', item['amount'],
              applicant=f'{mchid}充值')
        for item in world.top_ups
        if not sub_mchid and (item['mchid'], item['account']) == (mchid, account)
    ]
    masses = []
    if account == 'BASIC':
        for order in world.orders.values():
            if (order.mchid, order.sub_mchid) == (mchid, sub_mchid) and order.transaction_id:
                found += _of_order(world, order)
        masses = [
            _of_mass(world, mass) for mass in world.mass_orders
            if (mass.mchid, mass.sub_mchid) == (mchid, sub_mchid)
        ]
    if account == world.settings['payout_account'] and not sub_mchid:
        for packet in world.red_packets.values():
            if packet.mchid == mchid:
                found += _of_payout(red_packets.settle(world, packet))
        for transfer in world.transfers.values():
            if transfer.mchid == mchid:
                found += _of_payout(transfers.settle(world, transfer))
    by_time = attrgetter('time')
    return heapq.merge(
        sorted((entry for entry in found if entry.amount), key=by_time), *masses, key=by_time,
    )


def _of_order(world, order):
    """:return: what a paid order and its refunds did to the account (list of `Entry`)."""
    found = _payment(
        order.success_time, order.transaction_id, order.out_trade_no,
        _amounts(world, order.total - order.coupon),
    )
    ids = {'business_id': order.transaction_id, 'voucher': order.out_trade_no}
    if order.revoked_time:
        ids['business_id'] = reversal_id(order)
        found += [
            Entry(order.revoked_time, name='交易', kind='撤销',
                  amount=order.coupon - order.total, **ids),
            Entry(order.revoked_time, name='退款', kind='退还交易手续费',
                  amount=fee_returned(world, order, order.total), **ids),
        ]
    for refund in order.refunds:
        found += _of_refund(world, refund)
    return found


def _amounts(world, settled):
    """:return: (what is settled, the fee, what the lines remark)"""
    kept = fee(world, settled)
    return settled, kept, f'结算总金额 {yuan(settled)} 元;含手续费 {yuan(kept)} 元'


def _payment(paid, transaction_id, number, amounts):
    """:return: the money of a payment and its fee (list of `Entry`)."""
    settled, kept, remark = amounts
    found = [Entry(paid, transaction_id, '交易', '交易', settled, number, remark)]
    if kept:
        found.append(Entry(
            paid, transaction_id, '交易', '扣除交易手续费', -kept, number, remark,
        ))
    return found


def _of_refund(world, refund):
    ids = {
        'name': '退款', 'business_id': refund.refund_id, 'voucher': refund.out_refund_no,
        'applicant': refund.mchid,
    }
    returned = fee_returned(world, refund.order, refund.amount)
    settled = refund_settled(refund.order, refund.amount)
    remark = f'退款总金额{yuan(refund.amount)}元;含手续费{yuan(returned)}元'
    found = [
        Entry(refund.created, kind='退款', amount=-settled, remark=remark, **ids),
        Entry(refund.created, kind='退还交易手续费', amount=returned, remark=remark, **ids),
    ]
    if refund.closed_time:
        found += [
            Entry(refund.closed_time, kind='退款失败退回', amount=settled, **ids),
            Entry(refund.closed_time, kind='扣除交易手续费', amount=-returned, **ids),
        ]
    return found


def _of_payout(payout):
    """:return: what a red packet or a transfer did to the account (list of `Entry`)."""
    ids = {
        'name': payout.LABEL, 'business_id': payout.business_id, 'voucher': payout.number,
        'applicant': payout.mchid,
    }
    found = []
    if payout.taken_time:
        found.append(Entry(payout.taken_time, kind=payout.LABEL, amount=-payout.amount, **ids))
    if payout.returned_time:
        found.append(Entry(
            payout.returned_time, kind=payout.RETURN_LABEL, amount=payout.returned, **ids,
        ))
    return found


def _of_mass(world, mass):
    """:return: `Entry` by `Entry` of many orders, by time (iterator)."""
    waiting, amounts = [], {}
    for index in range(mass.count):
        if index in mass.taken:
            continue
        paid, amount = mass.paid(index), mass.amount(index)
        while waiting and waiting[0].time <= paid:
            yield waiting.pop(0)
        if amount not in amounts:
            amounts[amount] = _amounts(world, amount)
        yield from _payment(paid, mass.transaction_id(index), mass.number(index), amounts[amount])
        if mass.refunded(index):
            refund, = mass.make(index).refunds
            waiting += [entry for entry in _of_refund(world, refund) if entry.amount]
    yield from waiting
