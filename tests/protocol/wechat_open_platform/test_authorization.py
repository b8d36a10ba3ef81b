# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Authorisations of accounts for a third-party platform (wechat-platform.md, section 11)."""

import pytest

from tests.protocol.loader import load, load_vectors

authorization = load('wechat_open_platform').authorization
wechat = load('wechat')

INFO = {
    'authorizer_appid': 'wx00000000000000c1', 'authorizer_access_token': 'A', 'expires_in': 7200,
    'authorizer_refresh_token': 'R', 'func_info': [
        {'funcscope_category': {'id': 15}}, {'funcscope_category': {'id': 2}},
        {'funcscope_category': {'id': 15}},
    ],
}


def test_ticket_of_the_vector_is_believed_and_read():
    vector = next(one for one in load_vectors('wechat-platform')['vectors']
                  if one['name'] == 'component_verify_ticket_push_dummy')
    given, expected = vector['inputs'], vector['expected']
    crypto = wechat.push_crypto.PushCrypto(
        given['token'], given['encoding_aes_key'], given['appid'])
    message = wechat.push.receive(crypto, 'secure', {
        'timestamp': given['timestamp'], 'nonce': given['nonce'],
        'msg_signature': expected['msg_signature'],
    }, f"<xml><AppId>x</AppId><Encrypt>{expected['encrypt']}</Encrypt></xml>".encode(),
        now=int(given['timestamp'])).message
    assert message.text('InfoType') == 'component_verify_ticket'
    assert message.text('AppId') == given['appid']
    assert authorization.read_time(message.text('CreateTime')) == 1700000000
    assert authorization.is_value(message.text('ComponentVerifyTicket'))


def test_addresses_have_their_parameters_in_order_and_encoded():
    desktop, phone = authorization.authorization_urls(
        'https://mp.weixin.qq.com', 'wxc', 'preauthcode@@@x', 'https://e.example.com/r?state=1&a=b',
        '3')
    query = ('component_appid=wxc&pre_auth_code=preauthcode%40%40%40x'
             '&redirect_uri=https%3A%2F%2Fe.example.com%2Fr%3Fstate%3D1%26a%3Db&auth_type=3')
    assert desktop == f'https://mp.weixin.qq.com/cgi-bin/componentloginpage?{query}'
    assert phone == (
        f'https://mp.weixin.qq.com/safe/bindcomponent?action=bindcomponent&no_scan=1&{query}'
        '#wechat_redirect')


def test_grant_is_read_with_its_permission_sets_in_order():
    grant = authorization.read_grant({'authorization_info': INFO})
    assert grant == ('wx00000000000000c1', 'A', 7200, 'R', '2, 15')


@pytest.mark.parametrize('changes', [
    {'authorizer_appid': None}, {'authorizer_access_token': ''}, {'authorizer_access_token': 'a b'},
    {'authorizer_refresh_token': 5}, {'authorizer_refresh_token': 'x' * 1025},
    {'expires_in': '7200'}, {'expires_in': True},
])
def test_grant_that_misses_something_is_unreadable(changes):
    with pytest.raises(authorization.UnreadableError):
        authorization.read_grant({'authorization_info': {**INFO, **changes}})


@pytest.mark.parametrize('answer', [{}, {'authorization_info': None}, {'authorization_info': []}])
def test_answer_without_a_grant_is_unreadable(answer):
    with pytest.raises(authorization.UnreadableError):
        authorization.read_grant(answer)


@pytest.mark.parametrize('func_info', [
    None, 'x', [None], [{}], [{'funcscope_category': 5}], [{'funcscope_category': {'id': '1'}}],
])
def test_strange_permission_sets_are_left_out(func_info):
    assert authorization.read_scopes({'func_info': func_info}) == ''


def test_mini_program_is_told_by_its_info():
    info = {'nick_name': "茶馆", 'user_name': 'gh_1', 'service_type_info': {'id': 0}}
    assert authorization.read_account({'authorizer_info': info}) == {
        'name': "茶馆", 'app_type': 'official_account', 'original_id': 'gh_1'}
    info['MiniProgramInfo'] = {'network': {}}
    assert authorization.read_account({'authorizer_info': info})['app_type'] == 'miniprogram'


def test_account_without_a_name_is_called_by_its_owner():
    info = {'nick_name': '', 'principal_name': "沙盒有限公司", 'user_name': None}
    assert authorization.read_account({'authorizer_info': info}) == {
        'name': "沙盒有限公司", 'app_type': 'official_account', 'original_id': ''}


@pytest.mark.parametrize('text', ['', '-1', '1.5', 'x', '１７', '1' * 13, None, 5])
def test_what_is_no_time_is_none(text):
    assert authorization.read_time(text) is None
