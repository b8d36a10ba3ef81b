# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The customer's phone: opens a code_url or an h5_url, shows the order, pays or cancels (A4.4)."""

import json
import re
from html import escape
from pathlib import Path
from urllib.parse import unquote, urlsplit

from .control import phone_view
from .messages import Answer
from .page_texts import choose
from .phone_texts import LANGUAGES, REFUSALS, translate
from .prepays import H5_PATH
from .world import Refusal

_STATIC = Path(__file__).parent / 'static'
_FILES = {
    '/_page/phone.css': ('phone.css', 'text/css; charset=utf-8'),
    '/_page/phone.js': ('phone.js', 'text/javascript; charset=utf-8'),
}
PATHS = {'/phone', H5_PATH, *_FILES}


def serve(sandbox, request):
    """:return: the `Answer` to a path of the phone."""
    if request.method not in ('GET', 'HEAD'):
        return Answer(405)
    if request.path in _FILES:
        name, kind = _FILES[request.path]
        return _answer(200, (_STATIC / name).read_bytes(), kind)
    # An h5_url must not be altered, so there only the browser chooses the language.
    values = request.params() if request.path == '/phone' else {}
    language = choose(values.get('lang'), request.one('Accept-Language'))
    state, status = {'link': values.get('link', '')}, 200
    if request.path == H5_PATH:
        try:
            state = open_h5(sandbox.world, request)
        except Refusal as error:
            request.problems.append(str(error))
            state, status = {'refused': translate(str(error), language)}, 403
    body = _page(sandbox.world, language, state, request.path == '/phone')
    return _answer(status, body.encode(), 'text/html; charset=utf-8')


def _answer(status, body, kind):
    return Answer(status, body, [
        ('Content-Type', kind),
        ('Cache-Control', 'no-store'),
        ('Content-Security-Policy', "default-src 'self'; img-src 'self' data:"),
        ('X-Content-Type-Options', 'nosniff'),
    ])


def open_h5(world, request):
    """Open an h5_url as a phone's browser does (A4.4).

    :return: dict `order` (as `phone_view`), `redirect` ('' if the merchant named none)
    :raise Refusal: what the customer would be shown instead
    """
    if 'MicroMessenger' in (request.one('User-Agent') or ''):
        raise Refusal("an h5_url does not open inside WeChat")
    query, _separator, redirect = request.query.partition('&redirect_url=')
    with world.lock:
        order, expires = world.h5_pages.get(query, (None, 0))
        if not order or '&' in redirect:
            raise Refusal("this h5_url does not exist or was changed")
        if world.clock.now() > expires:
            raise Refusal("this h5_url is older than five minutes")
        domains = world.merchant(order.mchid).h5_domains
        opener = _host(request.one('Referer') or '')
        if not opener:
            raise Refusal("the page that opened this h5_url sent no Referer")
        own = (request.one('Host') or '').rpartition(':')[0] or request.one('Host')
        if domains is not None and opener not in (*domains, own):
            raise Refusal("the page that opened this h5_url is on no H5 domain of the merchant")
        target = unquote(redirect)
        host = _host(target)
        if target and (not host or (domains is not None and host not in domains)):
            raise Refusal("redirect_url is no complete address on an H5 domain of the merchant")
        world.check_payable(order)
        return {'order': phone_view(order), 'redirect': target}


def _host(address):
    """:return: the host of a complete web address, '' for anything else."""
    if re.search(r'[\s\x00-\x1f]', address):
        return ''
    try:
        parts = urlsplit(address)
        return (parts.hostname or '') if parts.scheme in ('http', 'https') else ''
    except ValueError:
        return ''


def _page(world, language, state, scanner):
    texts = LANGUAGES[language]
    with world.lock:
        people = ''.join(
            f'<option value="{escape(user.user)}">{escape(user.nickname)}</option>'
            for user in world.users.values()
        )
    data = json.dumps({
        'texts': texts, 'refusals': REFUSALS if language == 'zh' else {}, **state,
    }, ensure_ascii=False)
    other = 'en' if language == 'zh' else 'zh'
    switch = ''
    if scanner:
        switch = f'<a href="/phone?lang={other}" lang="{other}">{texts["other_language"]}</a>'
    return f"""<!doctype html>
<html lang="{'zh-CN' if language == 'zh' else 'en'}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(texts['title'])}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/_page/phone.css">
<script src="/_page/phone.js" defer></script>
</head>
<body data-state="{escape(data)}">
<header><h1>{escape(texts['title'])}</h1>{switch}</header>
<main>
<form id="scanner" autocomplete="off" hidden>
<label for="link">{escape(texts['scan_label'])}</label>
<textarea id="link" rows="3" required placeholder="{escape(texts['scan_hint'])}"></textarea>
<button class="main">{escape(texts['scan'])}</button>
</form>
<section id="cashier" hidden>
<p id="merchant"></p>
<p id="amount"></p>
<p id="description"></p>
<p id="number"></p>
</section>
<p id="holder" hidden><label for="user">{escape(texts['holder'])}</label>
<select id="user">{people}<option value="">{escape(texts['new_person'])}</option></select></p>
<div id="buttons" hidden>
<button type="button" class="main" id="pay">{escape(texts['pay'])}</button>
<button type="button" class="quiet" id="cancel">{escape(texts['cancel'])}</button>
</div>
<section id="result" role="status" hidden>
<p id="sign" aria-hidden="true"></p><h2></h2><p id="reason"></p>
<button type="button" class="quiet" id="leave"></button>
</section>
</main>
<footer>{escape(texts['no_money'])} <a href="/?lang={language}">{escape(texts['home'])}</a></footer>
</body>
</html>
"""
