# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""mp.weixin.qq.com: the pages on which an administrator lets a third-party platform act for an
account (wechat-platform.md 11.2)."""

from contextlib import suppress
from dataclasses import dataclass
from html import escape
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from . import components
from .messages import Answer
from .oauth_page import _html
from .page_texts import choose
from .world import Refusal

DESKTOP, PHONE = '/cgi-bin/componentloginpage', '/safe/bindcomponent'
PATHS = frozenset({DESKTOP, PHONE})
PARAMETERS = ('component_appid', 'pre_auth_code', 'redirect_uri', 'auth_type')
PHONE_PARAMETERS = {'action': 'bindcomponent', 'no_scan': '1'}
ACCOUNTS, MINIPROGRAMS = 'official_account', 'miniprogram'
AUTH_TYPES = {'1': (ACCOUNTS,), '2': (MINIPROGRAMS,), '3': (ACCOUNTS, MINIPROGRAMS)}

TEXTS = {
    'en': {
        'title': "WeChat",
        'wants': "The third-party platform {appid} wants to act for your account",
        'account': "Which account",
        'none': "There is no account of this kind.",
        'allow': "Authorise",
        'refuse': "Refuse",
        'refused': "This page cannot be opened",
        'stays': "You refused. WeChat stays on this page.",
        'sandbox': "A sandbox: nobody real is authorised here.",
    },
    'zh': {
        'title': "微信公众平台",
        'wants': "第三方平台{appid}申请管理您的账号",
        'account': "账号",
        'none': "没有此类账号。",
        'allow': "授权",
        'refuse': "拒绝",
        'refused': "无法打开此页面",
        'stays': "您已拒绝，微信停留在此页面。",
        'sandbox': "沙盒环境，没有真实账号会被授权。",
    },
}


@dataclass
class Request:
    """What a third-party platform asks an administrator for."""

    component: components.Component
    pre_auth_code: components.PreAuthCode
    redirect_uri: str
    app_types: tuple


def read_page(world, path, query, referer):
    """Check the address of an authorisation page as WeChat does.

    :param str path: one of `PATHS`
    :param str query: the raw query
    :param referer: the page that the browser comes from; None if it does not say
    :return: the `Request`
    :raise Refusal: what WeChat's error page would say
    """
    pairs = [item.partition('=')[::2] for item in query.split('&') if item]
    values = {name: unquote(value) for name, value in pairs}
    for name in PARAMETERS:
        if not values.get(name):
            raise Refusal(f"{name} is missing")
    unknown = set(values) - set(PARAMETERS) - set(PHONE_PARAMETERS if path == PHONE else ())
    if unknown:
        raise Refusal(f"unknown parameter {', '.join(sorted(unknown))}")
    if path == PHONE and any(values.get(name) != one for name, one in PHONE_PARAMETERS.items()):
        raise Refusal("action must be bindcomponent and no_scan 1")
    component = components.component_of(world, values['component_appid'])
    _check_domains(component, values['redirect_uri'], referer)
    code = component.pre_auth_codes.get(values['pre_auth_code'])
    if not code:
        raise Refusal("this pre_auth_code was not given to this component")
    if code.used:
        raise Refusal("this pre_auth_code was used before")
    if world.clock.now() > code.expires:
        raise Refusal("this pre_auth_code has expired")
    if values['auth_type'] not in AUTH_TYPES:
        raise Refusal("auth_type must be 1, 2 or 3")
    raw = dict(pairs)['redirect_uri']
    if quote(values['redirect_uri'], safe='').lower() != raw.lower():
        raise Refusal("redirect_uri is not percent-encoded as a whole")
    return Request(component, code, values['redirect_uri'], AUTH_TYPES[values['auth_type']])


def _check_domains(component, redirect_uri, referer):
    """Refuse pages and returns elsewhere than on the authorisation initiating domain."""
    host = _host(referer)
    if not host:
        raise Refusal("请确认授权入口页所在域名: the entry domain is empty (there is no Referer)")
    if not _host(redirect_uri):
        raise Refusal("redirect_uri is no complete web address")
    if component.page_domain is not None and component.page_domain not in (
        host, f'{host}:{urlsplit(referer).port}',
    ):
        raise Refusal(f"the entry domain {host} is not the one of the component's console")


def _host(address):
    parts = None
    with suppress(ValueError):
        parts = urlsplit(address or '')
    return parts.hostname if parts and parts.scheme in ('http', 'https') else None


def allow(world, asked, appid, scopes=None):
    """The administrator of an account says yes.

    :param Request asked: what :func:`read_page` returned
    :return: (the address WeChat goes to, the `AuthCode`, the InfoType of the event or None)
    """
    app = world.apps.get(appid)
    if not app or app.app_type not in asked.app_types:
        raise Refusal(f"{appid!r} is no account of the kind that was asked for")
    code, info_type = components.authorize(
        world, asked.component, asked.pre_auth_code, appid, scopes)
    base, mark, fragment = asked.redirect_uri.partition('#')
    values = urlencode({'auth_code': code.code, 'expires_in': components.AUTH_CODE_LIFETIME})
    return f"{base}{'&' if '?' in base else '?'}{values}{mark}{fragment}", code, info_type


def serve(sandbox, request):
    """:return: the `Answer` to an authorisation page: GET shows it, POST is what was tapped."""
    world = sandbox.world
    request.route = request.path
    texts = TEXTS[choose(None, request.one('Accept-Language'))]
    if request.method not in ('GET', 'HEAD', 'POST'):
        return Answer(405)
    try:
        with world.lock:
            asked = read_page(world, request.path, request.query, request.one('Referer'))
            if request.method == 'POST':
                return _decide(world, request, asked, texts)
            return _show(world, asked, texts)
    except Refusal as error:
        request.problems.append(str(error))
        return _html(texts, f'<h2>{escape(texts["refused"])}</h2><p>{escape(str(error))}</p>', 400)


def _decide(world, request, asked, texts):
    form = dict(parse_qsl(request.body.decode('utf-8', 'replace'), keep_blank_values=True))
    if form.get('decision') != 'allow':
        return _html(texts, f'<p>{escape(texts["stays"])}</p>')
    address, code, info_type = allow(world, asked, form.get('account'))
    if info_type and asked.component.event_url:
        components.later(
            components.push_event, world, asked.component,
            components.event_of(code, info_type),
        )
    return Answer(302, b'', [('Location', address), ('Cache-Control', 'no-store')])


def _show(world, asked, texts):
    accounts = ''.join(
        f'<option value="{escape(app.appid)}">{escape(app.appid)} ({escape(app.app_type)})</option>'
        for app in world.apps.values() if app.app_type in asked.app_types
    )
    if not accounts:
        raise Refusal(texts['none'])
    return _html(texts, f"""<h2>{escape(texts['wants'].format(appid=asked.component.appid))}</h2>
<form method="post" autocomplete="off">
<p><label for="account">{escape(texts['account'])}</label>
<select id="account" name="account">{accounts}</select></p>
<button class="main" name="decision" value="allow">{escape(texts['allow'])}</button>
<button class="quiet" name="decision" value="refuse">{escape(texts['refuse'])}</button>
</form>""")
