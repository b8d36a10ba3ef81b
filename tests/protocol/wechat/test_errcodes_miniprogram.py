# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import re

import pytest

from tests.protocol.loader import load

from .test_errcodes import WORDS

protocol = load('wechat')
CODES = protocol.errcodes_miniprogram.MINIPROGRAM_ERRCODES
# wechat-platform.md, sections 6.1, 6.2, 8 and 10.
DOCUMENTED = (
    43107, 43108, 45168, 40129, 40159, 40169, 40212, 41030, 45029,
    85079, 85096, 85401, 85402, 85406, 85407, 85408, 43104, 61010, 87014, 87020,
)


@pytest.mark.parametrize('errcode', DOCUMENTED)
def test_every_documented_code_has_a_word_and_advice_in_both_languages(errcode):
    found = protocol.errcodes.ERRCODES[errcode]
    assert found.word in WORDS
    assert found.advice_en.endswith('.') and '  ' not in found.advice_en
    assert found.advice_zh.endswith('。') and re.search('[一-鿿]', found.advice_zh)


def test_none_takes_the_place_of_a_general_code():
    source = protocol.errcodes.__loader__.get_source(protocol.errcodes.__name__)
    assert set(CODES) == set(DOCUMENTED)
    assert not [code for code in CODES if re.search(rf'^    {code}: ', source, re.MULTILINE)]
