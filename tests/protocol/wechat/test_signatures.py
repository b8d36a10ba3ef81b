# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import pytest

from tests.protocol.loader import load, load_vectors

signatures = load('wechat').signatures
VECTORS = {vector['name']: vector for vector in load_vectors('wechat-platform')['vectors']}


@pytest.mark.parametrize('name', [
    'jssdk_signature_documented', 'jssdk_signature_documented_older',
    'jssdk_signature_fragment_removed',
])
def test_pages_are_signed_as_documented(name):
    values, expected = VECTORS[name]['inputs'], VECTORS[name]['expected']
    arguments = values['jsapi_ticket'], values['noncestr'], values['timestamp'], values['url']
    assert signatures.jssdk_string(*arguments) == expected['string_to_sign']
    assert signatures.sign_jssdk(*arguments) == expected['signature']


@pytest.mark.parametrize('name', [
    'card_ext_signature_documented', 'card_ext_signature_dummy_openid', 'choose_card_sign_dummy',
])
def test_cards_are_signed_as_documented(name):
    values, expected = VECTORS[name]['inputs'], VECTORS[name]['expected']
    assert signatures.card_bytes(*values.values()).decode() == expected['string_to_sign']
    if name == 'choose_card_sign_dummy':
        signature = signatures.sign_choose_card(
            values['api_ticket'], values['app_id'], values['timestamp'], values['nonce_str'],
            values['card_id'], values['card_type'], values['location_id'],
        )
    else:
        signature = signatures.sign_card(
            values['api_ticket'], values['timestamp'], values['nonce_str'], values['card_id'],
            values['code'], values['openid'],
        )
    assert signature == expected['signature']


def test_values_are_sorted_as_bytes():
    assert signatures.card_bytes('b', '', 'a', 'Z', 'é', '1') == '1Zabé'.encode()
