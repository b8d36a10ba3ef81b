# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""WeChat's error codes: the code word that clients get, and what to do about it.

Those of messages, codes and content checks are in `errcodes_miniprogram`.

Source: wechat-platform.md, sections 0 (general codes), 1.2 and 1.4 (mini-program login), 3.1 and
3.4 (tokens and quotas) and 5.2 (web login). WeChat's `errmsg` is for logs, it is never
parsed, except to show an IP address that it names.
"""

import ipaddress
import re
from typing import NamedTuple

from .errcodes_miniprogram import MINIPROGRAM_ERRCODES


class Errcode(NamedTuple):
    """What is known about one error code.

    ``word`` is the code word of the public contract, ``advice_en`` and ``advice_zh`` say what
    happened and what to do.
    """

    word: str
    advice_en: str
    advice_zh: str


# The codes that mean that the account's access token is not accepted (section 3.3). From a token
# endpoint, 40001 means a wrong AppSecret instead.
INVALID_TOKEN_CODES = frozenset({40001, 40014, 42001})

# The codes that mean that the server's IP address is not allowed; `errmsg` names it.
ADDRESS_CODES = frozenset({40164, 61004, 89503, 89506, 89507})
_ADDRESS = re.compile(r'(?<![\w.:])(?:ip:)?([0-9A-Fa-f:.]{3,60})(?![\w:])', re.ASCII)

_INVALID_TOKEN = (
    "The access token was not accepted, even after it was renewed. If another system fetches tokens"
    " for the same AppID by itself, let only one of them do it; otherwise check the AppID and the"
    " AppSecret in Settings ▸ WeChat.",
    "access_token未被接受，重新获取后仍然无效。如果还有其他系统自行获取同一AppID的access_token，"
    "请只保留一个；否则请在“设置 ▸ 微信”中检查AppID和AppSecret。",
)
_BAD_REQUEST = (
    "WeChat does not accept the request as it was made. Please report this to your Odoo partner,"
    " with the error code.",
    "微信不接受该请求。请将此错误码告知您的Odoo服务商。",
)
_SETTINGS_PLACE = (
    "mp.weixin.qq.com, Development ▸ Development settings (开发管理 ▸ 开发设置)"
)
_NEW_LOGIN = (
    "The authorization is no longer valid. Please log in with WeChat again.",
    "微信授权已失效，请重新登录。",
)

ERRCODES = {
    -1: Errcode(
        'wechat_busy',
        "WeChat is busy. Please try again in a moment.",
        "微信系统繁忙，请稍后再试。",
    ),
    40001: Errcode('misconfigured', *_INVALID_TOKEN),
    40002: Errcode('bad_request', *_BAD_REQUEST),
    40003: Errcode(
        'bad_request',
        "The openid does not belong to this AppID, or the person no longer follows the account."
        " An openid is valid for one AppID only.",
        "openid不属于该AppID，或用户已取消关注。openid只在一个AppID内有效。",
    ),
    40007: Errcode(
        'bad_request',
        "WeChat does not know this material any more. Upload the picture again.",
        "素材（media_id）无效。请重新上传图片。",
    ),
    40013: Errcode(
        'misconfigured',
        "WeChat does not know this AppID, or it is not the one that the call belongs to. Compare"
        f" the AppID in Settings ▸ WeChat with the one shown at {_SETTINGS_PLACE}.",
        "AppID无效，或与本次调用不符。请将“设置 ▸ 微信”中的AppID与微信公众平台"
        "“开发管理 ▸ 开发设置”中显示的AppID核对。",
    ),
    40014: Errcode('misconfigured', *_INVALID_TOKEN),
    40016: Errcode(
        'bad_request',
        "A menu has one to three buttons.",
        "一级菜单应为1至3个。",
    ),
    40017: Errcode(
        'bad_request',
        "WeChat does not take a button of this type.",
        "菜单按钮类型无效。",
    ),
    40018: Errcode(
        'bad_request',
        "The name of a menu button is too long: up to 16 bytes are taken, which are five Chinese"
        " characters.",
        "一级菜单名称过长：最多16个字节（5个汉字）。",
    ),
    40019: Errcode(
        'bad_request',
        "The key of a menu button is missing or longer than 128 bytes.",
        "菜单按钮的key缺失或超过128个字节。",
    ),
    40020: Errcode(
        'bad_request',
        "The address of a menu button is missing or longer than 1024 bytes.",
        "菜单按钮的网址缺失或超过1024个字节。",
    ),
    40023: Errcode(
        'bad_request',
        "There are one to five buttons below a menu button.",
        "二级菜单应为1至5个。",
    ),
    40025: Errcode(
        'bad_request',
        "The name of a button of the second level is too long: up to 60 bytes are taken.",
        "二级菜单名称过长：最多60个字节。",
    ),
    40029: Errcode(
        'invalid_code',
        "The login code is not valid: it has expired, belongs to another AppID or is incomplete."
        " Please try again.",
        "登录凭证（code）无效：已过期、不完整或属于其他AppID。请重试。",
    ),
    40030: Errcode('invalid_code', *_NEW_LOGIN),
    40032: Errcode(
        'bad_request',
        "WeChat takes 100 people at once.",
        "一次最多查询100个用户。",
    ),
    40037: Errcode(
        'bad_request',
        "WeChat does not know this template, or it belongs to another account. Fetch the"
        " templates of the account again.",
        "模板ID无效，或不属于该账号。请重新获取模板列表。",
    ),
    40054: Errcode(
        'bad_request',
        "WeChat does not take the address of a button of the second level.",
        "二级菜单的网址无效。",
    ),
    40055: Errcode(
        'bad_request',
        "WeChat does not take the address of a menu button.",
        "菜单的网址无效。",
    ),
    40097: Errcode('bad_request', *_BAD_REQUEST),
    40125: Errcode(
        'misconfigured',
        "The AppSecret is wrong. WeChat shows it only once, when it is made: if you do not have"
        f" it any more, reset it at {_SETTINGS_PLACE} and enter the new one in Settings ▸ WeChat.",
        "AppSecret（小程序密钥）错误。密钥只在生成时显示一次：如已遗失，请在微信公众平台"
        "“开发管理 ▸ 开发设置”中重置，并在“设置 ▸ 微信”中填写新密钥。",
    ),
    40163: Errcode(
        'code_used',
        "The login code has been used already; each code works once. Please try again.",
        "登录凭证（code）已被使用，每个code只能使用一次。请重试。",
    ),
    40164: Errcode(
        'misconfigured',
        "The IP address of this server is not in the IP allow list (IP白名单) of the AppID. Add"
        f" it at {_SETTINGS_PLACE}.",
        "本服务器的IP地址不在该AppID的IP白名单中。请在微信公众平台“开发管理 ▸ 开发设置”的"
        "IP白名单中添加。",
    ),
    40165: Errcode(
        'bad_request',
        "The mini-program has no such page in its published version. Compare the path with app.json"
        " (it has no leading slash), and publish the version that has the page.",
        "小程序已发布的版本中没有该页面。请与app.json核对页面路径（开头不加“/”），并发布包含该页面的版本。",
    ),
    40166: Errcode(
        'bad_request',
        "WeChat does not know the mini-program, or it is not linked to the account. Link it on"
        " mp.weixin.qq.com, Advertising and services ▸ Mini-program management (广告与服务 ▸"
        " 小程序管理).",
        "小程序AppID无效，或未与公众号关联。请在微信公众平台“广告与服务 ▸ 小程序管理”中关联。",
    ),
    40226: Errcode(
        'user_blocked',
        "WeChat considers this user a high risk and does not let them log in.",
        "该用户被微信判定为高风险用户，无法登录。",
    ),
    40243: Errcode(
        'misconfigured',
        "The AppSecret is frozen. An administrator of the account unfreezes it at"
        f" {_SETTINGS_PLACE}.",
        "AppSecret已被冻结。请由账号管理员在微信公众平台“开发管理 ▸ 开发设置”中解冻。",
    ),
    41001: Errcode('bad_request', *_BAD_REQUEST),
    41002: Errcode(
        'misconfigured',
        "The AppID is missing. Enter it in Settings ▸ WeChat.",
        "缺少AppID。请在“设置 ▸ 微信”中填写。",
    ),
    41004: Errcode(
        'misconfigured',
        "The AppSecret is missing. Enter it in Settings ▸ WeChat.",
        "缺少AppSecret（小程序密钥）。请在“设置 ▸ 微信”中填写。",
    ),
    41008: Errcode(
        'invalid_code',
        "The login code is missing. Please try again.",
        "缺少登录凭证（code）。请重试。",
    ),
    42001: Errcode('misconfigured', *_INVALID_TOKEN),
    42002: Errcode('invalid_code', *_NEW_LOGIN),
    42003: Errcode(
        'invalid_code',
        "The login code has expired. Please log in again.",
        "登录凭证（code）已过期，请重新登录。",
    ),
    42007: Errcode(
        'invalid_code',
        "The user changed their WeChat password, which ended the authorization. Please log in with"
        " WeChat again.",
        "用户已修改微信密码，授权已失效，请重新登录。",
    ),
    43002: Errcode('bad_request', *_BAD_REQUEST),
    43004: Errcode(
        'not_linked',
        "The person does not follow the account, and template messages reach followers only.",
        "用户未关注公众号，模板消息只能发送给关注者。",
    ),
    43101: Errcode(
        'user_blocked',
        "The person does not accept this message: they turned it off, or have not agreed to it.",
        "用户拒收该消息，或未授权接收。",
    ),
    44990: Errcode(
        'rate_limited',
        "Too many calls in this second. Please try again in a moment.",
        "调用过于频繁（每秒上限）。请稍后再试。",
    ),
    44991: Errcode(
        'rate_limited',
        "Too many calls in this minute. Please try again in a minute.",
        "调用过于频繁（每分钟上限）。请一分钟后再试。",
    ),
    44993: Errcode(
        'rate_limited',
        "The limit of calls for today is reached. It starts again at midnight, Beijing time.",
        "今日调用次数已达上限，北京时间零点后恢复。",
    ),
    45009: Errcode(
        'rate_limited',
        "The daily quota of this API is used up. It starts again at midnight, Beijing time; an"
        " administrator can clear it earlier on mp.weixin.qq.com.",
        "该接口今日调用额度已用完，北京时间零点后恢复；管理员也可以在微信公众平台提前清零。",
    ),
    45011: Errcode(
        'rate_limited',
        "Too many calls in this minute. Please try again in a minute.",
        "调用过于频繁（每分钟上限）。请一分钟后再试。",
    ),
    46003: Errcode(
        'bad_request',
        "The account has no menu.",
        "该账号没有自定义菜单。",
    ),
    47001: Errcode('bad_request', *_BAD_REQUEST),
    45002: Errcode(
        'bad_request',
        "The message is too long: WeChat takes texts of 2048 bytes, which is about 680 Chinese"
        " characters. Shorten it.",
        "消息内容过长：文本消息最多2048字节，约680个汉字。请缩短内容。",
    ),
    45015: Errcode(
        'bad_request',
        "The time to answer is over: a customer-service message can be sent within 48 hours of the"
        " customer's last message, within one minute of a menu click, a new follow or a scanned"
        " code. Wait until the customer writes again, or send a template or subscribe message.",
        "已超过回复时限：客服消息只能在用户发送消息后48小时内，或点击菜单、关注、扫码后1分钟内下发。"
        "请等用户再次发送消息，或改用模板消息、订阅消息。",
    ),
    45047: Errcode(
        'rate_limited',
        "Too many customer-service messages without an answer: WeChat takes five after a message of"
        " the customer, three after a menu click, a new follow or a scanned code. Wait until the"
        " customer writes again.",
        "客服消息下发条数超过上限：用户发送一条消息后最多下发5条，点击菜单、关注或扫码后最多3条。"
        "请等用户再次发送消息。",
    ),
    45072: Errcode('bad_request', *_BAD_REQUEST),
    45080: Errcode(
        'bad_request',
        "That somebody is typing is shown within 30 seconds of the customer's last message only.",
        "只有在与用户最近一次消息往来后的30秒内，才能下发“正在输入”状态。",
    ),
    45081: Errcode(
        'bad_request',
        "That somebody is typing is shown to the customer already.",
        "已经处于“正在输入”状态，不能重复下发。",
    ),
    47003: Errcode(
        'bad_request',
        "A field of the message does not fit the template: it is empty, too long, or not of its"
        " type. Preview the template to see which one.",
        "消息的某个字段不符合模板要求：为空、过长或类型不符。请预览模板查看是哪个字段。",
    ),
    48001: Errcode(
        'misconfigured',
        "The account does not have the permission for this API. See which permissions it has on"
        " mp.weixin.qq.com; many need a verified account.",
        "该账号没有此接口的权限。请在微信公众平台查看接口权限，许多接口需要完成微信认证。",
    ),
    48004: Errcode(
        'misconfigured',
        "WeChat has blocked this API for the account. The notices on mp.weixin.qq.com give the"
        " reason.",
        "该账号的此接口已被微信封禁。原因请查看微信公众平台的通知。",
    ),
    48006: Errcode(
        'rate_limited',
        "The quotas have been cleared as often as WeChat allows in a month (10 times).",
        "本月清零次数（10次）已用完。",
    ),
    50002: Errcode(
        'misconfigured',
        "WeChat has restricted the account. The notices on mp.weixin.qq.com say why and until"
        " when.",
        "该账号已被微信限制使用。原因和期限请查看微信公众平台的通知。",
    ),
    50004: Errcode(
        'misconfigured',
        "The account may not use this interface. The notices on mp.weixin.qq.com give the reason.",
        "该账号被禁止使用此接口。原因请查看微信公众平台的通知。",
    ),
    50007: Errcode(
        'misconfigured',
        "WeChat has frozen the account. The notices on mp.weixin.qq.com say what is to be done.",
        "该账号已被微信冻结。处理办法请查看微信公众平台的通知。",
    ),
    61003: Errcode(
        'misconfigured',
        "The account is not authorized for the third-party platform. Its administrator has to"
        " authorize it again.",
        "该账号未授权给第三方平台。请由账号管理员重新授权。",
    ),
    61004: Errcode(
        'misconfigured',
        "The IP address of this server is not in the IP allow list of the third-party platform."
        " Add it at open.weixin.qq.com, Management ▸ Third-party platform (管理中心 ▸ 第三方平台).",
        "本服务器的IP地址不在第三方平台的IP白名单中。请在微信开放平台"
        "“管理中心 ▸ 第三方平台”中添加。",
    ),
    61005: Errcode(
        'misconfigured',
        "The ticket of the third-party platform has expired: WeChat has pushed none for 12 hours."
        " Press “Start Ticket Pushes” in WeChat ▸ Apps and check that WeChat reaches the"
        " authorization event URL.",
        "第三方平台的component_verify_ticket已过期：微信已超过12小时未推送。"
        "请在“微信 ▸ 应用”中点击“启动ticket推送”，并检查微信能否访问授权事件接收URL。",
    ),
    61006: Errcode(
        'misconfigured',
        "WeChat does not know the ticket of the third-party platform. Press “Start Ticket Pushes”"
        " in WeChat ▸ Apps and wait for the next one.",
        "第三方平台的component_verify_ticket无效。请在“微信 ▸ 应用”中点击“启动ticket推送”，"
        "并等待下一次推送。",
    ),
    61007: Errcode(
        'misconfigured',
        "The account has not granted this permission to the third-party platform. Its"
        " administrator has to authorize again with this permission.",
        "该账号未将此权限授予第三方平台。请由账号管理员重新授权并勾选该权限。",
    ),
    61009: Errcode(
        'invalid_code',
        "The authorization code is invalid or was used already. Please authorize the account"
        " again.",
        "授权码无效或已使用。请重新授权。",
    ),
    61011: Errcode(
        'misconfigured',
        "WeChat does not know this third-party platform. Compare its AppID with the one shown at"
        " open.weixin.qq.com, Management ▸ Third-party platform (管理中心 ▸ 第三方平台).",
        "第三方平台无效。请将AppID与微信开放平台“管理中心 ▸ 第三方平台”中显示的核对。",
    ),
    61023: Errcode(
        'misconfigured',
        "The authorization of the account is no longer valid. Its administrator has to authorize it"
        " again.",
        "该账号的授权已失效。请由账号管理员重新授权。",
    ),
    61024: Errcode(
        'misconfigured',
        "This AppID belongs to a third-party platform, which gets its token in another way. Set the"
        " type of the app in WeChat ▸ Apps to Third-party platform.",
        "该AppID属于第三方平台，其令牌须以其他方式获取。"
        "请在“微信 ▸ 应用”中将应用类型设为第三方平台。",
    ),
    76021: Errcode(
        'bad_request',
        "WeChat does not know an API with this path. Enter it as the documentation writes it, as"
        " /cgi-bin/message/custom/send.",
        "微信没有该路径的接口。请按官方文档填写，例如/cgi-bin/message/custom/send。",
    ),
    76022: Errcode(
        'bad_request',
        "WeChat does not tell the quota of this API: it belongs to another type of account, or it"
        " is one of /sns/.",
        "无法查询该接口的额度：该接口属于其他类型的账号，或为/sns/类接口。",
    ),
    70000: Errcode(
        'bad_request',
        "WeChat does not deliver the message to this customer, to protect minors. Do not send it"
        " again.",
        "因未成年人保护，微信未向该用户下发此消息。请勿重复发送。",
    ),
    87007: Errcode('invalid_code', *_NEW_LOGIN),
    87008: Errcode('bad_request', *_BAD_REQUEST),
    87009: Errcode('invalid_code', *_NEW_LOGIN),
    89503: Errcode(
        'misconfigured',
        "An administrator of the account must allow calls from the IP address of this server:"
        " WeChat has sent them a message to confirm.",
        "需要账号管理员确认允许本服务器IP地址的调用：微信已向管理员发送确认消息。",
    ),
    89506: Errcode(
        'misconfigured',
        "An administrator of the account has refused calls from the IP address of this server"
        " twice; it can be asked for again after 24 hours.",
        "管理员已两次拒绝本服务器IP地址的调用，24小时后才能再次申请。",
    ),
    89507: Errcode(
        'misconfigured',
        "An administrator of the account has refused calls from the IP address of this server; it"
        " can be asked for again after 1 hour.",
        "管理员已拒绝本服务器IP地址的调用，1小时后才能再次申请。",
    ),
}

ERRCODES |= {errcode: Errcode(*found) for errcode, found in MINIPROGRAM_ERRCODES.items()}

# From a token endpoint, 40001 has another meaning than from anywhere else.
TOKEN_ENDPOINT_ERRCODES = {**ERRCODES, 40001: ERRCODES[40125]}

# What codes mean in calls of a third-party platform with its own token (section 11.1).
_CODE_EXPIRED = Errcode(
    'invalid_code',
    "The authorization code has expired. Please authorize the account again.",
    "授权码已过期。请重新授权。",
)
COMPONENT_ERRCODES = {**ERRCODES, 61010: _CODE_EXPIRED}

UNKNOWN = Errcode(
    'bad_request',
    "WeChat refused the call. Its documentation of the API explains the error code.",
    "微信拒绝了此次调用。请在微信官方文档中查询该错误码的含义。",
)


def lookup(errcode, table=ERRCODES):
    """Return what is known about an error code, also of one that is not in the table.

    :param int errcode: WeChat's number.
    :param dict table: :data:`ERRCODES`, or :data:`TOKEN_ENDPOINT_ERRCODES` for the answer of an
        endpoint that issues tokens.
    :rtype: Errcode
    """
    return table.get(errcode, UNKNOWN)


def describe(errcode, lang, table=ERRCODES, errmsg=''):
    """Return what happened and what to do, in Chinese or English.

    :param int errcode: WeChat's number.
    :param lang: Odoo's language code; Chinese ones give Chinese, all others English.
    :param dict table: As for :func:`lookup`.
    :param str errmsg: WeChat's words: the IP address that is not allowed is shown.
    :rtype: str
    """
    found = lookup(errcode, table)
    is_chinese = (lang or '').startswith('zh')
    advice = found.advice_zh if is_chinese else found.advice_en
    address = find_address(errmsg) if errcode in ADDRESS_CODES else None
    if address:
        advice += f"需要添加的IP地址：{address}。" if is_chinese else f" The address is {address}."
    return advice


def find_address(errmsg):
    """Return the IP address that WeChat's words name, to be shown; they are parsed for nothing
    else.

    :param str errmsg: As `invalid ip 192.0.2.7 ipv6 ::ffff:192.0.2.7, not in whitelist`.
    :return: The address in its usual form; None if there is none.
    :rtype: str | None
    """
    for word in _ADDRESS.findall(errmsg):
        try:
            address = ipaddress.ip_address(word.rstrip('.:'))
        except ValueError:
            continue
        mapped = address.ipv4_mapped if address.version == 6 else None
        if not address.is_unspecified:
            return str(mapped or address)
    return None
