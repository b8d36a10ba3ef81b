# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""api.weixin.qq.com: errors, mini-program login and the calls that want an access_token."""

import hmac
import secrets
import time

from . import quotas, tokens
from .messages import Answer, json_answer

JSON_TYPE = 'application/json; encoding=utf-8'

MESSAGES = {
    -1: "system error",
    40001: "invalid credential, access_token is invalid or not latest",
    40002: "invalid grant_type",
    40003: "invalid openid",
    40013: "invalid appid",
    40014: "invalid access_token",
    40029: "invalid code",
    40066: "invalid url",
    40097: "invalid args",
    40125: "invalid appsecret",
    40163: "code been used",
    40164: "invalid ip",
    40226: "code blocked",
    41001: "access_token missing",
    41002: "appid missing",
    41004: "appsecret missing",
    41008: "missing code",
    42001: "access_token expired",
    43001: "require GET method",
    43002: "require POST method",
    45009: "reach max api daily quota limit",
    45011: "api minute-quota reach limit, must slower, retry next minute",
    47001: "data format error",
    48006: "forbid to clear quota because of reaching the limit",
    76021: "cgi_path not found, please check",
    87007: "session_key is not existed or expired",
    87008: "invalid sig_method",
    87009: "invalid signature",
}


class PlatformError(Exception):
    """A refusal with WeChat's number; `why` is for the request log only."""

    def __init__(self, errcode, why, errmsg=None):
        super().__init__(why)
        self.errcode = errcode
        self.why = why
        self.errmsg = errmsg or MESSAGES.get(errcode, "system error")


def error_body(errcode, errmsg=None):
    """:return: the body of a refusal (dict), its text ending in a request id as WeChat's do."""
    rid = f'{int(time.time()):08x}-{secrets.token_hex(4)}-{secrets.token_hex(4)}'
    return {'errcode': errcode, 'errmsg': f'{errmsg or MESSAGES.get(errcode, "error")}, rid: {rid}'}


def content_type(path):
    """:return: the media type WeChat answers with: text for /sns/*, JSON elsewhere."""
    return 'text/plain' if path.startswith('/sns/') else JSON_TYPE


def serve(world, request, handler):
    """Run one platform call.

    :return: the `Answer`: HTTP 200 always, refusals are in the body
    """
    try:
        data = handler(world, request)
    except PlatformError as error:
        request.problems.append(f"{error.errcode}: {error.why}")
        data = error_body(error.errcode, error.errmsg)
    if isinstance(data, Answer):
        return data  # a picture
    return json_answer(data, content_type=content_type(request.path))


def no_such_path(request):
    """:return: the `Answer` to a path that no API has."""
    request.problems.append("40066: the platform has no such path")
    return json_answer(error_body(40066), content_type=content_type(request.path))


# === What calls have in common === #

def require_get(request):
    """Refuse anything but GET."""
    if request.method != 'GET':
        raise PlatformError(43001, f"{request.method} was used, this call is a GET")


def require_post_json(request):
    """Refuse anything but POST with a JSON object.

    :return: the body (dict)
    """
    if request.method != 'POST':
        raise PlatformError(43002, f"{request.method} was used, this call is a POST")
    try:
        body = request.json()
    except ValueError:
        raise PlatformError(47001, "the body is not UTF-8 JSON") from None
    if not isinstance(body, dict):
        raise PlatformError(47001, "the body is not a JSON object")
    return body


def check_app(world, values, app_type=None):
    """Check appid and secret.

    :param dict values: where `appid` and `secret` were sent
    :return: the `App`
    """
    for name, errcode in (('appid', 41002), ('secret', 41004)):
        if not values.get(name):
            raise PlatformError(errcode, f"{name} is missing")
        if not isinstance(values[name], str):
            raise PlatformError(47001, f"{name} is not text")
    app = world.apps.get(values['appid'])
    if not app:
        raise PlatformError(40013, f"there is no app {values['appid']!r}")
    if app_type and app.app_type != app_type:
        raise PlatformError(40013, f"this app is a {app.app_type}, not a {app_type}")
    if not hmac.compare_digest(app.secret.encode(), values['secret'].encode()):
        raise PlatformError(40125, "the secret is not this app's")
    return app


def check_token(world, request):
    """Check the access_token of the query string.

    :return: the `App` it belongs to
    """
    value = request.params().get('access_token')
    if not value:
        raise PlatformError(41001, "access_token is missing from the query string")
    errcode, why, appid = tokens.look_up(world, value)
    if errcode:
        raise PlatformError(errcode, why)
    if request.path not in QUOTA_PATHS:
        spend_quota(world, request, appid)
    return world.apps[appid]


def spend_quota(world, request, appid):
    """Count a call of an app, and refuse what is more than the day's quota."""
    if not quotas.spend(world, appid, request.path):
        raise PlatformError(45009, f"the quota of {request.path} is used up")


def check_address(world, request, app):
    """Refuse calls from an address that is not on the app's IP allow list."""
    if not quotas.may_call_from(world, app.appid, request.client_ip):
        raise PlatformError(
            40164, f"{request.client_ip} is not on the IP allow list",
            f"invalid ip {request.client_ip} ipv6 ::ffff:{request.client_ip}, not in whitelist",
        )


def check_no_component(app):
    """Refuse a third-party platform: its tokens come from elsewhere."""
    if app.app_type == 'component':
        raise PlatformError(
            61024, "the token of a component comes from api_component_token",
            "component is not allowed to use this api",
        )


# === Login === #

def code2session(world, request):
    """GET /sns/jscode2session (wechat-platform.md 1.2)."""
    require_get(request)
    values = request.params()
    with world.lock:
        app = check_app(world, values, 'miniprogram')
        if values.get('js_code') and values.get('grant_type') != 'authorization_code':
            raise PlatformError(40002, "grant_type must be authorization_code")
        return code_session(world, app, values)


def code_session(world, app, values):
    """Exchange the code of wx.login.

    :param dict values: the parameters, whose `js_code` it is
    :return: the answer (dict)
    """
    with world.lock:
        if not values.get('js_code'):
            raise PlatformError(41008, "js_code is missing")
        code = world.codes.get(values['js_code'])
        if not code:
            raise PlatformError(40029, "this code was never issued")
        if code.appid != app.appid:
            raise PlatformError(40029, f"this code was issued to the app {code.appid}")
        if code.used:
            raise PlatformError(40163, "this code was used before")
        if world.clock.now() > code.expires:
            raise PlatformError(40029, "this code is older than five minutes")
        user = world.users[code.user]
        if user.blocked:
            raise PlatformError(40226, "this user is blocked as high-risk")
        code.used = True
        answer = {
            'session_key': world.session_key(user, app.appid),
            'openid': world.openid(user, app.appid),
        }
        unionid = world.unionid(user, app.appid)
        if unionid:
            answer['unionid'] = unionid
        return answer


def _session_key_user(world, request):
    """Check what checksession and resetusersessionkey ask for (1.4)."""
    require_get(request)
    with world.lock:
        app = check_token(world, request)
        values = request.params()
        user = world.user_of_openid(values.get('openid') or '', app.appid)
        if not user:
            raise PlatformError(40003, "openid is missing or not one of this app")
        if values.get('sig_method') != 'hmac_sha256':
            raise PlatformError(87008, "sig_method must be hmac_sha256")
        key = world.session_key(user, app.appid)
        if not key:
            raise PlatformError(87007, "this user has no session_key in this app")
        expected = hmac.new(key.encode(), b'', 'sha256').hexdigest()
        if not hmac.compare_digest(expected.encode(), values.get('signature', '').encode()):
            raise PlatformError(87009, "the signature was not made with the valid session_key")
        return app, user


def check_session(world, request):
    """GET /wxa/checksession (1.4)."""
    _session_key_user(world, request)
    return {'errcode': 0, 'errmsg': 'ok'}


def reset_session_key(world, request):
    """GET /wxa/resetusersessionkey (1.4)."""
    with world.lock:
        app, user = _session_key_user(world, request)
        key = world.new_session_key(user, app.appid)
        openid = world.openid(user, app.appid)
        return {'errcode': 0, 'errmsg': 'ok', 'openid': openid, 'session_key': key}


# === Tokens === #

def stable_token(world, request):
    """POST /cgi-bin/stable_token (3.1)."""
    body = require_post_json(request)
    with world.lock:
        if body.get('grant_type') != 'client_credential':
            raise PlatformError(40002, "grant_type must be client_credential")
        app = check_app(world, body)
        check_no_component(app)
        check_address(world, request, app)
        spend_quota(world, request, app.appid)
        force = body.get('force_refresh', False)
        if not isinstance(force, bool):
            raise PlatformError(47001, "force_refresh must be true or false")
        token = tokens.stable(world, app.appid, force)
        if token is None:
            raise PlatformError(45009, "force_refresh was used 20 times today")
        return {
            'access_token': token.value,
            'expires_in': round(token.expires - world.clock.now()),
        }


def classic_token(world, request):
    """GET /cgi-bin/token (3.1)."""
    require_get(request)
    values = request.params()
    with world.lock:
        if values.get('grant_type') != 'client_credential':
            raise PlatformError(40002, "grant_type must be client_credential")
        app = check_app(world, values)
        check_no_component(app)
        check_address(world, request, app)
        spend_quota(world, request, app.appid)
        token = tokens.classic(world, app.appid)
        return {'access_token': token.value, 'expires_in': tokens.LIFETIME}


# === Calls that want a token === #

def quota_get(world, request):
    """POST /cgi-bin/openapi/quota/get (3.4)."""
    body = require_post_json(request)
    app = check_token(world, request)
    path = body.get('cgi_path')
    if not isinstance(path, str) or not path.startswith('/'):
        raise PlatformError(76021, "cgi_path is missing or no path")
    with world.lock:
        found = quotas.counter(world, app.appid, path)
        return {
            'errcode': 0,
            'errmsg': 'ok',
            'quota': {
                'daily_limit': found.limit,
                'used': found.used,
                'remain': max(0, found.limit - found.used),
            },
            'rate_limit': {'call_count': 2000, 'refresh_second': 60},
        }


def clear_quota(world, request):
    """POST /cgi-bin/clear_quota (3.4)."""
    body = require_post_json(request)
    with world.lock:
        app = check_token(world, request)
        if not body.get('appid'):
            raise PlatformError(41002, "appid is missing")
        if body['appid'] != app.appid:
            raise PlatformError(40013, "the token belongs to another appid")
        return _clear(world, app)


def clear_quota_v2(world, request):
    """POST /cgi-bin/clear_quota/v2 (3.4)."""
    body = require_post_json(request)
    with world.lock:
        values = {'appid': body.get('appid'), 'secret': body.get('appsecret')}
        return _clear(world, check_app(world, values))


def _clear(world, app):
    if not quotas.clear(world, app.appid):
        raise PlatformError(48006, "the quotas were cleared ten times this month")
    return {'errcode': 0, 'errmsg': 'ok'}


def addresses(world, request):
    """GET /cgi-bin/getcallbackip and /cgi-bin/get_api_domain_ip (3.4)."""
    require_get(request)
    check_token(world, request)
    return {'ip_list': ['127.0.0.1']}


# They tell of quotas, and are not counted themselves.
QUOTA_PATHS = (
    '/cgi-bin/openapi/quota/get', '/cgi-bin/clear_quota', '/cgi-bin/clear_quota/v2',
)

PATHS = {
    '/sns/jscode2session': code2session,
    '/cgi-bin/stable_token': stable_token,
    '/cgi-bin/token': classic_token,
    '/cgi-bin/openapi/quota/get': quota_get,
    '/cgi-bin/clear_quota': clear_quota,
    '/cgi-bin/clear_quota/v2': clear_quota_v2,
    '/cgi-bin/getcallbackip': addresses,
    '/cgi-bin/get_api_domain_ip': addresses,
    '/wxa/checksession': check_session,
    '/wxa/resetusersessionkey': reset_session_key,
}
