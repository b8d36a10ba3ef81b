# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Addresses and scripts of logins on web pages (wechat-platform.md 5.1)."""

import json
from urllib.parse import quote

AUTHORIZE_PATH = '/connect/oauth2/authorize'
QRCONNECT_PATH = '/connect/qrconnect'
STYLES = ('black', 'white')


def authorize_url(base, path, appid, redirect_uri, scope, state, more=()):
    """Return the address of WeChat's consent page.

    WeChat wants the parameters in this order, and the fragment on redirects too.

    :param str base: base address of open.weixin.qq.com
    :param str path: `AUTHORIZE_PATH` inside WeChat, `QRCONNECT_PATH` for the QR code page
    :param str appid: the app's AppID
    :param str redirect_uri: where WeChat sends the browser afterwards
    :param str scope: `snsapi_base`, `snsapi_userinfo` or `snsapi_login`
    :param str state: letters and digits, 128 at most
    :param more: further (name, value) pairs that stand before the fragment
    :rtype: str
    """
    pairs = (
        ('appid', appid), ('redirect_uri', redirect_uri), ('response_type', 'code'),
        ('scope', scope), ('state', state), *more,
    )
    query = '&'.join(f'{name}={quote(value, safe="")}' for name, value in pairs)
    return f'{base}{path}?{query}#wechat_redirect'


def javascript(value):
    """Return a value as a JavaScript literal that is safe in a script and within HTML."""
    text = json.dumps(value, ensure_ascii=True, separators=(', ', ': '))
    for char in '<>&':
        text = text.replace(char, f'\\u{ord(char):04x}')
    return text


def login_script(appid, redirect_uri, state, element_id, style='', href=''):
    """Return the script that shows the QR code within a page, by means of WeChat's wxLogin.js.

    :param str element_id: id of the element the code is put into
    :param str style: colour of the texts, `black` or `white`; another one is left out
    :param str href: address of a style sheet, empty for none
    :rtype: str
    """
    options = {
        'self_redirect': False,
        'id': element_id,
        'appid': appid,
        'scope': 'snsapi_login',
        # wxLogin.js puts these two into an address as they are.
        'redirect_uri': quote(redirect_uri, safe=''),
        'state': state,
    }
    if style in STYLES:
        options['style'] = style
    if href:
        options['href'] = href
    return f'var wxauth = new WxLogin({javascript(options)});\n'


def config_script(config):
    """Return the script that configures WeChat's JavaScript interfaces for a page.

    :param dict config: what `wx.config` takes
    :rtype: str
    """
    return f'wx.config({javascript(config)});\n'
