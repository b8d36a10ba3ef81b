# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What was wrong with a request, in Chinese, for the web page; the log itself is English."""

import re

from .phone_texts import REFUSALS
from .problems_zh_miniprograms import TABLE as MINIPROGRAMS
from .problems_zh_money import TABLE as MONEY

TABLE = {
    # platform
    "the platform has no such path": "平台没有此接口路径",
    "{} was used, this call is a GET": "使用了{}，此接口只接受GET",
    "{} was used, this call is a POST": "使用了{}，此接口只接受POST",
    "the body is not a JSON object": "请求体不是JSON对象",
    "the body is not UTF-8 JSON": "请求体不是UTF-8编码的JSON",
    "there is no app {}": "应用{}不存在",
    "this app is a {}, not a {}": "此应用的类型是{}，不是{}",
    "the secret is not this app's": "secret与此应用不符",
    "{} is missing": "缺少{}",
    "{} is not text": "{}不是字符串",
    "access_token is missing from the query string": "查询参数中缺少access_token",
    "cgi_path is missing or no path": "缺少cgi_path，或不是路径",
    "the quota of {} is used up": "{}的当日调用额度已用完",
    "{} is not on the IP allow list": "{}不在IP白名单中",
    "the token belongs to another appid": "access_token属于另一个appid",
    "the quotas were cleared ten times this month": "本月清零次数（10次）已用完",
    "type must be one of {}": "type应为{}之一",
    "grant_type must be authorization_code": "grant_type应为authorization_code",
    "grant_type must be client_credential": "grant_type应为client_credential",
    "this code was never issued": "此code从未签发",
    "this code was issued to the app {}": "此code是签发给应用{}的",
    "this code was used before": "此code已使用过",
    "this code is older than five minutes": "此code已超过五分钟",
    "this user is blocked as high-risk": "此用户为高风险用户，已被拦截",
    "this code has expired": "此code已过期",
    "grant_type must be refresh_token": "grant_type应为refresh_token",
    "this refresh_token was not issued to this app": "此refresh_token不是签发给此应用的",
    "this refresh_token is older than 30 days": "此refresh_token已超过30天",
    "this is not the access_token of a person": "这不是用户授权的access_token",
    "this access_token belongs to another openid": "此access_token属于另一个openid",
    "lang is none of zh_CN, zh_TW, en": "lang不是zh_CN、zh_TW、en之一",
    "snsapi_base tells the openid only": "snsapi_base只能获得openid",
    "openid is missing or not one of this app": "缺少openid，或openid不属于此应用",
    "sig_method must be hmac_sha256": "sig_method应为hmac_sha256",
    "this user has no session_key in this app": "此用户在此应用中没有session_key",
    "the signature was not made with the valid session_key": "签名不是用有效的session_key生成的",
    "force_refresh must be true or false": "force_refresh应为true或false",
    "force_refresh was used 20 times today": "今天已使用20次force_refresh",
    "this does not look like an access_token": "这不像access_token",
    "this access_token was not issued here": "此access_token不是这里签发的",
    "this access_token was revoked": "此access_token已被作废",
    "this access_token was replaced by a newer one": "此access_token已被新的取代",
    "this access_token has expired": "此access_token已过期",
    # signatures and headers
    "Authorization is missing": "缺少Authorization",
    "Authorization is given more than once": "Authorization出现多次",
    "the scheme is {}, not {}": "认证类型是{}，不是{}",
    "exactly one blank must follow the scheme": "认证类型后应有且只有一个空格",
    'each pair must read key="value", without blanks': '每一项应写作key="value"，不含空格',
    "{} is given twice": "{}出现两次",
    "{} is empty": "{}为空",
    "missing: {}; not known: {}": "缺少：{}；多余：{}",
    "timestamp must be ten digits: seconds, not milliseconds": "timestamp应为10位的秒数，不是毫秒",
    "the timestamp is {} s behind the sandbox's clock": "timestamp比沙盒时钟慢{}秒",
    "there is no merchant {}": "商户{}不存在",
    "serial_no is not the serial of the merchant's certificate": "serial_no不是商户API证书的序列号",
    "the signature does not belong to this request and key": "签名与此请求、此密钥不符",
    "no Wechatpay-Serial, so a platform certificate signs the answer":
        "没有Wechatpay-Serial，应答由平台证书签名",
    "is no WeChat Pay public key id or platform certificate of this merchant":
        "不是此商户的微信支付公钥ID或平台证书序列号",
    "no User-Agent; other v3 paths refuse that": "没有User-Agent，其他v3接口会拒绝",
    "the header User-Agent is missing": "缺少请求头User-Agent",
    "the header Accept must be application/json": "请求头Accept应为application/json",
    "the header Content-Type must be application/json": "请求头Content-Type应为application/json",
    "WeChat Pay has no {} {}": "微信支付没有{} {}",
    # fields
    "must have {} to {} characters, has {}": "长度应为{}到{}个字符，实际{}个",
    "must be a string": "应为字符串",
    "contains control characters": "含有控制字符",
    "must be an integer": "应为整数",
    "must be {} or more": "应不小于{}",
    "is too large": "过大",
    "must be true or false": "应为true或false",
    "must be an array": "应为数组",
    "must have 1 to {} items": "应有1到{}项",
    "must be an object": "应为对象",
    "unknown field": "未知字段",
    "must not be null: leave it out": "不能为null，不需要时请不要传",
    "is required": "必填",
    "is required in the query string": "查询参数中必填",
    "only digits, letters and _ - | * are allowed": "只能包含数字、字母和_ - | *",
    "only digits, letters, - and _ are allowed": "只能包含数字、字母、-和_",
    "mainland merchants take CNY only": "境内商户只支持CNY",
    "is not an IP address": "不是IP地址",
    "must be plain ASCII without blanks": "只能包含ASCII字符，不含空格",
    "has an impossible host or port": "主机名或端口有误",
    "must be a complete https address": "应为完整的https地址",
    "must not hold a user name or password": "不能包含用户名或密码",
    "must not have a query or a fragment": "不能带查询参数或#片段",
    "must have a path": "应有路径",
    "must begin with https://": "应以https://开头",
    "must have a public host name": "应使用公网域名",
    "must have a host name, not an IP address": "应使用域名，不能是IP地址",
    "not a time like 2026-01-02T20:00:00+08:00": "时间格式应如2026-01-02T20:00:00+08:00",
    "is longer than 6144 bytes": "超过6144字节",
    "must be one of {}": "应为以下之一：{}",
    "only digits, letters and _ - | * @ are allowed": "只能包含数字、字母和_ - | * @",
    # orders
    "is this machine's own address, not the customer's": "是本机地址，不是顾客的地址",
    "an appid of the type {} cannot use this product": "类型为{}的appid不支持此支付产品",
    # refunds and security
    "exactly one of transaction_id and out_trade_no is required":
        "transaction_id和out_trade_no应二选一",
    "does not add up to the refund": "合计与退款金额不符",
    "no notify_url, so WeChat Pay sends no v3 notification of this refund":
        "没有notify_url，微信支付不会发送此退款的v3通知",
    "amount.total is not the total of the order": "amount.total与原订单金额不一致",
    "this merchant has no order of this number to refund": "此商户没有该订单号的订单可退款",
    "the order to refund is not paid": "要退款的订单未支付",
    "out_refund_no was used with another {}": "此商户退款单号已使用，且以下参数不同：{}",
    "unknown parameter of the query": "未知的查询参数",
    "this merchant has no refund of this number": "此商户没有该单号的退款",
    "this merchant has no refund of this refund_id and out_refund_no":
        "此商户没有与refund_id和out_refund_no相符的退款",
    "the refund is {}, not ABNORMAL": "退款状态是{}，不是ABNORMAL",
    "belongs to USER_BANK_CARD only": "仅用于USER_BANK_CARD",
    "is required for USER_BANK_CARD": "USER_BANK_CARD时必填",
    "was not encrypted with the key that Wechatpay-Serial names":
        "不是用Wechatpay-Serial所指的密钥加密的",
    "is no card number once decrypted": "解密后不是银行卡号",
    "must name the key of the encrypted fields": "应填写加密字段所用密钥的序列号或公钥ID",
    "the payment is older than 365 days": "支付已超过365天",
    "the order has been refunded 50 times": "订单已退款50次",
    "the refund is more than what is left of the payment": "退款金额超过剩余可退金额",
    "the order was refunded less than a minute ago": "此订单一分钟内已退过款",
    "the customer's account is closed or frozen": "顾客的账户已注销或被冻结",
    "the merchant has not enough money": "商户余额不足",
    "is not the mchid of the Authorization header": "与Authorization中的mchid不一致",
    "appid is not bound to mchid": "appid未与mchid绑定",
    "the product is not enabled for this merchant": "商户未开通此产品",
    "is not an openid of this appid": "不是此appid下的openid",
    "the order is paid": "订单已支付",
    "the order is closed": "订单已关闭",
    "the order's time_expire has passed": "订单已超过time_expire",
    "out_trade_no was used with another {}": "此商户订单号已使用，且以下参数不同：{}",
    "this merchant has no order of this number": "此商户没有该订单号的订单",
    "this merchant has no payment of this number": "此商户没有该订单号的支付",
    "no platform certificate is available: use the WeChat Pay public key":
        "没有可用的平台证书，请使用微信支付公钥",
    "a GET should have no body": "GET请求不应有请求体",
    "the token of a component comes from api_component_token":
        "第三方平台的令牌通过api_component_token接口获取",
    "this code was asked for by {}": "此code属于{}",
    # API v2, service providers, payment codes
    "only POST is taken": "只接受POST",
    "the body is empty": "请求体为空",
    "the body is not UTF-8": "请求体不是UTF-8编码",
    "the body is not XML": "请求体不是XML",
    "a document type is refused": "不接受文档类型声明（DOCTYPE）",
    "an element has an impossible name": "元素名称有误",
    "the root element must be xml": "根元素应为xml",
    "there is text between the elements": "元素之间有文字",
    "there is something else than plain elements": "有普通元素以外的内容",
    "the element {} holds something else than text": "元素{}中有文字以外的内容",
    "there is no such merchant": "没有此商户",
    "there is no such appid": "没有此appid",
    "sign_type is {}, not {}": "sign_type是{}，应为{}",
    "nonce_str must have 1 to 32 characters": "nonce_str长度应为1到32个字符",
    "the sign is missing": "缺少sign",
    "the sign does not belong to these parameters and this key": "sign与这些参数、此密钥不符",
    "no client certificate was sent: call the TLS address with it":
        "没有发送商户API证书，请携带证书访问TLS地址",
    "the client certificate is not this merchant's": "不是此商户的API证书",
    "the client certificate is not in force": "商户API证书不在有效期内",
    "appid is not bound to mch_id": "appid未与mch_id绑定",
    "sub_appid is not bound to sub_mch_id": "sub_appid未与sub_mch_id绑定",
    "sub_appid is not bound to sub_mchid": "sub_appid未与sub_mchid绑定",
    "the merchant is no service provider": "此商户不是服务商",
    "a service provider cannot use the calls of a direct merchant": "服务商不能使用直连商户的接口",
    "the sub-merchant has not authorised this service provider": "特约商户未授权此服务商",
    "belongs to service providers only": "仅用于服务商",
    "sp_openid or sub_openid is required": "sp_openid或sub_openid必填其一",
    "sub_openid wants sub_appid": "使用sub_openid时必须填写sub_appid",
    "unknown parameter": "未知参数",
    "{} is empty: leave it out": "{}为空，不需要时请不要传",
    "is longer than {} bytes": "超过{}字节",
    "is longer than {} characters": "超过{}个字符",
    "is not JSON": "不是JSON",
    "is no JSON object": "不是JSON对象",
    "is no JSON array of objects": "不是由对象组成的JSON数组",
    "must be 1 to {}": "应为1到{}",
    "must be a positive whole number of fen": "应为正整数，单位为分",
    "must be a whole number": "应为整数",
    "must be a time like 20260102200000": "时间格式应如20260102200000",
    "must have 6 to 32 characters": "长度应为6到32个字符",
    "must hold h5_info with the type Wap, IOS or Android":
        "应包含h5_info，其type为Wap、IOS或Android",
    "h5_info must hold wap_url and wap_name": "h5_info应包含wap_url和wap_name",
    "openid is of no use with this trade_type": "此trade_type不需要openid",
    "is less than a minute ahead": "距现在不足一分钟",
    "is after end_time": "晚于end_time",
    "total_fee is not the total of the order": "total_fee与原订单金额不一致",
    "the order was made less than five minutes ago": "订单生成不足五分钟",
    "no notify_url, so only the address set in the console is told":
        "没有notify_url，只会通知商户平台中设置的地址",
    "of several numbers {} counts": "传了多个单号，以{}为准",
    "one of {} is required": "以下参数必填其一：{}",
    "there are no comments then": "该时间段没有评论",
    "exactly one of id and out_id is required": "id和out_id应二选一",
    "auth_code must be 18 digits that begin with 10 to 15": "auth_code应为以10到15开头的18位数字",
    "nobody has shown this auth_code": "没有人出示过此auth_code",
    "this auth_code was used before": "此auth_code已使用过",
    "this auth_code is older than a minute": "此auth_code已超过一分钟",
    "this auth_code was told to fail": "此auth_code已设定为支付失败",
    "the customer is asked for the password": "顾客需要输入密码",
    "out_trade_no was used for a payment before": "此商户订单号已用于支付",
    "a payment code's order is reversed, not closed": "付款码支付订单应撤销，不能关闭",
    "only orders that are paid by a payment code can be reversed": "只有付款码支付的订单可以撤销",
    "the order was reversed": "订单已撤销",
    "the order was refunded": "订单已退款",
    "the order is older than seven days": "订单已超过七天",
    "the payment began only just now": "支付刚刚开始，请稍后再撤销",
    "reverse was told to say recall": "已设定撤销返回recall",
    "description begins or ends with a blank": "description首尾有空格",
    "time_expire was moved to {}": "time_expire已调整为{}",
    "the sandbox itself failed; see its standard error output":
        "沙盒自身出错，请查看其标准错误输出",
}


def _compile(english):
    # What fills a gap never holds `: `, or the gap would swallow the code in front.
    gap = '((?:(?!: ).)+?)'
    return re.compile(re.escape(english).replace(r'\{\}', gap), re.DOTALL)


# Texts without gaps first: "{} is missing" would fit "the header User-Agent is missing" too.
_PATTERNS = [
    (_compile(english), chinese)
    for english, chinese in sorted(
        {**REFUSALS, **MINIPROGRAMS, **MONEY, **TABLE}.items(),
        key=lambda item: item[0].count('{}'),
    )
]


def translate(problem):
    """Say a problem in Chinese.

    :param str problem: as in the request log; codes and field names before `: ` stay as they are
    :return: text; what the table does not know stays English
    """
    if problem.startswith('warning: '):
        return f"提示：{translate(problem.removeprefix('warning: '))}"
    head, rest = '', problem
    while True:
        for pattern, chinese in _PATTERNS:
            match = pattern.fullmatch(rest)
            if match:
                return head + chinese.format(*match.groups())
        front, colon, rest = rest.partition(': ')
        if not colon:
            return problem
        head += f'{front}: '
