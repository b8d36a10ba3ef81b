# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import re

import pytest

from tests.protocol.loader import load

errcodes = load('wechat').errcodes

WORDS = {
    'invalid_code', 'code_used', 'user_blocked', 'rate_limited', 'wechat_busy',
    'wechat_unavailable', 'misconfigured', 'unknown_app', 'signup_disabled', 'user_archived',
    'decrypt_failed', 'watermark_mismatch', 'not_linked', 'not_payable', 'payment_refused',
    'bad_request', 'mfa_required', 'login_refused',
}
# wechat-platform.md, sections 0, 1.2, 1.4, 3.1 and 5.2.
DOCUMENTED = (
    -1, 40001, 40002, 40003, 40013, 40014, 40029, 40030, 40097, 40125, 40163, 40164, 40226, 40243,
    41001, 41002, 41004, 41008, 42001, 42002, 42003, 42007, 43002, 44990, 44991, 44993, 45009,
    45011, 47001, 48001, 48004, 50002, 50004, 50007, 61003, 61004, 61005, 61006, 61007, 61009,
    61011, 61023, 61024, 87007, 87008, 87009, 89503, 89506, 89507,
)


@pytest.mark.parametrize('errcode', DOCUMENTED)
def test_every_documented_code_has_a_word_and_advice_in_both_languages(errcode):
    found = errcodes.ERRCODES[errcode]
    assert found.word in WORDS
    assert found.advice_en.endswith('.')
    assert found.advice_zh.endswith('。')
    assert re.search('[一-鿿]', found.advice_zh)
    assert '  ' not in found.advice_en


@pytest.mark.parametrize(('errcode', 'word'), [
    (-1, 'wechat_busy'), (40029, 'invalid_code'), (40163, 'code_used'), (40226, 'user_blocked'),
    (45011, 'rate_limited'), (40013, 'misconfigured'), (40125, 'misconfigured'),
    (47001, 'bad_request'),
])
def test_code_has_the_word_of_the_contract(errcode, word):
    assert errcodes.lookup(errcode).word == word


def test_description_is_chinese_for_chinese_languages_and_english_otherwise():
    for lang in ('zh_CN', 'zh_TW', 'zh_HK'):
        assert errcodes.describe(40125, lang) == errcodes.ERRCODES[40125].advice_zh
    for lang in ('en_US', 'fr_FR', '', None, False):
        assert errcodes.describe(40125, lang) == errcodes.ERRCODES[40125].advice_en


def test_code_that_nobody_knows_is_described_too():
    assert errcodes.lookup(123456) == errcodes.UNKNOWN
    assert errcodes.describe(123456, 'zh_CN').endswith('。')


def test_token_endpoint_means_the_secret_by_40001():
    assert errcodes.describe(40001, 'en', errcodes.TOKEN_ENDPOINT_ERRCODES) == \
        errcodes.describe(40125, 'en')
    assert 'another system' in errcodes.describe(40001, 'en')


def test_component_means_its_code_by_61010():
    assert errcodes.lookup(61010, errcodes.COMPONENT_ERRCODES).word == 'invalid_code'
    assert errcodes.lookup(61010).word == 'bad_request'


def test_codes_of_the_retry_rule_are_those_of_the_protocol():
    assert frozenset({40001, 40014, 42001}) == errcodes.INVALID_TOKEN_CODES
