# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Quotas that can be used up, and IP allow lists (wechat-platform.md 3.4, 40164)."""

import pytest

from .merchant import APPID, OTHER_APPID

ADDRESSES = '/cgi-bin/getcallbackip'
STABLE = '/cgi-bin/stable_token'


def stable(sandbox, appid=APPID):
    return sandbox.platform('POST', STABLE, {
        'grant_type': 'client_credential', 'appid': appid, 'secret': sandbox.app(appid)['secret'],
    }).json()


@pytest.fixture
def token(sandbox):
    return stable(sandbox)['access_token']


def call(sandbox, token, path=ADDRESSES):
    return sandbox.platform('GET', f'{path}?access_token={token}').json().get('errcode', 0)


def clear(sandbox, token, appid=APPID):
    return sandbox.platform(
        'POST', f'/cgi-bin/clear_quota?access_token={token}', {'appid': appid},
    ).json()['errcode']


def clear_v2(sandbox, **changes):
    data = {'appid': APPID, 'appsecret': sandbox.app()['secret']} | changes
    return sandbox.platform('POST', '/cgi-bin/clear_quota/v2', data).json()['errcode']


def quota(sandbox, token, path=ADDRESSES):
    target = f'/cgi-bin/openapi/quota/get?access_token={token}'
    return sandbox.platform('POST', target, {'cgi_path': path}).json()['quota']


def test_calls_are_counted_per_path(sandbox, token):
    assert quota(sandbox, token) == {'daily_limit': 10000, 'used': 0, 'remain': 10000}
    assert call(sandbox, token) == 0
    assert quota(sandbox, token) == {'daily_limit': 10000, 'used': 1, 'remain': 9999}
    assert quota(sandbox, token, '/cgi-bin/get_api_domain_ip')['used'] == 0
    assert quota(sandbox, token, STABLE)['used'] == 1


def test_asking_for_a_quota_and_refused_tokens_are_not_counted(sandbox, token):
    quota(sandbox, token)
    assert call(sandbox, '61_' + 'a' * 133) == 40001
    assert quota(sandbox, token)['used'] == 0
    assert quota(sandbox, token, '/cgi-bin/openapi/quota/get')['used'] == 0


def test_a_quota_that_is_used_up_is_45009_until_midnight_in_beijing(sandbox, token):
    answer = sandbox.post('quotas', appid=APPID, path=ADDRESSES, used=10000)
    assert answer == {'appid': APPID, 'path': ADDRESSES, 'used': 10000, 'limit': 10000}
    assert call(sandbox, token) == 45009
    assert call(sandbox, token, '/cgi-bin/get_api_domain_ip') == 0
    assert quota(sandbox, token)['remain'] == 0
    sandbox.clock(86400)
    token = stable(sandbox)['access_token']
    assert call(sandbox, token) == 0


def test_a_limit_can_be_set(sandbox, token):
    sandbox.post('quotas', appid=APPID, path=ADDRESSES, limit=2)
    assert [call(sandbox, token) for _number in range(3)] == [0, 0, 45009]
    listed = {item['path']: item for item in sandbox.get('quotas')['quotas']}
    assert listed[ADDRESSES] == {'appid': APPID, 'path': ADDRESSES, 'used': 2, 'limit': 2}


def test_the_quota_of_the_token_endpoint_can_be_used_up(sandbox):
    sandbox.post('quotas', appid=APPID, path=STABLE, used=10000)
    assert stable(sandbox)['errcode'] == 45009
    assert 'access_token' in stable(sandbox, OTHER_APPID)
    assert clear_v2(sandbox) == 0
    assert 'access_token' in stable(sandbox)


def test_clear_quota_sets_all_counters_of_the_app_back(sandbox, token):
    for path in (ADDRESSES, '/cgi-bin/get_api_domain_ip'):
        sandbox.post('quotas', appid=APPID, path=path, used=10000)
    sandbox.post('quotas', appid=OTHER_APPID, path=ADDRESSES, used=10000)
    assert clear(sandbox, token) == 0
    assert call(sandbox, token) == call(sandbox, token, '/cgi-bin/get_api_domain_ip') == 0
    other = stable(sandbox, OTHER_APPID)['access_token']
    assert call(sandbox, other) == 45009


def test_both_clearings_together_are_allowed_ten_times_a_month(sandbox, token):
    results = [clear(sandbox, token) for _number in range(5)]
    results += [clear_v2(sandbox) for _number in range(5)]
    assert results == [0] * 10
    assert clear(sandbox, token) == clear_v2(sandbox) == 48006
    sandbox.clock(32 * 86400)
    assert clear_v2(sandbox) == 0


def test_a_refused_clearing_uses_nothing_up(sandbox, token):
    assert clear(sandbox, token, appid='') == 41002
    assert clear(sandbox, token, appid=OTHER_APPID) == 40013
    assert clear_v2(sandbox, appsecret='wrong') == 40125
    assert clear_v2(sandbox, appsecret=None) == 41004
    assert clear_v2(sandbox, appid=None) == 41002
    assert [clear_v2(sandbox) for _number in range(10)] == [0] * 10


def test_an_address_that_is_not_on_the_allow_list_gets_no_token(sandbox):
    sandbox.post('ip_allow_list', appid=APPID, addresses=['192.0.2.7'])
    answer = stable(sandbox)
    assert answer['errcode'] == 40164
    assert '127.0.0.1' in answer['errmsg']
    target = f'/cgi-bin/token?grant_type=client_credential&appid={APPID}'
    secret = sandbox.app()['secret']
    assert sandbox.platform('GET', f'{target}&secret={secret}').json()['errcode'] == 40164
    assert 'access_token' in stable(sandbox, OTHER_APPID)
    sandbox.post('ip_allow_list', appid=APPID, addresses=['192.0.2.7', '127.0.0.1'])
    assert 'access_token' in stable(sandbox)
    sandbox.post('ip_allow_list', appid=APPID, addresses=[])
    assert stable(sandbox)['errcode'] == 40164
    sandbox.post('ip_allow_list', appid=APPID, addresses=None)
    assert 'access_token' in stable(sandbox)


@pytest.mark.parametrize(('path', 'body'), [
    ('quotas', {'appid': APPID}),
    ('quotas', {'appid': APPID, 'path': 'x'}),
    ('quotas', {'appid': 'wx', 'path': '/x'}),
    ('quotas', {'appid': APPID, 'path': '/x', 'used': -1}),
    ('quotas', {'appid': APPID, 'path': '/x', 'limit': '7'}),
    ('quotas', {'appid': APPID, 'path': '/x', 'what': 1}),
    ('ip_allow_list', {'appid': APPID, 'addresses': ['x']}),
    ('ip_allow_list', {'appid': 'wx', 'addresses': []}),
])
def test_control_refuses_what_makes_no_sense(sandbox, path, body):
    assert sandbox.call('POST', path, body).status == 400
