# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Addresses and scripts of logins on web pages (wechat-platform.md 4.1 and 5.1)."""

import json

import pytest

from tests.protocol.loader import load, load_vectors

protocol = load('wechat_official_account')
oauth, site_pages = protocol.oauth, protocol.site_pages
VECTORS = {item['name']: item for item in load_vectors('wechat-platform')['vectors']}
OPEN = 'https://open.weixin.qq.com'
BASES = ['https://shop.example.com', 'https://www.tea.example.com', 'http://127.0.0.1:8069']


@pytest.mark.parametrize(('name', 'path'), [
    ('oauth_authorize_url', oauth.AUTHORIZE_PATH), ('qrconnect_url', oauth.QRCONNECT_PATH),
])
def test_authorize_url_is_that_of_the_vector(name, path):
    vector = VECTORS[name]
    inputs = vector['inputs']
    assert oauth.authorize_url(
        OPEN, path, inputs['appid'], inputs['redirect_uri'], inputs['scope'], inputs['state'],
    ) == vector['expected']['url']


def test_further_parameters_stand_before_the_fragment():
    url = oauth.authorize_url(
        OPEN, oauth.AUTHORIZE_PATH, 'wx1', 'https://a.example.com/', 'snsapi_base', 's',
        [('component_appid', 'wx2')],
    )
    assert url.endswith('&state=s&component_appid=wx2#wechat_redirect')


@pytest.mark.parametrize('text', [
    '</script>', '<!--', ']]>', '&quot;', '"', "'", '\\', '\n', '\u2028', '\u2029', '茶', '\x00',
])
def test_javascript_values_are_safe_in_scripts_and_html(text):
    literal = oauth.javascript({text: text})
    assert json.loads(literal) == {text: text}
    assert literal.isascii()
    assert not set('<>&\n') & set(literal)


def test_login_script_leaves_out_what_is_not_given():
    script = oauth.login_script('wx1', 'https://a.example.com/cb', 's', 'qr', 'green', '')
    assert script.startswith('var wxauth = new WxLogin({') and script.endswith('});\n')
    options = json.loads(script[len('var wxauth = new WxLogin('):-len(');\n')])
    assert options == {
        'self_redirect': False, 'id': 'qr', 'appid': 'wx1', 'scope': 'snsapi_login',
        'redirect_uri': 'https%3A%2F%2Fa.example.com%2Fcb', 'state': 's',
    }


# === next === #

@pytest.mark.parametrize(('value', 'path'), [
    ('/', '/'), ('/my', '/my'), ('/shop?a=1&b=%2F#top', '/shop?a=1&b=%2F#top'),
    ('/a//b', '/a//b'), ('/shop/茶', '/shop/%E8%8C%B6'), ('/a b', '/a%20b'),
    ('/x?u=https://evil.example.com', '/x?u=https://evil.example.com'), ('/"<', '/%22%3C'),
])
def test_paths_of_the_site_are_kept(value, path):
    assert site_pages.local_path(value) == path


@pytest.mark.parametrize('value', [
    None, 1, [], {}, b'/my', '', 'my', '//evil', '///evil', '/\\evil', '\\evil', '/a\\b',
    'https://evil', 'https:/evil', 'javascript:alert(1)', ' /my', '\t/my', '/\t/evil', '/\n',
    '/\r\nX: y', '/\x00', '/\x7f', '/\u200b', '/\u2028', '/\u2029', '/\ufeff', '/\ud800',
    '/' + 'a' * 2000,
])
def test_everything_else_leads_nowhere(value):
    assert site_pages.local_path(value) == ''


BASE = 'https://shop.example.com'


@pytest.mark.parametrize(('value', 'path'), [
    (f'{BASE}/my?a=b', '/my?a=b'), (f'{BASE}/', '/'), ('/my', '/my'),
])
def test_complete_addresses_of_the_site_are_their_paths(value, path):
    assert site_pages.local_path(value, BASE) == path


@pytest.mark.parametrize('value', [
    f'{BASE}//evil.com', f'{BASE}/\\evil.com', f'{BASE}.evil.com/my', f'{BASE}@evil.com/',
    f'{BASE}:8443/', f'{BASE}?a=b', 'http://shop.example.com/my', '//evil.com',
    f'{BASE}/\t/evil.com', BASE, 'https://evil.com/', f'https://evil.com/?{BASE}/',
])
def test_complete_addresses_of_others_lead_nowhere(value):
    assert site_pages.local_path(value, BASE) == ''


# === Pages that may be signed === #

@pytest.mark.parametrize(('url', 'page'), [
    ('https://shop.example.com', 'https://shop.example.com'),
    ('https://SHOP.example.com:443/a?b=c#d', 'https://SHOP.example.com:443/a?b=c'),
    ('https://www.tea.example.com/茶', 'https://www.tea.example.com/茶'),
    ('http://127.0.0.1:8069/x', 'http://127.0.0.1:8069/x'),
    ('http://shop.example.com:8443/', 'http://shop.example.com:8443/'),
])
def test_pages_of_the_site_are_signed_without_their_fragment(url, page):
    assert site_pages.own_page(url, BASES) == page


@pytest.mark.parametrize('url', [
    None, 1, '', '/', '//shop.example.com/', 'shop.example.com', 'https://', 'https:///x',
    'https://example.com/', 'http://evil.com:443/',
    'https://evil.shop.example.com/', 'https://shop.example.com.evil.com/',
    'https://shop.example.com@evil.com/', 'https://evil.com@shop.example.com/',
    'https://evil.com\\@shop.example.com/', 'https://shop.example.com\\.evil.com/',
    'https://evil.com#@shop.example.com/', 'https://shop.example.com:x/', 'https://[::1/',
    'ftp://shop.example.com/', 'https://shop.example.com/a b', 'https://shop.example.com/\n',
    'https://shop.example.com/\u2028', 'https://shop.example.com./',
    'https://shop.example.com/' + 'a' * 2000,
])
def test_pages_of_others_are_not(url):
    assert site_pages.own_page(url, BASES) == ''
