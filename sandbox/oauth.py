# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Login on web pages and in mobile apps: consent, codes and /sns/oauth2 (wechat-platform.md 5)."""

import re
import secrets
from dataclasses import dataclass
from urllib.parse import quote, unquote, urlencode, urlsplit

from .platform import PlatformError, check_app, require_get
from .world import Refusal

AUTHORIZE, QRCONNECT = '/connect/oauth2/authorize', '/connect/qrconnect'
# Who shows the page, and which scopes may be asked for there.
PAGES = {
    AUTHORIZE: ('official_account', ('snsapi_base', 'snsapi_userinfo')),
    QRCONNECT: ('website', ('snsapi_login',)),
}
MOBILE_SCOPE = 'snsapi_userinfo'
PARAMETERS = ('appid', 'redirect_uri', 'response_type', 'scope', 'state')
OPTIONAL = ('forcePopup', 'lang', 'component_appid')
CODE_LIFETIMES = {'official_account': 300, 'website': 600, 'mobile': 600}
TOKEN_LIFETIME = 7200
REFRESH_LIFETIME = 30 * 86400
LANGUAGES = ('zh_CN', 'zh_TW', 'en')
_STATE = re.compile(r'[0-9A-Za-z]{1,128}')

MESSAGES = {
    40030: "invalid refresh_token",
    41003: "missing refresh_token",
    41009: "missing openid",
    42002: "refresh_token expired",
    42003: "code expired",
    48001: "api unauthorized",
}


@dataclass
class Grant:
    """What one person allowed one app: the code that was given out and what came of it.

    `component` is the third-party platform that asked for it, if one did.
    """

    code: str
    appid: str
    user: str
    openid: str
    scope: str
    expires: float
    snapshot: bool = False
    component: str = ''
    used: bool = False
    access_token: str = ''
    token_expires: float = 0.0
    refresh_token: str = ''
    refresh_expires: float = 0.0


def _refusal(errcode, why):
    return PlatformError(errcode, why, MESSAGES.get(errcode))


# === The page === #

@dataclass
class Request:
    """What an application asks a person for."""

    appid: str
    redirect_uri: str
    scope: str
    state: str
    silent: bool
    component: str = ''


def read_page(world, path, query):
    """Check the address of a consent page as WeChat does (5.1).

    :param str path: one of `PAGES`
    :param str query: the raw query
    :return: the `Request`
    :raise Refusal: what WeChat's error page would say, with its number
    """
    app_type, scopes = PAGES[path]
    pairs = [item.partition('=')[::2] for item in query.split('&') if item]
    names = [name for name, _value in pairs]
    values = {name: unquote(value) for name, value in pairs}
    for name, number in (('appid', 10013), ('redirect_uri', 10011), ('scope', 10010),
                         ('state', 10012)):
        if not values.get(name):
            raise Refusal(f"{number}: {name} is missing")
    if tuple(name for name in names if name not in OPTIONAL) != PARAMETERS:
        raise Refusal("the parameters are not appid, redirect_uri, response_type, scope, state")
    app = world.apps.get(values['appid'])
    if not app:
        raise Refusal("10013: there is no such app")
    component = values.get('component_appid', '')
    if component:
        found = world.components.get(component)
        if not found or app.appid not in found.authorizers:
            raise Refusal("10015: the account has not authorised this third-party platform")
        if names.index('component_appid') < names.index('state'):
            raise Refusal("component_appid does not stand after state")
    if app.app_type != app_type:
        raise Refusal(f"10016: this page is for apps of the type {app_type}")
    if values['response_type'] != 'code':
        raise Refusal("response_type is not code")
    if values['scope'] not in scopes:
        raise Refusal(f"10005: the scope here is {' or '.join(scopes)}")
    if not _STATE.fullmatch(values['state']):
        raise Refusal("10012: state may have letters and digits, 128 at most")
    raw = dict(pairs)['redirect_uri']
    if quote(values['redirect_uri'], safe='').lower() != raw.lower():
        raise Refusal("10003: redirect_uri is not percent-encoded as a whole")
    _check_redirect(world, component or app.appid, values['redirect_uri'])
    return Request(
        app.appid, values['redirect_uri'], values['scope'], values['state'],
        values['scope'] == 'snsapi_base', component,
    )


def _check_redirect(world, appid, address):
    try:
        parts = urlsplit(address)
        host = parts.hostname
    except ValueError:
        host = None
    if not host or parts.scheme not in ('http', 'https'):
        raise Refusal("10003: redirect_uri is no complete web address")
    domains = world.oauth_domains.get(appid)
    if domains is not None and host not in domains:
        raise Refusal("10003: redirect_uri is not on the domain of the app's console")


def consent(world, request, user, snapshot=False):
    """A person says yes: back to the application with a code.

    :param Request request: what :func:`read_page` returned
    :param bool snapshot: the page opens in snapshot mode, with a virtual account
    :return: the address WeChat goes to
    """
    with world.lock:
        snapshot = request.scope == 'snsapi_userinfo' and (
            snapshot or request.appid in world.oauth_snapshots
        )
        grant = issue(world, request.appid, user, request.scope, snapshot=snapshot)
        grant.component = request.component
    if grant.component:
        return _back(request, code=grant.code, state=request.state, appid=request.appid)
    return _back(request, code=grant.code, state=request.state)


def refuse(request):
    """:return: the address WeChat goes to after a no: the state without a code."""
    return _back(request, state=request.state)


def _back(request, **values):
    base, mark, fragment = request.redirect_uri.partition('#')
    glue = '&' if '?' in base else '?'
    return f'{base}{glue}{urlencode(values)}{mark}{fragment}'


def issue(world, appid, user, scope, snapshot=False, expired=False):
    """Give out a code.

    :return: its `Grant`
    :raise Refusal: apps of this type have no such login
    """
    with world.lock:
        app = world.apps.get(appid)
        if not app or app.app_type not in CODE_LIFETIMES:
            raise Refusal(f"there is no app {appid!r} with a login on pages or in mobile apps")
        openid = 'oV' + secrets.token_urlsafe(24)[:26] if snapshot else world.openid(user, appid)
        lifetime = -1 if expired else CODE_LIFETIMES[app.app_type]
        grant = Grant(
            '0' + secrets.token_urlsafe(24)[:31], appid, user.user, openid, scope,
            world.clock.now() + lifetime, snapshot,
        )
        world.oauth_codes[grant.code] = grant
        return grant


# === /sns/oauth2 === #

def access_token(world, request):
    """GET /sns/oauth2/access_token (5.2)."""
    require_get(request)
    values = request.params()
    with world.lock:
        app = check_app(world, values)
        if values.get('code') and values.get('grant_type') != 'authorization_code':
            raise PlatformError(40002, "grant_type must be authorization_code")
        return exchange(world, app, values)


def exchange(world, app, values, component=''):
    """Exchange the code of a consent.

    :param dict values: the parameters, whose `code` it is
    :param str component: the third-party platform that asks, if it is one
    :return: the answer (dict)
    """
    with world.lock:
        if not values.get('code'):
            raise PlatformError(41008, "code is missing")
        grant = world.oauth_codes.get(values['code'])
        if not grant:
            raise PlatformError(40029, "this code was never issued")
        if grant.appid != app.appid:
            raise PlatformError(40029, f"this code was issued to the app {grant.appid}")
        if grant.component != component:
            raise PlatformError(40029, f"this code was asked for by {grant.component or 'itself'}")
        if grant.used:
            raise PlatformError(40163, "this code was used before")
        if world.clock.now() > grant.expires:
            raise _refusal(42003, "this code has expired")
        if world.users[grant.user].blocked:
            raise PlatformError(40226, "this user is blocked as high-risk")
        grant.used = True
        _new_tokens(world, grant)
        answer = _token_answer(world, grant)
        unionid = _unionid(world, grant)
        if unionid:
            answer['unionid'] = unionid
        if grant.snapshot:
            answer['is_snapshotuser'] = 1
        return answer


def _unionid(world, grant):
    """:return: the unionid if the scope tells it and the app is bound to an Open Platform."""
    if grant.scope == 'snsapi_base' or grant.snapshot:
        return None
    return world.unionid(world.users[grant.user], grant.appid)


def _new_tokens(world, grant):
    now = world.clock.now()
    grant.access_token = f'{secrets.choice(range(60, 100))}_{secrets.token_urlsafe(64)}'
    grant.token_expires = now + TOKEN_LIFETIME
    world.oauth_access_tokens[grant.access_token] = grant
    if not grant.refresh_token:
        grant.refresh_token = f'{secrets.choice(range(60, 100))}_{secrets.token_urlsafe(64)}'
        grant.refresh_expires = now + REFRESH_LIFETIME
        world.oauth_refresh_tokens[grant.refresh_token] = grant


def _token_answer(world, grant):
    return {
        'access_token': grant.access_token,
        'expires_in': round(grant.token_expires - world.clock.now()),
        'refresh_token': grant.refresh_token,
        'openid': grant.openid,
        'scope': grant.scope,
    }


def refresh_token(world, request):
    """GET /sns/oauth2/refresh_token (5.2): a living access_token stays and lives longer."""
    require_get(request)
    values = request.params()
    with world.lock:
        if not values.get('appid'):
            raise PlatformError(41002, "appid is missing")
        if values.get('grant_type') != 'refresh_token':
            raise PlatformError(40002, "grant_type must be refresh_token")
        if not values.get('refresh_token'):
            raise _refusal(41003, "refresh_token is missing")
        grant = world.oauth_refresh_tokens.get(values['refresh_token'])
        if not grant or grant.appid != values['appid']:
            raise _refusal(40030, "this refresh_token was not issued to this app")
        now = world.clock.now()
        if now > grant.refresh_expires:
            raise _refusal(42002, "this refresh_token is older than 30 days")
        if now < grant.token_expires:
            grant.token_expires = now + TOKEN_LIFETIME
        else:
            _new_tokens(world, grant)
        return _token_answer(world, grant)


def _grant_of_token(world, values):
    if not values.get('access_token'):
        raise PlatformError(41001, "access_token is missing from the query string")
    grant = world.oauth_access_tokens.get(values['access_token'])
    if not grant or grant.access_token != values['access_token']:
        raise PlatformError(40001, "this is not the access_token of a person")
    if world.clock.now() > grant.token_expires:
        raise PlatformError(42001, "this access_token has expired")
    if not values.get('openid'):
        raise _refusal(41009, "openid is missing")
    if values['openid'] != grant.openid:
        raise PlatformError(40003, "this access_token belongs to another openid")
    return grant


def userinfo(world, request):
    """GET /sns/userinfo (5.2)."""
    require_get(request)
    values = request.params()
    with world.lock:
        grant = _grant_of_token(world, values)
        if values.get('lang', 'en') not in LANGUAGES:
            raise PlatformError(40097, "lang is none of zh_CN, zh_TW, en")
        if grant.scope == 'snsapi_base':
            raise _refusal(48001, "snsapi_base tells the openid only")
        user = world.users[grant.user]
        answer = {
            'openid': grant.openid,
            'nickname': "WeChat User" if grant.snapshot else user.nickname,
            'sex': 0,
            'language': '',
            'city': '',
            'province': '',
            'country': '',
            'headimgurl': f'https://thirdwx.qlogo.cn/mmopen/vi_32/{user.user}/132',
            'privilege': [],
        }
        unionid = _unionid(world, grant)
        if unionid:
            answer['unionid'] = unionid
        return answer


def auth(world, request):
    """GET /sns/auth (5.2)."""
    require_get(request)
    with world.lock:
        _grant_of_token(world, request.params())
        return {'errcode': 0, 'errmsg': 'ok'}


PATHS = {
    '/sns/oauth2/access_token': access_token,
    '/sns/oauth2/refresh_token': refresh_token,
    '/sns/userinfo': userinfo,
    '/sns/auth': auth,
}
