# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""WeChat Pay's v3 error codes, and what they ask of whom (A4.6, A11).

Branch on status and code only: the message of an error changes, and errors are not signed.
"""

from typing import NamedTuple


class Advice(NamedTuple):
    """What an error code means for a client, and what mends it.

    :ivar word: The code word that clients get.
    :ivar misconfigured: Whether an administrator must act.
    :ivar en: Advice in English.
    :ivar zh: Advice in Chinese.
    """

    word: str
    misconfigured: bool
    en: str
    zh: str


def _config(en, zh):
    return Advice('misconfigured', True, en, zh)


def _refused(en, zh):
    return Advice('payment_refused', False, en, zh)


def _busy(en, zh):
    return Advice('wechat_busy', False, en, zh)


ERROR_CODES = {
    'PARAM_ERROR': _refused(
        "WeChat Pay did not accept a value of the order. Report this to the shop.",
        "微信支付不接受订单中的某个参数，请联系商家处理。",
    ),
    'INVALID_REQUEST': _refused(
        "WeChat Pay's rules do not allow this order. Report this to the shop.",
        "订单不符合微信支付的规则，请联系商家处理。",
    ),
    'APPID_MCHID_NOT_MATCH': _config(
        "The AppID is not bound to the merchant. Bind it on pay.weixin.qq.com, Product Center ▸"
        " AppID account management, and confirm it in the mini-program's own console.",
        "AppID与商户号未绑定。请在pay.weixin.qq.com的“产品中心 ▸ AppID账号管理”中绑定，"
        "并在小程序后台确认授权。",
    ),
    'MCH_NOT_EXISTS': _config(
        "WeChat Pay does not know the merchant number. Compare it with pay.weixin.qq.com, Account"
        " Center ▸ Merchant information.",
        "商户号不存在。请与pay.weixin.qq.com“账户中心 ▸ 商户信息”中的商户号核对。",
    ),
    'SIGN_ERROR': _config(
        "WeChat Pay could not verify our signature. Check that the private key, the certificate's"
        " serial number and the merchant number belong together, and that this server's clock is"
        " right (at most 5 minutes off).",
        "签名验证失败。请检查商户API私钥、证书序列号与商户号是否匹配，"
        "以及服务器时间是否准确（误差不超过5分钟）。",
    ),
    'NO_AUTH': _config(
        "The merchant may not use this product. Apply for JSAPI payment on pay.weixin.qq.com,"
        " Product Center.",
        "商户没有此产品的权限。请在pay.weixin.qq.com的“产品中心”开通JSAPI支付。",
    ),
    'ORDER_CLOSED': _refused(
        "The order is closed at WeChat Pay. Start the payment again.",
        "订单已关闭，请重新发起支付。",
    ),
    'ORDERPAID': _refused("The order is already paid.", "订单已支付，请勿重复支付。"),
    'ORDER_PAID': _refused("The order is already paid.", "订单已支付，请勿重复支付。"),
    'ORDER_NOT_EXIST': _refused(
        "WeChat Pay does not know this order.", "微信支付中没有此订单。",
    ),
    'OUT_TRADE_NO_USED': _refused(
        "The order number was used with other values. Start the payment again.",
        "商户订单号重复，请重新发起支付。",
    ),
    'RULE_LIMIT': _refused(
        "WeChat Pay's rules stopped this payment. Ask the customer to try another way.",
        "因微信支付规则限制无法支付，请更换支付方式。",
    ),
    'TRADE_ERROR': _refused(
        "WeChat Pay refused the payment. Try again, or another way of paying.",
        "交易失败，请重试或更换支付方式。",
    ),
    'RESOURCE_NOT_EXISTS': _refused(
        "WeChat Pay has nothing under this number.", "微信支付中没有此编号的记录。",
    ),
    'FREQUENCY_LIMITED': _busy(
        "Too many requests at WeChat Pay. Try again in a moment.", "请求过于频繁，请稍后再试。",
    ),
    'RATELIMIT_EXCEEDED': _busy(
        "Too many requests at WeChat Pay. Try again in a moment.", "请求过于频繁，请稍后再试。",
    ),
    'SYSTEM_ERROR': _busy(
        "WeChat Pay had an error of its own. Try again in a moment.",
        "微信支付系统异常，请稍后再试。",
    ),
    'SERVICE_UNAVAILABLE': _busy(
        "WeChat Pay is not available. Try again in a moment.", "微信支付暂不可用，请稍后再试。",
    ),
}

# What these say is true of the order, however often and by whomever it was asked for.
ORDER_STATE_CODES = {
    'ORDERPAID', 'ORDER_PAID', 'ORDER_CLOSED', 'OUT_TRADE_NO_USED', 'ORDER_NOT_EXIST',
}

# What the same and further codes mean in answer to a refund (A6.4): whoever reads this is a clerk.
REFUND_CODES = {
    'NOT_ENOUGH': _refused(
        "The merchant account does not hold enough money for this refund. Top it up on"
        " pay.weixin.qq.com, Account Center, then press Repeat Refund: it is sent again under the"
        " same number.",
        "商户账户余额不足，无法退款。请在pay.weixin.qq.com的“账户中心”充值，"
        "然后点击“重新提交退款”：将使用原退款单号再次提交。",
    ),
    'USER_ACCOUNT_ABNORMAL': _refused(
        "The customer's WeChat account cannot receive money. Agree with the customer on another"
        " way and pay the money back outside WeChat Pay.",
        "用户的微信账户异常，无法收款。请与用户协商，通过微信支付以外的方式退款。",
    ),
    'TRADE_OVERDUE': _refused(
        "The payment is more than a year old; WeChat Pay no longer refunds it. Pay the money back"
        " in another way.",
        "订单支付已超过一年，微信支付不再支持退款。请通过其他方式退款。",
    ),
    'REFUND_FEE_MISMATCH': _refused(
        "This refund number was used with another amount before. Compare both with"
        " pay.weixin.qq.com, Transaction Center ▸ Refunds, before you refund anew.",
        "该退款单号此前提交的金额与本次不一致。请先在pay.weixin.qq.com“交易中心 ▸ 退款”中核对，"
        "再重新退款。",
    ),
    'INVALID_REQUEST': _refused(
        "WeChat Pay's rules do not allow this refund: more than the payment has left, too many"
        " refunds of one payment, or values that do not belong to the payment. Compare with"
        " pay.weixin.qq.com, Transaction Center ▸ Refunds.",
        "退款不符合微信支付的规则：可能超出可退金额、退款次数过多，或参数与订单不一致。"
        "请在pay.weixin.qq.com“交易中心 ▸ 退款”中核对。",
    ),
    'PARAM_ERROR': _refused(
        "WeChat Pay did not accept a value of the refund. Report this to who maintains the shop.",
        "微信支付不接受退款中的某个参数，请联系系统维护人员。",
    ),
    'RESOURCE_NOT_EXISTS': _refused(
        "WeChat Pay has no paid order under this number, so there is nothing to refund. Press Ask"
        " WeChat Pay on the payment.",
        "微信支付中没有此编号的已支付订单，无法退款。请在支付交易上点击“查询微信支付”。",
    ),
    'NO_AUTH': _config(
        "The merchant may not refund through the interface. Look at pay.weixin.qq.com, Product"
        " Center.",
        "商户没有退款接口的权限，请在pay.weixin.qq.com的“产品中心”查看。",
    ),
}

_BY_STATUS = {
    401: 'SIGN_ERROR',
    429: 'FREQUENCY_LIMITED',
    500: 'SYSTEM_ERROR',
    502: 'SERVICE_UNAVAILABLE',
    503: 'SERVICE_UNAVAILABLE',
}

_UNKNOWN = _refused(
    "WeChat Pay refused the request.", "微信支付拒绝了请求。",
)


def get_advice(status, code):
    """Return the advice for an error answer.

    :param int status: The HTTP status.
    :param str code: The symbolic code of the body; empty if there is none.
    :rtype: Advice
    """
    return ERROR_CODES.get(code) or ERROR_CODES.get(_BY_STATUS.get(status)) or _UNKNOWN


def get_refund_advice(status, code):
    """Return the advice for an error answer to a refund.

    :param int status: The HTTP status.
    :param str code: The symbolic code of the body; empty if there is none.
    :rtype: Advice
    """
    return REFUND_CODES.get(code) or get_advice(status, code)


def is_outcome_known(status):
    """Tell whether an error status means that nothing was done.

    429 and 5xx, and whatever is no error, leave the outcome open: ask before deciding (A11).

    :param int status: The HTTP status.
    :rtype: bool
    """
    return 400 <= status < 500 and status != 429
