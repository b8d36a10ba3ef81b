# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Web logins on two servers of one database."""

from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests

APPID = 'wx00000000000000a1'


@pytest.fixture
def account(system):
    """An official account that WeChat and Odoo know; returns its id in Odoo."""
    made = system.sandbox.control('POST', 'apps', {
        'appid': APPID, 'app_type': 'official_account', 'open_platform': 'sandbox'})
    found = system.admin.call('wechat.app', 'search', [['appid', '=', APPID]])
    values = {'secret': made['secret']}
    if found:
        system.admin.call('wechat.app', 'write', found, values)
        return found[0]
    return system.admin.call('wechat.app', 'create', [{
        'name': "Official account", 'app_type': 'official_account', 'appid': APPID, **values,
    }])[0]


def get(url, cookies=None):
    """Open an address without following redirects; returns the response."""
    session = requests.Session()
    session.trust_env = False
    return session.get(url, cookies=cookies, allow_redirects=False, timeout=30)


def begin(system, **params):
    """Begin a login in a new browser; returns the address of WeChat and the cookies."""
    # Other tests have accounts of their own in this company.
    query = '&'.join(f'{key}={value}' for key, value in {'appid': APPID, **params}.items())
    response = get(f'{system.first.url}/wechat/oauth/mp?{query}')
    assert response.status_code == 303, response.text
    return response.headers['Location'], response.cookies.get_dict()


def consent(system, address, user):
    """Consent as a person; returns path and query of the way back."""
    given = system.sandbox.control('POST', 'oauth_consent', {'url': address, 'user': user})
    parts = urlsplit(given['redirect'])
    return f'{parts.path}?{parts.query}', given


def uid(server, session):
    """Return whose session a cookie is."""
    cookie = '; '.join(f'{name}={value}' for name, value in session.items())
    return server.rpc('/web/session/get_session_info', {}, headers={'Cookie': cookie})['uid']


def at_once(system, calls):
    """Open (path, cookies) pairs at the same moment, at both servers in turn."""
    urls = [system.first.url, system.second.url]
    with ThreadPoolExecutor(len(calls)) as pool:
        futures = [pool.submit(get, urls[number % 2] + path, cookies)
                   for number, (path, cookies) in enumerate(calls)]
        return [future.result() for future in futures]


def exchanges(system):
    """Return how many codes WeChat was asked about."""
    entries = system.sandbox.control('GET', 'requests')['requests']
    return sum('/sns/oauth2/access_token' in str(entry) for entry in entries)


def test_the_same_callback_many_times_at_once_logs_in_once(system, account):
    user = system.sandbox.control('POST', 'users', {})['user']
    address, cookies = begin(system, scope='snsapi_userinfo')
    path, given = consent(system, address, user)
    # WeChat takes its time, so that all of them have come before the first one is done.
    system.sandbox.control('POST', 'faults', {
        'path': '/sns/oauth2/access_token', 'action': 'delay', 'seconds': 1})
    system.sandbox.control('DELETE', 'requests')
    answers = at_once(system, [(path, cookies)] * 8)
    assert sorted(answer.status_code for answer in answers) == [303] + [400] * 7
    assert exchanges(system) == 1
    assert system.admin.call(
        'wechat.identity', 'search_count', [['openid', '=', given['openid']]]) == 1
    winner = next(answer for answer in answers if answer.status_code == 303)
    session = {'session_id': winner.cookies['session_id']}
    for server in (system.first, system.second):
        assert uid(server, session)


def test_first_logins_of_one_person_in_many_browsers_at_once_give_one_user(system, account):
    user = system.sandbox.control('POST', 'users', {})['user']
    calls, openids = [], set()
    for _number in range(6):
        address, cookies = begin(system, scope='snsapi_userinfo')
        path, given = consent(system, address, user)
        calls.append((path, cookies))
        openids.add(given['openid'])
    answers = at_once(system, calls)
    assert [answer.status_code for answer in answers] == [303] * 6, [a.text for a in answers]
    (openid,) = openids
    found = system.admin.call(
        'wechat.identity', 'search_read', [['openid', '=', openid]], fields=['user_id'])
    assert len(found) == 1 and found[0]['user_id']
    for answer in answers:
        session = {'session_id': answer.cookies['session_id']}
        assert uid(system.second, session) == found[0]['user_id'][0]


def test_state_that_another_browser_brings_is_refused_and_stays_good(system, account):
    user = system.sandbox.control('POST', 'users', {})['user']
    address, cookies = begin(system, scope='snsapi_userinfo')
    path, _given = consent(system, address, user)
    _address, other = begin(system)
    system.sandbox.control('DELETE', 'requests')
    assert [answer.status_code for answer in at_once(system, [(path, other), (path, None)])] == [
        400, 400]
    assert exchanges(system) == 0
    assert get(system.second.url + path, cookies).status_code == 303


def test_state_is_used_up_when_WeChat_fails(system, account):
    user = system.sandbox.control('POST', 'users', {})['user']
    address, cookies = begin(system)
    path, _given = consent(system, address, user)
    system.sandbox.control('POST', 'faults', {
        'path': '/sns/oauth2/access_token', 'action': 'drop'})
    assert get(system.first.url + path, cookies).status_code == 503
    again = get(system.first.url + path, cookies)
    assert again.status_code == 400
    assert 'bad_request' in again.text


def test_login_begun_at_another_address_moves_to_the_sites_own(system, account):
    response = get(f'{system.second.url}/wechat/oauth/mp?appid={APPID}&next=/shop')
    address = response.headers['Location']
    assert address.startswith(f'{system.first.url}/wechat/oauth/mp?')
    assert dict(parse_qsl(urlsplit(address).query)) == {
        'appid': APPID, 'next': '/shop', 'canonical': '1'}
    assert '/connect/oauth2/authorize' in get(address).headers['Location']
