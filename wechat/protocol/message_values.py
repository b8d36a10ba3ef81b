# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What the fields of a message template take: their keys, types and limits.

Source: wechat-platform.md, sections 6.1 (template messages) and 6.2 (subscribe messages). The type
of a field is in its key: `thing1`, `character_string2`. Keys of older templates (`first`,
`keyword1`, `remark`) have no type and no limit but that they must not be empty.
"""

import re
from typing import NamedTuple

_PLACEHOLDER = re.compile(r'\{\{\s*(\w+)\.DATA\s*\}\}', re.ASCII)
_TYPED_KEY = re.compile(r'([a-z_]+?)\d+', re.ASCII)
_COLOR = re.compile(r'#[0-9A-Fa-f]{6}', re.ASCII)

_CHINESE = re.compile('[㐀-䶿一-鿿豈-﫿]')
_CONTROL = re.compile('[\x00-\x1f\x7f-\x9f\u2028\u2029]+')
_DAY = r'\d{4}(?:年\d{1,2}月\d{1,2}日|([-/.])\d{1,2}\1\d{1,2})'
_CLOCK = r'(?:[01]?\d|2[0-3]):[0-5]\d(?::[0-5]\d)?'
_TIME = re.compile(rf'(?:{_DAY} ?)?{_CLOCK}', re.ASCII)
_DATE = re.compile(rf'{_DAY}(?: ?{_CLOCK})?', re.ASCII)
_NUMBER = re.compile(r'-?(\d+)(?:\.(\d+))?', re.ASCII)
_AMOUNT = re.compile(r'[^\w\s.,+\-]?(\d+)(?:\.(\d+))?元?', re.ASCII)
_LETTERS = re.compile('[A-Za-z]+')
_PRINTABLE = re.compile('[ -~]+')
_PHONE = re.compile(r'[0-9\W]+', re.ASCII)

TYPES = (
    'thing', 'number', 'letter', 'symbol', 'character_string', 'time', 'date', 'amount',
    'phone_number', 'car_number', 'name', 'phrase', 'enum', 'enum_string', 'const',
)


class Field(NamedTuple):
    """A field of a template: its key and what stands before it in the text."""

    key: str
    label: str


def parse_content(content):
    """Return the fields of a template in the order of its text.

    :param str content: The text, with lines as `订单号：{{keyword1.DATA}}`.
    :rtype: list[Field]
    """
    fields = {}
    for line in (content or '').splitlines():
        end = 0
        for match in _PLACEHOLDER.finditer(line):
            label = line[end:match.start()].strip().rstrip(':：').strip()
            fields.setdefault(match[1], Field(match[1], label))
            end = match.end()
    return list(fields.values())


def type_of(key):
    """Return the type of a field.

    :param str key: Its key, as `thing1`.
    :return: One of :data:`TYPES`; `None` if the key has none.
    :rtype: str | None
    """
    match = _TYPED_KEY.fullmatch(key or '')
    return match[1] if match and match[1] in TYPES else None


def is_color(value):
    """Return whether a text is a colour as WeChat takes it: `#RRGGBB`."""
    return bool(_COLOR.fullmatch(value or ''))


def fit(field_type, value):
    """Return a value made to fit, where nothing but length or line breaks is lost.

    Texts are cut, because one field that is too long has the whole message refused. Numbers, names
    and times are not: cut, they would say something else.

    :param field_type: One of :data:`TYPES`, or `None`.
    :param str value: The value.
    :rtype: str
    """
    value = (value or '').strip()
    if field_type == 'thing':
        value = _CONTROL.sub(' ', value)
        if len(value) > 20:
            value = value[:19] + '…'
    return value


def is_valid(field_type, value, options=None):
    """Return whether WeChat takes a value for a field.

    :param field_type: One of :data:`TYPES`, or `None`.
    :param str value: The value.
    :param options: The list of an `enum`; without it any short text passes.
    :rtype: bool
    """
    if not value:
        return False
    if field_type in ('enum', 'enum_string'):
        return value in options if options else not _CONTROL.search(value)
    return _CHECKS.get(field_type, _is_anything)(value)


# === The types === #

def _is_anything(value):
    return True


def _is_thing(value):
    return len(value) <= 20 and not _CONTROL.search(value)


def _is_number(value):
    match = _NUMBER.fullmatch(value)
    return bool(match) and len(match[1]) + len(match[2] or '') <= 32


def _is_amount(value):
    match = _AMOUNT.fullmatch(value)
    return bool(match) and len(match[1]) + len(match[2] or '') <= 10


def _is_symbol(value):
    return len(value) <= 5 and not any(char.isalnum() or char.isspace() for char in value)


def _is_name(value):
    most = 10 if _CHINESE.search(value) else 20
    return len(value) <= most and not _CONTROL.search(value)


def _is_phrase(value):
    return len(value) <= 5 and all(_CHINESE.fullmatch(char) for char in value)


def _is_one_or_range(pattern, value):
    parts = [part.strip(' ') for part in value.split('~')]
    return len(parts) <= 2 and all(pattern.fullmatch(part) for part in parts)


_CHECKS = {
    'thing': _is_thing,
    'number': _is_number,
    'letter': lambda value: len(value) <= 32 and bool(_LETTERS.fullmatch(value)),
    'symbol': _is_symbol,
    'character_string': lambda value: len(value) <= 32 and bool(_PRINTABLE.fullmatch(value)),
    'time': lambda value: _is_one_or_range(_TIME, value),
    'date': lambda value: _is_one_or_range(_DATE, value),
    'amount': _is_amount,
    'phone_number': lambda value: len(value) <= 17 and bool(_PHONE.fullmatch(value)),
    'car_number': lambda value: len(value) <= 8,
    'name': _is_name,
    'phrase': _is_phrase,
}
