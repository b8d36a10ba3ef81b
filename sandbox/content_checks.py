# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Content security: texts are judged at once, pictures later (wechat-platform.md 10)."""

import secrets
from urllib.parse import urlsplit

from .miniprograms import MediaCheck, check_miniprogram, only, refusal, text
from .platform import require_post_json

LONGEST_TEXT = 2500
IDLE_LIMIT = 2 * 3600
NORMAL, OTHER = 100, 21000
SUGGESTIONS = ('pass', 'review', 'risky')


def _person(world, app, body):
    """:return: the openid of somebody who was in the mini-program within the last two hours."""
    openid = text(body, 'openid', 40003)
    user = world.user_of_openid(openid, app.appid)
    if not user:
        raise refusal(43104, "the openid is not of this mini-program")
    logins = [code.expires - 300 for code in world.codes.values()
              if (code.user, code.appid) == (user.user, app.appid)]
    last = max([*logins, app.active.get(user.user, 0)])
    if world.clock.now() - last > IDLE_LIMIT:
        raise refusal(61010, "the person was not in the mini-program in the last two hours")
    return openid


def _common(body):
    if body.get('version') != 2 or isinstance(body.get('version'), bool):
        raise refusal(40129, "version must be the number 2")
    if body.get('scene') not in (1, 2, 3, 4) or isinstance(body.get('scene'), bool):
        raise refusal(40129, "scene is 1 to 4")


def verdict(app, words):
    """:return: what is said of a text: (suggest, label)."""
    if any(word in words for word in app.risky_words):
        return 'risky', OTHER
    if any(word in words for word in app.review_words):
        return 'review', OTHER
    return 'pass', NORMAL


def check_text(world, request):
    """POST /wxa/msg_sec_check, version 2."""
    body = require_post_json(request)
    with world.lock:
        app = check_miniprogram(world, request)
        only(body, 'content', 'version', 'scene', 'openid', 'title', 'nickname', 'signature')
        _common(body)
        words = text(body, 'content', 47001)
        if len(words) > LONGEST_TEXT:
            raise refusal(47001, f"a text has at most {LONGEST_TEXT} characters")
        _person(world, app, body)
        if 'signature' in body and body['scene'] != 1:
            raise refusal(40129, "signature belongs to scene 1")
        for name in ('title', 'nickname', 'signature'):
            words += '\n' + text(body, name, 47001, required=False)
        suggest, label = verdict(app, words)
        result = {'suggest': suggest, 'label': label}
        return {
            'errcode': 0, 'errmsg': 'ok', 'trace_id': _trace(), 'result': result,
            'detail': [{'strategy': 'content_model', 'errcode': 0, **result, 'prob': 90}],
        }


def check_media(world, request):
    """POST /wxa/media_check_async, version 2."""
    body = require_post_json(request)
    with world.lock:
        app = check_miniprogram(world, request)
        only(body, 'media_url', 'media_type', 'version', 'scene', 'openid')
        _common(body)
        if body.get('media_type') not in (1, 2) or isinstance(body.get('media_type'), bool):
            raise refusal(87020, "media_type is 1 or 2")
        url = text(body, 'media_url', 40097)
        parts = urlsplit(url)
        if parts.scheme not in ('http', 'https') or not parts.hostname or not url.isascii():
            raise refusal(40097, "media_url is no http address")
        openid = _person(world, app, body)
        check = MediaCheck(_trace(), openid, url, body['media_type'], body['scene'])
        app.checks[check.trace_id] = check
        return {'errcode': 0, 'errmsg': 'ok', 'trace_id': check.trace_id}


def _trace():
    return f'{secrets.token_hex(4)}-{secrets.token_hex(4)}-{secrets.token_hex(4)}'


def result_event(check, appid, suggest, label, errcode=0):
    """:return: the fields of the event that tells the result of a check."""
    result = {'suggest': suggest, 'label': label}
    return {
        'MsgType': 'event', 'Event': 'wxa_media_check', 'appid': appid,
        'trace_id': check.trace_id, 'version': 2,
        'detail': [{'strategy': 'content_model', 'errcode': errcode, **result, 'prob': 90}],
        'errcode': errcode, 'errmsg': 'ok' if not errcode else 'download failed',
        'result': result,
    }


PATHS = {
    '/wxa/msg_sec_check': check_text,
    '/wxa/media_check_async': check_media,
}
