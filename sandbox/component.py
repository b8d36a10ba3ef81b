# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The calls of third-party platforms: tokens, authorisations and calls for others
(wechat-platform.md 11)."""

import hmac
import secrets

from . import components, oauth, push, tokens
from .platform import MESSAGES as PLATFORM_MESSAGES
from .platform import PlatformError, code_session, require_get, require_post_json

TICKET_LIFETIME = 12 * 3600
TOKEN_LIFETIME = 7200
PRE_AUTH_LIFETIME = 1800
LARGEST_PAGE = 500

MESSAGES = {
    **PLATFORM_MESSAGES,
    40094: "invalid component credential",
    61003: "component is not authorized by this account",
    61004: "access clientip is not registered",
    61005: "component ticket is expired",
    61006: "component ticket is invalid",
    61009: "code is invalid",
    61010: "code is expired",
    61011: "invalid component",
    61023: "refresh_token is invalid",
    61024: "component is not allowed to use this api",
}


def refusal(errcode, why, errmsg=None):
    """:return: the `PlatformError` of a component's call."""
    return PlatformError(errcode, why, errmsg or MESSAGES.get(errcode))


# === Checks === #

def _check_component(world, values, *secret_names):
    """Check component_appid and, under one of some names, its secret.

    :return: the `Component`
    """
    appid = values.get('component_appid')
    if not isinstance(appid, str) or not appid:
        raise refusal(41002, "component_appid is missing")
    app = world.apps.get(appid)
    if not app or app.app_type != 'component':
        raise refusal(61011, f"{appid!r} is no third-party platform")
    for name in secret_names:
        value = values.get(name)
        if not isinstance(value, str) or not value:
            raise refusal(41004, f"{name} is missing")
        if not hmac.compare_digest(app.secret.encode(), value.encode()):
            raise refusal(40125, f"{name} is not this component's")
    return components.component_of(world, appid)


def _check_address(world, request, component):
    allowed = world.ip_allow_lists.get(component.appid)
    if allowed is not None and request.client_ip not in allowed:
        raise refusal(
            61004, f"{request.client_ip} is not registered",
            f"access clientip is not registered requestIP: {request.client_ip}",
        )


def _check_token(world, request, values):
    """Check component_access_token of the query and component_appid.

    :return: the `Component`
    """
    token = request.params().get('component_access_token')
    if not token:
        raise refusal(41001, "component_access_token is missing from the query string")
    component = _check_component(world, values)
    _check_address(world, request, component)
    now = world.clock.now()
    expires = component.component_tokens.get(token)
    if expires is None:
        if token in world.tokens:
            raise refusal(40094, "this is the access_token of an account, not a component's")
        raise refusal(40001, "this component_access_token was not issued to this component")
    if now >= expires:
        raise refusal(42001, "this component_access_token has expired")
    return component


def _check_authorizer(component, appid):
    if not isinstance(appid, str) or not appid:
        raise refusal(41002, "the appid of the account is missing")
    if appid not in component.authorizers:
        raise refusal(61003, f"{appid} has not authorised this component")
    return component.authorizers[appid]


def _post(world, request):
    body = require_post_json(request)
    return body, _check_token(world, request, body)


# === Tokens of the component === #

def start_push_ticket(world, request):
    """POST /cgi-bin/component/api_start_push_ticket (11.1)."""
    body = require_post_json(request)
    with world.lock:
        component = _check_component(world, body, 'component_secret')
        if component.pushes_tickets and component.event_url:
            components.later(components.push_ticket, world, component)
    return {'errcode': 0, 'errmsg': 'ok'}


def component_token(world, request):
    """POST /cgi-bin/component/api_component_token (11.1)."""
    body = require_post_json(request)
    with world.lock:
        component = _check_component(world, body, 'component_appsecret')
        _check_address(world, request, component)
        ticket = body.get('component_verify_ticket')
        issued = component.tickets.get(ticket) if isinstance(ticket, str) else None
        if issued is None:
            raise refusal(61006, "this ticket was not pushed to this component")
        now = world.clock.now()
        if now >= issued + TICKET_LIFETIME:
            raise refusal(61005, "this ticket is older than 12 hours")
        if component.token in component.component_tokens:  # it works for a while still
            expires = component.component_tokens[component.token]
            component.component_tokens[component.token] = min(expires, now + tokens.OVERLAP)
        component.token = f'{secrets.choice(range(60, 100))}_{secrets.token_urlsafe(99)}'
        component.component_tokens[component.token] = now + TOKEN_LIFETIME
        return {'component_access_token': component.token, 'expires_in': TOKEN_LIFETIME}


def create_preauthcode(world, request):
    """POST /cgi-bin/component/api_create_preauthcode (11.1)."""
    with world.lock:
        _body, component = _post(world, request)
        code = f'preauthcode@@@{secrets.token_urlsafe(60)}'
        component.pre_auth_codes[code] = components.PreAuthCode(
            code, world.clock.now() + PRE_AUTH_LIFETIME)
        return {'pre_auth_code': code, 'expires_in': PRE_AUTH_LIFETIME}


# === Authorisations === #

def _new_token(world, component, appid):
    return tokens.renew(world, appid, components.token_kind(component)).value


def _scopes(authorizer):
    return [{'funcscope_category': {'id': number}} for number in authorizer.scopes]


def query_auth(world, request):
    """POST /cgi-bin/component/api_query_auth (11.1)."""
    with world.lock:
        body, component = _post(world, request)
        given = body.get('authorization_code')
        code = component.auth_codes.get(given) if isinstance(given, str) else None
        if not code:
            raise refusal(61009, "this code was not given to this component")
        if code.used:
            raise refusal(61009, "this code was used before")
        if world.clock.now() > code.expires:
            raise refusal(61010, "this code has expired")
        authorizer = _check_authorizer(component, code.appid)
        code.used = True
        return {'authorization_info': {
            'authorizer_appid': authorizer.appid,
            'authorizer_access_token': _new_token(world, component, authorizer.appid),
            'expires_in': TOKEN_LIFETIME,
            'authorizer_refresh_token': authorizer.refresh_token,
            'func_info': _scopes(authorizer),
        }}


def authorizer_token(world, request):
    """POST /cgi-bin/component/api_authorizer_token (11.1)."""
    with world.lock:
        body, component = _post(world, request)
        authorizer = _check_authorizer(component, body.get('authorizer_appid'))
        if body.get('authorizer_refresh_token') != authorizer.refresh_token:
            raise refusal(61023, "this is not the account's refresh_token")
        if component.rotates_refresh_tokens:
            authorizer.refresh_token = f'refreshtoken@@@{secrets.token_urlsafe(32)}'
        return {
            'authorizer_access_token': _new_token(world, component, authorizer.appid),
            'expires_in': TOKEN_LIFETIME,
            'authorizer_refresh_token': authorizer.refresh_token,
        }


def authorizer_info(world, request):
    """POST /cgi-bin/component/api_get_authorizer_info (11.1)."""
    with world.lock:
        body, component = _post(world, request)
        authorizer = _check_authorizer(component, body.get('authorizer_appid'))
        app = world.apps[authorizer.appid]
        info = {
            'nick_name': f'Account {app.appid[-4:]}',
            'head_img': 'https://wx.qlogo.cn/mmopen/sandbox/0',
            'service_type_info': {'id': 2 if app.app_type == 'official_account' else 0},
            'verify_type_info': {'id': 0},
            'user_name': push.original_id(app.appid),
            'principal_name': '沙盒有限公司',
            'alias': '',
            'qrcode_url': 'https://mmbiz.qpic.cn/sandbox',
            'business_info': {},
            'signature': '',
            'account_status': 1,
        }
        if app.app_type == 'miniprogram':
            info['MiniProgramInfo'] = {'network': {}, 'categories': [], 'visit_status': 0}
        return {
            'authorizer_info': info,
            'authorization_info': {
                'authorizer_appid': app.appid,
                'authorizer_refresh_token': authorizer.refresh_token,
                'func_info': _scopes(authorizer),
            },
        }


def authorizer_list(world, request):
    """POST /cgi-bin/component/api_get_authorizer_list (11.1)."""
    with world.lock:
        body, component = _post(world, request)
        offset, count = body.get('offset'), body.get('count')
        if type(offset) is not int or offset < 0 or type(count) is not int:
            raise refusal(47001, "offset and count must be numbers")
        if not 1 <= count <= LARGEST_PAGE:
            raise refusal(47001, f"count must be 1 to {LARGEST_PAGE}")
        everybody = list(component.authorizers.values())
        return {'total_count': len(everybody), 'list': [
            {
                'authorizer_appid': one.appid, 'refresh_token': one.refresh_token,
                'auth_time': int(one.auth_time),
            } for one in everybody[offset:offset + count]
        ]}


# === On behalf of an account === #

def _check_sns(world, request, grant_type):
    """:return: (the `Component`, the parameters)."""
    require_get(request)
    values = request.params()
    component = _check_token(world, request, values)
    if not values.get('appid'):
        raise refusal(41002, "appid is missing")
    if values.get('grant_type') != grant_type:
        raise refusal(40002, f"grant_type must be {grant_type}")
    _check_authorizer(component, values['appid'])
    return component, values


def code2session(world, request):
    """GET /sns/component/jscode2session (11.4)."""
    with world.lock:
        _component, values = _check_sns(world, request, 'authorization_code')
        app = world.apps[values['appid']]
        if app.app_type != 'miniprogram':
            raise refusal(40013, f"this app is a {app.app_type}, not a miniprogram")
        return code_session(world, app, values)


def oauth_token(world, request):
    """GET /sns/oauth2/component/access_token (11.4)."""
    with world.lock:
        component, values = _check_sns(world, request, 'authorization_code')
        return oauth.exchange(world, world.apps[values['appid']], values, component.appid)


PATHS = {
    '/cgi-bin/component/api_start_push_ticket': start_push_ticket,
    '/cgi-bin/component/api_component_token': component_token,
    '/cgi-bin/component/api_create_preauthcode': create_preauthcode,
    '/cgi-bin/component/api_query_auth': query_auth,
    '/cgi-bin/component/api_authorizer_token': authorizer_token,
    '/cgi-bin/component/api_get_authorizer_info': authorizer_info,
    '/cgi-bin/component/api_get_authorizer_list': authorizer_list,
    '/sns/component/jscode2session': code2session,
    '/sns/oauth2/component/access_token': oauth_token,
}
