# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Checking the parameters of API v2: flat, all of them texts (wechat-pay.md B2)."""

import json
import re
from datetime import datetime

from .clock import BEIJING
from .v2_errors import V2Error, invalid_request, param_error

_DIGITS = re.compile(r'[0-9]+', re.ASCII)


class Field:
    """A parameter with a length in characters.

    :param int longest: most characters (bytes if `in_bytes`)
    :param check: function(text) that raises ValueError with what is wrong
    """

    def __init__(self, longest, required=False, check=None, in_bytes=False):
        self.longest = longest
        self.required = required
        self.check = check
        self.in_bytes = in_bytes

    def test(self, name, value):
        """Raise a `V2Error` unless the value is right."""
        if self.in_bytes and len(value.encode()) > self.longest:
            raise param_error(name, f"is longer than {self.longest} bytes")
        if len(value) > self.longest:
            raise param_error(name, f"is longer than {self.longest} characters")
        if any(ord(char) < 32 or ord(char) == 127 for char in value):
            raise param_error(name, "contains control characters")
        if self.check:
            try:
                self.check(value)
            except ValueError as error:
                raise param_error(name, str(error)) from None


class Fields:
    """What a call may hold; others are refused (B2.1)."""

    def __init__(self, **fields):
        self.fields = fields

    def test(self, values):
        """Check the parameters of a call, those of every call left out.

        :param dict values: name -> text, none empty
        """
        for name in values:
            if name not in self.fields:
                raise invalid_request(f'多余的参数：{name}', f"{name}: unknown parameter")
        for name, field in self.fields.items():
            if name in values:
                field.test(name, values[name])
            elif field.required:
                raise V2Error('LACK_PARAMS', f'缺少参数：{name}', f"{name}: is required")


def fen(value):
    """Raise ValueError unless a text is a positive number of fen."""
    if not _DIGITS.fullmatch(value) or value[0] == '0' or len(value) > 18:
        raise ValueError("must be a positive whole number of fen")


def number(value):
    """Raise ValueError unless a text is a whole number."""
    if not _DIGITS.fullmatch(value) or len(value) > 9:
        raise ValueError("must be a whole number")


def json_object(value):
    """Raise ValueError unless a text is a JSON object."""
    try:
        data = json.loads(value)
    except (ValueError, RecursionError):
        raise ValueError("is not JSON") from None
    if not isinstance(data, dict):
        raise ValueError("is no JSON object")


def moment(value):
    """Read a time.

    :return: seconds since the epoch of ``yyyyMMddHHmmss`` in Beijing
    :raise ValueError: it is none
    """
    try:
        if not re.fullmatch(r'[0-9]{14}', value, re.ASCII):
            raise ValueError
        return datetime.strptime(value, '%Y%m%d%H%M%S').replace(tzinfo=BEIJING).timestamp()
    except ValueError:
        raise ValueError("must be a time like 20260102200000") from None


def stamp(seconds, pattern='%Y%m%d%H%M%S'):
    """:return: a moment as v2 writes it, Beijing time."""
    return datetime.fromtimestamp(int(seconds), BEIJING).strftime(pattern)
