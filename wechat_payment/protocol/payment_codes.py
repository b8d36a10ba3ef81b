# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The payment code that a customer shows and a cashier scans (A5)."""

import re

# 10 to 14 in the mainland, 15 a Hong Kong wallet. The digits are text: a number would lose some.
_AUTH_CODE = re.compile(r'1[0-5][0-9]{16}', re.ASCII)


def parse_auth_code(text):
    """Return a payment code as WeChat Pay takes it.

    :param str text: What was scanned or typed; blanks are ignored, as phones print them between
        the digits and scanners end in a line feed.
    :return: 18 digits.
    :rtype: str
    :raise ValueError: If it is no payment code.
    """
    code = ''.join(text.split())
    if not _AUTH_CODE.fullmatch(code):
        raise ValueError("not the 18 digits of a payment code")
    return code
