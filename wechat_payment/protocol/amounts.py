# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Amounts: decimal in Odoo, integers of the smallest unit towards WeChat Pay (C)."""

from decimal import Decimal, InvalidOperation


def to_fen(amount):
    """Return an amount in yuan as an integer of fen.

    A float is taken by its shortest text (19.99 is 19.99), never multiplied as a float.

    :param float|Decimal|str amount: The amount in yuan.
    :return: The amount in fen.
    :rtype: int
    :raise ValueError: If the amount is no number, is not positive, or has fractions of a fen.
    """
    try:
        fen = Decimal(str(amount)).scaleb(2)
        whole = int(fen)
    except (InvalidOperation, ValueError, OverflowError):
        raise ValueError("not an amount") from None
    if whole != fen or whole <= 0:
        raise ValueError("not a positive number of whole fen")
    return whole


def to_yuan(fen):
    """Return an integer of fen as an amount in yuan.

    :param int fen: The amount in fen.
    :rtype: Decimal
    """
    return Decimal(fen).scaleb(-2)
