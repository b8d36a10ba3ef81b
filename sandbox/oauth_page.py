# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""open.weixin.qq.com: the pages on which a person lets an application know who they are (5.1)."""

import re
from html import escape
from urllib.parse import parse_qsl, quote

from . import oauth
from .messages import Answer
from .page_texts import choose
from .world import Refusal

PATHS = frozenset(oauth.PAGES)
# Whose phone the browser is: with it snsapi_base is silent, as it is inside WeChat.
COOKIE = 'sandbox_phone'

TEXTS = {
    'en': {
        'title': "WeChat",
        'wants': "{appid} wants to know who you are",
        'base': "It learns your openid",
        'userinfo': "It learns your nickname and your picture",
        'login': "Scan with the phone of",
        'holder': "Whose phone",
        'new_person': "A new person",
        'allow': "Allow",
        'refuse': "Refuse",
        'snapshot': "Open in snapshot mode (a virtual account)",
        'refused': "This page cannot be opened",
        'stays': "You refused. WeChat stays on this page.",
        'sandbox': "A sandbox: nobody real logs in here.",
    },
    'zh': {
        'title': "微信",
        'wants': "{appid}申请获取您的身份",
        'base': "将获得您的openid",
        'userinfo': "将获得您的昵称、头像",
        'login': "用谁的手机扫码",
        'holder': "谁的手机",
        'new_person': "新用户",
        'allow': "允许",
        'refuse': "拒绝",
        'snapshot': "以快照页模式打开（虚拟账号）",
        'refused': "无法打开此页面",
        'stays': "您已拒绝，微信停留在此页面。",
        'sandbox': "沙盒环境，没有真实用户登录。",
    },
}


def serve(sandbox, request):
    """:return: the `Answer` to a consent page: GET shows it, POST is what was tapped."""
    world = sandbox.world
    request.route = request.path
    texts = TEXTS[choose(None, request.one('Accept-Language'))]
    if request.method not in ('GET', 'HEAD', 'POST'):
        return Answer(405)
    try:
        with world.lock:
            asked = oauth.read_page(world, request.path, request.query)
            if request.method == 'POST':
                return _decide(world, request, asked, texts)
            owner = world.users.get(_cookie(request))
            if asked.silent and owner:
                return _redirect(oauth.consent(world, asked, owner), owner)
            return _show(world, request, asked, texts, owner)
    except Refusal as error:
        request.problems.append(str(error))
        return _html(texts, f'<h2>{escape(texts["refused"])}</h2><p>{escape(str(error))}</p>', 400)


def _decide(world, request, asked, texts):
    form = dict(parse_qsl(request.body.decode('utf-8', 'replace'), keep_blank_values=True))
    if form.get('decision') != 'allow':
        if request.path == oauth.QRCONNECT:
            return _html(texts, f'<p>{escape(texts["stays"])}</p>')
        return _redirect(oauth.refuse(asked))
    user = world.user(form['user']) if form.get('user') else world.add_user()
    return _redirect(oauth.consent(world, asked, user, bool(form.get('snapshot'))), user)


def _cookie(request):
    found = re.search(rf'(?:^|;\s*){COOKIE}=([\w-]+)', request.one('Cookie') or '')
    return found and found[1]


def _redirect(address, user=None):
    headers = [('Location', address), ('Cache-Control', 'no-store')]
    if user:
        headers.append(('Set-Cookie', f'{COOKIE}={quote(user.user)}; HttpOnly; SameSite=Lax'))
    return Answer(302, b'', headers)


def _show(world, request, asked, texts, owner):
    people = ''.join(
        f'<option value="{escape(user.user)}"{" selected" if user is owner else ""}>'
        f'{escape(user.nickname)}</option>'
        for user in world.users.values()
    )
    login = request.path == oauth.QRCONNECT
    what = texts['base'] if asked.silent else texts['userinfo']
    snapshot = '' if asked.scope != 'snsapi_userinfo' else (
        f'<p><label><input type="checkbox" name="snapshot" value="1"> '
        f'{escape(texts["snapshot"])}</label></p>')
    return _html(texts, f"""<h2>{escape(texts['wants'].format(appid=asked.appid))}</h2>
<p>{escape(what)}</p>
<form method="post" autocomplete="off">
<p><label for="user">{escape(texts['login' if login else 'holder'])}</label>
<select id="user" name="user">{people}
<option value="">{escape(texts['new_person'])}</option></select>
</p>{snapshot}
<button class="main" name="decision" value="allow">{escape(texts['allow'])}</button>
<button class="quiet" name="decision" value="refuse">{escape(texts['refuse'])}</button>
</form>""")


def _html(texts, content, status=200):
    body = f"""<!doctype html>
<html>
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(texts['title'])}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/_page/phone.css">
</head>
<body>
<header><h1>{escape(texts['title'])}</h1></header>
<main>{content}</main>
<footer>{escape(texts['sandbox'])}</footer>
</body>
</html>
"""
    return Answer(status, body.encode(), [
        ('Content-Type', 'text/html; charset=utf-8'),
        ('Cache-Control', 'no-store'),
        ('Content-Security-Policy', "default-src 'self'; img-src 'self' data:"),
        ('X-Content-Type-Options', 'nosniff'),
    ])
