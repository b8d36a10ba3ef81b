# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""wechat/protocol against the worked vectors of pushed messages."""

import pytest

from tests.protocol.loader import load, load_vectors

load('wechat')

from wechat_protocol import messages, push  # noqa: E402
from wechat_protocol.push_crypto import CryptoError, PushCrypto  # noqa: E402

VECTORS = {
    vector['name']: vector for vector in load_vectors('wechat-platform')['vectors']
    if vector['name'].startswith(('push_', 'component_verify_ticket_'))
}
DECRYPTED = ('push_secure_decrypt_documented', 'push_xml_utf8_dummy', 'push_pad_32_dummy')
# The appid of this one is no appid of WeChat's, but the crypto does not mind.
COMPONENT = 'component_verify_ticket_push_dummy'


def _crypto(inputs):
    return PushCrypto(
        inputs.get('token', ''), inputs.get('encoding_aes_key'), inputs.get('appid', ''),
    )


def test_every_vector_of_pushes_is_used_here():
    with open(__file__, encoding='utf-8') as source:
        text = source.read()
    assert len(VECTORS) == 10
    assert [name for name in VECTORS if name not in text] == []


@pytest.mark.parametrize(
    'name', ['push_url_verification_documented', 'push_plain_signature_documented'],
)
def test_plain_signature(name):
    inputs, expected = VECTORS[name]['inputs'], VECTORS[name]['expected']
    crypto = _crypto(inputs)
    assert crypto.signature(inputs['timestamp'], inputs['nonce']) == expected['signature']


def test_address_check_answers_the_echo():
    vector = VECTORS['push_url_verification_documented']
    inputs, expected = vector['inputs'], vector['expected']
    query = {**inputs, 'signature': expected['signature']}
    assert push.check_echo(
        _crypto(inputs), query, now=int(inputs['timestamp']),
    ) == expected['response_body']


def test_msg_signature():
    vector = VECTORS['push_secure_msg_signature_documented']
    inputs, expected = vector['inputs'], vector['expected']
    crypto, parts = _crypto(inputs), (inputs['timestamp'], inputs['nonce'])
    assert crypto.signature(*parts, inputs['encrypt']) == expected['msg_signature']
    assert crypto.signature(*parts) == expected['plain_signature_also_in_url']


@pytest.mark.parametrize('name', [*DECRYPTED, COMPONENT])
def test_decryption(name):
    inputs, expected = VECTORS[name]['inputs'], VECTORS[name]['expected']
    encrypted = inputs.get('encrypt') or expected['encrypt']
    assert _crypto(inputs).decrypt(encrypted).decode() == expected['message']


@pytest.mark.parametrize(
    'name', ['push_secure_encrypt_reply_documented', 'push_xml_utf8_dummy', 'push_pad_32_dummy',
             COMPONENT],
)
def test_encryption(name):
    inputs, expected = VECTORS[name]['inputs'], VECTORS[name]['expected']
    crypto = _crypto(inputs)
    encrypted = crypto.encrypt(inputs['message'].encode(), inputs['random'].encode())
    assert encrypted == expected['encrypt']
    assert crypto.signature(
        inputs['timestamp'], inputs['nonce'], encrypted,
    ) == expected['msg_signature']


def test_push_for_another_appid_is_refused():
    inputs = VECTORS['push_wrong_appid_dummy']['inputs']
    with pytest.raises(CryptoError) as caught:
        _crypto(inputs).decrypt(inputs['encrypt'])
    assert caught.value.reason == VECTORS['push_wrong_appid_dummy']['expected']['error']


def test_signature_of_another_token_is_refused():
    inputs = VECTORS['push_bad_signature_dummy']['inputs']
    assert not _crypto(inputs).is_signed(
        inputs['msg_signature'], inputs['timestamp'], inputs['nonce'], inputs['encrypt'],
    )


@pytest.mark.parametrize('name', ['push_xml_utf8_dummy', 'push_pad_32_dummy', COMPONENT])
def test_whole_push_is_received_as_what_was_sent(name):
    inputs, expected = VECTORS[name]['inputs'], VECTORS[name]['expected']
    body = f"<xml><ToUserName>gh</ToUserName><Encrypt>{expected['encrypt']}</Encrypt></xml>"
    received = push.receive(
        _crypto(inputs), 'secure', {**inputs, 'msg_signature': expected['msg_signature']},
        body.encode(), now=int(inputs['timestamp']),
    )
    assert received.message == messages.parse(expected['message'].encode())
    assert received.message.is_body_signed
