# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""People at several servers: sessions that end, the old header, wafer, merging with orders."""

import time
from concurrent.futures import ThreadPoolExecutor

import requests

from devtools.customer import Customer
from devtools.shop import APPID, RpcError

SECOND = 'wx0000000000000003'


def is_logged_in(customer, url):
    """:return: whether the customer's session is one of a user at a server."""
    other = Customer(url, customer.sandbox, user=customer.user)
    other.http.cookies.set('session_id', customer.session['session_id'])
    try:
        other.call('res.users', 'read', [customer.session['uid']], ['login'])
    except RpcError as error:
        assert error.error['code'] == 100, error
        return False
    return True


def identity(system, customer):
    """:return: the id of the customer's identity."""
    return system.admin.call('wechat.identity', 'search', [['openid', '=', customer.openid]])


def test_sessions_that_are_ended_at_one_server_are_over_at_all(system):
    customer = system.customer()
    customer.authenticate()
    for server in (system.first, system.second):
        assert is_logged_in(customer, server.url)
    system.admin.call('wechat.identity', 'action_end_sessions', identity(system, customer))
    for server in (system.second, system.first):
        assert not is_logged_in(customer, server.url)


def test_blocked_person_is_out_at_all_servers(system):
    customer = system.customer(system.second)
    customer.authenticate()
    system.admin.call('wechat.identity', 'action_block', identity(system, customer))
    assert not is_logged_in(customer, system.second.url)
    try:
        customer.authenticate()
    except RpcError as error:
        assert error.code == 'login_refused'
    else:
        raise AssertionError("a blocked person has logged in")


def test_client_of_odoo_11_reads_its_orders_by_the_header(system):
    customer, order = system.buyer()
    app = system.admin.call('wechat.app', 'search', [['appid', '=', APPID]])

    def read(server):
        return requests.post(server.url + '/web/dataset/call_kw', timeout=30, headers={
            'X-Openerp-Session-Id': customer.session['session_id'],
        }, json={'jsonrpc': '2.0', 'method': 'call', 'params': {
            'model': 'sale.order', 'method': 'search_read', 'args': [[], ['name']], 'kwargs': {},
        }}).json()

    for server in (system.first, system.second):
        assert read(server)['error']['code'] == 100
    system.admin.call('wechat.app', 'write', app, {'accept_session_header': True})
    try:
        for server in (system.first, system.second):
            assert [one['name'] for one in read(server)['result']] == [order['name']]
    finally:
        system.admin.call('wechat.app', 'write', app, {'accept_session_header': False})
    assert read(system.second)['error']['code'] == 100


def test_wafer_client_gets_an_odoo_session_at_another_server(system):
    customer = system.customer()
    app = system.admin.call('wechat.app', 'search', [['appid', '=', APPID]])[0]

    def mina(server, route, **values):
        answer = requests.post(f'{server.url}/mina/{route}', data={'app_id': app, **values},
                               timeout=30).json()
        assert answer['ok'] == 'success', answer
        return answer['data']

    pair = mina(system.first, 'login', code=customer.wx_login(), encrypt_data='', iv='')
    pair = {key: pair[key] for key in ('uuid', 'skey')}
    assert mina(system.second, 'auth', **pair)['user_info']['openId'] == customer.openid
    customer.session = mina(system.second, 'session', **pair)
    assert is_logged_in(customer, system.first.url)


def test_visits_at_once_at_two_servers_do_not_wait_for_each_other(system):
    customer = system.customer()
    app = system.admin.call('wechat.app', 'search', [['appid', '=', APPID]])[0]
    pair = requests.post(f'{system.first.url}/mina/login', timeout=30, json={
        'code': customer.wx_login(), 'app_id': app}).json()['data']
    servers = [system.first, system.second] * 10
    before = {server: server.log.stat().st_size for server in system.shop.servers}

    def auth(server):
        start = time.monotonic()
        answer = requests.post(f'{server.url}/mina/auth', timeout=30, json={
            'uuid': pair['uuid'], 'skey': pair['skey'], 'app_id': app}).json()
        return answer['ok'], time.monotonic() - start

    with ThreadPoolExecutor(len(servers)) as pool:
        answers = list(pool.map(auth, servers))
    assert {ok for ok, _seconds in answers} == {'success'}
    for server, size in before.items():  # What they logged before is other tests'.
        assert b'SerializationFailure' not in server.log.read_bytes()[size:]


def test_logins_of_one_wafer_client_at_once_leave_one_session(system):
    user = system.sandbox.control('POST', 'users', {})['user']
    app = system.admin.call('wechat.app', 'search', [['appid', '=', APPID]])[0]
    servers = [system.first, system.second] * 3
    codes = [system.customer(user=user).wx_login() for _server in servers]

    def login(server, code):
        return requests.post(f'{server.url}/mina/login', timeout=60, json={
            'code': code, 'app_id': app}).json()

    with ThreadPoolExecutor(len(servers)) as pool:
        answers = list(pool.map(login, servers, codes))
    assert [answer['ok'] for answer in answers] == ['success'] * len(servers), answers
    assert len({answer['data']['uuid'] for answer in answers}) == 1
    valid = [
        answer for answer in answers if requests.post(f'{system.first.url}/mina/auth', json={
            'uuid': answer['data']['uuid'], 'skey': answer['data']['skey'], 'app_id': app,
        }, timeout=30).json()['ok'] == 'success'
    ]
    assert len(valid) == 1


def test_orders_stay_when_two_users_are_merged(system):
    admin = system.admin
    buyer, order = system.buyer()
    world = system.sandbox.control('GET', 'world')
    secret = next(one['secret'] for one in world['apps'] if one['appid'] == SECOND)
    app = admin.call('wechat.app', 'search', [['appid', '=', SECOND]]) or admin.call(
        'wechat.app', 'create',
        [{'name': "Second", 'app_type': 'miniprogram', 'appid': SECOND, 'secret': secret}])
    # A person of whom WeChat told no unionid yet.
    admin.call('wechat.identity', 'write', identity(system, buyer), {'unionid': False})
    again = Customer(system.second.url, system.sandbox, user=buyer.user, appid=SECOND)
    again.authenticate(appid=SECOND)
    assert app and again.session['uid'] != buyer.session['uid']
    buyer.authenticate()  # now it does
    listed = admin.call('wechat.identity', 'search', [['has_other_user', '=', True]])
    found = identity(system, buyer)
    assert set(found + identity(system, again)) <= set(listed)
    action = admin.call('wechat.identity', 'action_merge_users', found)
    users = action['context']['default_user_ids']
    assert set(users) == {buyer.session['uid'], again.session['uid']}
    wizard = admin.call('wechat.user.merge', 'create', [
        {'user_ids': [[6, 0, users]], 'keep_user_id': again.session['uid']}])
    admin.call('wechat.user.merge', 'action_merge', wizard)
    again.authenticate(appid=SECOND)
    assert again.order()['name'] == order['name']
    assert not is_logged_in(buyer, system.first.url)
    buyer.authenticate()
    assert buyer.session['uid'] == again.session['uid']
