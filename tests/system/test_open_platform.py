# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A third-party platform on two servers: accounts authorise it, everything else works for them."""

import re
from concurrent.futures import ThreadPoolExecutor
from html import unescape
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests

from devtools.shop import RpcError

from .browser import Browser
from .test_web_login import get, uid

COMPONENT, MINIPROGRAM, ACCOUNT = 'wx00000000000000d0', 'wx00000000000000d1', 'wx00000000000000d2'
TOKEN, AES_KEY = 'teahouse2026', 'abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG'
QUERY_AUTH = '/cgi-bin/component/api_query_auth'


class Platform:
    """A third-party platform that WeChat and Odoo know."""

    def __init__(self, system):
        self.system, self.sandbox, self.admin = system, system.sandbox, system.admin
        made = self.control('apps', appid=COMPONENT, app_type='component')
        self.control('apps', appid=MINIPROGRAM, app_type='miniprogram', open_platform='sandbox')
        self.control('apps', appid=ACCOUNT, app_type='official_account', open_platform='sandbox')
        url = f'{system.first.url}/wechat/component/{COMPONENT}'
        self.control(
            'component_config', appid=COMPONENT, event_url=f'{url}/event',
            message_url=f'{url}/message/$APPID$', token=TOKEN, encoding_aes_key=AES_KEY,
            page_domain='127.0.0.1', rotates_refresh_tokens=True)
        values = {'secret': made['secret'], 'push_token': TOKEN, 'push_aes_key': AES_KEY}
        found = self.app(COMPONENT)
        if found:
            self.admin.call('wechat.app', 'write', [found['id']], values)
        else:
            self.admin.call('wechat.app', 'create', [{
                'name': "Platform", 'app_type': 'component', 'appid': COMPONENT, **values}])
        assert not self.control('component_ticket', appid=COMPONENT)['deliveries'][0]['problem']

    def control(self, path, /, **data):
        """Call the sandbox's control API."""
        return self.sandbox.control('POST', path, data)

    def app(self, appid):
        """Return the app with an AppID as an administrator reads it; None if there is none."""
        found = self.admin.call(
            'wechat.app', 'search_read', [['appid', '=', appid]],
            fields=['app_type', 'state', 'authorization_state', 'advice', 'token_source'])
        return found[0] if found else None

    def page(self, server=None):
        """Open the page in Odoo; returns WeChat's address for desktops, and the cookies."""
        server = server or self.system.first
        session = requests.Session()
        session.trust_env = False
        answer = session.post(f'{server.url}/web/session/authenticate', json={'params': {
            'db': self.system.shop.database, 'login': 'admin', 'password': 'admin'}}, timeout=30)
        assert answer.json()['result']['uid']
        page = session.get(f'{server.url}/wechat/component/{COMPONENT}/authorize', timeout=30)
        address = re.search(r'<a class="[^"]*o_wechat_desktop" href="([^"]+)"', page.text)
        assert address, page.text
        return unescape(address[1]), session.cookies.get_dict()

    def authorize(self, appid, event=False):
        """Authorise an account by page and return; returns the answer of the return."""
        address, cookies = self.page()
        given = self.control(
            'component_authorize', url=address, appid=appid, referer=f'{self.system.first.url}/',
            event=event)
        parts = urlsplit(given['redirect'])
        return get(f'{self.system.first.url}{parts.path}?{parts.query}', cookies), given

    def asked(self, path):
        """Return how often WeChat was asked for something."""
        entries = self.sandbox.control('GET', 'requests')['requests']
        return sum(path in str(entry) for entry in entries)


@pytest.fixture
def platform(system):
    value = Platform(system)
    yield value
    for appid in (MINIPROGRAM, ACCOUNT):
        for one in system.sandbox.control('GET', f'components/{COMPONENT}')['authorizers']:
            if one['appid'] == appid:
                value.control('component_unauthorize', appid=COMPONENT, authorizer_appid=appid)


def test_customers_of_an_authorised_mini_program_log_in_until_it_ends(system, platform):
    answer, _given = platform.authorize(MINIPROGRAM)
    assert 'o_wechat_done' in answer.text, answer.text
    app = platform.app(MINIPROGRAM)
    assert (app['app_type'], app['authorization_state']) == ('miniprogram', 'authorized')
    code = platform.control('login_code', appid=MINIPROGRAM)
    first = system.customer().rpc(
        '/wechat/miniprogram/authenticate', code=code['code'], appid=MINIPROGRAM)
    assert first['is_new_user']
    assert platform.asked('/sns/component/jscode2session') == 1
    ended = platform.control(
        'component_unauthorize', appid=COMPONENT, authorizer_appid=MINIPROGRAM)
    assert not ended['deliveries'][0]['problem']
    again = platform.control('login_code', appid=MINIPROGRAM, user=code['user'])
    with pytest.raises(RpcError) as raised:
        system.customer(system.second).rpc(
            '/wechat/miniprogram/authenticate', code=again['code'], appid=MINIPROGRAM)
    assert raised.value.code == 'misconfigured', raised.value
    assert platform.app(MINIPROGRAM)['state'] == 'error'
    assert system.admin.call('wechat.identity', 'search_count', [['openid', '=', code['openid']]])
    platform.authorize(MINIPROGRAM)
    again = platform.control('login_code', appid=MINIPROGRAM, user=code['user'])
    last = system.customer(system.second).rpc(
        '/wechat/miniprogram/authenticate', code=again['code'], appid=MINIPROGRAM)
    assert last['uid'] == first['uid']


def test_web_login_by_an_authorised_account(system, platform):
    platform.authorize(ACCOUNT)
    response = get(f'{system.first.url}/wechat/oauth/mp?appid={ACCOUNT}&scope=snsapi_userinfo')
    address, cookies = response.headers['Location'], response.cookies.get_dict()
    names = [name for name, _value in parse_qsl(urlsplit(address).query)]
    assert names == [
        'appid', 'redirect_uri', 'response_type', 'scope', 'state', 'component_appid']
    user = platform.control('users', nickname="小明")['user']
    parts = urlsplit(platform.control('oauth_consent', url=address, user=user)['redirect'])
    answer = get(f'{system.first.url}{parts.path}?{parts.query}', cookies)
    assert answer.status_code == 303, answer.text
    assert uid(system.first, {**cookies, **answer.cookies.get_dict()})


def test_messages_of_an_authorised_account_are_answered(system, platform):
    platform.authorize(ACCOUNT)
    app = platform.app(ACCOUNT)
    system.admin.call('wechat.reply.rule', 'create', [{
        'name': "Tea", 'app_id': app['id'], 'trigger': 'keyword', 'keywords': '茶',
        'answer_type': 'text', 'text': '欢迎',
    }])
    answer = platform.control(
        'push', appid=ACCOUNT, via=COMPONENT, message={'MsgType': 'text', 'Content': '茶'})
    outcome = answer['deliveries'][0]
    assert not outcome['problem'] and outcome['reply']['Content'] == '欢迎', outcome


def test_event_and_return_at_two_servers_at_once_exchange_one_code_once(system, platform):
    address, cookies = platform.page()
    given = platform.control(
        'component_authorize', url=address, appid=ACCOUNT, referer=f'{system.first.url}/')
    parts = urlsplit(given['redirect'])
    system.sandbox.control('DELETE', 'requests')
    platform.control('faults', path=QUERY_AUTH, action='delay', seconds=1)
    events = [f'{server.url}/wechat/component/{COMPONENT}/event'
              for server in (system.first, system.second)]
    with ThreadPoolExecutor(2) as pool:
        pushed = pool.submit(lambda: platform.control(
            'component_event', appid=COMPONENT, fields=given['event'], urls=events, repeat=4))
        returned = pool.submit(
            get, f'{system.second.url}{parts.path}?{parts.query}', cookies)
        assert 'o_wechat_done' in returned.result().text
        assert not [one for one in pushed.result()['deliveries'] if one['problem']]
    system.wait(lambda: not system.admin.call('wechat.authorization', 'search_count', [
        ['state', 'in', ['new', 'exchanged']]]))
    assert platform.asked(QUERY_AUTH) == 1
    assert platform.app(ACCOUNT)['authorization_state'] == 'authorized'


def test_person_authorises_in_a_browser_from_the_button_to_the_result(system, platform):
    # WeChat's page refuses who comes without a Referer of the registered domain.
    component = platform.app(COMPONENT)
    with Browser(language='en-US') as browser:
        browser.open(f'{system.first.url}/web/login')
        user = browser.run(
            "fetch('/web/session/authenticate', {method: 'POST', headers: {'Content-Type':"
            " 'application/json'}, body: JSON.stringify({params: {db: '"
            + system.shop.database + "', login: 'admin', password: 'admin'}})})"
            ".then(answer => answer.json()).then(data => data.result.uid)")
        assert user
        browser.open(f'{system.first.url}/odoo/action-wechat.wechat_app_action/{component["id"]}')
        browser.click('button[name=action_authorize]')
        browser.wait("document.querySelector('.o_wechat_authorize')")
        browser.click('.o_wechat_phone')
        browser.wait("location.pathname === '/safe/bindcomponent'")
        browser.run(f"document.querySelector('#account').value = '{ACCOUNT}'")
        browser.click('button.main')
        browser.wait("document.querySelector('.o_wechat_done')")
    assert platform.app(ACCOUNT)['authorization_state'] == 'authorized'


def test_event_alone_sets_the_account_up(system, platform):
    address, _cookies = platform.page()
    given = platform.control(
        'component_authorize', url=address, appid=ACCOUNT, referer=f'{system.first.url}/',
        event=True)
    if given['info_type']:
        assert not given['deliveries'][0]['problem']
    system.wait(lambda: (platform.app(ACCOUNT) or {}).get('authorization_state') == 'authorized')


@pytest.mark.parametrize('defect', [
    'wrong_msg_signature', 'no_signature', 'other_token', 'old_timestamp', 'future_timestamp',
    'other_appid', 'other_key', 'bad_padding', 'bad_length', 'no_encrypt', 'other_body',
    'entity_bomb', 'sealed_entity_bomb', 'huge_body', 'garbage_body', 'empty_body',
])
def test_forged_events_are_refused(platform, defect):
    outcome = platform.control('component_ticket', appid=COMPONENT, defect=defect)['deliveries'][0]
    assert outcome['status'] == (413 if defect == 'huge_body' else 403)
