# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Customer-service messages and the time in which they may be sent (wechat-platform.md 6.4)."""

from dataclasses import dataclass

from .platform import PlatformError, check_token, require_post_json

DAY = 86400
USER_MESSAGE = (2 * DAY, 5)  # seconds, messages
USER_ACTION = (60, 3)
ACTIONS = ('subscribe', 'scan', 'click')
TYPING_AFTER = 30
LONGEST_TEXT = 2048  # bytes
MESSAGES = {
    40003: "invalid openid",
    40008: "invalid message type",
    44004: "empty content",
    45002: "content size out of limit",
    45015: "response out of time limit or subscription is canceled",
    45047: "out of response count limit",
    45072: "invalid command",
    45080: "no message in the last 30 seconds",
    45081: "typing already",
    48001: "api unauthorized",
}
# msgtype -> (what it must have, what it may have, the types of app that may send it)
_BOTH, _ACCOUNT, _MINIPROGRAM = (
    ('miniprogram', 'official_account'), ('official_account',), ('miniprogram',),
)
TYPES = {
    'text': ({'content'}, set(), _BOTH),
    'image': ({'media_id'}, set(), _BOTH),
    'link': ({'title', 'description', 'url', 'thumb_url'}, set(), _MINIPROGRAM),
    'miniprogrampage': ({'title', 'pagepath', 'thumb_media_id'}, {'appid'}, _BOTH),
    'voice': ({'media_id'}, set(), _ACCOUNT),
    'video': ({'media_id'}, {'thumb_media_id', 'title', 'description'}, _ACCOUNT),
    'music': ({'musicurl', 'hqmusicurl', 'thumb_media_id'}, {'title', 'description'}, _ACCOUNT),
    'news': ({'articles'}, set(), _ACCOUNT),
    'mpnewsarticle': ({'article_id'}, set(), _ACCOUNT),
    'msgmenu': ({'head_content', 'list'}, {'tail_content'}, _ACCOUNT),
    'wxcard': ({'card_id'}, set(), _ACCOUNT),
}


@dataclass
class Window:
    """How long and how often an app may write to somebody."""

    expires: float
    left: int


def refusal(errcode, why):
    """:return: the `PlatformError` of a customer-service call."""
    return PlatformError(errcode, why, MESSAGES.get(errcode))


def open_window(world, appid, message):
    """Somebody did something: the app may write to them for a while."""
    event = str(message.get('Event', '')).lower()
    kind = message.get('MsgType')
    if kind == 'event' and event not in ACTIONS or not kind:
        return
    seconds, count = USER_ACTION if kind == 'event' else USER_MESSAGE
    with world.lock:
        now, key = world.clock.now(), (appid, message.get('FromUserName'))
        windows = world.chat_windows.setdefault(key, {})
        windows[kind == 'event'] = Window(now + seconds, count)
        if kind != 'event':
            world.chat_times[key] = now


def _receiver(world, request, body):
    """Check app and openid.

    :return: (`App`, openid)
    """
    app = check_token(world, request)
    if app.app_type not in _BOTH:
        raise refusal(48001, f"an app of type {app.app_type} has no customer service")
    openid = body.get('touser')
    if not isinstance(openid, str) or not world.user_of_openid(openid, app.appid):
        raise refusal(40003, "touser is missing or no openid of this app")
    return app, openid


def send(world, request):
    """POST /cgi-bin/message/custom/send."""
    body = require_post_json(request)
    with world.lock:
        app, openid = _receiver(world, request, body)
        kind = body.get('msgtype')
        if kind not in TYPES or app.app_type not in TYPES[kind][2]:
            raise refusal(40008, f"a {app.app_type} has no message of type {kind!r}")
        unknown = set(body) - {'touser', 'msgtype', kind, 'customservice', 'aimsgcontext'}
        if unknown:
            raise refusal(47001, f"unknown member {', '.join(sorted(unknown))}")
        _check_content(kind, body.get(kind))
        now = world.clock.now()
        windows = [
            window for window in world.chat_windows.get((app.appid, openid), {}).values()
            if now <= window.expires
        ]
        if not windows:
            raise refusal(45015, "the person did nothing in time to be answered")
        window = next((item for item in windows if item.left), None)
        if not window:
            raise refusal(45047, "all messages of the time were sent")
        window.left -= 1
        world.customer_messages.append({'appid': app.appid, 'time': now, **body})
        world.chat_typing.discard((app.appid, openid))
        return {'errcode': 0, 'errmsg': 'ok'}


def _check_content(kind, content):
    required, optional, _types = TYPES[kind]
    if not isinstance(content, dict):
        raise refusal(47001, f"{kind} is missing or no object")
    if not required <= set(content) <= required | optional:
        raise refusal(47001, f"{kind} must have {', '.join(sorted(required))}")
    if kind == 'news':
        articles = content['articles']
        if not isinstance(articles, list) or len(articles) != 1:
            raise refusal(47001, "articles must be a list of one")
        if not isinstance(articles[0], dict) or not articles[0].get('title'):
            raise refusal(47001, "the article has no title")
        return
    for name in required - {'list'}:
        if not isinstance(content[name], str):
            raise refusal(47001, f"{name} must be text")
        if not content[name]:
            raise refusal(44004, f"{name} is empty")
    if kind == 'text' and len(content['content'].encode()) > LONGEST_TEXT:
        raise refusal(45002, "the text is longer than 2048 bytes")


def typing(world, request):
    """POST /cgi-bin/message/custom/typing."""
    body = require_post_json(request)
    with world.lock:
        app, openid = _receiver(world, request, body)
        key = app.appid, openid
        if body.get('command') not in ('Typing', 'CancelTyping'):
            raise refusal(45072, "command must be Typing or CancelTyping")
        if body['command'] == 'CancelTyping':
            world.chat_typing.discard(key)
        else:
            if world.clock.now() - world.chat_times.get(key, 0) > TYPING_AFTER:
                raise refusal(45080, "the person wrote nothing in the last 30 seconds")
            if key in world.chat_typing:
                raise refusal(45081, "it is shown already")
            world.chat_typing.add(key)
        return {'errcode': 0, 'errmsg': 'ok'}


PATHS = {
    '/cgi-bin/message/custom/send': send,
    '/cgi-bin/message/custom/typing': typing,
}
