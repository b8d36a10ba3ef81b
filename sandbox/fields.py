# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Checking a JSON body field by field, as strictly as WeChat Pay does (wechat-pay.md A4.2)."""

from .v3_errors import param_error

UNKNOWN_FIELD = 270924358


def one_of(*values):
    """:return: a check for `Text`: only these values are right."""
    def check(value):
        if value not in values:
            raise ValueError(f"must be one of {', '.join(values)}")
    return check


class Text:
    """A string with a length in characters.

    :param int longest: most characters
    :param int shortest: least; an empty string is refused like null: leave the member out
    :param check: function(text) that raises ValueError with what is wrong
    """

    def __init__(self, longest, shortest=1, required=False, check=None):
        self.longest = longest
        self.shortest = shortest
        self.required = required
        self.check = check

    def test(self, value, pointer):
        """Raise a `V3Error` unless the value is right."""
        if not isinstance(value, str):
            raise param_error(pointer, value, "must be a string")
        if not self.shortest <= len(value) <= self.longest:
            issue = f"must have {self.shortest} to {self.longest} characters, has {len(value)}"
            raise param_error(pointer, value[:200], issue)
        if any(ord(char) < 32 or ord(char) == 127 for char in value):
            raise param_error(pointer, value, "contains control characters")
        if self.check:
            try:
                self.check(value)
            except ValueError as error:
                raise param_error(pointer, value, str(error)) from None


class Integer:
    """A whole number; true, false, 1.0 and "1" are none."""

    def __init__(self, least, required=False):
        self.least = least
        self.required = required

    def test(self, value, pointer):
        """Raise a `V3Error` unless the value is right."""
        if type(value) is not int:
            raise param_error(pointer, value, "must be an integer")
        if value < self.least:
            raise param_error(pointer, value, f"must be {self.least} or more")
        if value >= 2 ** 63:
            raise param_error(pointer, value, "is too large")


class Boolean:
    """true or false."""

    def __init__(self, required=False):
        self.required = required

    def test(self, value, pointer):
        """Raise a `V3Error` unless the value is right."""
        if not isinstance(value, bool):
            raise param_error(pointer, value, "must be true or false")


class Array:
    """A list of one to `most` items of one kind."""

    def __init__(self, item, most, required=False):
        self.item = item
        self.most = most
        self.required = required

    def test(self, value, pointer):
        """Raise a `V3Error` unless the value is right."""
        if not isinstance(value, list):
            raise param_error(pointer, value, "must be an array")
        if not 1 <= len(value) <= self.most:
            raise param_error(pointer, len(value), f"must have 1 to {self.most} items")
        for index, item in enumerate(value):
            self.item.test(item, f'{pointer}/{index}')


class Object:
    """A JSON object of known members: others are refused."""

    def __init__(self, required=False, **members):
        self.members = members
        self.required = required

    def test(self, value, pointer=''):
        """Raise a `V3Error` unless the value is right."""
        if not isinstance(value, dict):
            raise param_error(pointer or '/', value, "must be an object")
        for name in value:
            if name not in self.members:
                raise param_error(
                    f'{pointer}/{name}', value[name], "unknown field", number=UNKNOWN_FIELD,
                )
        for name, kind in self.members.items():
            if name not in value:
                if kind.required:
                    raise param_error(f'{pointer}/{name}', None, "is required")
            elif value[name] is None:
                issue = "must not be null: leave it out"
                raise param_error(f'{pointer}/{name}', None, issue)
            else:
                kind.test(value[name], f'{pointer}/{name}')
