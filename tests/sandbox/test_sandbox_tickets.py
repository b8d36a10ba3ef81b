# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Tickets, and the signatures that the client checks with them (wechat-platform.md 3.5, 4)."""

import hashlib

import pytest

from .merchant import APPID

PAGE = 'https://shop.example.com/web?x=%E4%B8%AD'


@pytest.fixture
def token(sandbox):
    return sandbox.platform('POST', '/cgi-bin/stable_token', {
        'grant_type': 'client_credential', 'appid': APPID, 'secret': sandbox.app()['secret'],
    }).json()['access_token']


def get(sandbox, token, kind='jsapi', method='GET'):
    target = f'/cgi-bin/ticket/getticket?access_token={token}&type={kind}'
    return sandbox.platform(method, target).json()


def sha1(text):
    return hashlib.sha1(text.encode()).hexdigest()


def now(sandbox):
    return int(sandbox.get('clock')['timestamp'])


def config(sandbox, ticket, url=PAGE, **changes):
    values = {'timestamp': now(sandbox), 'nonceStr': 'abc'} | changes
    values.setdefault('signature', sha1(
        f"jsapi_ticket={ticket}&noncestr={values['nonceStr']}"
        f"&timestamp={values['timestamp']}&url={PAGE}",
    ))
    return sandbox.post('wx_config', appid=APPID, url=url, config=values)['errMsg']


def test_a_ticket_is_the_same_until_shortly_before_its_end(sandbox, token):
    first = get(sandbox, token)
    assert first['errcode'] == 0 and first['expires_in'] == 7200
    sandbox.clock(3600)
    second = get(sandbox, token)
    assert second['ticket'] == first['ticket']
    assert second['expires_in'] == pytest.approx(3600, abs=2)


def test_the_types_have_tickets_of_their_own(sandbox, token):
    assert get(sandbox, token)['ticket'] != get(sandbox, token, 'wx_card')['ticket']


def test_what_is_no_ticket_request_is_refused(sandbox, token):
    assert get(sandbox, token, 'other')['errcode'] == 40097
    assert get(sandbox, token, method='POST')['errcode'] == 43001
    assert get(sandbox, 'short')['errcode'] == 40014
    sandbox.post('revoke_token', appid=APPID)
    assert get(sandbox, token)['errcode'] == 40001


def test_the_quota_of_tickets_can_be_used_up(sandbox, token):
    sandbox.post('quotas', appid=APPID, path='/cgi-bin/ticket/getticket', limit=0)
    assert get(sandbox, token)['errcode'] == 45009


def test_a_page_is_configured_by_the_right_signature_only(sandbox, token):
    assert 'no valid' in config(sandbox, 'x')
    ticket = get(sandbox, token)['ticket']
    assert config(sandbox, ticket) == 'config:ok'
    assert config(sandbox, ticket, url=f'{PAGE}#/later') == 'config:ok'
    assert 'invalid signature' in config(sandbox, ticket, url='https://shop.example.com/other')
    assert 'invalid signature' in config(sandbox, 'another ticket')
    assert 'invalid signature' in config(sandbox, ticket, signature='0' * 40)
    assert 'too old' in config(sandbox, ticket, timestamp=now(sandbox) - 400)
    assert 'ten digits' in config(sandbox, ticket, timestamp='1.5')
    sandbox.clock(7201)
    assert 'no valid' in config(sandbox, ticket)


def test_a_card_is_added_with_the_values_sorted(sandbox, token):
    ticket = get(sandbox, token, 'wx_card')['ticket']
    ext = {'timestamp': str(now(sandbox)), 'nonce_str': 'n', 'code': '77', 'openid': ''}
    ext['signature'] = sha1(''.join(sorted([ticket, ext['timestamp'], 'n', '77', 'pCARD'])))

    def add(**changes):
        data = {'appid': APPID, 'card_id': 'pCARD', 'card_ext': ext} | changes
        return sandbox.post('add_card', **data)['errMsg']

    assert add() == 'addCard:ok'
    assert 'invalid signature' in add(card_id='pOTHER')
    assert 'invalid signature' in add(card_ext={**ext, 'openid': 'o1'})


def test_a_card_is_chosen_with_the_values_sorted(sandbox, token):
    ticket = get(sandbox, token, 'wx_card')['ticket']
    values = {'timestamp': str(now(sandbox)), 'nonceStr': 'n', 'cardType': 'GROUPON',
              'signType': 'SHA1'}
    values['cardSign'] = sha1(''.join(sorted([
        ticket, APPID, values['timestamp'], 'n', 'GROUPON'])))

    def choose(**changes):
        return sandbox.post(
            'choose_card', appid=APPID, parameters={**values, **changes})['errMsg']

    assert choose() == 'chooseCard:ok'
    assert 'signType' in choose(signType='MD5')
    assert 'invalid signature' in choose(cardId='p1')
    assert 'invalid signature' in choose(cardSign=None)
