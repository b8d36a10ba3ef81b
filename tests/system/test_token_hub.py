# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Two Odoo servers on two databases: a hub that holds the AppSecret, and a client of it."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from devtools import databases
from devtools.servers import OdooServer, run_shell
from devtools.shop import APPID, Client, RpcError, ensure_template

STABLE = '/cgi-bin/stable_token'


class HubClient:
    """An Odoo on a database of its own, whose app takes its tokens from the shop's."""

    def __init__(self, system, server):
        self.system = system
        self.server = server
        self.admin = Client(server.url)
        self.admin.login(server.database)
        for host in ('api', 'open', 'mp', 'pay'):
            self.admin.call(
                'ir.config_parameter', 'set_param', f'wechat.{host}_url', system.sandbox.url)
        self.app_id = self.admin.call('wechat.app', 'create', [{
            'name': "Client", 'appid': APPID, 'app_type': 'miniprogram', 'token_source': 'hub',
        }])[0]

    def connect(self, hub):
        """Enter a hub and a fresh key of it; returns the key."""
        key = issue_key(self.system)
        self.admin.call('wechat.app', 'write', [self.app_id], {
            'hub_url': hub.url, 'hub_key_input': key})
        return key

    def call_wechat(self):
        """Make a call of WeChat that needs a token."""
        return call_wechat(self.admin, self.app_id)

    def refuse(self):
        """Return what is said about a call that must fail."""
        with pytest.raises(RpcError) as raised:
            self.call_wechat()
        return raised.value

    def forget(self):
        """Let the kept token expire."""
        source, database = self.server.source, self.server.database
        run_shell(source, database, 'forget', (
            "env['wechat.token'].sudo().search([]).write({'expires_at': '2020-01-01'})\n"
            "env.cr.commit()\n"))

    def read(self, *names):
        """Return fields of the app."""
        return self.admin.call('wechat.app', 'read', [self.app_id], list(names))[0]


def call_wechat(admin, app_id):
    """Let an Odoo ask WeChat for a quota, which needs a token; returns the answer."""
    wizard = admin.call(
        'wechat.api.quota', 'create', [{'app_id': app_id, 'path': '/cgi-bin/getcallbackip'}])
    admin.call('wechat.api.quota', 'action_ask', wizard)
    return admin.call('wechat.api.quota', 'read', wizard, ['daily_limit'])[0]['daily_limit']


def issue_key(system):
    """Issue a hub key in the shop, as its administrator does; returns the key."""
    wizard = system.admin.call('wechat.hub.key.issue', 'create', [{
        'name': f"Client {time.monotonic()}", 'app_ids': [[6, 0, [system.shop.ids['app_id']]]]}])
    action = system.admin.call('wechat.hub.key.issue', 'action_issue', wizard)
    return action['context']['default_key']


def forget(system):
    """Let the shop forget its tokens, and WeChat too: a fresh one, that can be forced at once."""
    apps = system.sandbox.control('GET', 'world')['apps']
    secret = next(app['secret'] for app in apps if app['appid'] == APPID)
    let_pass(system, 60)
    requests.post(f'{system.sandbox.url}{STABLE}', timeout=10, json={
        'grant_type': 'client_credential', 'appid': APPID, 'secret': secret, 'force_refresh': True,
    }).raise_for_status()
    let_pass(system, 60)
    run_shell(system.shop.source, system.shop.database, 'forget', (
        "env['wechat.token'].sudo().search([]).unlink()\nenv.cr.commit()\n"))
    system.sandbox.control('DELETE', 'requests')


def let_pass(system, seconds):
    """Move WeChat's clock on."""
    offset = system.sandbox.control('GET', 'clock')['offset']
    system.sandbox.control('POST', 'clock', {'offset': offset + seconds})


def count(system, path=STABLE):
    """Return how often WeChat was called at a path."""
    return system.sandbox.control('GET', 'requests')['counts'].get(path, 0)


@pytest.fixture(scope='module', autouse=True)
def _clock(_system):
    yield
    _system.sandbox.control('POST', 'clock', {'offset': 0})


@pytest.fixture(scope='module')
def _client(_system):
    source = _system.shop.source
    with databases.copy_of(ensure_template(source), 'client') as database, \
            OdooServer(source, database, 'odoo-client') as server:
        yield HubClient(_system, server)


@pytest.fixture
def hub(system):
    """A server of the shop that may be stopped."""
    with OdooServer(system.shop.source, system.shop.database, 'odoo-hub') as server:
        yield server


@pytest.fixture
def client(system, hub, _client):
    forget(system)
    _client.forget()
    _client.connect(hub)
    return _client


def test_hub_and_client_share_one_token(system, client):
    assert client.call_wechat() == 10000
    assert client.call_wechat() == 10000
    assert call_wechat(system.admin, system.shop.ids['app_id']) == 10000
    assert count(system) == 1
    app = client.read('state', 'has_secret', 'token_expires_at')
    assert app['state'] == 'ok' and not app['has_secret'] and app['token_expires_at']


def test_client_goes_on_while_the_hub_is_stopped_and_says_when_it_cannot(client, hub):
    client.call_wechat()
    hub.stop()
    assert client.call_wechat() == 10000
    client.forget()
    error = client.refuse()
    assert error.code == 'wechat_unavailable'
    assert f'The token hub {hub.url} does not answer' in str(error)
    app = client.read('state', 'advice')
    assert app['state'] == 'error' and hub.url in app['advice']
    hub.start()
    assert client.call_wechat() == 10000
    assert client.read('state')['state'] == 'ok'


def test_revoked_key_is_told_and_a_new_one_mends_it(system, client, hub):
    client.call_wechat()
    keys = system.admin.call('wechat.hub.key', 'search', [['app_ids.appid', '=', APPID]])
    system.admin.call('wechat.hub.key', 'action_revoke', keys)
    assert client.call_wechat() == 10000, 'what is kept is still valid'
    client.forget()
    error = client.refuse()
    assert error.code == 'misconfigured'
    assert 'it was revoked' in str(error)
    assert 'it was revoked' in client.read('advice')['advice']
    client.connect(hub)
    assert client.call_wechat() == 10000


def test_token_that_wechat_refuses_is_reported_and_renewed_once(system, client):
    client.call_wechat()
    system.sandbox.control('POST', 'revoke_token', {'appid': APPID})
    system.sandbox.control('DELETE', 'requests')
    assert client.call_wechat() == 10000
    assert call_wechat(system.admin, system.shop.ids['app_id']) == 10000
    assert count(system) == 2, 'once in normal mode, once by force'
    # Refused again at once: the hub does not force WeChat twice within 30 seconds.
    system.sandbox.control('POST', 'revoke_token', {'appid': APPID})
    error = client.refuse()
    assert error.code == 'rate_limited'
    assert count(system) == 2


def test_two_servers_with_fifty_requests_each_cost_one_call_to_wechat(system):
    key = issue_key(system)
    forget(system)
    # WeChat takes its time, so that all of them ask while the first one is waiting.
    system.sandbox.control('POST', 'faults', {
        'path': f'{STABLE}|getticket', 'action': 'delay', 'seconds': 1, 'times': 10})

    def fetch(number):
        server = (system.first, system.second)[number % 2]
        kind = ('access_token', 'jsapi_ticket')[number // 2 % 2]
        answer = requests.get(
            f'{server.url}/wechat/hub/{APPID}/{kind}', timeout=60,
            headers={'Authorization': f'Bearer {key}'})
        assert answer.status_code == 200, answer.text
        assert answer.headers['Cache-Control'] == 'no-store'
        return kind, answer.json()['value']

    with ThreadPoolExecutor(100) as pool:
        answers = set(pool.map(fetch, range(100)))
    assert {kind for kind, _value in answers} == {'access_token', 'jsapi_ticket'}
    assert len(answers) == 2
    assert count(system) == 1
    assert count(system, '/cgi-bin/ticket/getticket') == 1


def test_refused_token_that_many_report_at_two_servers_is_renewed_once(system):
    key = issue_key(system)
    forget(system)
    headers = {'Authorization': f'Bearer {key}'}
    path = f'/wechat/hub/{APPID}/access_token'
    refused = requests.get(system.first.url + path, headers=headers, timeout=60).json()['value']
    system.sandbox.control('POST', 'revoke_token', {'appid': APPID})
    system.sandbox.control('POST', 'faults', {
        'path': STABLE, 'action': 'delay', 'seconds': 0.5, 'times': 10})

    def report(number):
        server = (system.first, system.second)[number % 2]
        answer = requests.post(
            f'{server.url}{path}/refresh', json={'value': refused}, headers=headers, timeout=60)
        assert answer.status_code == 200, answer.text
        return answer.json()['value']

    with ThreadPoolExecutor(20) as pool:
        values = set(pool.map(report, range(40)))
    assert len(values) == 1
    assert refused not in values
    assert count(system) == 3, 'the fetch, then once in normal mode and once by force'
