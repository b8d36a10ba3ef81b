# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Payment codes: shown by a person, scanned by a cashier, reversed in doubt (wechat-pay.md A5)."""

import re
import secrets
from dataclasses import dataclass

from .v3_errors import V3Error
from .world import DAY, Refusal

LIFETIME = 60
# Above this the customer always enters the password, in fen.
WITHOUT_PASSWORD = 100000
REVERSIBLE = 7 * DAY
# What a payment by code may end in, at the wish of a test: `err_code` -> text for people.
FAILURES = {
    'NOTENOUGH': '余额不足', 'NOTSUPORTCARD': '不支持卡类型', 'BUYER_MISMATCH': '支付帐号错误',
    'TRADE_ERROR': '交易错误',
}
_SHAPE = re.compile(r'1[0-5][0-9]{16}', re.ASCII)


class Recall(V3Error):
    """A reversal that must be called again (`recall` Y)."""


@dataclass
class PaymentCode:
    """18 digits on somebody's phone."""

    code: str
    user: str
    made: float
    used: bool = False
    password: bool = False
    failure: str = ''


def show(world, user, password=False, failure=''):
    """Show a person's payment code: another one each minute, after each use, or on other terms.

    :param bool password: the person will be asked for the password
    :param str failure: one of `FAILURES`: what the payment will end in
    :return: the `PaymentCode`
    """
    if failure and failure not in FAILURES:
        raise Refusal(f"failure must be one of {', '.join(FAILURES)}")
    with world.lock:
        now = world.clock.now()
        for code in world.payment_codes.values():
            if (code.user, code.password, code.failure) == (user.user, password, failure) \
                    and not code.used and 0 <= now - code.made < LIFETIME:
                return code
        digits = f'13{secrets.randbelow(10 ** 16):016d}'
        code = PaymentCode(digits, user.user, now, password=password, failure=failure)
        world.payment_codes[digits] = code
        return code


def check_shape(auth_code):
    """Raise a `V3Error` unless these are the digits of a payment code."""
    if not _SHAPE.fullmatch(auth_code):
        raise _invalid("auth_code must be 18 digits that begin with 10 to 15")


def _invalid(why):
    return V3Error(400, 'AUTH_CODE_INVALID', '付款码检验错误，请扫描微信支付付款码', why)


def charge(world, order, auth_code):
    """Take the money of whoever showed a code, or ask for the password.

    The caller holds the lock and has put the order into the book, where it stays whatever happens.

    :raise V3Error: it cannot be paid in this way; the order is a PAYERROR
    """
    order.state = 'PAYERROR'
    code = world.payment_codes.get(auth_code)
    if not code:
        raise _invalid("nobody has shown this auth_code")
    if code.used:
        raise V3Error(
            400, 'AUTH_CODE_ERROR', '每个二维码仅限使用一次，请刷新再试',
            "this auth_code was used before",
        )
    if world.clock.now() - code.made > LIFETIME:
        raise V3Error(
            400, 'AUTHCODEEXPIRE', '二维码已过期，请用户在微信上刷新后再试',
            "this auth_code is older than a minute",
        )
    code.used = True
    user = world.users[code.user]
    order.openid, order.scanned_by = world.openid(user, order.appid), user.user
    if code.failure:
        raise V3Error(
            403, code.failure, FAILURES[code.failure], "this auth_code was told to fail",
        )
    if code.password or order.total > WITHOUT_PASSWORD:
        order.state = 'USERPAYING'
        return
    world.take_money(order)


def answer_password(world, order, entered):
    """The customer enters the password, or closes the prompt.

    :raise Refusal: nobody is asked for it
    """
    with world.lock:
        if order.state != 'USERPAYING':
            raise Refusal(f"the order is {order.state}: nobody is asked for a password")
        if entered:
            world.take_money(order)
        else:
            order.state = 'PAYERROR'


def check_unused(order):
    """Raise the `V3Error` of a number that was used before: payments by code are never repeated."""
    if order.paid:
        raise V3Error(400, 'ORDERPAID', '该订单已支付', "the order is paid", number=268449538)
    if order.state == 'REVOKED':
        raise V3Error(400, 'ORDERREVERSED', '该订单已撤销', "the order was reversed")
    if order.state == 'CLOSED':
        raise V3Error(400, 'ORDERCLOSED', '该订单已关闭', "the order is closed")
    raise V3Error(
        403, 'OUT_TRADE_NO_USED', '商户订单号重复', "out_trade_no was used for a payment before",
        number=268498688,
    )


def reverse(world, order):
    """Take a payment by code back, or see to it that it will never happen.

    The caller holds the lock.

    :raise Recall: not yet: call again
    :raise V3Error: never
    """
    age = world.clock.now() - order.created
    if not order.by_code:
        raise V3Error(
            403, 'TRADE_ERROR', '只有付款码支付的订单可以撤销',
            "only orders that are paid by a payment code can be reversed",
        )
    if order.state == 'REVOKED':
        return
    if order.refunds:
        raise V3Error(403, 'TRADE_ERROR', '订单已发生退款', "the order was refunded")
    if age > REVERSIBLE:
        raise V3Error(
            403, 'REVERSE_EXPIRE', '订单已超过可撤销期限', "the order is older than seven days",
        )
    if age < world.settings['reverse_after']:
        raise Recall(
            400, 'INVALID_REQUEST', '支付后15秒内请勿撤销', "the payment began only just now",
        )
    if world.settings['reverse_recalls']:
        world.settings['reverse_recalls'] -= 1
        raise Recall(
            500, 'SYSTEM_ERROR', '系统超时，请再次调用撤销', "reverse was told to say recall",
        )
    order.state = 'REVOKED'
    order.revoked_time = world.clock.now()


def find(world, merchant, sub_mchid, number):
    """:return: the `Order` of a number that is to be reversed.
    :raise V3Error: there is none
    """
    order = world.order(merchant.mchid, number)
    if not order or order.sub_mchid != sub_mchid:
        raise V3Error(
            404, 'ORDER_NOT_EXIST', '订单不存在', "this merchant has no order of this number",
            number=268512771,
        )
    return order
