# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Third-party platforms: tickets, tokens, authorisations and calls for others (section 11)."""

import time
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import pytest

from sandbox import push_crypto, push_format

from .merchant import send

COMPONENT, ACCOUNT, MINIPROGRAM = 'wx00000000000000c0', 'wx00000000000000c1', 'wx0000000000000002'
TOKEN, AES_KEY = 'teahouse2026', 'abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG'
RETURN = 'https://erp.example.com/return?state=s1'
REFERER = 'https://erp.example.com/'


class Platform:
    """A third-party platform that talks to the sandbox."""

    def __init__(self, sandbox, shop):
        self.sandbox, self.shop = sandbox, shop
        self.secret = sandbox.post('apps', appid=COMPONENT, app_type='component')['secret']
        sandbox.post('apps', appid=ACCOUNT, app_type='official_account')
        self.configure()
        self.token = None

    def configure(self, **changes):
        self.sandbox.post('component_config', **{
            'appid': COMPONENT, 'event_url': self.shop.url + '/event',
            'message_url': self.shop.url + '/message/$APPID$', 'token': TOKEN,
            'encoding_aes_key': AES_KEY, **changes,
        })

    def ticket(self):
        return self.sandbox.post('component_ticket', appid=COMPONENT)['fields'][
            'ComponentVerifyTicket']

    def post(self, name, token=None, **body):
        query = urlencode({'component_access_token': token or self.token or ''})
        return self.sandbox.platform(
            'POST', f'/cgi-bin/component/api_{name}?{query}',
            {'component_appid': COMPONENT, **body}).json()

    def component_token(self, ticket=None, **changes):
        answer = self.sandbox.platform('POST', '/cgi-bin/component/api_component_token', {
            'component_appid': COMPONENT, 'component_appsecret': self.secret,
            'component_verify_ticket': ticket or self.ticket(), **changes}).json()
        self.token = answer.get('component_access_token', self.token)
        return answer

    def page(self, path='/cgi-bin/componentloginpage', code=None, redirect=RETURN, auth_type='3'):
        code = code or self.post('create_preauthcode')['pre_auth_code']
        extra, end = '', ''
        if path == '/safe/bindcomponent':
            extra, end = 'action=bindcomponent&no_scan=1&', '#wechat_redirect'
        return (f'{path}?{extra}component_appid={COMPONENT}&pre_auth_code={quote(code)}'
                f'&redirect_uri={quote(redirect, safe="")}&auth_type={auth_type}{end}')

    def authorize(self, appid=ACCOUNT, url=None, **values):
        return self.sandbox.post(
            'component_authorize', url=url or self.page(), appid=appid, referer=REFERER, **values)

    def grant(self, appid=ACCOUNT):
        code = self.authorize(appid)['auth_code']
        return self.post('query_auth', authorization_code=code)['authorization_info']


@pytest.fixture
def platform(sandbox, shop):
    value = Platform(sandbox, shop)
    value.component_token()
    return value


def refused(sandbox, path, **data):
    reply = sandbox.call('POST', path, data)
    assert reply.status == 400
    return reply.json()['error']


# === Tickets and tokens === #

def test_ticket_is_pushed_encrypted_for_the_component(platform, shop):
    fields = platform.sandbox.post('component_ticket', appid=COMPONENT)['fields']
    query = dict(parse_qsl(urlsplit(shop.received[-1].target).query))
    envelope = push_format.read(shop.received[-1].body, 'XML')
    assert set(envelope) == {'AppId', 'Encrypt'}
    assert query['msg_signature'] == push_crypto.sign(
        TOKEN, query['timestamp'], query['nonce'], envelope['Encrypt'])
    message = push_format.read(
        push_crypto.open_sealed(AES_KEY, COMPONENT, envelope['Encrypt']), 'XML')
    assert message['ComponentVerifyTicket'] == fields['ComponentVerifyTicket']
    assert message['InfoType'] == 'component_verify_ticket'


def test_start_push_ticket_pushes_one(platform, shop):
    before = len(shop.received)
    answer = platform.sandbox.platform('POST', '/cgi-bin/component/api_start_push_ticket', {
        'component_appid': COMPONENT, 'component_secret': platform.secret}).json()
    assert answer['errcode'] == 0
    end = time.monotonic() + 5
    while len(shop.received) == before:
        assert time.monotonic() < end
        time.sleep(0.05)


def test_component_token_wants_a_good_ticket_and_the_secret(platform):
    assert platform.component_token('invented')['errcode'] == 61006
    assert platform.component_token(component_appsecret='f' * 32)['errcode'] == 40125
    assert platform.component_token(component_appid=ACCOUNT)['errcode'] == 61011
    ticket = platform.ticket()
    platform.sandbox.clock(12 * 3600 + 1)
    assert platform.component_token(ticket)['errcode'] == 61005


def test_component_token_expires_and_its_predecessor_soon(platform):
    first = platform.token
    platform.component_token()
    assert 'pre_auth_code' in platform.post('create_preauthcode', first)
    platform.sandbox.clock(301)
    assert platform.post('create_preauthcode', first)['errcode'] == 42001
    platform.sandbox.clock(7201)
    assert platform.post('create_preauthcode')['errcode'] == 42001
    assert platform.post('create_preauthcode', 'invented')['errcode'] == 40001


def test_component_has_no_token_of_the_other_endpoints(platform):
    for method, path, data in (
        ('POST', '/cgi-bin/stable_token', {
            'grant_type': 'client_credential', 'appid': COMPONENT, 'secret': platform.secret}),
        ('GET', f'/cgi-bin/token?grant_type=client_credential&appid={COMPONENT}'
                f'&secret={platform.secret}', None),
    ):
        assert platform.sandbox.platform(method, path, data).json()['errcode'] == 61024


def test_address_that_is_not_registered_is_named(platform):
    platform.sandbox.post('ip_allow_list', appid=COMPONENT, addresses=['192.0.2.1'])
    answer = platform.post('create_preauthcode')
    assert answer['errcode'] == 61004 and '127.0.0.1' in answer['errmsg']


# === Authorisation === #

@pytest.mark.parametrize('path', ['/cgi-bin/componentloginpage', '/safe/bindcomponent'])
def test_authorisation_leads_back_with_a_code(platform, path):
    given = platform.authorize(url=platform.page(path))
    parts = urlsplit(given['redirect'])
    assert dict(parse_qsl(parts.query)) == {
        'state': 's1', 'auth_code': given['auth_code'], 'expires_in': '3600'}
    assert given['info_type'] == 'authorized'


def test_pre_auth_code_is_good_once_and_for_half_an_hour(platform):
    url = platform.page()
    platform.authorize(url=url)
    body = {'url': url, 'appid': ACCOUNT, 'referer': REFERER}
    assert 'used before' in refused(platform.sandbox, 'component_authorize', **body)
    url = platform.page()
    platform.sandbox.clock(1801)
    assert 'expired' in refused(platform.sandbox, 'component_authorize', **{**body, 'url': url})


def test_page_wants_the_registered_domain_and_a_referer(platform):
    body = {'url': platform.page(), 'appid': ACCOUNT}
    assert 'Referer' in refused(platform.sandbox, 'component_authorize', **body)
    platform.configure(page_domain='other.example.com')
    body['referer'] = REFERER
    assert 'entry domain' in refused(platform.sandbox, 'component_authorize', **body)
    platform.configure(page_domain='erp.example.com')
    platform.sandbox.post('component_authorize', **body)


def test_person_authorises_on_the_page(platform, shop):
    base, url = platform.sandbox.base, platform.page()
    headers = [('Referer', REFERER), ('Accept-Language', 'zh-CN')]
    page = send(base, 'GET', url, headers=headers)
    assert page.status == 200 and ACCOUNT in page.body.decode() and '授权' in page.body.decode()
    answer = send(base, 'POST', url, f'decision=allow&account={ACCOUNT}'.encode(), [
        *headers, ('Content-Type', 'application/x-www-form-urlencoded')])
    assert answer.status == 302 and 'auth_code=' in answer.one('Location')
    assert send(base, 'GET', url).status == 400


def test_auth_type_tells_which_accounts(platform):
    body = {'url': platform.page(auth_type='2'), 'appid': ACCOUNT, 'referer': REFERER}
    assert 'kind' in refused(platform.sandbox, 'component_authorize', **body)
    assert platform.authorize(MINIPROGRAM, body['url'])['auth_code']


def test_code_gives_tokens_once(platform):
    code = platform.authorize()['auth_code']
    info = platform.post('query_auth', authorization_code=code)['authorization_info']
    assert info['authorizer_appid'] == ACCOUNT and info['func_info']
    assert platform.post('query_auth', authorization_code=code)['errcode'] == 61009
    assert platform.post('query_auth', authorization_code='invented')['errcode'] == 61009
    code = platform.authorize()['auth_code']
    platform.sandbox.clock(3601)
    assert platform.post('query_auth', authorization_code=code)['errcode'] == 61010


def test_new_authorisation_replaces_the_refresh_token(platform):
    first = platform.grant()
    assert platform.authorize()['info_type'] is None  # nothing has changed
    old = {'authorizer_appid': ACCOUNT,
           'authorizer_refresh_token': first['authorizer_refresh_token']}
    assert platform.post('authorizer_token', **old)['errcode'] == 61023
    entry, = platform.post('get_authorizer_list', offset=0, count=500)['list']
    answer = platform.post(
        'authorizer_token', authorizer_appid=ACCOUNT,
        authorizer_refresh_token=entry['refresh_token'])
    assert answer['expires_in'] == 7200


def test_other_permission_sets_are_an_update(platform):
    platform.authorize(scopes=[1])
    assert platform.authorize(scopes=[1, 4])['info_type'] == 'updateauthorized'


def test_refresh_tokens_rotate_if_the_console_says_so(platform):
    platform.configure(rotates_refresh_tokens=True)
    token = platform.grant()['authorizer_refresh_token']
    body = {'authorizer_appid': ACCOUNT, 'authorizer_refresh_token': token}
    assert platform.post('authorizer_token', **body)['authorizer_refresh_token'] != token
    assert platform.post('authorizer_token', **body)['errcode'] == 61023


def test_accounts_are_described_by_their_kind(platform):
    platform.grant()
    platform.grant(MINIPROGRAM)
    for appid, expected in ((ACCOUNT, False), (MINIPROGRAM, True)):
        info = platform.post('get_authorizer_info', authorizer_appid=appid)['authorizer_info']
        assert ('MiniProgramInfo' in info) is expected
    assert platform.post('get_authorizer_list', offset=0, count=1)['total_count'] == 2
    assert platform.post('get_authorizer_list', offset=0, count=501)['errcode'] == 47001


def test_end_of_the_authorisation_kills_the_tokens(platform):
    info = platform.grant()
    path = f"/cgi-bin/getcallbackip?access_token={info['authorizer_access_token']}"
    assert 'ip_list' in platform.sandbox.platform('GET', path).json()
    platform.sandbox.post('component_unauthorize', appid=COMPONENT, authorizer_appid=ACCOUNT)
    assert platform.sandbox.platform('GET', path).json()['errcode'] == 40001
    body = {'authorizer_appid': ACCOUNT,
            'authorizer_refresh_token': info['authorizer_refresh_token']}
    assert platform.post('authorizer_token', **body)['errcode'] == 61003


# === Calls for accounts === #

def sns(platform, path, **values):
    query = urlencode({
        'grant_type': 'authorization_code', 'component_appid': COMPONENT,
        'component_access_token': platform.token, **values})
    return platform.sandbox.platform('GET', f'/sns/{path}?{query}').json()


def test_mini_program_login_by_the_component(platform):
    code = platform.sandbox.post('login_code', appid=MINIPROGRAM)
    values = {'appid': MINIPROGRAM, 'js_code': code['code']}
    assert sns(platform, 'component/jscode2session', **values)['errcode'] == 61003
    info = platform.grant(MINIPROGRAM)
    assert sns(platform, 'component/jscode2session', **{
        **values, 'component_access_token': info['authorizer_access_token']})['errcode'] == 40094
    assert sns(platform, 'component/jscode2session', **values)['openid'] == code['openid']
    assert sns(platform, 'component/jscode2session', **values)['errcode'] == 40163


def test_web_login_by_the_component(platform):
    platform.grant()
    url = (f'/connect/oauth2/authorize?appid={ACCOUNT}&redirect_uri={quote(RETURN, safe="")}'
           f'&response_type=code&scope=snsapi_base&state=s1&component_appid={COMPONENT}'
           '#wechat_redirect')
    given = platform.sandbox.post('oauth_consent', url=url)
    assert dict(parse_qsl(urlsplit(given['redirect']).query))['appid'] == ACCOUNT
    answer = sns(platform, 'oauth2/component/access_token', appid=ACCOUNT, code=given['code'])
    assert answer['openid'] == given['openid']
    platform.sandbox.post('component_unauthorize', appid=COMPONENT, authorizer_appid=ACCOUNT)
    assert '10015' in refused(platform.sandbox, 'oauth_consent', url=url)
