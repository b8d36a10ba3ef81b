# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What wechat_payment/protocol must refuse, and the limits it keeps."""

import base64
import traceback
from decimal import Decimal

import pytest

from tests.protocol.loader import load, load_vectors

load('wechat_payment')

from wechat_payment_protocol import (  # noqa: E402
    aead,
    amounts,
    errors,
    keys,
    order_numbers,
    signing,
    verification,
)

VECTORS = load_vectors('wechat-pay')
WEBHOOK = next(v for v in VECTORS['vectors'] if v['name'] == 'v3_webhook_transaction_success')
PUBLIC_KEY = VECTORS['keys']['wechatpay_public_key_mode']


def _verify(changes=None, body=None, now=None):
    headers = {**WEBHOOK['inputs']['headers'], **(changes or {})}
    verifier = verification.Verifier({PUBLIC_KEY['id']: PUBLIC_KEY['public_key_pem']})
    verifier.verify(
        {name: value for name, value in headers.items() if value is not None},
        WEBHOOK['inputs']['body'].encode() if body is None else body,
        WEBHOOK['inputs']['now'] if now is None else now,
    )


def _reason(*args, **kwargs):
    with pytest.raises(verification.VerificationError) as caught:
        _verify(*args, **kwargs)
    return caught.value.reason


def test_the_unchanged_notification_is_accepted():
    _verify()


@pytest.mark.parametrize('name', [
    'Wechatpay-Timestamp', 'Wechatpay-Nonce', 'Wechatpay-Serial', 'Wechatpay-Signature',
])
def test_a_missing_header_is_refused(name):
    assert _reason({name: None}) == 'header'
    assert _reason({name: ''}) == 'header'


@pytest.mark.parametrize('name', [
    'Wechatpay-Timestamp', 'Wechatpay-Nonce', 'Wechatpay-Serial', 'Wechatpay-Signature',
    'Wechatpay-Signature-Type',
])
@pytest.mark.parametrize('joiner', [',', ', '])
def test_a_doubled_header_is_refused(name, joiner):
    value = WEBHOOK['inputs']['headers'].get(name, signing.SCHEME)
    assert _reason({name: f'{value}{joiner}{value}'})


def test_another_algorithm_is_refused():
    assert _reason({'Wechatpay-Signature-Type': 'WECHATPAY2-SM2-WITH-SM3'}) == 'algorithm'


def test_an_absent_algorithm_header_is_accepted():
    _verify({'Wechatpay-Signature-Type': None})


@pytest.mark.parametrize('offset', [301, -301, 86400, -86400])
def test_a_time_too_far_off_is_refused_in_both_directions(offset):
    timestamp = int(WEBHOOK['inputs']['headers']['Wechatpay-Timestamp'])
    assert _reason(now=timestamp + offset) == 'clock'


@pytest.mark.parametrize('value', ['12e3', '-1', '1767322500.0', '१७६७३२२५००', ' 1767322500'])
def test_a_time_that_is_no_number_is_refused(value):
    assert _reason({'Wechatpay-Timestamp': value}) == 'header'


def test_an_unknown_serial_never_falls_back_to_another_key():
    assert _reason({'Wechatpay-Serial': 'PUB_KEY_ID_0000000000'}) == 'serial'
    assert _reason({'Wechatpay-Serial': PUBLIC_KEY['id'].lower()}) == 'serial'


def test_probe_traffic_has_no_special_case():
    signature = WEBHOOK['inputs']['headers']['Wechatpay-Signature']
    probe = ('WECHATPAY/SIGNTEST/' + signature)[:len(signature)]
    assert _reason({'Wechatpay-Signature': probe}) == 'signature'


@pytest.mark.parametrize('signature', [
    '***', 'YQ==', '签名', base64.b64encode(b'0' * 256).decode(),
])
def test_a_malformed_or_foreign_signature_is_refused_cleanly(signature):
    assert _reason({'Wechatpay-Signature': signature}) == 'signature'


def test_a_changed_or_reserialised_body_is_refused():
    body = WEBHOOK['inputs']['body'].encode()
    assert _reason(body=body + b' ') == 'signature'
    assert _reason(body=b'') == 'signature'


@pytest.mark.parametrize('change', [
    {'algorithm': 'AES-256-GCM'}, {'algorithm': None}, {'ciphertext': ''}, {'ciphertext': '***'},
    {'ciphertext': None}, {'nonce': ''}, {'nonce': 5}, {'associated_data': 'refund'},
    {'associated_data': 5},
])
def test_a_malformed_resource_is_refused(change):
    vector = next(v for v in VECTORS['vectors'] if v['name'] == 'v3_aead_transaction')
    resource = {'algorithm': aead.ALGORITHM, **vector['inputs']}
    aead.decrypt(resource, vector['inputs']['apiv3_key'])
    with pytest.raises(aead.DecryptionError):
        aead.decrypt({**resource, **change}, vector['inputs']['apiv3_key'])


def test_a_resource_that_is_no_object_is_refused():
    for resource in (None, [], 'text', 7):
        with pytest.raises(aead.DecryptionError):
            aead.decrypt(resource, '0' * 32)


@pytest.mark.parametrize('pem', [
    '', 'nonsense', '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----',
    '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----',
])
def test_what_is_no_key_is_refused_without_quoting_it(pem):
    for load_key in (keys.load_private_key, keys.load_public_key, keys.read_certificate):
        with pytest.raises(keys.KeyFormatError) as caught:
            load_key(pem)
        assert 'AAAA' not in ''.join(traceback.format_exception(caught.value))


def test_private_and_public_keys_are_not_confused():
    with pytest.raises(keys.KeyFormatError):
        keys.load_private_key(PUBLIC_KEY['public_key_pem'])
    der = base64.b64decode(PUBLIC_KEY['private_key_pkcs8_der_base64'])
    pem = (
        '-----BEGIN PRIVATE KEY-----\n' + base64.encodebytes(der).decode()
        + '-----END PRIVATE KEY-----\n'
    )
    with pytest.raises(keys.KeyFormatError):
        keys.load_public_key(pem)


def test_a_key_is_parsed_once():
    keys.load_public_key(PUBLIC_KEY['public_key_pem'])
    hits = keys.load_public_key.cache_info().hits
    assert keys.load_public_key(PUBLIC_KEY['public_key_pem']) is keys.load_public_key(
        PUBLIC_KEY['public_key_pem']
    )
    assert keys.load_public_key.cache_info().hits == hits + 2


@pytest.mark.parametrize(('amount', 'fen'), [
    (19.99, 1999), (0.01, 1), (1, 100), ('123.45', 12345), (Decimal('0.1') + Decimal('0.2'), 30),
    (1111.11, 111111), (10000000.0, 1000000000), (4.35, 435), (0.29, 29),
])
def test_yuan_become_fen(amount, fen):
    assert amounts.to_fen(amount) == fen
    assert amounts.to_yuan(fen) == Decimal(str(amount))


@pytest.mark.parametrize('amount', [
    0, 0.0, -1, -0.01, 0.001, 19.999, 0.1 + 0.2, 'nan', 'inf', '-inf', '', None, 'ten',
])
def test_what_is_no_positive_number_of_whole_fen_is_refused(amount):
    with pytest.raises(ValueError):
        amounts.to_fen(amount)


@pytest.mark.parametrize('prefix', [
    'S00042', 'INV/2026/00001', '订单 42', '', None, 'x' * 80, 'a b,c', '../../etc', 'S00042-1',
])
def test_an_order_number_is_legal_and_new(prefix):
    number, other = (order_numbers.build_out_trade_no(prefix) for _ in range(2))
    assert 6 <= len(number) <= 32
    assert set(number) <= set('0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-')
    assert number != other


def test_an_order_number_reminds_of_its_document():
    assert order_numbers.build_out_trade_no('INV/2026/00001').startswith('INV-2026-00001-')


def test_a_description_is_cut_at_127_bytes_on_a_character():
    text = order_numbers.build_description('微' * 100)
    assert text == '微' * 42
    assert order_numbers.build_description('a' * 200) == 'a' * 127


def test_a_description_has_no_control_characters():
    assert order_numbers.build_description(' 示例\n商店\t\x00- S00042 ') == '示例 商店 - S00042'


def test_errors_have_a_word_and_advice_in_both_languages():
    for code, advice in errors.ERROR_CODES.items():
        assert advice.word in {'misconfigured', 'payment_refused', 'wechat_busy'}, code
        assert advice.misconfigured == (advice.word == 'misconfigured')
        assert advice.en and advice.zh and advice.zh != advice.en
    assert errors.get_advice(401, '').word == 'misconfigured'
    assert errors.get_advice(429, 'SOMETHING_NEW').word == 'wechat_busy'
    assert errors.get_advice(400, 'SOMETHING_NEW').word == 'payment_refused'


@pytest.mark.parametrize(('status', 'known'), [
    (200, False), (202, False), (301, False), (400, True), (401, True), (403, True), (404, True),
    (429, False), (500, False), (502, False), (503, False),
])
def test_only_a_refusal_leaves_nothing_open(status, known):
    assert errors.is_outcome_known(status) is known


def test_an_unreadable_key_is_not_quoted_in_the_error():
    text = 'SECRET' + ' KEY TEXT'
    with pytest.raises(keys.KeyFormatError) as caught:
        signing.sign('message', text)
    assert text not in ''.join(traceback.format_exception(caught.value))
