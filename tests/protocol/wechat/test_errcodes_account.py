# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Codes of template messages, menus and followers (wechat-platform.md, section 6.1)."""

import re

import pytest

from tests.protocol.loader import load

errcodes = load('wechat').errcodes


@pytest.mark.parametrize(('errcode', 'word'), [
    (40007, 'bad_request'), (40016, 'bad_request'), (40017, 'bad_request'),
    (40018, 'bad_request'), (40019, 'bad_request'), (40020, 'bad_request'),
    (40023, 'bad_request'), (40025, 'bad_request'), (40032, 'bad_request'),
    (40037, 'bad_request'), (40054, 'bad_request'), (40055, 'bad_request'),
    (40165, 'bad_request'), (40166, 'bad_request'), (43004, 'not_linked'),
    (43101, 'user_blocked'), (46003, 'bad_request'), (47003, 'bad_request'),
])
def test_every_code_has_its_word_and_advice_in_both_languages(errcode, word):
    found = errcodes.ERRCODES[errcode]
    assert found.word == word
    assert found.advice_en.endswith('.')
    assert found.advice_zh.endswith('。')
    assert re.search('[一-鿿]', found.advice_zh)
    assert '  ' not in found.advice_en
