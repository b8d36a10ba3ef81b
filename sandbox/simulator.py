# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A mini-program on a phone in the browser: its files as the page wants them, and its network.

The files are those that WeChat's developer tools open: nothing is prepared for this page. What
they may use of WXML and of `wx` is what sandbox/README.rst lists.
"""

import base64
import http.client
import json
import re
import secrets
from html import escape
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from .control import _TEXT, _check_origin, _read
from .messages import Answer, json_answer
from .page_texts import choose
from .simulator_texts import LANGUAGES
from .world import Refusal

FOLDER = Path(__file__).parent.parent / 'miniprogram' / 'demo'
PAGE = '/miniprogram'
BASE = '/_miniprogram/'
APPID = 'wx0000000000000002'
TIMEOUT = 60
_STATIC = Path(__file__).parent / 'static' / 'simulator'
_SCRIPTS = ('expression.js', 'wxml.js', 'component.js', 'phone.js', 'wx.js', 'simulator.js')
_KINDS = {'.js': 'text/javascript; charset=utf-8', '.css': 'text/css; charset=utf-8',
          '.png': 'image/png', '.jpg': 'image/jpeg', '.svg': 'image/svg+xml'}
_WRAP = 'require, module, exports, wx, App, Page, Component, Behavior, getApp'


# === Pages === #

def serves(path):
    """Tell whether a path belongs to the simulator."""
    return path == PAGE or path.startswith(BASE)


def serve(sandbox, request):
    """:return: the `Answer` to a path of the simulator."""
    if request.path == BASE + 'request':
        return _request(sandbox, request)
    if request.method not in ('GET', 'HEAD'):
        return Answer(405)
    if request.path == PAGE:
        language = choose(request.params().get('lang'), request.one('Accept-Language'))
        return _answer(_whole(sandbox, language).encode(), 'text/html; charset=utf-8',
                       sandbox.simulator_server)
    name = request.path.removeprefix(BASE)
    if name == 'app.js':
        return _answer(_bundle().encode(), _KINDS['.js'])
    if name == 'app.css':
        return _answer(_styles().encode(), _KINDS['.css'])
    if name in {*_SCRIPTS, 'simulator.css'}:
        return _answer((_STATIC / name).read_bytes(), _KINDS[Path(name).suffix])
    return _picture(name)


def _answer(body, kind, server=''):
    images = f"'self' data: blob: {server}" if server else "'self' data: blob:"
    return Answer(200, body, [
        ('Content-Type', kind),
        ('Cache-Control', 'no-store'),
        ('Content-Security-Policy', f"default-src 'self'; img-src {images}"),
        ('X-Content-Type-Options', 'nosniff'),
    ])


def _picture(name):
    """:return: the `Answer` to a picture among the mini-program's files."""
    path = PurePosixPath(unquote(name.removeprefix('files/')))
    file = FOLDER / path
    if not name.startswith('files/') or '..' in path.parts or path.is_absolute() or (
        path.suffix not in ('.png', '.jpg', '.svg') or not file.is_file()
    ):
        return Answer(404)
    return _answer(file.read_bytes(), _KINDS[path.suffix])


def _whole(sandbox, language):
    texts = LANGUAGES[language]
    with sandbox.world.lock:
        people = ''.join(
            f'<option value="{escape(user.user)}">{escape(user.nickname)}</option>'
            for user in sandbox.world.users.values()
        )
    data = json.dumps({
        'texts': texts, 'appid': APPID, 'server': sandbox.simulator_server,
        'language': texts['wechat_language'],
    }, ensure_ascii=False)
    missing = '' if FOLDER.is_dir() else texts['no_files']
    if not sandbox.simulator_server:
        missing = missing or texts['no_server']
    other = 'en' if language == 'zh' else 'zh'
    scripts = ''.join(f'<script src="{BASE}{name}" defer></script>\n' for name in _SCRIPTS)
    app = '' if missing else (
        f'<link rel="stylesheet" href="{BASE}app.css">\n'
        f'<script src="{BASE}app.js" defer></script>\n'
    )
    return f"""<!doctype html>
<html lang="{'zh-CN' if language == 'zh' else 'en'}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(texts['title'])}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="{BASE}simulator.css">
{scripts}{app}</head>
<body data-state="{escape(data)}">
<section id="desk">
<h1>{escape(texts['title'])}</h1>
<p>{escape(texts['intro'])}</p>
<p><label for="holder">{escape(texts['holder'])}</label>
<select id="holder"><option value="">{escape(texts['new_person'])}</option>{people}</select></p>
<p><button type="button" id="restart">{escape(texts['restart'])}</button>
<button type="button" id="wipe">{escape(texts['wipe'])}</button></p>
<p><a href="{PAGE}?lang={other}" lang="{other}">{escape(texts['other_language'])}</a>
<a href="/?lang={language}">{escape(texts['home'])}</a></p>
<p id="missing" role="alert">{escape(missing)}</p>
</section>
<main id="phone">
<header><button type="button" id="back" aria-label="{escape(texts['back'])}" hidden>‹</button>
<h2 id="heading"></h2><span id="capsule" aria-hidden="true">···</span></header>
<div id="glass"><div id="screen"></div></div>
<nav id="tabs" hidden></nav>
<div id="sheet" role="dialog" aria-modal="true" hidden></div>
<div id="toast" role="status" hidden></div>
</main>
</body>
</html>
"""


# === The mini-program's files === #

def _files(ending):
    return sorted(path for path in FOLDER.rglob(f'*{ending}') if 'node_modules' not in path.parts)


def _name(path):
    return path.relative_to(FOLDER).as_posix()


def _bundle():
    """:return: all of the mini-program as one script, each file in a function of its own."""
    app = json.loads((FOLDER / 'app.json').read_text(encoding='utf-8'))
    markup = {_name(path): path.read_text(encoding='utf-8') for path in _files('.wxml')}
    parts = [f'simulator.load({json.dumps(app)}, {json.dumps(markup)});\n']
    for path in _files('.js'):
        parts.append(
            f'simulator.define({json.dumps(_name(path))}, function ({_WRAP}) {{\n'
            f'{path.read_text(encoding="utf-8")}\n}});\n'
        )
    parts.append('simulator.start();\n')
    return ''.join(parts)


def _styles():
    """:return: all of the mini-program's styles as CSS, those of a page for that page only."""
    parts = [compile_wxss((FOLDER / 'app.wxss').read_text(encoding='utf-8'), '.wx-page')]
    pages = json.loads((FOLDER / 'app.json').read_text(encoding='utf-8'))['pages']
    for name in pages:
        file = FOLDER / f'{name}.wxss'
        if file.is_file():
            parts.append(compile_wxss(_with_imports(file), f'.wx-page[data-page="{name}"]'))
    return '\n'.join(parts)


def _with_imports(file):
    def read(match):
        return _with_imports((file.parent / match[1]).resolve())

    return re.sub(r'@import\s+"([^"]+)"\s*;', read, file.read_text(encoding='utf-8'))


def compile_wxss(text, scope):
    """Turn WXSS into CSS.

    :param str scope: selector of the page that the rules are for.
    :return: CSS; 750rpx are the 375 pixels of the phone's screen.
    """
    text = re.sub(r'/\*.*?\*/', '', text, flags=re.DOTALL)
    text = text.replace('env(safe-area-inset-bottom)', '10px')
    text = re.sub(r'(\d+(?:\.\d+)?)rpx', lambda match: f'{float(match[1]) / 2:g}px', text)

    def scoped(match):
        selectors = (item.strip() for item in match[1].split(','))
        return ', '.join(
            scope if item == 'page' else f'{scope} {item}' for item in selectors
        ) + ' {'

    return re.sub(r'([^{}]+)\{', scoped, text)


# === Its network === #

def set_server(sandbox, data):
    """POST simulator: the server that the mini-program may talk to, as WeChat's console has it."""
    server = _read(data, ('server',), server=_TEXT)['server'].rstrip('/')
    parts = urlsplit(server)
    if parts.scheme not in ('http', 'https') or not parts.hostname or parts.path or parts.query:
        raise Refusal("server must be an address without a path, as http://127.0.0.1:8069")
    sandbox.simulator_server = server
    return {'server': server, 'page': sandbox.world.address + PAGE}


def _request(sandbox, request):
    """Do what wx.request and wx.uploadFile do: no cookies of its own, no other server.

    :return: `Answer` with {statusCode, header, data} or {errMsg} as JSON
    """
    if request.method != 'POST':
        return Answer(405)
    try:
        _check_origin(request)
        asked = json.loads(request.body)
        if not str(asked['url']).startswith(f'{sandbox.simulator_server}/'):
            raise Refusal("url not in domain list")
        return json_answer(_fetch(asked))
    except Refusal as error:
        return json_answer({'errMsg': f'request:fail {error}'})
    except (OSError, http.client.HTTPException) as error:
        return json_answer({'errMsg': f'request:fail {error}'})
    except (ValueError, KeyError, TypeError, AttributeError):
        return Answer(400)


def _fetch(asked):
    parts = urlsplit(asked['url'])
    kind = (http.client.HTTPSConnection if parts.scheme == 'https'
            else http.client.HTTPConnection)
    headers = {str(name): str(value) for name, value in (asked.get('header') or {}).items()}
    body = asked.get('data')
    if 'file' in asked:
        edge = secrets.token_hex(16)
        headers['Content-Type'] = f'multipart/form-data; boundary={edge}'
        body = _multipart(edge, asked['name'], asked['file'])
    connection = kind(parts.hostname, parts.port, timeout=TIMEOUT)
    try:
        connection.request(
            asked.get('method') or 'GET', parts.path + (f'?{parts.query}' if parts.query else ''),
            body.encode() if isinstance(body, str) else body, headers)
        answer = connection.getresponse()
        text = answer.read().decode('utf-8', 'replace')
        # Several cookies come to a mini-program joined by commas.
        joined = {}
        for name, value in answer.getheaders():
            joined[name] = f'{joined[name]},{value}' if name in joined else value
        return {'statusCode': answer.status, 'header': joined, 'data': text}
    finally:
        connection.close()


def _multipart(edge, name, encoded):
    file = base64.b64decode(encoded, validate=True)
    head = (f'--{edge}\r\nContent-Disposition: form-data; name="{name}"; filename="file"\r\n'
            'Content-Type: application/octet-stream\r\n\r\n')
    return head.encode() + file + f'\r\n--{edge}--\r\n'.encode()


ROUTES = [('POST', '/_sandbox/simulator', set_server)]
