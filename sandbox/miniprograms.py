# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What a mini-program has beside an AppID: pages, codes, links, templates, consents, checks."""

import secrets
from dataclasses import dataclass, field

from .accounts import TEMPLATE_KEY
from .platform import MESSAGES as PLATFORM_MESSAGES
from .platform import PlatformError, check_token

MESSAGES = {
    **PLATFORM_MESSAGES,
    40037: "template_id 不正确",
    40129: "invalid scene",
    40159: "invalid path",
    40165: "invalid weapp pagepath",
    40169: "invalid scene or page length",
    40212: "invalid query",
    41030: "invalid page hint",
    43101: "user refuse to accept the msg",
    43104: "this appid does not match with openid",
    43107: "subscribe message ability is banned",
    43108: "concurrent limit of sending to the same user",
    44991: "out of minute limit",
    45029: "qrcode count out of limit",
    45168: "sensitive words in the message",
    47003: "argument invalid!",
    48001: "api unauthorized",
    61010: "user not active in the last two hours",
    85079: "the mini-program is not published",
    85096: "scancode_time is a reserved parameter",
    85401: "invalid expire time",
    85402: "invalid env_version",
    85406: "visits of the day used up",
    87020: "invalid media_type",
}
ONE_TIME, LONG_TERM = 2, 3
CODE_LIMIT = 100_000


def refusal(errcode, why, errmsg=None):
    """:return: the `PlatformError` of a mini-program's call."""
    return PlatformError(errcode, why, errmsg or MESSAGES.get(errcode))


@dataclass
class SubscribeTemplate:
    """A template of subscribe messages; `enums` maps a key to the values it takes."""

    template_id: str
    title: str
    content: str
    example: str = ''
    type: int = ONE_TIME
    enums: dict = field(default_factory=dict)
    banned: bool = False

    @property
    def keys(self):
        """:return: the keys that a message must fill, in order."""
        return list(dict.fromkeys(TEMPLATE_KEY.findall(self.content)))


@dataclass
class MediaCheck:
    """A picture or sound that is being checked; `url` is where it is."""

    trace_id: str
    openid: str
    media_url: str
    media_type: int
    scene: int
    reported: list = field(default_factory=list)


@dataclass
class Miniprogram:
    """The state of one mini-program. `pages` None: every page there could be is published."""

    appid: str
    pages: list | None = None
    published: bool = True
    code_count: int = 0
    code_limit: int = CODE_LIMIT
    codes: list = field(default_factory=list)
    links: list = field(default_factory=list)
    templates: dict = field(default_factory=dict)
    consents: dict = field(default_factory=dict)
    refusing: set = field(default_factory=set)
    messages: list = field(default_factory=list)
    ability_banned: bool = False
    answers_msgid: bool = True
    sending: set = field(default_factory=set)
    sending_seconds: float = 0.0
    risky_words: list = field(default_factory=lambda: ["违禁"])
    review_words: list = field(default_factory=lambda: ["疑似"])
    checks: dict = field(default_factory=dict)
    active: dict = field(default_factory=dict)

    def has_page(self, page):
        """:return: whether a page is in the published version."""
        return self.published and (self.pages is None or page in self.pages)

    def add_template(self, title, content, template_id=None, example='', type=ONE_TIME, enums=None):
        """:return: a new `SubscribeTemplate`."""
        template_id = template_id or secrets.token_urlsafe(32)
        self.templates[template_id] = SubscribeTemplate(
            template_id, title, content, example, type, enums or {},
        )
        return self.templates[template_id]


def miniprogram_of(world, appid):
    """:return: the `Miniprogram` of an app, made when first asked for."""
    with world.lock:
        return world.miniprograms.setdefault(appid, Miniprogram(appid))


def check_miniprogram(world, request):
    """Check the token and that it is a mini-program's.

    :return: the `Miniprogram`
    """
    app = check_token(world, request)
    if app.app_type != 'miniprogram':
        raise refusal(48001, f"{app.appid} is a {app.app_type}, not a mini-program")
    return miniprogram_of(world, app.appid)


def text(body, name, errcode=40097, required=True):
    """Return a member of a body that must be text.

    :return: the text; '' if it is missing and may be
    """
    value = body.get(name)
    if value is None and not required:
        return ''
    if not isinstance(value, str) or (required and not value):
        raise refusal(errcode, f"{name} is missing or not text")
    return value


def only(body, *names):
    """Refuse members that the call does not have."""
    unknown = sorted(set(body) - set(names))
    if unknown:
        raise refusal(47001, f"unknown member {', '.join(unknown)}")
