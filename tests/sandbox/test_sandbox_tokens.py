# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""access_token: stable and classic endpoint, overlap, forced renewal (wechat-platform.md 3)."""

import pytest

from .merchant import APPID, OTHER_APPID, send


def stable(sandbox, method='POST', headers=(), **changes):
    data = {
        'grant_type': 'client_credential', 'appid': APPID, 'secret': sandbox.app()['secret'],
    } | changes
    data = {name: value for name, value in data.items() if value is not None}
    return sandbox.platform(method, '/cgi-bin/stable_token', data, headers).json()


def classic(sandbox):
    secret = sandbox.app()['secret']
    target = f'/cgi-bin/token?grant_type=client_credential&appid={APPID}&secret={secret}'
    return sandbox.platform('GET', target).json()['access_token']


def use(sandbox, token):
    """:return: the errcode of a call that wants a token."""
    target = f'/cgi-bin/openapi/quota/get?access_token={token}'
    data = sandbox.platform('POST', target, {'cgi_path': '/wxa/checksession'}).json()
    return data['errcode']


def test_normal_mode_gives_the_same_token_with_the_seconds_that_remain(sandbox):
    first = stable(sandbox)
    assert first['expires_in'] == 7200 and len(first['access_token']) > 100
    sandbox.clock(3600)
    second = stable(sandbox)
    assert second['access_token'] == first['access_token']
    assert second['expires_in'] == pytest.approx(3600, abs=2)
    sandbox.clock(6890)
    assert stable(sandbox)['access_token'] == first['access_token']


def test_five_minutes_before_expiry_comes_a_new_token_and_both_work_for_five_minutes(sandbox):
    old = stable(sandbox)['access_token']
    sandbox.clock(6950)
    new = stable(sandbox)
    assert new['access_token'] != old and new['expires_in'] == 7200
    assert use(sandbox, old) == use(sandbox, new['access_token']) == 0
    sandbox.clock(6950 + 290)
    assert use(sandbox, old) == 0
    sandbox.clock(6950 + 301)
    assert use(sandbox, old) in (40001, 42001)
    assert use(sandbox, new['access_token']) == 0


def test_a_token_that_was_not_renewed_expires(sandbox):
    token = stable(sandbox)['access_token']
    sandbox.clock(7201)
    assert use(sandbox, token) == 42001


def test_force_refresh_kills_the_old_token_at_once(sandbox):
    old = stable(sandbox)['access_token']
    new = stable(sandbox, force_refresh=True)['access_token']
    assert new != old
    assert use(sandbox, old) == 40001
    assert use(sandbox, new) == 0


def test_a_second_force_refresh_within_30_seconds_changes_nothing(sandbox):
    first = stable(sandbox, force_refresh=True)['access_token']
    assert stable(sandbox, force_refresh=True)['access_token'] == first
    sandbox.clock(31)
    assert stable(sandbox, force_refresh=True)['access_token'] != first


def test_the_21st_force_refresh_of_a_day_is_refused(sandbox):
    # From a Beijing midnight on, so that the twenty fall on one day.
    now = sandbox.get('clock')['timestamp']
    start = 86400 - (now + 8 * 3600) % 86400 + 60
    for index in range(20):
        sandbox.clock(start + 31 * index)
        assert 'access_token' in stable(sandbox, force_refresh=True)
    sandbox.clock(start + 31 * 20)
    assert stable(sandbox, force_refresh=True)['errcode'] == 45009
    assert 'access_token' in stable(sandbox)
    sandbox.clock(start + 86400)
    assert 'access_token' in stable(sandbox, force_refresh=True)


@pytest.mark.parametrize(('changes', 'expected'), [
    ({'grant_type': None}, 40002),
    ({'grant_type': 'authorization_code'}, 40002),
    ({'appid': None}, 41002),
    ({'secret': None}, 41004),
    ({'appid': 'wxffffffffffffffff'}, 40013),
    ({'secret': 'wrong'}, 40125),
    ({'secret': 7}, 47001),
    ({'force_refresh': 'true'}, 47001),
])
def test_wrong_parameters_are_refused(sandbox, changes, expected):
    assert stable(sandbox, **changes)['errcode'] == expected


def test_stable_token_is_post_json_only(sandbox):
    secret = sandbox.app()['secret']
    query = f'grant_type=client_credential&appid={APPID}&secret={secret}'
    reply = sandbox.platform('GET', f'/cgi-bin/stable_token?{query}')
    assert reply.json()['errcode'] == 43002
    assert secret not in str(sandbox.get('requests'))
    form = [('Content-Type', 'application/x-www-form-urlencoded')]
    reply = send(sandbox.base, 'POST', '/cgi-bin/stable_token', query.encode(), form)
    assert reply.json()['errcode'] == 47001
    assert secret not in str(sandbox.get('requests'))


def test_a_body_that_is_no_object_is_refused(sandbox):
    for body in (b'', b'[]', b'"x"', b'{', b'\xff'):
        reply = send(sandbox.base, 'POST', '/cgi-bin/stable_token', body)
        assert reply.json()['errcode'] == 47001


def test_the_classic_endpoint_issues_a_new_token_each_time_with_an_overlap(sandbox):
    first, second = classic(sandbox), classic(sandbox)
    assert first != second
    assert use(sandbox, first) == use(sandbox, second) == 0
    sandbox.clock(301)
    assert use(sandbox, first) == 40001
    assert use(sandbox, second) == 0


def test_the_two_endpoints_do_not_touch_each_other(sandbox):
    old = stable(sandbox)['access_token']
    mine = classic(sandbox)
    stable(sandbox, force_refresh=True)
    assert use(sandbox, old) == 40001
    assert use(sandbox, mine) == 0


def test_missing_malformed_and_foreign_tokens(sandbox):
    assert sandbox.platform('POST', '/cgi-bin/openapi/quota/get', {'cgi_path': '/x'}).json()[
        'errcode'] == 41001
    assert use(sandbox, 'short') == 40014
    assert use(sandbox, '61_' + 'a' * 133) == 40001


def test_a_revoked_token_is_still_handed_out_until_forced(sandbox):
    token = stable(sandbox)['access_token']
    assert sandbox.post('revoke_token', appid=APPID)['revoked'] == 1
    assert use(sandbox, token) == 40001
    assert stable(sandbox)['access_token'] == token
    assert use(sandbox, stable(sandbox, force_refresh=True)['access_token']) == 0


def test_a_token_belongs_to_its_app(sandbox):
    secret = sandbox.app(OTHER_APPID)['secret']
    token = stable(sandbox, appid=OTHER_APPID, secret=secret)['access_token']
    assert token != stable(sandbox)['access_token']
    assert use(sandbox, token) == 0


def test_quota_wants_post_and_a_path(sandbox):
    token = stable(sandbox)['access_token']
    target = f'/cgi-bin/openapi/quota/get?access_token={token}'
    assert sandbox.platform('GET', target).json()['errcode'] == 43002
    assert sandbox.platform('POST', target, {}).json()['errcode'] == 76021
    quota = sandbox.platform('POST', target, {'cgi_path': '/x'}).json()['quota']
    assert set(quota) == {'daily_limit', 'used', 'remain'}


def test_addresses_of_the_platform(sandbox):
    token = stable(sandbox)['access_token']
    for path in ('getcallbackip', 'get_api_domain_ip'):
        reply = sandbox.platform('GET', f'/cgi-bin/{path}?access_token={token}')
        assert reply.json()['ip_list']
