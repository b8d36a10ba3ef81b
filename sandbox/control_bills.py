# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The control API for bills: when things happened, many orders, and what is to be wrong."""

import secrets

from . import bill_defects, bill_files, mass
from .bill_flow import ACCOUNTS
from .bill_trade import COLUMNS, day_begin
from .clock import beijing_day, parse_rfc3339, rfc3339
from .control_accounts import _read
from .world import Refusal

KINDS = ('trade', 'fundflow')
MOST_ORDERS = 1000000
_FLAGS = (
    'bill_bom', 'red_packet_sending', 'transfer_stays_transfering', 'transfer_stays_canceling',
)
_CHOICES = {
    'bill_newline': ('CRLF', 'LF'),
    'payout_account': ('BASIC', 'OPERATION'),
    'red_packet_return_code': ('SUCCESS', 'FAIL'),
    'transfer_short_of_funds': ('ACCEPTED', 'PROCESSING', 'NOT_ENOUGH'),
    'transfer_notify_mchid': ('mch_id', 'mchid'),
}
_NUMBERS = ('bill_ready_hour', 'red_packet_limit', 'transfer_minimum', 'transfer_maximum')


def change_settings(sandbox, data):
    """POST money_settings: bills, red packets and transfers."""
    known = (*_FLAGS, *_CHOICES, *_NUMBERS, 'fee_rate')
    for name, value in data.items():
        if name not in known:
            raise Refusal(f"unknown parameter {name}; this call knows: {', '.join(known)}")
        if name in _FLAGS and not isinstance(value, bool):
            raise Refusal(f"{name} must be true or false")
        if name in _CHOICES and value not in _CHOICES[name]:
            raise Refusal(f"{name} must be one of {', '.join(_CHOICES[name])}")
        if name in _NUMBERS and (type(value) is not int or value < 0) \
                and (name, value) != ('transfer_maximum', None):
            raise Refusal(f"{name} must be a whole number, 0 or more")
        if name == 'fee_rate' and (type(value) not in (int, float) or not 0 <= value < 1):
            raise Refusal("fee_rate must be 0 or more and less than 1")
    with sandbox.world.lock:
        sandbox.world.settings.update(data)
        return dict(sandbox.world.settings)


# === When things happened === #

_TIMES = (
    'created', 'pay_until', 'success_time', 'revoked_time', 'closed_time', 'sent_time',
    'taken_time', 'returned_time', 'updated_time',
)


def _shift(item, seconds):
    for name in _TIMES:
        if getattr(item, name, 0):
            setattr(item, name, getattr(item, name) + seconds)
    for part in getattr(item, 'received', ()):
        part['time'] += seconds


def _payouts(world):
    return [*world.red_packets.values(), *world.transfers.values()]


def age(sandbox, data):
    """POST age: everything that happened so far was so many seconds earlier."""
    values = _read(data, seconds_=int)
    world = sandbox.world
    with world.lock:
        items = [*world.orders.values(), *world.refunds.values(), *_payouts(world)]
        for item in items:
            _shift(item, -values['seconds'])
        for item in world.top_ups:
            item['time'] -= values['seconds']
        return {'changed': len(items) + len(world.top_ups)}


def set_time(sandbox, data):
    """POST set_time: when one of them was paid, refunded or sent."""
    values = _read(
        data, mchid_=str, time_=str, out_trade_no=str, out_refund_no=str, mch_billno=str,
        out_bill_no=str,
    )
    world = sandbox.world
    numbers = set(values) - {'mchid', 'time'}
    if len(numbers) != 1:
        raise Refusal("name one number")
    name, = numbers
    try:
        moment = parse_rfc3339(values['time'])
    except ValueError as error:
        raise Refusal(f"time is {error}") from None
    key = (values['mchid'], values[name])
    with world.lock:
        item = {
            'out_trade_no': world.order, 'out_refund_no': world.refund,
            'mch_billno': lambda *key: world.red_packets.get(key),
            'out_bill_no': lambda *key: world.transfers.get(key),
        }[name](*key)
        if not item:
            raise Refusal(f"merchant {key[0]} has no {name} {key[1]!r}")
        if name == 'out_trade_no' and not item.transaction_id:
            raise Refusal("the order is not paid")
        _shift(item, moment - (item.success_time if name == 'out_trade_no' else item.created))
        return {'time': rfc3339(moment)}


# === What there is to bill === #

def _day(values):
    try:
        return day_begin(values['bill_date'])
    except ValueError:
        raise Refusal("bill_date must be a day like 2026-01-02") from None


def _amount(value, least=1):
    if value < least:
        raise Refusal(f"amounts are in fen, {least} or more")
    return value


def mass_orders(sandbox, data):
    """POST mass_orders: many paid orders of one day by one rule."""
    values = _read(
        data, mchid_=str, bill_date_=str, count_=int, prefix_=str, appid=str, digits=int,
        total=int, spread=int, refund_every=int, sub_mchid=str,
    )
    world = sandbox.world
    begin = _day(values)
    merchant = world.merchant(values['mchid'])
    if not 1 <= values['count'] <= MOST_ORDERS:
        raise Refusal(f"count must be 1 to {MOST_ORDERS}")
    _amount(values.get('total', 100))
    _amount(values.get('spread', 1))
    _amount(values.get('refund_every', 0), 0)
    number = world.number('mass')
    made = mass.Mass(
        mchid=merchant.mchid, appid=values.get('appid') or merchant.appids[0], begin=begin,
        transaction_prefix=f'4201{secrets.randbelow(1000):03d}{number:03d}{beijing_day(begin)}',
        **{name: values[name] for name in (
            'count', 'prefix', 'digits', 'total', 'spread', 'refund_every', 'sub_mchid',
        ) if name in values},
    )
    if len(made.number(made.count)) > 31:
        raise Refusal("prefix and digits make numbers of more than 31 characters")
    with world.lock:
        world.mass_orders.append(made)
    return {
        'transaction_prefix': made.transaction_prefix, 'count': made.count,
        'total': sum(made.amount(index) for index in range(made.count)),
        'first': made.number(0), 'last': made.number(made.count - 1),
    }


def coupon(sandbox, data):
    """POST coupon: what of a payment a free coupon paid."""
    values = _read(data, mchid_=str, out_trade_no_=str, amount_=int)
    world = sandbox.world
    with world.lock:
        order = world.order(values['mchid'], values['out_trade_no'])
        if not order or not order.transaction_id:
            raise Refusal("there is no such paid order")
        if not 0 <= values['amount'] < order.total:
            raise Refusal("amount must be less than the order's total")
        order.coupon = values['amount']
        return {'total': order.total, 'coupon': order.coupon}


def _account(values):
    account = values.get('account', 'BASIC')
    if account not in ACCOUNTS:
        raise Refusal(f"account must be one of {', '.join(ACCOUNTS)}")
    return account


def opening_balance(sandbox, data):
    """POST opening_balance: what was on an account before everything."""
    values = _read(data, mchid_=str, balance_=int, account=str)
    account = _account(values)
    with sandbox.world.lock:
        sandbox.world.opening_balances[values['mchid'], account] = values['balance']
    return {'account': account, 'balance': values['balance']}


def top_up(sandbox, data):
    """POST top_up: the merchant pays money in."""
    values = _read(data, mchid_=str, amount_=int, account=str)
    world = sandbox.world
    amount, account = _amount(values['amount']), _account(values)
    with world.lock:
        merchant = world.merchant(values['mchid'])
        now = world.clock.now()
        number = f"1{beijing_day(now)}{world.number('top_up'):019d}"
        world.top_ups.append({
            'mchid': merchant.mchid, 'time': now, 'number': number, 'amount': amount,
            'account': account,
        })
        if merchant.balance is not None:
            merchant.balance += amount
        return {'number': number, 'balance': merchant.balance}


# === The bills === #

def set_defects(sandbox, data):
    """POST bill_defects: what is to be wrong with the bill of a day."""
    values = _read(data, mchid_=str, bill_date_=str, kind=str, defects_=list)
    kind = values.get('kind', 'trade')
    if kind not in KINDS:
        raise Refusal(f"kind must be one of {', '.join(KINDS)}")
    _day(values)
    sandbox.world.merchant(values['mchid'])
    defects = bill_defects.prepare(values['defects'], kind, values['mchid'], values['bill_date'])
    with sandbox.world.lock:
        sandbox.world.bill_defects[values['mchid'], values['bill_date'], kind] = defects
    return {'defects': defects}


def bill_text(sandbox, data):
    """POST bill_text: a bill as it would be, without anything wrong."""
    values = _read(
        data, mchid_=str, bill_date_=str, kind=str, bill_type=str, sub_mchid=str,
    )
    kind = values.get('kind', 'trade')
    types = {'trade': tuple(COLUMNS), 'fundflow': ACCOUNTS}
    if kind not in KINDS:
        raise Refusal(f"kind must be one of {', '.join(KINDS)}")
    bill_type = values.get('bill_type', types[kind][0])
    if bill_type not in types[kind]:
        raise Refusal(f"bill_type must be one of {', '.join(types[kind])}")
    _day(values)
    with sandbox.world.lock:
        return {'lines': list(bill_files.text(
            sandbox.world, values['mchid'], kind, values['bill_date'], bill_type,
            values.get('sub_mchid', ''),
        ))}


ROUTES = [
    ('POST', '/_sandbox/money_settings', change_settings),
    ('POST', '/_sandbox/age', age),
    ('POST', '/_sandbox/set_time', set_time),
    ('POST', '/_sandbox/mass_orders', mass_orders),
    ('POST', '/_sandbox/coupon', coupon),
    ('POST', '/_sandbox/opening_balance', opening_balance),
    ('POST', '/_sandbox/top_up', top_up),
    ('POST', '/_sandbox/bill_defects', set_defects),
    ('POST', '/_sandbox/bill_text', bill_text),
]
