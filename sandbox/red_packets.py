# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Red packets: what becomes of the money inside (wechat-pay.md A9.4)."""

import secrets
from dataclasses import dataclass, field
from typing import ClassVar

from .world import DAY, Refusal

FINAL = ('RECEIVED', 'FAILED', 'REFUND')


@dataclass
class RedPacket:
    """Money for one person, or for as many as `count` says; `parameters` as it was sent with."""

    LABEL: ClassVar = '现金红包'
    RETURN_LABEL: ClassVar = '现金红包退款'

    mchid: str
    number: str
    appid: str
    openid: str
    amount: int
    count: int
    parameters: dict
    created: float
    business_id: str
    detail_id: str
    kind: str = 'NORMAL'
    state: str = 'SENDING'
    reason: str = ''
    taken_time: float = 0.0
    returned_time: float = 0.0
    returned: int = 0
    received: list = field(default_factory=list)

    @property
    def left(self):
        """:return: what nobody has taken, in fen."""
        return self.amount - sum(item['amount'] for item in self.received)


def settle(world, packet):
    """Let time work: what nobody took within 24 hours goes back. The caller holds the lock.

    :return: the `RedPacket`
    """
    end = packet.created + DAY
    if packet.state in ('SENDING', 'SENT', 'RFUND_ING') and world.clock.now() >= end:
        give_back(world, packet, end)
        packet.state = 'REFUND'
    return packet


def give_back(world, packet, moment):
    """What is left goes back to the merchant."""
    packet.returned, packet.returned_time = packet.left, moment
    merchant = world.merchants.get(packet.mchid)
    if merchant and merchant.balance is not None:
        merchant.balance += packet.left


def receive(world, packet, user):
    """Somebody opens it.

    :param User user: None: who it is for, or anybody else of a group
    :return: the person's share in fen
    :raise Refusal: it is not this person's to open
    """
    if packet.state != 'SENT':
        raise Refusal(f"the red packet is {packet.state}")
    owner = world.user_of_openid(packet.openid, packet.appid)
    if packet.kind == 'NORMAL':
        user = user or owner
        if user is not owner:
            raise Refusal("the red packet is somebody else's")
        share = packet.amount
    else:
        user = user or (world.add_user() if packet.received else owner)
        share = _share(packet)
    openid = world.openid(user, packet.appid)
    if openid in [item['openid'] for item in packet.received]:
        raise Refusal("this person has opened it")
    packet.received.append({'openid': openid, 'amount': share, 'time': world.clock.now()})
    if len(packet.received) == packet.count:
        packet.state = 'RECEIVED'
    return share


def _share(packet):
    """:return: a random part of what is left, one fen at least for each who comes later."""
    others = packet.count - len(packet.received) - 1
    if not others:
        return packet.left
    return 1 + secrets.randbelow(max(1, 2 * (packet.left - others) // (others + 1)))


def change(world, packet, action, user=None, reason=''):
    """Let something happen to a red packet. The caller holds the lock.

    :param str action: `sent`, `receive`, `fail`, `refunding` or `refund`
    :raise Refusal: it cannot happen to one in its state
    """
    now = world.clock.now()
    if action == 'receive':
        receive(world, packet, user)
        return
    states = {
        'sent': (('SENDING',), 'SENT'),
        'fail': (('SENDING', 'SENT'), 'FAILED'),
        'refunding': (('SENT',), 'RFUND_ING'),
        'refund': (('SENT', 'RFUND_ING'), 'REFUND'),
    }
    if action not in states:
        raise Refusal(f"action must be one of receive, {', '.join(states)}")
    allowed, state = states[action]
    if packet.state not in allowed:
        raise Refusal(f"the red packet is {packet.state}")
    packet.state = state
    if action == 'fail':
        packet.reason = reason or '红包发放失败'
    if state in ('FAILED', 'REFUND'):
        give_back(world, packet, now)
