# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The page that runs a mini-program: its files, its styles, and the way to its server."""

import json

import pytest

from sandbox import simulator
from sandbox.simulator_texts import CHINESE, ENGLISH

from .merchant import send

SITE = [('Content-Type', 'application/json')]


def ask(sandbox, headers=(), **asked):
    return send(sandbox.base, 'POST', '/_miniprogram/request', json.dumps(asked).encode(),
                [*SITE, *headers])


def test_the_page_says_what_is_missing_until_the_server_is_known(sandbox):
    text = send(sandbox.base, 'GET', '/miniprogram?lang=en', b'').body.decode()
    assert 'does not know where Odoo is' in text
    assert 'app.js' not in text
    answer = sandbox.post('simulator', server='http://127.0.0.1:8069/')
    assert answer == {'server': 'http://127.0.0.1:8069', 'page': f'{sandbox.base}/miniprogram'}
    reply = send(sandbox.base, 'GET', '/miniprogram?lang=zh', b'')
    assert '手机上的小程序' in reply.body.decode()
    assert 'app.js' in reply.body.decode()
    policy = reply.one('Content-Security-Policy')
    assert policy == "default-src 'self'; img-src 'self' data: blob: http://127.0.0.1:8069"


@pytest.mark.parametrize('server', [
    '', 'shop.example.com', 'file:///etc', 'http://', 'https://shop.example.com/odoo',
    'http://shop.example.com?x=1',
])
def test_a_server_that_is_no_address_is_refused(sandbox, server):
    reply = send(sandbox.base, 'POST', '/_sandbox/simulator',
                 json.dumps({'server': server}).encode(), SITE)
    assert reply.status == 400


def test_the_script_holds_every_file_of_the_mini_program_as_it_is(sandbox):
    text = send(sandbox.base, 'GET', '/_miniprogram/app.js', b'').body.decode()
    for path in simulator.FOLDER.rglob('*.js'):
        assert path.read_text(encoding='utf-8') in text, path
    for path in simulator.FOLDER.rglob('*.wxml'):
        assert json.dumps(path.read_text(encoding='utf-8')) in text, path


def test_styles_are_those_of_their_page_and_in_pixels():
    css = simulator.compile_wxss(
        '/* x */ page { height: 10rpx; } .a, .b .c { width: 75.5rpx }', '.page')
    assert css.split('}')[:2] == [
        '.page { height: 5px; ', '.page .a, .page .b .c { width: 37.75px ']


def test_pictures_are_served_and_nothing_else(sandbox):
    reply = send(sandbox.base, 'GET', '/_miniprogram/files/icons/shop.png', b'')
    assert reply.status == 200
    assert reply.body.startswith(b'\x89PNG')
    for path in ('files/app.json', 'files/../../README.rst', 'files/..%2F..%2Fdoc/x.png',
                 'files//etc/x.png', 'icons/shop.png', 'files/icons/none.png', 'unknown'):
        assert send(sandbox.base, 'GET', f'/_miniprogram/{path}', b'').status == 404, path


def test_requests_go_to_the_server_that_is_named_and_to_no_other(sandbox):
    sandbox.post('simulator', server=sandbox.base)
    answer = ask(sandbox, url=f'{sandbox.base}/_sandbox/world').json()
    assert answer['statusCode'] == 200
    assert json.loads(answer['data'])['apps']
    for url in (7, 'http://127.0.0.1:1/x', f'{sandbox.base}.example.com/x', f'{sandbox.base}@x/',
                'file:///etc/passwd'):
        assert ask(sandbox, url=url).json() == {'errMsg': 'request:fail url not in domain list'}


def test_a_server_that_does_not_answer_is_a_failure_as_in_wechat(sandbox):
    sandbox.post('simulator', server='http://127.0.0.1:9')
    answer = ask(sandbox, url='http://127.0.0.1:9/x').json()
    assert answer['errMsg'].startswith('request:fail ')


def test_pages_of_other_sites_cannot_use_it(sandbox):
    sandbox.post('simulator', server=sandbox.base)
    answer = ask(sandbox, [('Origin', 'https://evil.example.com')],
                 url=f'{sandbox.base}/_sandbox/world').json()
    assert set(answer) == {'errMsg'}


@pytest.mark.parametrize('body', [b'', b'[]', b'{}', b'\xff'])
def test_a_request_that_is_none_is_refused(sandbox, body):
    assert send(sandbox.base, 'POST', '/_miniprogram/request', body, SITE).status == 400


def test_both_languages_have_the_same_words():
    assert set(ENGLISH) == set(CHINESE)
