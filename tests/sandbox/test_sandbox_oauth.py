# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""open.weixin.qq.com and /sns/oauth2: logins on web pages and in mobile apps (section 5)."""

from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import pytest

from .merchant import send

OFFICIAL, WEBSITE, MOBILE = 'wx00000000000000a1', 'wx00000000000000a2', 'wx00000000000000a3'
REDIRECT = 'https://shop.example.com/wechat/oauth/callback'


@pytest.fixture
def apps(sandbox):
    made = {}
    for appid, kind in ((OFFICIAL, 'official_account'), (WEBSITE, 'website'), (MOBILE, 'mobile')):
        made[appid] = sandbox.post('apps', appid=appid, app_type=kind, open_platform='sandbox')
    return made


def authorise(appid=OFFICIAL, scope='snsapi_userinfo', path='/connect/oauth2/authorize',
              redirect=REDIRECT, state='s1', extra=''):
    return (f'{path}?appid={appid}&redirect_uri={quote(redirect, safe="")}&response_type=code'
            f'&scope={scope}&state={state}{extra}#wechat_redirect')


def consent(sandbox, url=None, **values):
    return sandbox.post('oauth_consent', url=url or authorise(), **values)


def call(sandbox, path, **values):
    query = urlencode({name: value for name, value in values.items() if value is not None})
    reply = sandbox.platform('GET', f'/sns/{path}?{query}')
    assert reply.status == 200 and reply.one('Content-Type') == 'text/plain'
    return reply.json()


def exchange(sandbox, apps, code, appid=OFFICIAL, changes=None):
    return call(sandbox, 'oauth2/access_token', **{
        'appid': appid, 'secret': apps[appid]['secret'], 'code': code,
        'grant_type': 'authorization_code', **(changes or {}),
    })


# === Codes === #

def test_consent_leads_back_with_code_and_state(sandbox, apps):
    given = consent(sandbox)
    parts = urlsplit(given['redirect'])
    assert f'{parts.scheme}://{parts.netloc}{parts.path}' == REDIRECT
    assert dict(parse_qsl(parts.query)) == {'code': given['code'], 'state': 's1'}


def test_redirect_keeps_its_own_query_and_fragment(sandbox, apps):
    given = consent(sandbox, authorise(redirect='https://shop.example.com/cb?db=x#top'))
    assert given['redirect'] == (
        f'https://shop.example.com/cb?db=x&code={given["code"]}&state=s1#top')


def test_userinfo_scope_gives_unionid_and_base_scope_does_not(sandbox, apps):
    user = sandbox.post('users', nickname="小明")['user']
    wide = exchange(sandbox, apps, consent(sandbox, user=user)['code'])
    assert set(wide) == {
        'access_token', 'expires_in', 'refresh_token', 'openid', 'scope', 'unionid'}
    assert wide['scope'] == 'snsapi_userinfo' and wide['expires_in'] == 7200
    base = exchange(
        sandbox, apps, consent(sandbox, authorise(scope='snsapi_base'), user=user)['code'])
    assert 'unionid' not in base and base['openid'] == wide['openid']


def test_one_person_has_one_unionid_in_all_apps_of_an_open_platform(sandbox, apps):
    user = sandbox.post('users')['user']
    codes = {
        OFFICIAL: consent(sandbox, user=user)['code'],
        WEBSITE: consent(
            sandbox, authorise(WEBSITE, 'snsapi_login', '/connect/qrconnect'), user=user)['code'],
        MOBILE: sandbox.post('oauth_code', appid=MOBILE, user=user)['code'],
    }
    answers = [exchange(sandbox, apps, code, appid) for appid, code in codes.items()]
    assert len({answer['unionid'] for answer in answers}) == 1
    assert len({answer['openid'] for answer in answers}) == 3


def test_an_app_of_no_open_platform_gets_no_unionid(sandbox):
    app = sandbox.post('apps', appid=OFFICIAL, app_type='official_account')
    answer = exchange(sandbox, {OFFICIAL: app}, consent(sandbox)['code'])
    assert 'unionid' not in answer


def test_a_code_works_once_also_for_many_at_the_same_time(sandbox, apps):
    code = consent(sandbox)['code']
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: exchange(sandbox, apps, code), range(8)))
    assert sorted(answer.get('errcode', 0) for answer in answers) == [0] + [40163] * 7


@pytest.mark.parametrize(('appid', 'life'), [(OFFICIAL, 300), (MOBILE, 600)])
def test_a_code_dies_after_its_life(sandbox, apps, appid, life):
    scope = 'snsapi_userinfo'
    early = sandbox.post('oauth_code', appid=appid, scope=scope)['code']
    late = sandbox.post('oauth_code', appid=appid, scope=scope)['code']
    sandbox.clock(life - 1)
    assert 'openid' in exchange(sandbox, apps, early, appid)
    sandbox.clock(life + 1)
    assert exchange(sandbox, apps, late, appid)['errcode'] == 42003


@pytest.mark.parametrize(('changes', 'errcode'), [
    ({'appid': None}, 41002), ({'secret': None}, 41004), ({'code': None}, 41008),
    ({'grant_type': None}, 40002), ({'code': 'invented'}, 40029), ({'secret': '0' * 32}, 40125),
    ({'appid': 'wxffffffffffffffff'}, 40013),
])
def test_wrong_parameters_are_refused_with_their_number(sandbox, apps, changes, errcode):
    code = consent(sandbox)['code']
    assert exchange(sandbox, apps, code, changes=changes)['errcode'] == errcode


def test_a_code_of_another_app_is_invalid(sandbox, apps):
    code = consent(sandbox)['code']
    assert exchange(sandbox, apps, code, WEBSITE)['errcode'] == 40029


def test_a_blocked_person_is_refused(sandbox, apps):
    given = consent(sandbox)
    sandbox.call('PATCH', f'users/{given["user"]}', {'blocked': True})
    assert exchange(sandbox, apps, given['code'])['errcode'] == 40226


def test_snapshot_mode_gives_a_virtual_account(sandbox, apps):
    given = consent(sandbox, snapshot=True)
    answer = exchange(sandbox, apps, given['code'])
    assert answer['is_snapshotuser'] == 1 and 'unionid' not in answer
    real = exchange(sandbox, apps, consent(sandbox, user=given['user'])['code'])
    assert real['openid'] != answer['openid'] and 'is_snapshotuser' not in real


def test_snapshot_mode_can_be_set_for_an_app_and_is_never_that_of_base_scope(sandbox, apps):
    sandbox.post('oauth_settings', appid=OFFICIAL, snapshot=True)
    assert exchange(sandbox, apps, consent(sandbox)['code'])['is_snapshotuser'] == 1
    silent = consent(sandbox, authorise(scope='snsapi_base'))
    assert 'is_snapshotuser' not in exchange(sandbox, apps, silent['code'])


# === The page's address === #

@pytest.mark.parametrize(('url', 'words'), [
    (authorise(appid=''), '10013'),
    (authorise(appid='wxffffffffffffffff'), '10013'),
    (authorise(WEBSITE), '10016'),
    (authorise(scope=''), '10010'),
    (authorise(scope='snsapi_login'), '10005'),
    (authorise(WEBSITE, 'snsapi_userinfo', '/connect/qrconnect'), '10005'),
    (authorise(state=''), '10012'),
    (authorise(state='a-b'), '10012'),
    (authorise(state='a' * 129), '10012'),
    (authorise(redirect=''), '10011'),
    (authorise(redirect='/callback'), '10003'),
    (authorise(redirect='ftp://shop.example.com/'), '10003'),
    (authorise().replace('response_type=code', 'response_type=token'), 'response_type'),
    (authorise().replace('&response_type=code', ''), 'the parameters are not'),
    (authorise().replace('appid=', 'scope=x&appid='), 'the parameters are not'),
    (authorise(extra='&next=1'), 'the parameters are not'),
    (authorise().replace('%2F', '/'), 'percent-encoded'),
])
def test_a_wrong_address_is_refused(sandbox, apps, url, words):
    reply = sandbox.call('POST', 'oauth_consent', {'url': url})
    assert reply.status == 400 and words in reply.json()['error']
    page = sandbox.platform('GET', url.partition('#')[0])
    assert page.status == 400 and words in page.body.decode()


def test_the_fragment_is_mandatory(sandbox, apps):
    reply = sandbox.call('POST', 'oauth_consent', {'url': authorise().partition('#')[0]})
    assert '#wechat_redirect' in reply.json()['error']


def test_force_popup_is_accepted(sandbox, apps):
    assert consent(sandbox, authorise(extra='&forcePopup=true'))['code']


def test_only_the_domain_of_the_console_is_gone_back_to(sandbox, apps):
    sandbox.post('oauth_settings', appid=OFFICIAL, domains=['shop.example.com'])
    assert consent(sandbox)['code']
    other = authorise(redirect='https://www.shop.example.com/cb')
    reply = sandbox.call('POST', 'oauth_consent', {'url': other})
    assert '10003' in reply.json()['error']


def test_a_refusal_leads_back_without_a_code_and_the_qr_page_stays(sandbox, apps):
    assert consent(sandbox, refuse=True)['redirect'] == f'{REDIRECT}?state=s1'
    login = authorise(WEBSITE, 'snsapi_login', '/connect/qrconnect')
    assert consent(sandbox, login, refuse=True)['redirect'] is None


# === The page === #

def test_the_page_asks_whose_phone_it_is_and_leads_back(sandbox, apps):
    user = sandbox.post('users', nickname="<小明>")['user']
    url = authorise().partition('#')[0]
    page = sandbox.platform('GET', url)
    assert '&lt;小明&gt;' in page.body.decode()
    form = urlencode({'user': user, 'decision': 'allow'}).encode()
    reply = send(sandbox.base, 'POST', url, form)
    assert reply.status == 302
    code = dict(parse_qsl(urlsplit(reply.one('Location')).query))['code']
    assert exchange(sandbox, apps, code)['openid']
    assert f'sandbox_phone={user}' in reply.one('Set-Cookie')


def test_base_scope_is_silent_on_a_phone_that_is_known(sandbox, apps):
    user = sandbox.post('users')['user']
    url = authorise(scope='snsapi_base').partition('#')[0]
    assert sandbox.platform('GET', url).status == 200
    reply = send(sandbox.base, 'GET', url, headers=[('Cookie', f'sandbox_phone={user}')])
    assert reply.status == 302 and 'code=' in reply.one('Location')


def test_refusing_on_the_page(sandbox, apps):
    url = authorise().partition('#')[0]
    reply = send(sandbox.base, 'POST', url, b'decision=refuse')
    assert reply.one('Location') == f'{REDIRECT}?state=s1'


# === Tokens of people === #

@pytest.fixture
def granted(sandbox, apps):
    user = sandbox.post('users', nickname="小明")['user']
    return exchange(sandbox, apps, consent(sandbox, user=user)['code'])


def test_userinfo_tells_nickname_picture_and_unionid(sandbox, granted):
    data = call(sandbox, 'userinfo', access_token=granted['access_token'],
                openid=granted['openid'], lang='zh_CN')
    assert data['nickname'] == "小明" and data['unionid'] == granted['unionid']
    assert data['headimgurl'].startswith('https://thirdwx.qlogo.cn/')
    assert data['sex'] == 0 and data['city'] == ''


def test_userinfo_is_not_for_base_scope(sandbox, apps):
    base = exchange(sandbox, apps, consent(sandbox, authorise(scope='snsapi_base'))['code'])
    data = call(sandbox, 'userinfo', access_token=base['access_token'], openid=base['openid'])
    assert data['errcode'] == 48001


@pytest.mark.parametrize('path', ['userinfo', 'auth'])
@pytest.mark.parametrize(('changes', 'errcode'), [
    ({'access_token': None}, 41001), ({'access_token': 'x'}, 40001), ({'openid': None}, 41009),
    ({'openid': 'x'}, 40003),
])
def test_a_token_is_for_its_person(sandbox, granted, path, changes, errcode):
    values = {'access_token': granted['access_token'], 'openid': granted['openid'], **changes}
    assert call(sandbox, path, **values)['errcode'] == errcode


def test_a_token_lives_two_hours_and_is_refreshed(sandbox, granted):
    values = {'access_token': granted['access_token'], 'openid': granted['openid']}
    assert call(sandbox, 'auth', **values)['errcode'] == 0
    sandbox.clock(7201)
    assert call(sandbox, 'auth', **values)['errcode'] == 42001
    fresh = call(sandbox, 'oauth2/refresh_token', appid=OFFICIAL, grant_type='refresh_token',
                 refresh_token=granted['refresh_token'])
    assert fresh['access_token'] != granted['access_token']
    assert fresh['refresh_token'] == granted['refresh_token']
    values['access_token'] = fresh['access_token']
    assert call(sandbox, 'auth', **values)['errcode'] == 0


def test_a_living_token_stays_and_lives_longer(sandbox, granted):
    sandbox.clock(7000)
    fresh = call(sandbox, 'oauth2/refresh_token', appid=OFFICIAL, grant_type='refresh_token',
                 refresh_token=granted['refresh_token'])
    assert fresh['access_token'] == granted['access_token'] and fresh['expires_in'] == 7200


@pytest.mark.parametrize(('changes', 'errcode'), [
    ({'appid': None}, 41002), ({'appid': WEBSITE}, 40030), ({'grant_type': 'code'}, 40002),
    ({'refresh_token': None}, 41003), ({'refresh_token': 'x'}, 40030),
])
def test_a_wrong_refresh_is_refused(sandbox, granted, changes, errcode):
    values = {'appid': OFFICIAL, 'grant_type': 'refresh_token',
              'refresh_token': granted['refresh_token'], **changes}
    assert call(sandbox, 'oauth2/refresh_token', **values)['errcode'] == errcode


def test_a_refresh_token_lives_30_days(sandbox, granted):
    sandbox.clock(30 * 86400 + 1)
    data = call(sandbox, 'oauth2/refresh_token', appid=OFFICIAL, grant_type='refresh_token',
                refresh_token=granted['refresh_token'])
    assert data['errcode'] == 42002


# === Codes of the control API === #

def test_an_expired_code_can_be_asked_for(sandbox, apps):
    code = sandbox.post('oauth_code', appid=MOBILE, expired=True)['code']
    assert exchange(sandbox, apps, code, MOBILE)['errcode'] == 42003


def test_a_mini_program_has_no_such_login(sandbox):
    reply = sandbox.call('POST', 'oauth_code', {'appid': 'wx0000000000000002'})
    assert reply.status == 400
