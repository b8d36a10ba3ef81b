# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Refunds: what may be refunded, what becomes of one (wechat-pay.md A6)."""

import secrets
from dataclasses import dataclass, field

from .clock import beijing_day, rfc3339
from .parties import party_names
from .v3_errors import V3Error, invalid_request
from .world import DAY, Order, Refusal

MOST_REFUNDS = 50
OLDEST_PAYMENT = 365 * DAY
OUTCOMES = ('SUCCESS', 'ABNORMAL', 'CLOSED')
# state -> what it may become
NEXT = {'PROCESSING': OUTCOMES, 'ABNORMAL': ('SUCCESS', 'CLOSED')}


@dataclass
class Refund:
    """A refund; `parameters` is the body it was asked for with, empty if made in the console."""

    order: Order
    out_refund_no: str
    amount: int
    refund_id: str
    created: float
    parameters: dict
    state: str = 'PROCESSING'
    success_time: float = 0.0
    closed_time: float = 0.0
    channel: str = 'ORIGINAL'
    account: str = '支付用户零钱'
    abnormal: dict = field(default_factory=dict)
    version: int = 3
    notifications: list = field(default_factory=list)

    @property
    def mchid(self):
        """:return: the merchant's number."""
        return self.order.mchid

    @property
    def notify_url(self):
        """:return: where the merchant wants to be told, '' if nothing was said."""
        return self.parameters.get('notify_url', '')


def refundable(order):
    """:return: what is left to refund, in fen: a refund that was closed gives its part back."""
    return order.total - sum(item.amount for item in order.refunds if item.state != 'CLOSED')


def apply(world, merchant, order, out_refund_no, amount, parameters, interval=0):
    """Accept a refund, or say why not. The caller holds the lock.

    :param int amount: fen
    :param float interval: least seconds since the order's last refund
    :return: the `Refund`, PROCESSING
    :raise V3Error: the refusals of A6.4
    """
    now = world.clock.now()
    if now - order.success_time > OLDEST_PAYMENT:
        raise V3Error(
            403, 'TRADE_OVERDUE', '订单已超过退款期限', "the payment is older than 365 days",
        )
    if len(order.refunds) >= MOST_REFUNDS:
        raise invalid_request(
            '同一笔订单最多退款50次', "the order has been refunded 50 times",
        )
    if amount > refundable(order):
        raise invalid_request(
            '退款金额超过可退金额', "the refund is more than what is left of the payment",
            detail={
                'field': '/amount/refund', 'value': amount, 'location': 'body',
                'issue': f"at most {refundable(order)} can be refunded",
            },
        )
    if order.refunds and now - order.refunds[-1].created < interval:
        raise V3Error(
            429, 'FREQUENCY_LIMITED', '频率超限，同一笔订单的退款请间隔1分钟',
            "the order was refunded less than a minute ago",
        )
    payer = world.user_of_openid(order.openid, order.appid)
    if payer and payer.account_abnormal:
        raise V3Error(
            403, 'USER_ACCOUNT_ABNORMAL', '用户账户异常，无法原路退款',
            "the customer's account is closed or frozen",
        )
    if merchant.balance is not None:
        if amount > merchant.balance:
            raise V3Error(
                403, 'NOT_ENOUGH', '基本账户余额不足，请充值后重新发起',
                "the merchant has not enough money",
            )
        merchant.balance -= amount
    number = f"{world.number('refund'):012d}"
    refund = Refund(
        order, out_refund_no, amount,
        f'5030{secrets.randbelow(10 ** 4):04d}{beijing_day(now)}{number}', now, parameters,
    )
    order.refunds.append(refund)
    order.state = 'REFUND'
    world.refunds[order.mchid, out_refund_no] = refund
    return refund


def finish(world, refund, outcome):
    """Let a refund reach a state, as the bank would.

    :param str outcome: one of `OUTCOMES`
    :raise Refusal: a refund in its state cannot become that
    """
    if outcome not in OUTCOMES:
        raise Refusal(f"status must be one of {', '.join(OUTCOMES)}")
    with world.lock:
        if outcome not in NEXT.get(refund.state, ()):
            raise Refusal(f"the refund is {refund.state} and cannot become {outcome}")
        refund.state = outcome
        if outcome == 'SUCCESS':
            refund.success_time = world.clock.now()
        if outcome == 'CLOSED':
            refund.closed_time = world.clock.now()
        merchant = world.merchants.get(refund.mchid)
        if outcome == 'CLOSED' and merchant and merchant.balance is not None:
            merchant.balance += refund.amount


def refund_object(refund):
    """:return: a refund as apply and query show it (A6.1; dict)."""
    order = refund.order
    view = {
        'refund_id': refund.refund_id,
        'out_refund_no': refund.out_refund_no,
        'transaction_id': order.transaction_id,
        'out_trade_no': order.out_trade_no,
        'channel': refund.channel,
        'user_received_account': refund.account,
        'create_time': rfc3339(refund.created),
        'status': refund.state,
        'funds_account': refund.parameters.get('funds_account', 'AVAILABLE'),
        'amount': {
            'total': order.total,
            'refund': refund.amount,
            'payer_total': order.total,
            'payer_refund': refund.amount,
            'settlement_refund': refund.amount,
            'settlement_total': order.total,
            'discount_refund': 0,
            'currency': 'CNY',
            'refund_fee': 0,
        },
    }
    if refund.state == 'SUCCESS':
        view['success_time'] = rfc3339(refund.success_time)
    if 'from' in refund.parameters.get('amount', {}):
        view['amount']['from'] = refund.parameters['amount']['from']
    return view


def notified_object(refund, state):
    """:return: a refund as the notification of a state shows it (A7.1; dict)."""
    order = refund.order
    names = party_names(order)
    view = {
        **{name: names[name] for name in names if name.endswith('mchid')},
        'out_trade_no': order.out_trade_no,
        'transaction_id': order.transaction_id,
        'out_refund_no': refund.out_refund_no,
        'refund_id': refund.refund_id,
        'refund_status': state,
        'user_received_account': refund.account,
        'amount': {
            'total': order.total,
            'refund': refund.amount,
            'payer_total': order.total,
            'payer_refund': refund.amount,
        },
    }
    if state == 'SUCCESS':
        view['success_time'] = rfc3339(refund.success_time)
    return view
