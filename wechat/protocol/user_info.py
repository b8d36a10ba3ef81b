# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What a client says about its user (the `userInfo` of wx.getUserInfo), made safe to store.

Nothing here is proved by WeChat: the client may send what it likes, so every value is either
clean or dropped.
"""
import re
import unicodedata

MAX_NICKNAME = 64
MAX_AVATAR_URL = 512

ZERO_WIDTH_JOINER = '\u200d'  # holds the parts of an emoji together

# https, a host below qlogo.cn and a path: no user, no port, no blank, no backslash.
_AVATAR_URL = re.compile(r'https://(?:[a-z0-9-]+\.)+qlogo\.cn/[!#-;=?-\[\]^-~]*', re.IGNORECASE)
_LANGUAGE = re.compile(r'[a-z]{2,3}(?:[_-][a-z0-9]{2,8}){0,2}', re.IGNORECASE)


def nickname(user_info):
    """Return the nickname without control characters, at most 64 characters long.

    :param dict user_info: the object of wx.getUserInfo
    :return: the nickname, an empty string if there is none worth keeping
    :rtype: str
    """
    value = user_info.get('nickName')
    if not isinstance(value, str):
        return ''
    value = ' '.join(value[:10 * MAX_NICKNAME].split())
    value = ''.join(
        char for char in value
        if char == ZERO_WIDTH_JOINER or not unicodedata.category(char).startswith('C')
    )
    return value[:MAX_NICKNAME].strip(f' {ZERO_WIDTH_JOINER}')


def avatar_url(user_info):
    """Return the address of the avatar if it is one of WeChat's own.

    :param dict user_info: the object of wx.getUserInfo
    :return: an https address on a host below qlogo.cn, else an empty string
    :rtype: str
    """
    value = user_info.get('avatarUrl')
    if not isinstance(value, str) or len(value) > MAX_AVATAR_URL:
        return ''
    return value if _AVATAR_URL.fullmatch(value) else ''


def language(user_info):
    """Return the language the client runs in.

    :param dict user_info: the object of wx.getUserInfo
    :return: a language tag such as `zh_CN` or `en`, an empty string if there is none
    :rtype: str
    """
    value = user_info.get('language')
    return value if is_language(value) else ''


def is_language(value):
    """Say whether the value looks like a language tag (`zh_CN`, `en`, `zh-Hans-CN`)."""
    return isinstance(value, str) and bool(_LANGUAGE.fullmatch(value))


def match_language(tag, installed):
    """Return the installed language that comes nearest to a language tag.

    :param str tag: what WeChat calls the language (`zh_CN`, `zh_TW`, `zh_HK`, `en`, …)
    :param list installed: codes of the installed languages, e.g. `['en_US', 'zh_CN']`
    :return: one of the codes, or an empty string
    :rtype: str
    """
    parts = tag.replace('-', '_').split('_')
    # zh_Hans_CN and zh_Hant_TW name the script between language and country.
    code = f'{parts[0].lower()}_{parts[-1].upper()}' if len(parts) > 1 else parts[0].lower()
    if code in installed:
        return code
    if code in ('zh_HK', 'zh_MO', 'zh_HANT') and 'zh_TW' in installed:
        return 'zh_TW'
    same = [one for one in installed if one.split('_')[0] == parts[0].lower()]
    preferred = {'en': 'en_US', 'zh': 'zh_CN'}.get(parts[0].lower())
    if preferred in same:
        return preferred
    return same[0] if same else ''
