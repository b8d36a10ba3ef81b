# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""GET /sns/jscode2session and the session_key (wechat-platform.md 1)."""

import base64
import hmac
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlencode

import pytest

from .merchant import APPID, OTHER_APPID

VECTORS = Path(__file__).parents[1] / 'protocol' / 'vectors' / 'wechat-platform.json'


def exchange(sandbox, code, method='GET', **changes):
    values = {
        'appid': APPID,
        'secret': sandbox.app()['secret'],
        'js_code': code,
        'grant_type': 'authorization_code',
    } | changes
    query = urlencode({name: value for name, value in values.items() if value is not None})
    return sandbox.platform(method, f'/sns/jscode2session?{query}')


def errcode(reply):
    assert reply.status == 200
    data = reply.json()
    assert 'rid: ' in data['errmsg'] or data['errcode'] == 0
    return data['errcode']


def test_a_code_gives_openid_session_key_and_unionid_as_text_without_charset(sandbox):
    issued = sandbox.post('login_code', appid=APPID)
    reply = exchange(sandbox, issued['code'])
    data = reply.json()
    assert reply.one('Content-Type') == 'text/plain'
    assert data['openid'] == issued['openid'] and len(data['openid']) == 28
    assert data['unionid'] == issued['unionid']
    assert len(base64.b64decode(data['session_key'], validate=True)) == 16
    assert set(data) == {'openid', 'unionid', 'session_key'}
    assert sandbox.problems() == []


def test_a_code_works_once(sandbox):
    code = sandbox.post('login_code', appid=APPID)['code']
    exchange(sandbox, code)
    assert errcode(exchange(sandbox, code)) == 40163


def test_of_many_concurrent_exchanges_of_one_code_one_succeeds(sandbox):
    code = sandbox.post('login_code', appid=APPID)['code']
    with ThreadPoolExecutor(8) as pool:
        answers = [item.json() for item in pool.map(lambda _: exchange(sandbox, code), range(8))]
    assert sorted(item.get('errcode', 0) for item in answers) == [0] + [40163] * 7


def test_a_code_dies_after_five_minutes(sandbox):
    code = sandbox.post('login_code', appid=APPID)['code']
    sandbox.clock(299)
    again = sandbox.post('login_code', appid=APPID)['code']
    assert 'openid' in exchange(sandbox, code).json()
    sandbox.clock(299 + 301)
    assert errcode(exchange(sandbox, again)) == 40029


def test_an_expired_code_can_be_asked_for(sandbox):
    code = sandbox.post('login_code', appid=APPID, expired=True)['code']
    assert errcode(exchange(sandbox, code)) == 40029


def test_a_code_of_another_app_is_invalid_and_stays_unused(sandbox):
    code = sandbox.post('login_code', appid=OTHER_APPID)['code']
    assert errcode(exchange(sandbox, code)) == 40029
    secret = sandbox.app(OTHER_APPID)['secret']
    assert 'openid' in exchange(sandbox, code, appid=OTHER_APPID, secret=secret).json()


def test_a_wrong_secret_leaves_the_code_unused(sandbox):
    code = sandbox.post('login_code', appid=APPID)['code']
    assert errcode(exchange(sandbox, code, secret='0' * 32)) == 40125
    assert 'openid' in exchange(sandbox, code).json()


@pytest.mark.parametrize(('changes', 'expected'), [
    ({'appid': None}, 41002),
    ({'appid': ''}, 41002),
    ({'secret': None}, 41004),
    ({'js_code': None}, 41008),
    ({'grant_type': None}, 40002),
    ({'grant_type': 'client_credential'}, 40002),
    ({'appid': 'wxffffffffffffffff'}, 40013),
    ({'js_code': 'never-issued'}, 40029),
])
def test_wrong_parameters_are_refused_with_their_number(sandbox, changes, expected):
    code = sandbox.post('login_code', appid=APPID)['code']
    assert errcode(exchange(sandbox, code, **changes)) == expected


def test_only_get_is_taken(sandbox):
    code = sandbox.post('login_code', appid=APPID)['code']
    assert errcode(exchange(sandbox, code, method='POST')) == 43001


def test_an_official_account_has_no_mini_program_login(sandbox):
    app = sandbox.post('apps', appid='wx00000000000000aa', app_type='official_account')
    reply = exchange(sandbox, 'x', appid=app['appid'], secret=app['secret'])
    assert errcode(reply) == 40013


def test_a_blocked_user_is_refused(sandbox, user):
    sandbox.call('PATCH', f"users/{user['user']}", {'blocked': True})
    code = sandbox.post('login_code', appid=APPID, user=user['user'])['code']
    assert errcode(exchange(sandbox, code)) == 40226


def test_one_person_has_one_unionid_and_an_openid_per_app(sandbox, user):
    first = sandbox.post('login_code', appid=APPID, user=user['user'])
    second = sandbox.post('login_code', appid=OTHER_APPID, user=user['user'])
    assert first['openid'] != second['openid']
    assert first['unionid'] == second['unionid'] == user['unionid']
    assert first['openid'] == user['openids'][APPID]


def test_an_app_without_open_platform_account_has_no_unionid(sandbox):
    app = sandbox.post('apps', appid='wx00000000000000bb')
    code = sandbox.post('login_code', appid=app['appid'])
    reply = exchange(sandbox, code['code'], appid=app['appid'], secret=app['secret'])
    assert code['unionid'] is None
    assert set(reply.json()) == {'openid', 'session_key'}


def session_key(sandbox, user, **options):
    issued = sandbox.post('login_code', appid=APPID, user=user['user'], **options)
    return exchange(sandbox, issued['code']).json()['session_key']


def test_the_session_key_outlives_a_quick_second_login_and_changes_later(sandbox, user):
    first = session_key(sandbox, user)
    assert session_key(sandbox, user) == first
    assert session_key(sandbox, user, new_session_key=True) != first
    second = session_key(sandbox, user)
    sandbox.clock(301)
    assert session_key(sandbox, user) != second


def token(sandbox, appid=APPID):
    reply = sandbox.platform('POST', '/cgi-bin/stable_token', {
        'grant_type': 'client_credential', 'appid': appid,
        'secret': sandbox.app(appid)['secret'],
    })
    return reply.json()['access_token']


def session_query(sandbox, path, key, openid, /, **changes):
    values = {
        'access_token': token(sandbox),
        'openid': openid,
        'signature': hmac.new(key.encode(), b'', 'sha256').hexdigest(),
        'sig_method': 'hmac_sha256',
    } | changes
    query = urlencode({name: value for name, value in values.items() if value is not None})
    return sandbox.platform('GET', f'{path}?{query}')


def test_the_signature_of_checksession_is_that_of_the_vector():
    vectors = {item['name']: item for item in json.loads(VECTORS.read_text())['vectors']}
    item = vectors['check_session_key_signature_dummy']
    made = hmac.new(item['inputs']['session_key'].encode(), b'', 'sha256').hexdigest()
    assert made == item['expected']['signature']


def test_checksession_knows_the_valid_key(sandbox, user, openid):
    key = session_key(sandbox, user)
    reply = session_query(sandbox, '/wxa/checksession', key, openid)
    assert reply.json() == {'errcode': 0, 'errmsg': 'ok'}
    session_key(sandbox, user, new_session_key=True)
    assert errcode(session_query(sandbox, '/wxa/checksession', key, openid)) == 87009


@pytest.mark.parametrize(('changes', 'expected'), [
    ({'access_token': None}, 41001),
    ({'openid': 'oForeign'}, 40003),
    ({'openid': None}, 40003),
    ({'sig_method': 'md5'}, 87008),
    ({'signature': '0' * 64}, 87009),
    ({'signature': None}, 87009),
])
def test_checksession_refuses(sandbox, user, openid, changes, expected):
    key = session_key(sandbox, user)
    reply = session_query(sandbox, '/wxa/checksession', key, openid, **changes)
    assert errcode(reply) == expected


def test_checksession_of_a_user_who_never_logged_in(sandbox, openid):
    assert errcode(session_query(sandbox, '/wxa/checksession', 'x', openid)) == 87007


def test_resetusersessionkey_gives_a_new_key(sandbox, user, openid):
    key = session_key(sandbox, user)
    data = session_query(sandbox, '/wxa/resetusersessionkey', key, openid).json()
    assert data['errcode'] == 0 and data['openid'] == openid
    assert data['session_key'] != key
    assert errcode(session_query(sandbox, '/wxa/checksession', key, openid)) == 87009


def test_a_path_that_the_platform_does_not_have(sandbox):
    assert errcode(sandbox.platform('GET', '/cgi-bin/nonsense')) == 40066
