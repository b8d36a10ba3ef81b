# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Gender, place and language of a WeChat user, made safe to store.

WeChat has left them empty since 2021 (wechat-platform.md, section 2.3); old base libraries and
programs that ask themselves still send them. What is empty or cannot be meant is left out.
"""

import unicodedata

MAX_PLACE = 64

# What WeChat calls everybody who did not give a name (section 2.3).
ANONYMOUS = "微信用户"


def gender(values):
    """Return the gender: 1 male, 2 female; None if it is unknown.

    :param dict values: The object of wx.getUserInfo.
    """
    value = values.get('gender')
    if isinstance(value, str) and value in ('1', '2'):
        return int(value)
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return value if is_number and value in (1, 2) else None


def place(values, name):
    """Return the `city`, `province` or `country`; empty if there is none.

    :param dict values: The object of wx.getUserInfo.
    :param str name: Which one.
    :rtype: str
    """
    value = values.get(name)
    if not isinstance(value, str):
        return ''
    value = ' '.join(value[:10 * MAX_PLACE].split())
    value = ''.join(char for char in value if not unicodedata.category(char).startswith('C'))
    return value[:MAX_PLACE].strip()
