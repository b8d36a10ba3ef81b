# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Amounts and texts as bills write them, and the fee of WeChat Pay (wechat-pay.md A8)."""

from functools import lru_cache

from .clock import BEIJING
from .v2_fields import stamp
from .world import DAY

_PARTS = 10 ** 6
_EAST = int(BEIJING.utcoffset(None).total_seconds())


def yuan(fen):
    """:return: an amount in yuan with two decimals."""
    return f"{'-' if fen < 0 else ''}{abs(fen) // 100}.{abs(fen) % 100:02d}"


def fee_yuan(fen):
    """:return: a fee: in yuan with five decimals."""
    return f'{yuan(fen)}000'


def moment(seconds):
    """:return: a time, Beijing."""
    # Bills have 100,000 of them: the day is worth remembering.
    number, second = divmod(int(seconds) + _EAST, DAY)
    return f'{_day(number)} {second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}'


@lru_cache(256)
def _day(number):
    return stamp(number * DAY - _EAST, '%Y-%m-%d')


def day_digits(seconds):
    """:return: the Beijing day of a time, eight digits."""
    return _day((int(seconds) + _EAST) // DAY).replace('-', '')


def plain(text):
    """:return: a merchant's text without what would break a line apart."""
    return text.replace(',', '\\ ').replace('\r', '\\r').replace('\n', '\\n')


def fee(world, settled):
    """:return: the fee of a payment in fen, half up.

    :param int settled: what is settled, in fen
    """
    parts = round(world.settings['fee_rate'] * _PARTS)
    return (2 * settled * parts + _PARTS) // (2 * _PARTS)


def fee_rate(world):
    """:return: the rate as bills show it, `0.60%`."""
    return f"{world.settings['fee_rate'] * 100:.2f}%"


def fee_returned(world, order, amount):
    """:return: what of the fee comes back with a refund, in fen, in proportion."""
    return (2 * fee(world, order.total - order.coupon) * amount + order.total) // (2 * order.total)


def refund_settled(order, amount):
    """:return: what a refund takes from the merchant, in fen: less the coupon's part."""
    return amount * (order.total - order.coupon) // order.total
