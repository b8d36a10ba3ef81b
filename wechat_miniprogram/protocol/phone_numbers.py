# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Phone numbers as WeChat gives them, in international form (wechat-platform.md, section 2.4)."""

import re

_COUNTRY_CODE = re.compile(r'\+?(?:00)?([1-9][0-9]{0,3})', re.ASCII)
_SEPARATORS = re.compile(r'[\s().\-/]')
MIN_DIGITS, MAX_DIGITS = 7, 15  # of the whole number; 15 is E.164's limit


def to_e164(country_code, number):
    """Return a number in international form.

    :param country_code: `countryCode` of WeChat, text or number, as `86`.
    :param number: `purePhoneNumber` of WeChat, the number within the country.
    :return: As `+8613800138000`; empty if the two make no phone number.
    :rtype: str
    """
    code = _COUNTRY_CODE.fullmatch(_text(country_code))
    digits = _SEPARATORS.sub('', _text(number))
    if not code or not re.fullmatch(r'[0-9]+', digits, re.ASCII):
        return ''
    whole = code[1] + digits
    return f'+{whole}' if MIN_DIGITS <= len(whole) <= MAX_DIGITS else ''


def country_code(value):
    """Return a country code as its digits, as `86`; empty if it is none.

    :rtype: str
    """
    code = _COUNTRY_CODE.fullmatch(_text(value))
    return code[1] if code else ''


def written_forms(number, code, is_home):
    """Return the digits that somebody may have typed for a number.

    :param str number: The number in international form.
    :param str code: Its country code.
    :param bool is_home: Whether a number without country code is one of this country.
    :return: As `8613800138000` and `008613800138000`, at home `13800138000` too.
    :rtype: set
    """
    whole = number.removeprefix('+')
    forms = {whole, f'00{whole}'}
    if is_home:
        forms.add(whole.removeprefix(code))
    return forms


def _text(value):
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        return ''
    return str(value).strip()
