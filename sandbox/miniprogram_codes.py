# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Codes of mini-programs and links into them (wechat-platform.md 8)."""

import re
import secrets

from .messages import Answer
from .miniprograms import check_miniprogram, only, refusal, text
from .pictures import code_picture
from .platform import require_post_json

_SCENE = re.compile(r"[0-9A-Za-z!#$&'()*+,/:;=?@\-._~]{1,32}", re.ASCII)
_QUERY = re.compile(r"[0-9A-Za-z!#$&'()*+,/:;=?@\-._~%]*", re.ASCII)
_ENVIRONMENTS = ('release', 'trial', 'develop')
_LONGEST = 30 * 86400
_PICTURE = {'width', 'auto_color', 'line_color', 'is_hyaline', 'env_version'}


def _picture(body):
    """:return: the checked width, colour and ground of a code."""
    width = body.get('width', 430)
    if type(width) is not int or not 280 <= width <= 1280:
        raise refusal(40097, f"width is 280 to 1280, not {width!r}")
    for name in ('auto_color', 'is_hyaline'):
        if not isinstance(body.get(name, False), bool):
            raise refusal(47001, f"{name} is true or false")
    color = body.get('line_color', {'r': 0, 'g': 0, 'b': 0})
    if not isinstance(color, dict) or set(color) != {'r', 'g', 'b'}:
        raise refusal(47001, "line_color is {r, g, b}")
    try:
        color = tuple(int(color[name]) for name in 'rgb')
    except (TypeError, ValueError):
        raise refusal(47001, "line_color has numbers") from None
    if not all(0 <= part <= 255 for part in color):
        raise refusal(40097, "a colour has 0 to 255")
    return width, color, body.get('is_hyaline', False)


def _environment(body, errcode=40097):
    value = body.get('env_version', 'release')
    if value not in _ENVIRONMENTS:
        raise refusal(errcode, f"env_version is {', '.join(_ENVIRONMENTS)}")
    return value


def _page(app, page, errcode, environment, query=False):
    """Check a page's path."""
    path, mark, search = page.partition('?')
    if page.startswith('/'):
        raise refusal(errcode, "the path begins with a slash")
    if mark and not query:
        raise refusal(errcode, "the path has a query")
    if 'scancode_time' in search:
        raise refusal(85096, "scancode_time is reserved")
    if environment == 'release' and not app.has_page(path):
        raise refusal(errcode, f"the page {path!r} is not published")


def _answer(app, what, picture, **made):
    app.codes.append(made)
    return Answer(200, code_picture(what, *picture), [('Content-Type', 'image/png')])


def unlimited(world, request):
    """POST /wxa/getwxacodeunlimit."""
    body = require_post_json(request)
    with world.lock:
        app = check_miniprogram(world, request)
        only(body, 'scene', 'page', 'check_path', *_PICTURE)
        scene = body.get('scene')
        if not isinstance(scene, str) or not _SCENE.fullmatch(scene):
            raise refusal(40129, f"{scene!r} is no scene")
        picture, environment = _picture(body), _environment(body)
        page = text(body, 'page', 41030, required=False)
        check_path = body.get('check_path', True)
        if not isinstance(check_path, bool):
            raise refusal(47001, "check_path is true or false")
        if page and check_path:
            _page(app, page, 41030, environment)
        elif page.startswith('/') or '?' in page:
            raise refusal(41030, "the page begins with a slash or has a query")
        return _answer(app, f'unlimited {scene} {page}', picture, kind='unlimited', scene=scene,
                       page=page, env_version=environment, width=picture[0])


def limited(world, request):
    """POST /wxa/getwxacode."""
    body = require_post_json(request)
    with world.lock:
        app = check_miniprogram(world, request)
        only(body, 'path', *_PICTURE)
        path = text(body, 'path', 40159)
        if len(path) > 1024 or not path.isascii():
            raise refusal(40159, "the path has at most 1024 ASCII characters")
        picture, environment = _picture(body), _environment(body)
        _page(app, path, 40159, environment, query=True)
        if app.code_count >= app.code_limit:
            raise refusal(45029, "all codes of this kind are used up, for ever")
        app.code_count += 1
        answer = _answer(app, f'limited {path}', picture, kind='limited', path=path,
                         env_version=environment, width=picture[0])
        answer.set('Num-Used', str(app.code_count))
        return answer


# === Links === #

def _target(app, body):
    """:return: the checked path, query and environment of a link."""
    environment = _environment(body, 85402)
    path = text(body, 'path', 40165, required=False)
    query = text(body, 'query', 40212, required=False)
    if len(query) > 1024 or not _QUERY.fullmatch(query):
        raise refusal(40212, "the query has at most 1024 characters of an address")
    if not app.published:
        raise refusal(85079, "no version is published")
    if path:
        _page(app, path, 40165, environment)
    return {'path': path, 'query': query, 'env_version': environment}


def _expiry(world, body):
    """:return: when a link ends, in seconds since the epoch."""
    kind = body.get('expire_type', 0)
    now = world.clock.now()
    if kind not in (0, 1) or isinstance(kind, bool):
        raise refusal(85401, "expire_type is 0 or 1")
    value = body.get('expire_interval' if kind else 'expire_time')
    if value is None and not kind:
        return now + _LONGEST
    if type(value) is not int:
        raise refusal(85401, "expire_interval or expire_time is missing or no number")
    until = now + value * 86400 if kind else value
    if not now < until <= now + _LONGEST:
        raise refusal(85401, "a link lives at most 30 days")
    return until


_EXPIRY = ('expire_type', 'expire_time', 'expire_interval')


def url_link(world, request):
    """POST /wxa/generate_urllink."""
    body = require_post_json(request)
    with world.lock:
        app = check_miniprogram(world, request)
        only(body, 'path', 'query', 'env_version', *_EXPIRY)
        target, until = _target(app, body), _expiry(world, body)
        link = f'https://wxaurl.cn/{secrets.token_urlsafe(8)}'
        app.links.append({'kind': 'url_link', 'link': link, 'until': until, **target})
        return {'errcode': 0, 'errmsg': 'ok', 'url_link': link}


def scheme(world, request):
    """POST /wxa/generatescheme."""
    body = require_post_json(request)
    with world.lock:
        app = check_miniprogram(world, request)
        only(body, 'jump_wxa', 'is_expire', *_EXPIRY)
        jump = body.get('jump_wxa', {})
        if not isinstance(jump, dict):
            raise refusal(47001, "jump_wxa is {path, query, env_version}")
        only(jump, 'path', 'query', 'env_version')
        target = _target(app, jump)
        if not isinstance(body.get('is_expire', False), bool):
            raise refusal(47001, "is_expire is true or false")
        until = _expiry(world, body)
        link = f'weixin://dl/business/?t={secrets.token_urlsafe(9)}'
        app.links.append({'kind': 'scheme', 'link': link, 'until': until, **target})
        return {'errcode': 0, 'errmsg': 'ok', 'openlink': link}


def short_link(world, request):
    """POST /wxa/genwxashortlink."""
    body = require_post_json(request)
    with world.lock:
        app = check_miniprogram(world, request)
        only(body, 'page_url', 'page_title', 'is_permanent')
        page_url = text(body, 'page_url', 40165)
        title = text(body, 'page_title', required=False)
        permanent = body.get('is_permanent', False)
        if not isinstance(permanent, bool):
            raise refusal(47001, "is_permanent is true or false")
        if len(title) > 20:
            raise refusal(40097, "page_title has at most 20 characters")
        if len(page_url) > 1024 or not page_url.isascii():
            raise refusal(40165, "page_url has at most 1024 ASCII characters")
        if not app.published:
            raise refusal(85079, "no version is published")
        _page(app, page_url, 40165, 'release', query=True)
        link = f"#小程序://{title or 'sandbox'}/{secrets.token_urlsafe(11)}"
        until = None if permanent else world.clock.now() + _LONGEST
        app.links.append({'kind': 'short_link', 'link': link, 'until': until,
                          'page_url': page_url, 'page_title': title})
        return {'errcode': 0, 'errmsg': 'ok', 'link': link}


PATHS = {
    '/wxa/getwxacodeunlimit': unlimited,
    '/wxa/getwxacode': limited,
    '/wxa/generate_urllink': url_link,
    '/wxa/generatescheme': scheme,
    '/wxa/genwxashortlink': short_link,
}
