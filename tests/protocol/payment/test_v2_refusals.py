# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What the v2 part of wechat_payment/protocol must refuse, and the limits it keeps."""

import base64
import hashlib
import time
import traceback
from pathlib import Path

import pytest
from Crypto.Cipher import AES
from Crypto.Util.Padding import pad

from tests.protocol.loader import load, load_vectors

load('wechat_payment')

from wechat_payment_protocol import payment_codes, v2_errors, v2_refund_info, v2_signing, v2_xml  # noqa: E402

HOSTILE = Path(__file__).parent / 'hostile_xml'
VECTORS = load_vectors('wechat-pay')['vectors']
KEY = 'abcdefghijklmnopqrstuvwxyz012345'
FIELDS = {
    'return_code': 'SUCCESS', 'result_code': 'SUCCESS', 'mch_id': '1900000001',
    'out_trade_no': 'S00042_1', 'total_fee': '990', 'attach': 'a&b=c',
}


def _signed(algorithm='MD5', /, **changes):
    fields = {**FIELDS, **changes}
    return {**fields, 'sign': v2_signing.sign(fields, KEY, algorithm)}


def _reason(fields, sign_type='MD5', key=KEY):
    with pytest.raises(v2_signing.V2SignatureError) as caught:
        v2_signing.verify(fields, key, sign_type)
    return caught.value.reason


# === SIGNATURES === #

@pytest.mark.parametrize('sign_type', v2_signing.SIGN_TYPES)
def test_a_message_of_the_configured_type_is_accepted(sign_type):
    v2_signing.verify(_signed(sign_type), KEY, sign_type)
    v2_signing.verify(_signed(sign_type, sign_type=sign_type), KEY, sign_type)


def test_unknown_elements_take_part_in_the_signature():
    v2_signing.verify(_signed(new_in_2030='x'), KEY, 'MD5')


@pytest.mark.parametrize('change', [
    {'total_fee': '1'}, {'extra': '1'}, {'mch_id': ''}, {'attach': 'a'}, {'attach': ' a&b=c'},
    {'Total_fee': '990'}, {'out_trade_no': 's00042_1'},
])
def test_a_changed_an_extra_and_a_missing_element_are_refused(change):
    assert _reason({**_signed(), **change}) == 'signature'


@pytest.mark.parametrize('value', [None, ''])
def test_a_missing_signature_is_refused(value):
    assert _reason({**_signed(), 'sign': value}) == 'missing'
    assert _reason(FIELDS) == 'missing'


@pytest.mark.parametrize(('configured', 'used'), [('HMAC-SHA256', 'MD5'), ('MD5', 'HMAC-SHA256')])
def test_the_other_type_is_refused_whatever_the_message_says(configured, used):
    assert _reason(_signed(used), configured) == 'signature'
    assert _reason(_signed(used, sign_type=used), configured) == 'type'
    assert _reason(_signed(used, sign_type=configured), configured) == 'signature'


@pytest.mark.parametrize('named', ['md5', 'SHA1', 'RSA', 'HMAC-SHA256 '])
def test_a_message_that_names_an_unknown_type_is_refused(named):
    assert _reason(_signed('MD5', sign_type=named)) == 'type'


def test_the_signature_is_compared_as_it_is_written():
    signed = _signed()
    assert _reason({**signed, 'sign': signed['sign'].lower()}) == 'signature'
    assert _reason({**signed, 'sign': signed['sign'][:-1]}) == 'signature'
    assert _reason({**signed, 'sign': signed['sign'] + '0'}) == 'signature'
    assert _reason({**signed, 'sign': '签名'}) == 'signature'


def test_another_key_is_refused_and_no_key_is_none():
    assert _reason(_signed(), key=KEY[::-1]) == 'signature'
    unkeyed = {**FIELDS, 'sign': v2_signing.sign(FIELDS, '', 'MD5')}
    for key in ('', None, False):
        with pytest.raises(ValueError):
            v2_signing.verify(unkeyed, key, 'MD5')


@pytest.mark.parametrize('sign_type', ['', None, 'RSA', 'md5'])
def test_an_unknown_configured_type_signs_and_verifies_nothing(sign_type):
    with pytest.raises(ValueError):
        v2_signing.sign(FIELDS, KEY, sign_type)
    with pytest.raises(ValueError):
        v2_signing.verify(_signed(), KEY, sign_type)


def test_zero_is_signed_and_nothing_is_not():
    text = v2_signing.build_string_to_sign({'a': 0, 'b': '0', 'c': None, 'd': ''}, 'k')
    assert text == 'a=0&b=0&key=k'


def test_upper_case_names_sort_first():
    text = v2_signing.build_string_to_sign({'b': '1', 'B': '2', 'a': '3', '_': '4'}, 'k')
    assert text == 'B=2&_=4&a=3&b=1&key=k'


@pytest.mark.parametrize('value', [9.9, True, ['1'], {'a': '1'}, b'1'])
def test_what_is_neither_text_nor_a_whole_number_is_not_signed(value):
    with pytest.raises(TypeError):
        v2_signing.sign({'total_fee': value}, KEY, 'MD5')


def test_the_key_is_not_quoted_in_errors():
    with pytest.raises(v2_signing.V2SignatureError) as caught:
        v2_signing.verify({**_signed(), 'total_fee': '1'}, KEY, 'MD5')
    assert KEY not in ''.join(traceback.format_exception(caught.value))


# === XML === #

@pytest.mark.parametrize('name', sorted(path.name for path in HOSTILE.iterdir()))
def test_hostile_xml_is_refused_at_once(name):
    body = (HOSTILE / name).read_bytes()
    began = time.monotonic()
    with pytest.raises(v2_xml.V2XmlError):
        v2_xml.parse(body)
    assert time.monotonic() - began < 1


@pytest.mark.parametrize('body', [
    b'<xml><body>a\0b</body></xml>',
    '<?xml version="1.0" encoding="ISO-8859-1"?><xml><body>é</body></xml>'.encode('latin-1'),
    '<?xml version="1.0" encoding="UTF-16"?><xml><body>a</body></xml>'.encode('utf-16'),
    b'<xml><body>\xc0\xaf</body></xml>', b'\xff\xfe',
])
def test_what_is_not_text_in_utf_8_is_refused(body):
    with pytest.raises(v2_xml.V2XmlError):
        v2_xml.parse(body)


def test_the_hostile_files_are_there():
    assert len(list(HOSTILE.iterdir())) >= 20


def test_nothing_of_a_refused_body_is_quoted():
    with pytest.raises(v2_xml.V2XmlError) as caught:
        v2_xml.parse(b'<xml><a>SECRET</a><a>SECRET</a></xml>')
    # The lines of this test stand in the traceback: only the error itself is looked at.
    assert 'SECRET' not in str(caught.value)


def test_a_body_is_read_up_to_its_limit_only():
    fits = b'<xml><a>' + b'x' * (v2_xml.MAX_BYTES - 18) + b'</a></xml>'
    assert len(fits) == v2_xml.MAX_BYTES
    assert len(v2_xml.parse(fits)['a']) == v2_xml.MAX_BYTES - 18
    with pytest.raises(v2_xml.V2XmlError):
        v2_xml.parse(fits + b' ')
    assert v2_xml.parse(fits + b' ', max_bytes=v2_xml.MAX_BYTES + 1)


@pytest.mark.parametrize('value', [
    'a', '0', '深圳分店 & <b>"茶"</b>', ']]>', ']]>]]>', ']]', 'a]]', '>', '<![CDATA[x]]>', '&amp;',
    ' blanks ', 'two\nlines', '\t', '🍵',
])
def test_a_value_is_read_back_as_it_was_written(value):
    assert v2_xml.parse(v2_xml.build({'body': value, 'other': 1})) == {'body': value, 'other': '1'}


@pytest.mark.parametrize('value', ['a\rb', 'a\r\nb', 'a\0b', 'a\x0bb', '\ud800', '\ufffe'])
def test_a_value_that_xml_does_not_keep_is_refused(value):
    with pytest.raises(ValueError):
        v2_xml.build({'body': value})


@pytest.mark.parametrize('name', ['', '1a', 'a b', 'a><b', 'a:b', '名', 'a/'])
def test_a_name_that_is_none_is_refused(name):
    with pytest.raises(ValueError):
        v2_xml.build({name: 'x'})


def test_empty_values_are_left_out_and_zero_is_not():
    assert v2_xml.build({'a': '', 'b': None, 'c': 0}) == b'<xml><c><![CDATA[0]]></c></xml>'


def test_an_empty_element_is_as_none_at_all():
    assert v2_xml.parse(b'<xml><a></a><b/><c><![CDATA[]]></c><d>0</d></xml>') == {'d': '0'}


def test_an_empty_element_changes_neither_fields_nor_signature():
    body = v2_xml.build(_signed()).replace(b'</xml>', b'<coupon_fee></coupon_fee></xml>')
    fields = v2_xml.parse(body)
    v2_signing.verify(fields, KEY, 'MD5')
    assert 'coupon_fee' not in fields


def test_an_empty_sign_is_a_missing_one():
    fields = v2_xml.parse(v2_xml.build(FIELDS).replace(b'</xml>', b'<sign></sign></xml>'))
    assert _reason(fields) == 'missing'


def test_layout_and_plain_text_are_read_like_cdata():
    head = "\ufeff<?xml version='1.0' encoding='UTF-8'?>\n"
    body = f"{head}<xml>\n  <a>1</a>\n <b><![CDATA[ x ]]></b>"
    assert v2_xml.parse(f'{body}\n</xml>\n'.encode()) == {'a': '1', 'b': ' x '}


# === REQ_INFO === #

def _sealed(plaintext, key=KEY, padded=True):
    secret = hashlib.md5(key.encode()).hexdigest().encode()
    data = pad(plaintext, 16) if padded else plaintext
    return base64.b64encode(AES.new(secret, AES.MODE_ECB).encrypt(data)).decode()


def _is_refused(req_info, key=KEY):
    with pytest.raises(v2_refund_info.RefundInfoError):
        v2_refund_info.decrypt(req_info, key)


def test_refund_information_is_decrypted():
    sealed = _sealed(b'<root><refund_id>1</refund_id></root>')
    assert v2_refund_info.decrypt(sealed, KEY) == {'refund_id': '1'}


@pytest.mark.parametrize('req_info', [
    '', '***', 'YQ==', '签名', 'A' * 24, None, _sealed(b'')[:-4],
])
def test_what_is_no_encrypted_text_is_refused(req_info):
    _is_refused(req_info)


@pytest.mark.parametrize('end', [
    b'\x00', b'\x11', b'\xff', b'\x01\x02\x02\x03', b'\x02\x03\x03', b'x',
])
def test_wrong_padding_is_refused(end):
    content = b'<root><a>1</a></root>'
    block = content + b' ' * (32 - len(content) - len(end)) + end
    _is_refused(_sealed(block, padded=False))


@pytest.mark.parametrize('plaintext', [
    b'', b'no xml', b'<xml><refund_id>1</refund_id></xml>', b'<root><a>1</a><a>2</a></root>',
    b'<root><a><b>1</b></a></root>', b'<!DOCTYPE root><root><a>1</a></root>', b'\xff\xfe',
])
def test_what_was_encrypted_is_read_as_strictly(plaintext):
    _is_refused(_sealed(plaintext))


def test_an_entity_bomb_inside_is_refused():
    bomb = (HOSTILE / 'billion_laughs.xml').read_bytes().replace(b'xml>', b'root>')
    _is_refused(_sealed(bomb))


def test_the_key_as_it_is_decrypts_nothing():
    sealed = base64.b64encode(
        AES.new(KEY.encode(), AES.MODE_ECB).encrypt(pad(b'<root><a>1</a></root>', 16)),
    ).decode()
    _is_refused(sealed)


# === PAYMENT CODES === #

@pytest.mark.parametrize('text', [
    '134567890123456789', '100000000000000000', '159999999999999999',
    ' 1345 6789 0123 4567 89\n', '134567890123456789\r\n',
])
def test_a_payment_code_has_18_digits(text):
    code = payment_codes.parse_auth_code(text)
    assert len(code) == 18 and code.isdecimal()


@pytest.mark.parametrize('text', [
    '', '13456789012345678', '1345678901234567890', '163456789012345678', '093456789012345678',
    '284567890123456789', '13456789012345678X', '１３４５６７８９０１２３４５６７８９',
    '1.3456789012345678', '-134567890123456789', '134567890123456789134567890123456789',
    'https://example.com',
])
def test_what_is_no_payment_code_is_refused(text):
    with pytest.raises(ValueError):
        payment_codes.parse_auth_code(text)


# === ERRORS === #

def test_errors_have_a_word_and_advice_in_both_languages():
    tables = {**v2_errors.ERROR_CODES, **v2_errors.REFUND_CODES, '': v2_errors.NOT_TAKEN}
    for code, advice in tables.items():
        assert advice.word in {'misconfigured', 'payment_refused', 'wechat_busy'}, code
        assert advice.misconfigured == (advice.word == 'misconfigured')
        assert advice.en and advice.zh and advice.zh != advice.en


@pytest.mark.parametrize('code', [
    # B2.1
    'NOAUTH', 'NOTENOUGH', 'ORDERPAID', 'ORDERCLOSED', 'SYSTEMERROR', 'APPID_NOT_EXIST',
    'MCHID_NOT_EXIST', 'APPID_MCHID_NOT_MATCH', 'LACK_PARAMS', 'OUT_TRADE_NO_USED', 'SIGNERROR',
    'XML_FORMAT_ERROR', 'REQUIRE_POST_METHOD', 'POST_DATA_EMPTY', 'NOT_UTF8', 'INVALID_REQUEST',
    # B2.2, B2.3
    'ORDERNOTEXIST', 'TRADE_STATE_ERROR',
    # B2.6, B2.7
    'USERPAYING', 'BANKERROR', 'AUTHCODEEXPIRE', 'AUTH_CODE_ERROR', 'AUTH_CODE_INVALID',
    'NOTSUPORTCARD', 'BUYER_MISMATCH', 'TRADE_ERROR', 'ORDERREVERSED', 'PARAM_ERROR',
    'INVALID_TRANSACTIONID', 'REVERSE_EXPIRE',
])
def test_every_documented_code_has_advice(code):
    assert v2_errors.get_advice(code) is v2_errors.ERROR_CODES[code]


@pytest.mark.parametrize('code', [
    'SYSTEMERROR', 'BIZERR_NEED_RETRY', 'FREQUENCY_LIMITED', 'INVALID_REQ_TOO_MUCH', 'NOTENOUGH',
    'TRADE_OVERDUE', 'USER_ACCOUNT_ABNORMAL', 'ERROR', 'ORDERNOTEXIST', 'INVALID_TRANSACTIONID',
    'PARAM_ERROR', 'REFUND_FEE_MISMATCH', 'REFUNDNOTEXIST',
])
def test_every_documented_code_of_a_refund_has_advice(code):
    assert v2_errors.get_refund_advice(code) is not v2_errors.get_advice('SOMETHING_NEW')


def test_a_failure_without_a_code_points_at_the_keys():
    assert v2_errors.get_advice('').word == 'misconfigured'
    assert v2_errors.get_refund_advice('').word == 'misconfigured'


def test_a_refund_without_money_is_the_merchants_not_the_customers():
    assert v2_errors.get_refund_advice('NOTENOUGH').en != v2_errors.get_advice('NOTENOUGH').en


@pytest.mark.parametrize(('code', 'known'), [
    ('SYSTEMERROR', False), ('BANKERROR', False), ('USERPAYING', False),
    ('BIZERR_NEED_RETRY', False), ('', False), ('SOMETHING_NEW', False),
    ('NOTENOUGH', True), ('ORDERPAID', True), ('AUTHCODEEXPIRE', True), ('SIGNERROR', True),
    ('FREQUENCY_LIMITED', True), ('INVALID_REQ_TOO_MUCH', True), ('TRADE_OVERDUE', True),
])
def test_only_a_known_refusal_leaves_nothing_open(code, known):
    assert v2_errors.is_outcome_known(code) is known
