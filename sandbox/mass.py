# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Many paid orders by one rule: what bills of 100,000 lines are made of.

Nothing is kept of an order until somebody asks for it.
"""

from dataclasses import dataclass, field

from .refunds import Refund
from .world import DAY, Order

REFUND_AFTER = 60


@dataclass
class Mass:
    """`count` orders of one day; order number i has all its numbers by i.

    `taken` are those that somebody asked for: they stand in the book of orders.
    """

    mchid: str
    appid: str
    begin: float
    count: int
    prefix: str
    transaction_prefix: str
    digits: int = 7
    total: int = 100
    spread: int = 1
    refund_every: int = 0
    sub_mchid: str = ''
    taken: set = field(default_factory=set)

    def number(self, index):
        """:return: the out_trade_no."""
        return f'{self.prefix}{index:0{self.digits}d}'

    def transaction_id(self, index):
        """:return: the number that WeChat Pay gave."""
        return f'{self.transaction_prefix}{index:010d}'

    def refund_id(self, index):
        """:return: the number that WeChat Pay gave the refund."""
        return '5' + self.transaction_id(index)[1:]

    def amount(self, index):
        """:return: fen."""
        return self.total + index % self.spread

    def paid(self, index):
        """:return: seconds since the epoch."""
        return self.begin + index * DAY // self.count

    def refunded(self, index):
        """:return: seconds since the epoch, on the same day; None without a refund."""
        if self.refund_every and index % self.refund_every == 0:
            return min(self.paid(index) + REFUND_AFTER, self.begin + DAY - 1)
        return None

    def take(self, world, mchid, number):
        """Put the order of a number into the book, if it is one of these and not there yet.

        :param str number: out_trade_no, transaction_id or out_refund_no
        """
        index = self._index(mchid, number)
        if index is None or index in self.taken:
            return
        self.taken.add(index)
        order = self.make(index)
        world.enter(order)
        for refund in order.refunds:
            world.refunds[self.mchid, refund.out_refund_no] = refund

    def make(self, index):
        """:return: an `Order` with its `Refund`."""
        paid, refunded = self.paid(index), self.refunded(index)
        order = Order(
            self.mchid, self.appid, self.number(index), self._parameters(index),
            created=paid - REFUND_AFTER, pay_until=paid + DAY, product='NATIVE',
            openid=self.openid(index), sub_mchid=self.sub_mchid, state='SUCCESS',
            transaction_id=self.transaction_id(index), success_time=paid,
        )
        if refunded:
            order.state = 'REFUND'
            order.refunds.append(Refund(
                order, f'{order.out_trade_no}R', order.total, self.refund_id(index), refunded,
                {'amount': {'refund': order.total, 'total': order.total, 'currency': 'CNY'}},
                state='SUCCESS', success_time=refunded,
            ))
        return order

    def openid(self, index):
        """:return: who paid: nobody whom the sandbox knows."""
        return f'oMASS{index:023d}'

    def description(self, index):
        """:return: what was bought."""
        return f'示例商品,第{index}件'

    def _parameters(self, index):
        return {
            'amount': {'total': self.amount(index)}, 'description': self.description(index),
        }

    def _index(self, mchid, number):
        digits = number.removeprefix(self.prefix).removesuffix('R')
        if number.startswith(self.transaction_prefix):
            digits = number.removeprefix(self.transaction_prefix)
        if mchid != self.mchid or not (digits.isascii() and digits.isdigit()):
            return None
        index = int(digits)
        names = (self.number(index), f'{self.number(index)}R', self.transaction_id(index))
        return index if index < self.count and number in names else None
