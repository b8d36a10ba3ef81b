# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The IP address that WeChat names when it does not allow it."""

import pytest

from tests.protocol.loader import load

errcodes = load('wechat').errcodes


@pytest.mark.parametrize(('errmsg', 'address'), [
    ('invalid ip 192.0.2.7, not in whitelist', '192.0.2.7'),
    ('invalid ip 192.0.2.7 ipv6 ::ffff:192.0.2.7, not in whitelist, rid: 65f0-1-2', '192.0.2.7'),
    ('40164 invalid ip 192.0.2.7.', '192.0.2.7'),
    ('invalid ip ::ffff:192.0.2.7', '192.0.2.7'),
    ('invalid ip 2001:DB8::7, not in whitelist', '2001:db8::7'),
    ('access from ip:192.0.2.7 is refused', '192.0.2.7'),
    ('', None),
    ('invalid ip 999.0.2.7, not in whitelist', None),
    ('invalid ip 1.2.3.4.5 or 1.2.3', None),
    ('rid: 65f0a1b2-1c2d3e4f-5a6b7c8d', None),
    ('at 12:30:45 :: x', None),
])
def test_address_is_found_only_if_it_is_one(errmsg, address):
    assert errcodes.find_address(errmsg) == address


def test_advice_names_the_address_in_both_languages():
    errmsg = 'invalid ip 192.0.2.7, not in whitelist'
    assert '192.0.2.7' in errcodes.describe(40164, 'en_US', errmsg=errmsg)
    assert '192.0.2.7' in errcodes.describe(40164, 'zh_CN', errmsg=errmsg)


def test_address_is_looked_for_in_no_other_error():
    errmsg = 'hint 192.0.2.7'
    assert errcodes.describe(40013, 'en_US', errmsg=errmsg) == errcodes.describe(40013, 'en_US')
