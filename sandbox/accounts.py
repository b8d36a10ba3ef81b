# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What an official account has beside an AppID: followers, templates, a menu, materials."""

import re
import secrets
from dataclasses import dataclass, field

from .platform import PlatformError, check_token

FOLLOWER_PAGE = 10000
TEMPLATE_KEY = re.compile(r'\{\{(\w+)\.DATA\}\}', re.ASCII)
DELIVERIES = ('success', 'failed:user block', 'failed: system failed')

MESSAGES = {
    40004: "invalid media type",
    40005: "invalid file type",
    40007: "invalid media_id",
    40009: "invalid image size",
    40016: "invalid button size",
    40017: "invalid button type",
    40018: "invalid button name size",
    40019: "invalid button key size",
    40020: "invalid button url size",
    40022: "invalid sub button level",
    40023: "invalid sub button size",
    40024: "invalid sub button type",
    40025: "invalid sub button name size",
    40026: "invalid sub button key size",
    40027: "invalid sub button url size",
    40032: "invalid openid list size",
    40037: "invalid template_id",
    40054: "invalid sub button url domain",
    40055: "invalid button url domain",
    40165: "invalid weapp pagepath",
    40166: "invalid weapp appid",
    41005: "media data missing",
    43004: "require subscribe",
    43101: "user refuse to accept the msg",
    46003: "menu no exist",
    47003: "argument invalid!",
    48001: "api unauthorized",
}


def refusal(errcode, why, errmsg=None):
    """:return: the `PlatformError` of an official account's call."""
    return PlatformError(errcode, why, errmsg or MESSAGES.get(errcode))


@dataclass
class Template:
    """A template message of an account."""

    template_id: str
    title: str
    content: str
    example: str = ''

    @property
    def keys(self):
        """:return: the keys that a message must fill, in order."""
        return list(dict.fromkeys(TEMPLATE_KEY.findall(self.content)))


@dataclass
class Account:
    """The state of one official account."""

    appid: str
    templates: dict = field(default_factory=dict)
    followers: dict = field(default_factory=dict)
    refusing: set = field(default_factory=set)
    messages: list = field(default_factory=list)
    materials: dict = field(default_factory=dict)
    menu: dict | None = None
    follower_page: int = FOLLOWER_PAGE
    delivery: str = 'success'

    def add_template(self, title, content, template_id=None, example=''):
        """:return: a new `Template`."""
        template_id = template_id or secrets.token_urlsafe(32)
        self.templates[template_id] = Template(template_id, title, content, example)
        return self.templates[template_id]


def account_of(world, appid):
    """:return: the `Account` of an app, made when first asked for."""
    with world.lock:
        return world.accounts.setdefault(appid, Account(appid))


def check_account(world, request):
    """Check the token and that it is an official account's.

    :return: the `Account`
    """
    app = check_token(world, request)
    if app.app_type != 'official_account':
        raise refusal(48001, f"{app.appid} is a {app.app_type}, not an official account")
    return account_of(world, app.appid)
