# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What each kind of template field takes (wechat-platform.md 6.2)."""

import re
import unicodedata

_CLOCK = r'([01]?\d|2[0-3]):[0-5]\d(:[0-5]\d)?'
_DAY = r'\d{4}(年\d{1,2}月\d{1,2}日|-\d{1,2}-\d{1,2}|/\d{1,2}/\d{1,2}|\.\d{1,2}\.\d{1,2})'
_TIME = rf'({_DAY}\s?)?{_CLOCK}'
_DATE = rf'{_DAY}(\s?{_CLOCK})?'
_HAN = r'[\u3400-\u4dbf\u4e00-\u9fff]'

_SHAPES = {
    'number': r'-?(?=(?:\D*\d){1,32}\D*$)\d+(\.\d+)?',
    'letter': r'[A-Za-z]{1,32}',
    'character_string': r'[\x20-\x7e]{1,32}',
    'time': rf'{_TIME}(\s?~\s?{_TIME})?',
    'date': rf'{_DATE}(\s?~\s?{_DATE})?',
    'amount': r'[^\w\s.]?(?=(?:\D*\d){1,10}\D*$)\d+(\.\d+)?元?',
    'phone_number': r'[\d\W]{1,17}',
    'phrase': rf'{_HAN}{{1,5}}',
}
_PREFIX = re.compile(r'([a-z]+(?:_[a-z]+)*)\d+', re.ASCII)
_KINDS = (*_SHAPES, 'thing', 'symbol', 'car_number', 'name')


def kind_of(key):
    """:return: the type in a key as `thing1`, or None for keys of older templates."""
    match = _PREFIX.fullmatch(key)
    return match[1] if match and match[1] in _KINDS else None


def problem(kind, value):
    """:return: what is wrong with a value (text), or None."""
    if kind in _SHAPES:
        good = re.fullmatch(_SHAPES[kind], value)
    elif kind == 'thing':
        good = 1 <= len(value) <= 20 and not any(
            unicodedata.category(char) == 'Cc' for char in value)
    elif kind == 'symbol':
        good = 1 <= len(value) <= 5 and not any(
            char.isalnum() or char.isspace() for char in value)
    elif kind == 'car_number':
        good = 1 <= len(value) <= 8
    else:
        good = 1 <= len(value) <= (10 if re.search(_HAN, value) else 20)
    return None if good else f"{value!r} is no {kind}"
