# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Authorisations of accounts for a third-party platform (wechat-platform.md, section 11)."""

import re
from typing import NamedTuple
from urllib.parse import quote

DESKTOP_PATH = '/cgi-bin/componentloginpage'
PHONE_PATH = '/safe/bindcomponent'
AUTH_TYPES = ('1', '2', '3')  # official accounts, mini-programs, both

# What WeChat's codes, tickets and refresh tokens are made of.
VALUE = re.compile(r'[!-~]{1,1024}', re.ASCII)
_NUMBER = re.compile(r'[0-9]{1,12}', re.ASCII)


class UnreadableError(ValueError):
    """WeChat's answer is not as it must be."""


class Grant(NamedTuple):
    """What an account has granted, as api_query_auth tells it."""

    appid: str
    access_token: str
    expires_in: int
    refresh_token: str
    scopes: str


def authorization_urls(base, component_appid, pre_auth_code, redirect_uri, auth_type):
    """Return the addresses on which an administrator authorises an account (section 11.2).

    :param str base: Base address of mp.weixin.qq.com.
    :param str component_appid: The AppID of the third-party platform.
    :param str pre_auth_code: A code that is good for one authorisation.
    :param str redirect_uri: Where WeChat sends the browser afterwards.
    :param str auth_type: One of :data:`AUTH_TYPES`.
    :return: The address with a QR code, for desktops, and the one for phones.
    :rtype: tuple[str, str]
    """
    pairs = (
        ('component_appid', component_appid), ('pre_auth_code', pre_auth_code),
        ('redirect_uri', redirect_uri), ('auth_type', auth_type),
    )
    query = '&'.join(f'{name}={quote(value, safe="")}' for name, value in pairs)
    return (
        f'{base}{DESKTOP_PATH}?{query}',
        f'{base}{PHONE_PATH}?action=bindcomponent&no_scan=1&{query}#wechat_redirect',
    )


def read_grant(answer):
    """Read the answer of api_query_auth.

    :param dict answer: WeChat's answer.
    :rtype: Grant
    :raise UnreadableError: If something that is needed is missing.
    """
    info = answer.get('authorization_info')
    if not isinstance(info, dict):
        raise UnreadableError
    values = [info.get(f'authorizer_{name}') for name in ('appid', 'access_token', 'refresh_token')]
    appid, access_token, refresh_token = values
    expires_in = info.get('expires_in')
    if not all(is_value(value) for value in values) or type(expires_in) is not int:
        raise UnreadableError
    return Grant(appid, access_token, expires_in, refresh_token, read_scopes(info))


def is_value(value):
    """Tell whether a value can be one of WeChat's codes or tokens."""
    return isinstance(value, str) and bool(VALUE.fullmatch(value))


def read_scopes(info):
    """Return the numbers of the permission sets of an authorisation, as text.

    :param dict info: WeChat's `authorization_info`.
    :return: For example `1, 15`.
    :rtype: str
    """
    numbers = set()
    entries = info.get('func_info')
    for entry in entries if isinstance(entries, list) else ():
        category = entry.get('funcscope_category') if isinstance(entry, dict) else None
        number = category.get('id') if isinstance(category, dict) else None
        if type(number) is int:
            numbers.add(number)
    return ', '.join(map(str, sorted(numbers)))


def read_account(answer):
    """Read the answer of api_get_authorizer_info.

    :param dict answer: WeChat's answer.
    :return: `name`, `app_type` and `original_id` (empty if WeChat does not tell them).
    :rtype: dict
    :raise UnreadableError: If it says nothing about an account.
    """
    info = answer.get('authorizer_info')
    if not isinstance(info, dict):
        raise UnreadableError
    texts = {
        name: info.get(name) if isinstance(info.get(name), str) else ''
        for name in ('nick_name', 'user_name', 'principal_name')
    }
    is_miniprogram = isinstance(info.get('MiniProgramInfo'), dict)
    return {
        'name': (texts['nick_name'] or texts['principal_name'])[:128],
        'app_type': 'miniprogram' if is_miniprogram else 'official_account',
        'original_id': texts['user_name'][:64],
    }


def read_time(text):
    """Return seconds since the epoch that an event names; None if that is no time."""
    return int(text) if isinstance(text, str) and _NUMBER.fullmatch(text) else None
