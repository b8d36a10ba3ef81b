# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The web page `GET /`: what a person would see on phones, and the last requests.

The part that changes is fetched anew every few seconds (`/?part=live`); forms stand outside it.
"""

import json
from html import escape
from pathlib import Path
from urllib.parse import quote

from .clock import rfc3339
from .messages import Answer
from .notifications import accepted
from .page_texts import LANGUAGES, choose
from .problems_zh import translate
from .refunds import NEXT

_STATIC = Path(__file__).parent / 'static'
_FILES = {
    '/_page/page.css': ('page.css', 'text/css; charset=utf-8'),
    '/_page/page.js': ('page.js', 'text/javascript; charset=utf-8'),
}
PATHS = {'/', '/favicon.ico', *_FILES}
_SHOWN_REQUESTS = 40
_SHOWN_ORDERS = 20
_OPEN = ('NOTPAY', 'USERPAYING')
_SCRIPT_TEXTS = (
    'paying', 'sending', 'paid_accepted', 'paid_refused', 'paid_silent', 'sent_accepted',
    'sent_refused', 'sent_silent', 'refund_accepted', 'refund_refused', 'refund_silent',
    'refund_untold', 'failed', 'gone', 'code_is',
)


def serve(sandbox, request):
    """:return: the `Answer` to a path of the page."""
    if request.method not in ('GET', 'HEAD'):
        return Answer(405)
    if request.path in _FILES:
        name, kind = _FILES[request.path]
        return _answer((_STATIC / name).read_bytes(), kind)
    if request.path != '/':
        return Answer(404)
    values = request.params()
    language = choose(values.get('lang'), request.one('Accept-Language'))
    texts = LANGUAGES[language]
    live = _live(sandbox, texts)
    html = live if values.get('part') == 'live' else _whole(texts, language, live)
    return _answer(html.encode(), 'text/html; charset=utf-8')


def _answer(body, kind):
    return Answer(200, body, [
        ('Content-Type', kind),
        ('Cache-Control', 'no-store'),
        ('Content-Security-Policy', "default-src 'self'; img-src 'self' data:"),
        ('X-Content-Type-Options', 'nosniff'),
    ])


def _whole(texts, language, live):
    other = 'en' if language == 'zh' else 'zh'
    words = json.dumps({name: texts[name] for name in _SCRIPT_TEXTS}, ensure_ascii=False)
    return f"""<!doctype html>
<html lang="{'zh-CN' if language == 'zh' else 'en'}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(texts['title'])}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/_page/page.css">
<script src="/_page/page.js" defer></script>
</head>
<body data-texts="{escape(words)}" data-language="{language}">
<header>
<h1>{escape(texts['title'])}</h1>
<p>{escape(texts['intro'])}</p>
<a href="/miniprogram?lang={language}">{escape(texts['miniprogram'])}</a>
<a href="/phone?lang={language}">{escape(texts['phone'])}</a>
<a href="/?lang={other}" lang="{other}">{escape(texts['other_language'])}</a>
</header>
<div id="outcome" role="status" hidden>
<span></span><button type="button" class="quiet">{escape(texts['close'])}</button>
</div>
<form id="new-user" autocomplete="off">
<input name="nickname" maxlength="40" placeholder="{escape(texts['nickname'])}"
 aria-label="{escape(texts['nickname'])}">
<button>{escape(texts['add_user'])}</button>
</form>
<div id="live">{live}</div>
</body>
</html>
"""


def _live(sandbox, texts):
    world = sandbox.world
    log = sandbox.log.view()['requests'][-_SHOWN_REQUESTS:]
    waiting = [item for item in sandbox.faults.list() if item['times'] != 0]
    with world.lock:
        orders = [world.settle(order) for order in reversed(world.orders.values())]
        now = world.clock.now()
        open_orders = [item for item in orders if item.state in _OPEN]
        done = [item for item in orders if item.state not in _OPEN][:_SHOWN_ORDERS]
        banners = []
        if world.clock.offset:
            banners.append(texts['clock'].format(offset=f'{world.clock.offset:+.0f}'))
        if waiting:
            banners.append(texts['faults'].format(count=len(waiting)))
        banner = f'<p class="banner">{escape(" ".join(banners))}</p>' if banners else ''
        phone = [
            f'<h2>{escape(texts["to_pay"])}</h2>',
            *[_order(world, order, texts, now) for order in open_orders],
        ]
        if not open_orders:
            phone.append(f'<p class="empty">{escape(texts["nothing_to_pay"])}</p>')
        if done:
            phone.append(f'<h2>{escape(texts["done"])}</h2>')
            phone += [_order(world, order, texts, now) for order in done]
        phone.append(f'<h2>{escape(texts["users"])}</h2>')
        phone += [_user(world, user, texts) for user in world.users.values()]
        if not world.users:
            phone.append(f'<p class="empty">{escape(texts["nobody"])}</p>')
        accounts = _accounts(world, texts)
    return (
        f'{banner}<div class="columns"><section class="phone">{"".join(phone)}</section>'
        f'<section class="desk">{_requests(log, texts)}{accounts}</section></div>'
    )


def _facts(pairs):
    rows = ''.join(
        f'<dt>{escape(name)}</dt><dd>{escape(str(value))}</dd>' for name, value in pairs
    )
    return f'<dl>{rows}</dl>'


def _order(world, order, texts, now):
    state = 'EXPIRED' if order.state == 'NOTPAY' and now > order.pay_until else order.state
    user = world.user_of_openid(order.openid, order.appid)
    facts = [
        (texts['number'], order.out_trade_no),
        (texts['merchant'], order.mchid),
        (texts['app'], order.appid),
        (texts['created'], _moment(order.created)),
        (texts['pay_until'], _moment(order.pay_until)),
        (texts['notify_url'], order.notify_url),
    ]
    if order.paid:
        facts[4] = (texts['success_time'], _moment(order.success_time))
        facts.append((texts['transaction'], order.transaction_id))
    sent = ''.join(
        f'<li>{escape(_moment_text(item["time"]))} '
        f'<b class="{"good" if accepted(item) else "bad"}">'
        f'{item["status"] or escape(texts["no_answer"])}</b> {escape(item["body"][:200])}</li>'
        for item in order.notifications
    )
    name = escape(f'{order.product} · {user.nickname if user else order.openid or "—"}')
    data = f'data-mchid="{escape(order.mchid)}" data-number="{escape(order.out_trade_no)}"'
    button = ''
    if state == 'NOTPAY':
        button = f'<button type="button" class="pay" {data}>{escape(texts["pay"])}</button>'
    elif order.paid and order.notify_url:
        button = (
            f'<button type="button" class="resend quiet" {data}>{escape(texts["resend"])}</button>'
        )
    if state == 'NOTPAY' and order.code_url:
        button += (
            f'<a class="button quiet" href="/phone?lang={texts["code"]}&amp;link='
            f'{escape(quote(order.code_url, safe=""))}">'
            f'{escape(texts["scan"])}</a>'
        )
    mark = texts['state_' + state]
    refused = order.notifications and not accepted(order.notifications[-1])
    if refused:
        mark += texts['not_accepted']
    key = escape(f'order-{order.mchid}-{order.out_trade_no}')
    return (
        f'<article class="order {state.lower()}"><div class="line"><div>'
        f'<strong class="amount">¥{order.total // 100}.{order.total % 100:02d}</strong>'
        f'<span class="state{" bad" if refused else ""}">{escape(mark)}</span>'
        f'<p>{escape(order.description)}</p><p class="payer">{name}</p></div>'
        f'<div class="buttons">{button}</div></div>{_refunds(order, texts)}'
        f'<details id="{key}"><summary>{escape(texts["details"])}</summary>'
        f'{_facts(facts)}<p>{escape(texts["notifications"])}: '
        f'{"" if sent else escape(texts["none"])}</p><ul>{sent}</ul></details></article>'
    )


def _refunds(order, texts):
    rows = ''
    for refund in order.refunds:
        data = f'data-mchid="{escape(order.mchid)}" data-number="{escape(refund.out_refund_no)}"'
        buttons = ''.join(
            f'<button type="button" class="refund quiet" {data} data-status="{status}">'
            f'{escape(texts["refund_" + status])}</button>'
            for status in NEXT.get(refund.state, ())
        )
        state = texts['refunded_' + refund.state]
        rows += (
            f'<div class="refund-line"><p>{escape(texts["refund"])} '
            f'<strong>¥{refund.amount // 100}.{refund.amount % 100:02d}</strong>'
            f'<span class="state">{escape(state)}</span></p>'
            f'<p class="appid">{escape(refund.out_refund_no)}</p>'
            f'<div class="buttons">{buttons}</div></div>'
        )
    return rows


def _user(world, user, texts):
    rows = ''.join(
        f'<div class="line"><div><span class="appid">{escape(appid)}</span>'
        f'<code>{escape(world.openid(user, appid))}</code></div>'
        f'<button type="button" class="code quiet" data-appid="{escape(appid)}" '
        f'data-user="{escape(user.user)}" data-name="{escape(user.nickname)}">'
        f'{escape(texts["login_code"])}</button></div>'
        for appid, app in world.apps.items() if app.app_type == 'miniprogram'
    )
    mark = f' <span class="state">{escape(texts["blocked"])}</span>' if user.blocked else ''
    return (
        f'<article class="user"><strong>{escape(user.nickname)}</strong> '
        f'<span class="appid">{escape(user.user)}</span>{mark}{rows}</article>'
    )


def _requests(log, texts):
    if not log:
        body = f'<p class="empty">{escape(texts["no_requests"])}</p>'
    else:
        heads = ''.join(
            f'<th scope="col" class="{name}">{escape(texts[name])}</th>'
            for name in ('time', 'request', 'answer', 'problems')
        )
        rows = ''.join(_request(entry, texts) for entry in reversed(log))
        body = f'<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>'
    return f'<h2>{escape(texts["requests"])}</h2>{body}'


def _request(entry, texts):
    chinese = texts is LANGUAGES['zh']
    problems = ''.join(
        f'<li class="{"mild" if text.startswith("warning") else "bad"}">'
        f'{escape(translate(text) if chinese else text)}</li>'
        for text in entry['problems'] if not text.startswith('fault:')
    )
    if entry['fault']:
        problems += f'<li>{escape(texts["fault"].format(action=entry["fault"]))}</li>'
    query = f'?{entry["query"]}' if entry['query'] else ''
    more = [(texts['sent_headers'], '\n'.join(
        f'{name}: {value}' for name, value in entry['headers'].items()
    )), (texts['sent_body'], entry['body']), (texts['answer_body'], entry['answer'])]
    parts = ''.join(
        f'<p>{escape(name)}</p><pre>{escape(value)}</pre>' for name, value in more if value
    )
    host = ''
    if entry['host'] == 'backup':
        host = f' <span class="state">{escape(texts["backup"])}</span>'
    status = entry['status']
    good = status and status < 400 and not entry['problems']
    return (
        f'<tr><td title="{escape(entry["time"])}">{escape(entry["time"][11:19])}</td><td>'
        f'<details id="request-{entry["number"]}"><summary><b>{escape(entry["method"])}</b> '
        f'<code>{escape(entry["path"])}</code>{host}</summary>'
        f'<pre>{escape(entry["path"] + query)}</pre>{parts}</details></td>'
        f'<td class="{"good" if good else "bad"}">{status or escape(texts["no_answer"])}</td>'
        f'<td>{f"<ul>{problems}</ul>" if problems else escape(texts["fine"])}</td></tr>'
    )


def _accounts(world, texts):
    facts = [(app.appid, app.app_type) for app in world.apps.values()]
    facts += [
        (item.mchid, f'{texts["trust_" + item.trust_mode]}; {", ".join(item.appids)}')
        for item in world.merchants.values()
    ]
    return (
        f'<details id="accounts" class="accounts"><summary>{escape(texts["apps"])}</summary>'
        f'{_facts(facts)}<p>{escape(texts["secret_hint"])}</p></details>'
    )


def _moment(seconds):
    return _moment_text(rfc3339(seconds))


def _moment_text(text):
    return f'{text[5:10]} {text[11:19]}'
