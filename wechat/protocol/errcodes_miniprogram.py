# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Error codes of messages, codes, links and content checks: (code word, English, Chinese).

Source: wechat-platform.md, sections 6.1, 6.2 (messages), 8 (codes and links), 10 (content checks).
"""

_NOT_PUBLISHED = (
    "The mini-program has no such page in its published version. Check the page's path (without a"
    " leading slash, as in app.json), and publish the version that has it; for a version that is"
    " not published yet choose the trial or development version.",
    "小程序已发布的版本中没有该页面。请核对页面路径（与app.json一致，开头不加“/”），并发布包含该页面的版本；"
    "尚未发布时，请选择体验版或开发版。",
)
_PERMISSION = (
    "The mini-program may not make such links: they are for verified mini-programs of companies in"
    " mainland China. See its interface permissions on mp.weixin.qq.com.",
    "该小程序没有生成此类链接的权限：仅限已认证的非个人境内小程序。请在微信公众平台查看接口权限。",
)

MINIPROGRAM_ERRCODES = {
    40129: (
        'bad_request',
        "WeChat does not take the value: a code's scene has 1 to 32 characters out of letters,"
        " digits and some signs.",
        "参数值不符合要求：小程序码的场景值（scene）须为1至32个字母、数字或部分符号。",
    ),
    40159: (
        'bad_request',
        "WeChat does not take the path of the code: it has at most 1024 characters, no leading"
        " slash, and its page must be published.",
        "小程序码的路径不符合要求：最多1024个字符，开头不加“/”，且页面须已发布。",
    ),
    40169: (
        'bad_request',
        "The scene or the page of the code is too long.",
        "小程序码的场景值（scene）或页面路径过长。",
    ),
    40212: (
        'bad_request',
        "WeChat does not take the query: it has at most 1024 characters out of letters, digits and"
        " some signs.",
        "页面参数（query）不符合要求：最多1024个字母、数字或部分符号。",
    ),
    41030: ('bad_request', *_NOT_PUBLISHED),
    43104: (
        'bad_request',
        "The openid does not belong to this AppID.",
        "openid与AppID不匹配。",
    ),
    43107: (
        'bad_request',
        "WeChat has banned the mini-program's subscribe messages, or this template. The notices on"
        " mp.weixin.qq.com give the reason.",
        "该小程序的订阅消息能力或此模板已被微信封禁。原因请查看微信公众平台的通知。",
    ),
    43108: (
        'wechat_busy',
        "Another message to the same customer was being sent. Please try again in a moment.",
        "正在向同一用户发送其他消息，请稍后再试。",
    ),
    45029: (
        'bad_request',
        "The mini-program has used up its 100 000 codes of this kind, which is for ever. Make codes"
        " of the kind without limit.",
        "该小程序此类小程序码的数量（100000个）已用完，且不会恢复。请改用数量不受限的小程序码。",
    ),
    45168: (
        'bad_request',
        "The message contains words that WeChat does not deliver. Change the text.",
        "消息内容包含敏感词。请修改内容。",
    ),
    61010: (
        'bad_request',
        "WeChat checks content only of people who were in the mini-program within the last two"
        " hours. Please open the mini-program again.",
        "只能检测最近两小时内访问过小程序的用户所提交的内容。请重新打开小程序后再试。",
    ),
    85079: (
        'bad_request',
        "The mini-program has no published version, which links need. Publish it first.",
        "小程序尚未发布，无法生成链接。请先发布小程序。",
    ),
    85096: (
        'bad_request',
        "The path may not contain scancode_time: WeChat uses this name itself.",
        "路径中不能包含scancode_time，该参数名由微信保留。",
    ),
    85401: (
        'bad_request',
        "WeChat does not take the time of the link: it lives 30 days at most.",
        "链接的有效期不符合要求：最长30天。",
    ),
    85402: (
        'bad_request',
        "WeChat does not know this version: release, trial or develop.",
        "小程序版本不正确，可选：正式版、体验版、开发版。",
    ),
    85406: (
        'rate_limited',
        "The links of the mini-program have been opened as often as WeChat allows in a day.",
        "该小程序链接今日的打开次数已达上限。",
    ),
    85407: ('misconfigured', *_PERMISSION),
    85408: ('misconfigured', *_PERMISSION),
    87014: (
        'bad_request',
        "The content may not be published: it breaks the rules of WeChat. Please change it.",
        "内容含有违法违规信息，不能发布。请修改后再试。",
    ),
    87020: (
        'bad_request',
        "Only pictures and sounds can be checked.",
        "只能检测图片和音频。",
    ),
}
