# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""API v2's error codes (`err_code`), and what they ask of whom (B2).

v2 answers 200 to everything. `return_code` FAIL comes without a code and without a signature: the
request was not taken at all, which usually means a wrong key. `result_code` FAIL has an `err_code`.
"""

from .errors import ERROR_CODES as V3_ERROR_CODES
from .errors import REFUND_CODES as V3_REFUND_CODES
from .errors import Advice


def _config(en, zh):
    return Advice('misconfigured', True, en, zh)


def _refused(en, zh):
    return Advice('payment_refused', False, en, zh)


def _busy(en, zh):
    return Advice('wechat_busy', False, en, zh)


_PROGRAM = _refused(
    "WeChat Pay could not read the request. Report this to who maintains the shop.",
    "微信支付无法识别请求，请联系系统维护人员。",
)
_AGAIN = _refused(
    "The payment code is no longer valid. Ask the customer to show it anew and scan it again.",
    "付款码已失效，请顾客刷新付款码后重新扫码。",
)
_NO_MERCHANT = V3_ERROR_CODES['MCH_NOT_EXISTS']
_UNBOUND = V3_ERROR_CODES['APPID_MCHID_NOT_MATCH']
_SYSTEM = V3_ERROR_CODES['SYSTEM_ERROR']
_OFTEN = V3_ERROR_CODES['FREQUENCY_LIMITED']

# `return_code` FAIL.
NOT_TAKEN = _config(
    "WeChat Pay did not take the request. Check the merchant number, the APIv2 key"
    " (pay.weixin.qq.com, Account Center ▸ API security) and the type of signature; for refunds and"
    " reversals also the merchant certificate.",
    "微信支付未受理请求。请检查商户号、APIv2密钥（pay.weixin.qq.com“账户中心 ▸ API安全”）"
    "和签名类型；退款和撤销还需检查商户API证书。",
)

ERROR_CODES = {
    # configuration
    'SIGNERROR': _config(
        "WeChat Pay could not verify our signature. Check the APIv2 key (pay.weixin.qq.com, Account"
        " Center ▸ API security) and the type of signature.",
        "签名验证失败。请检查APIv2密钥（pay.weixin.qq.com“账户中心 ▸ API安全”）和签名类型。",
    ),
    'NOAUTH': _config(
        "The merchant may not use this way of paying. Apply for it on pay.weixin.qq.com, Product"
        " Center.",
        "商户没有此支付方式的权限。请在pay.weixin.qq.com的“产品中心”开通。",
    ),
    'NO_AUTH': _config(
        "The merchant may not use this interface. Look at pay.weixin.qq.com, Product Center.",
        "商户没有此接口的权限，请在pay.weixin.qq.com的“产品中心”查看。",
    ),
    'CA_ERROR': _config(
        "WeChat Pay did not accept the merchant certificate. Upload the current one from"
        " pay.weixin.qq.com, Account Center ▸ API security.",
        "微信支付不接受商户API证书。请在pay.weixin.qq.com“账户中心 ▸ API安全”"
        "下载最新证书后重新上传。",
    ),
    'APPID_NOT_EXIST': _config(
        "WeChat Pay does not know the AppID. Compare it with the app's console.",
        "AppID不存在，请与应用后台的AppID核对。",
    ),
    'MCHID_NOT_EXIST': _NO_MERCHANT,
    'MCH_NOT_EXISTS': _NO_MERCHANT,
    'APPID_MCHID_NOT_MATCH': _UNBOUND,
    # requests
    'LACK_PARAMS': _PROGRAM,
    'PARAM_ERROR': V3_ERROR_CODES['PARAM_ERROR'],
    'INVALID_REQUEST': V3_ERROR_CODES['INVALID_REQUEST'],
    'XML_FORMAT_ERROR': _PROGRAM,
    'REQUIRE_POST_METHOD': _PROGRAM,
    'POST_DATA_EMPTY': _PROGRAM,
    'NOT_UTF8': _PROGRAM,
    # what an order is
    'ORDERPAID': V3_ERROR_CODES['ORDERPAID'],
    'ORDERCLOSED': V3_ERROR_CODES['ORDER_CLOSED'],
    'ORDERREVERSED': _refused(
        "The payment was reversed. Start it again.", "订单已撤销，请重新发起支付。",
    ),
    'ORDERNOTEXIST': V3_ERROR_CODES['ORDER_NOT_EXIST'],
    'OUT_TRADE_NO_USED': V3_ERROR_CODES['OUT_TRADE_NO_USED'],
    'TRADE_STATE_ERROR': _refused(
        "The order cannot be closed now. Ask for its state first.",
        "订单当前状态不能关闭，请先查询订单。",
    ),
    'INVALID_TRANSACTIONID': V3_ERROR_CODES['RESOURCE_NOT_EXISTS'],
    # customers
    'NOTENOUGH': _refused(
        "The customer has not enough money. Ask for another card or another way of paying.",
        "用户余额不足，请更换支付方式。",
    ),
    'NOTSUPORTCARD': _refused(
        "This card cannot be used. Ask the customer for another one.",
        "不支持该银行卡，请顾客更换其他卡支付。",
    ),
    'BUYER_MISMATCH': _refused(
        "Another person has begun to pay this order. Start the payment again.",
        "支付账号与订单不匹配，请重新发起支付。",
    ),
    'TRADE_ERROR': V3_ERROR_CODES['TRADE_ERROR'],
    'RULELIMIT': V3_ERROR_CODES['RULE_LIMIT'],
    'AUTHCODEEXPIRE': _AGAIN,
    'AUTH_CODE_ERROR': _AGAIN,
    'AUTH_CODE_INVALID': _refused(
        "This is not a payment code of WeChat. Scan the code under Me ▸ Services ▸ Money.",
        "扫描的不是微信付款码，请扫描微信“我 ▸ 服务 ▸ 收付款”中的付款码。",
    ),
    'USERPAYING': _refused(
        "The customer is entering the password. Wait for the result.",
        "用户正在输入密码，请等待支付结果。",
    ),
    'REVERSE_EXPIRE': _refused(
        "The payment is too old to be reversed. Refund it instead.",
        "订单已超过可撤销期限，请改用退款。",
    ),
    # WeChat Pay itself
    'SYSTEMERROR': _SYSTEM,
    'BANKERROR': _busy(
        "The customer's bank did not answer. Wait for the result.",
        "银行系统异常，请等待支付结果。",
    ),
    'BIZERR_NEED_RETRY': _SYSTEM,
    'FREQUENCY_LIMITED': _OFTEN,
    'FREQ_LIMIT': _OFTEN,
    'INVALID_REQ_TOO_MUCH': _busy(
        "Too many requests that WeChat Pay refused. Try again after a minute.",
        "无效请求过多，请一分钟后再试。",
    ),
    # comments (B2.9)
    'NO_COMMENT': _refused(
        "There are no comments of this time.", "该时间段内没有用户评价。",
    ),
}

# What these say is true of the order, however often and by whomever it was asked for.
ORDER_STATE_CODES = {
    'ORDERPAID', 'ORDERCLOSED', 'ORDERREVERSED', 'ORDERNOTEXIST', 'OUT_TRADE_NO_USED',
}

_REFUND_LATER = _busy(
    "WeChat Pay had too many requests and did not take this refund. Wait a minute, then press"
    " Repeat Refund: it is sent again under the same number.",
    "微信支付的请求过多，未受理此退款。请等待一分钟后点击“重新提交退款”：将使用原退款单号再次提交。",
)

# What the same and further codes mean in answer to a refund (B2.4): whoever reads this is a clerk.
REFUND_CODES = {
    'NOTENOUGH': V3_REFUND_CODES['NOT_ENOUGH'],
    'USER_ACCOUNT_ABNORMAL': V3_REFUND_CODES['USER_ACCOUNT_ABNORMAL'],
    'TRADE_OVERDUE': V3_REFUND_CODES['TRADE_OVERDUE'],
    'REFUND_FEE_MISMATCH': V3_REFUND_CODES['REFUND_FEE_MISMATCH'],
    'INVALID_REQUEST': V3_REFUND_CODES['INVALID_REQUEST'],
    'ERROR': V3_REFUND_CODES['INVALID_REQUEST'],
    'PARAM_ERROR': V3_REFUND_CODES['PARAM_ERROR'],
    'ORDERNOTEXIST': V3_REFUND_CODES['RESOURCE_NOT_EXISTS'],
    'INVALID_TRANSACTIONID': V3_REFUND_CODES['RESOURCE_NOT_EXISTS'],
    'REFUNDNOTEXIST': _refused(
        "WeChat Pay knows no such refund.", "微信支付中没有此退款单。",
    ),
    'FREQUENCY_LIMITED': _REFUND_LATER,
    'FREQ_LIMIT': _REFUND_LATER,
    'INVALID_REQ_TOO_MUCH': _REFUND_LATER,
    'NOAUTH': V3_REFUND_CODES['NO_AUTH'],
    'NO_AUTH': V3_REFUND_CODES['NO_AUTH'],
}

# What a query answers for a refund that WeChat Pay has never taken (B2.5).
NO_SUCH_REFUND_CODES = ('REFUNDNOTEXIST',)

# With these the money may be on its way all the same: query before anything else (B2.4, B2.6).
_OPEN_CODES = {'SYSTEMERROR', 'BANKERROR', 'USERPAYING', 'BIZERR_NEED_RETRY'}

_UNKNOWN = _refused("WeChat Pay refused the request.", "微信支付拒绝了请求。")


def get_advice(code):
    """Return the advice for an answer that is a failure.

    :param str code: The `err_code`; empty if there is none, as with `return_code` FAIL.
    :rtype: Advice
    """
    return ERROR_CODES.get(code, _UNKNOWN) if code else NOT_TAKEN


def get_refund_advice(code):
    """Return the advice for an answer to a refund that is a failure.

    :param str code: The `err_code`; empty if there is none.
    :rtype: Advice
    """
    return REFUND_CODES.get(code) or get_advice(code)


def is_outcome_known(code):
    """Tell whether a failure means that nothing was done and nothing will be.

    Only of codes that are known to say so, in an answer whose signature was verified. `return_code`
    FAIL is not signed and has no code: whether it may be believed depends on what is at stake, so
    that it counts as open here.

    :param str code: The `err_code`; empty if there is none.
    :rtype: bool
    """
    return code not in _OPEN_CODES and (code in ERROR_CODES or code in REFUND_CODES)
