# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Third-party platforms: what they are, their events, and who has authorised them
(wechat-platform.md 11)."""

import secrets
import threading
from dataclasses import dataclass, field

from . import push
from .notifications import deliver
from .world import Refusal

AUTH_CODE_LIFETIME = 3600
PUSH_DELAY = 0.2
MINIPROGRAM_SCOPES, ACCOUNT_SCOPES = [17, 18, 19, 25, 30], [1, 2, 3, 4, 11, 15]


@dataclass
class PreAuthCode:
    """What one authorisation page is opened with."""

    code: str
    expires: float
    used: bool = False


@dataclass
class AuthCode:
    """What an account's administrator has allowed, until the component asks for it."""

    code: str
    appid: str
    pre_auth_code: str
    expires: float
    used: bool = False


@dataclass
class Authorizer:
    """An account that has authorised the component."""

    appid: str
    refresh_token: str
    scopes: list
    auth_time: float


@dataclass
class Component:
    """The state of one third-party platform. `page_domain` None: any domain is registered."""

    appid: str
    event_url: str = ''
    page_domain: str | None = None
    pushes_tickets: bool = True
    rotates_refresh_tokens: bool = False
    tickets: dict = field(default_factory=dict)
    token: str = ''
    component_tokens: dict = field(default_factory=dict)
    pre_auth_codes: dict = field(default_factory=dict)
    auth_codes: dict = field(default_factory=dict)
    authorizers: dict = field(default_factory=dict)
    events: list = field(default_factory=list)


def component_of(world, appid):
    """:return: the `Component` of an app, made when first asked for.
    :raise Refusal: there is no such component
    """
    with world.lock:
        app = world.apps.get(appid)
        if not app or app.app_type != 'component':
            raise Refusal(f"there is no component {appid!r}")
        return world.components.setdefault(appid, Component(appid))


# === Events === #

def new_ticket(world, component):
    """:return: a new ticket."""
    with world.lock:
        ticket = f'ticket@@@{secrets.token_urlsafe(60)}'
        component.tickets[ticket] = world.clock.now()
        return ticket


def push_event(world, component, fields, *, defect=None, urls=None, repeat=1):
    """Push an event to the component's event URL.

    :param dict fields: InfoType and what belongs to it
    :param str defect: one of `push.DEFECTS`
    :param list urls: other addresses, taken in turn
    :return: list of dict `status`, `body`, `seconds`, `problem`
    :raise Refusal: nothing was entered in the component's console
    """
    config = world.push_configs.get(component.appid)
    if not config or not component.event_url:
        raise Refusal("the component's console has no event URL; see component_config")
    message = {'AppId': component.appid, 'CreateTime': int(world.clock.now()), **fields}
    urls, outcomes = urls or [component.event_url], []
    for number in range(repeat):
        query, body = push.make(world, config, message, defect)
        outcome = deliver(
            push.with_query(urls[number % len(urls)], query),
            [('Content-Type', 'text/xml'), ('User-Agent', 'Mozilla/4.0'), ('Accept', '*/*')],
            body, world.settings['push_limit'],
        )
        good = outcome['status'] == 200 and outcome['body'] == 'success'
        outcome['problem'] = None if good else f"{outcome['status']}: the answer is not success"
        outcomes.append(outcome)
    with world.lock:
        component.events.append({'fields': message, 'outcomes': outcomes})
    return outcomes


def push_ticket(world, component, **options):
    """:return: (the fields of a ticket's event, what became of its deliveries)."""
    fields = {
        'InfoType': 'component_verify_ticket',
        'ComponentVerifyTicket': new_ticket(world, component),
    }
    return fields, push_event(world, component, fields, **options)


def later(function, *arguments):
    """Call a function in a moment, beside the request."""
    timer = threading.Timer(PUSH_DELAY, function, arguments)
    timer.daemon = True
    timer.start()


# === Authorisations === #

def authorize(world, component, pre_auth_code, appid, scopes=None):
    """An administrator allows the component to act for an account.

    :param PreAuthCode pre_auth_code: what the page was opened with; it is used up
    :return: (the `AuthCode`, the InfoType of the event; None if WeChat sends none)
    """
    with world.lock:
        kind = world.apps[appid].app_type
        scopes = scopes or (MINIPROGRAM_SCOPES if kind == 'miniprogram' else ACCOUNT_SCOPES)
        before = component.authorizers.get(appid)
        pre_auth_code.used = True
        # A new authorisation replaces the refresh token.
        component.authorizers[appid] = Authorizer(
            appid, f'refreshtoken@@@{secrets.token_urlsafe(32)}', list(scopes), world.clock.now())
        code = AuthCode(
            f'queryauthcode@@@{secrets.token_urlsafe(48)}', appid, pre_auth_code.code,
            world.clock.now() + AUTH_CODE_LIFETIME)
        component.auth_codes[code.code] = code
        info_type = 'authorized' if not before else (
            None if before.scopes == list(scopes) else 'updateauthorized')
        return code, info_type


def event_of(code, info_type):
    """:return: the fields of the event that tells of an authorisation (dict)."""
    return {
        'InfoType': info_type,
        'AuthorizerAppid': code.appid,
        'AuthorizationCode': code.code,
        'AuthorizationCodeExpiredTime': int(code.expires),
        'PreAuthCode': code.pre_auth_code,
    }


def unauthorize(world, component, appid):
    """An administrator ends the authorisation: its tokens are dead."""
    with world.lock:
        if appid not in component.authorizers:
            raise Refusal(f"{appid} has not authorised this component")
        del component.authorizers[appid]
        for token in world.tokens.values():
            if token.appid == appid and token.kind == token_kind(component):
                token.revoked = True


def token_kind(component):
    """:return: what the tokens are called that accounts have by this component."""
    return f'component {component.appid}'
