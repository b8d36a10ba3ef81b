# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The phone: the page that opens a code_url or an h5_url (wechat-pay.md A4.1, A4.4)."""

import json
import re
from html import unescape
from urllib.parse import quote, urlsplit

import pytest

from sandbox.phone_texts import CHINESE, ENGLISH, REFUSALS, translate

from .merchant import MCHID, send
from .test_sandbox_page import SOURCE
from .test_sandbox_products import H5_SCENE

SHOP = 'https://shop.example.com/cart'


def state(reply):
    """What the page was given, besides its words."""
    data = json.loads(unescape(re.search(r'data-state="([^"]*)"', reply.body.decode())[1]))
    return {name: data[name] for name in data if name not in ('texts', 'refusals')}


def browse(sandbox, address, referer=SHOP, **headers):
    parts = urlsplit(address)
    pairs = list(headers.items()) + ([('Referer', referer)] if referer else [])
    return send(sandbox.base, 'GET', f'{parts.path}?{parts.query}', b'', pairs)


@pytest.fixture
def h5_url(merchant):
    reply = merchant.order_of('h5', scene_info=H5_SCENE)
    assert set(reply.json()) == {'h5_url'}
    return reply.json()['h5_url']


def refused(reply, word):
    assert reply.status == 403
    assert word in state(reply)['refused'], reply.body
    assert 'order' not in state(reply)


def test_an_h5_url_is_a_page_of_the_sandbox_that_shows_the_order(sandbox, h5_url):
    assert h5_url.startswith(f'{sandbox.base}/cgi-bin/mmpayweb-bin/checkmweb?prepay_id=wx')
    reply = browse(sandbox, h5_url)
    assert reply.status == 200
    assert state(reply) == {'redirect': '', 'order': {
        'mchid': MCHID, 'out_trade_no': 'S00042_1', 'total': 990,
        'description': '示例商店-订单 S00042',
    }}
    assert reply.one('Content-Security-Policy').startswith("default-src 'self'")
    sandbox.post('pay', mchid=MCHID, out_trade_no='S00042_1', notify=False)
    refused(browse(sandbox, h5_url), 'already paid')


def test_a_paid_h5_order_is_called_mweb(sandbox, merchant, h5_url):
    sandbox.post('pay', mchid=MCHID, out_trade_no='S00042_1', notify=False)
    assert merchant.query().json()['trade_type'] == 'MWEB'


def test_redirect_url_is_honoured_and_checked(sandbox, merchant, h5_url):
    back = 'https://shop.example.com/pay/status?id=7&x=苹果'
    reply = browse(sandbox, f'{h5_url}&redirect_url={quote(back, safe="")}')
    assert state(reply)['redirect'] == back
    for address in ('javascript:alert(1)', '/relative', 'https:///x', 'https://a b/'):
        reply = browse(sandbox, f'{h5_url}&redirect_url={quote(address, safe="")}')
        refused(reply, 'redirect_url')


def test_an_h5_url_that_was_changed_does_not_open(sandbox, h5_url):
    for changed in (
        h5_url[:-1], h5_url + '0', f'{h5_url}&x=1', h5_url.replace('prepay_id', 'prepay%5Fid'),
        f'{h5_url}&redirect_url=https://shop.example.com/?a=1&b=2', h5_url.split('?')[0] + '?',
    ):
        refused(browse(sandbox, changed), 'changed')


def test_an_h5_url_lives_five_minutes_and_a_repeated_order_gives_a_fresh_one(
    sandbox, merchant, h5_url,
):
    merchant.offset = 301
    sandbox.clock(301)
    refused(browse(sandbox, h5_url), 'five minutes')
    fresh = merchant.order_of('h5', scene_info=H5_SCENE).json()['h5_url']
    assert browse(sandbox, fresh).status == 200


def test_an_h5_url_opens_from_a_page_on_an_h5_domain_only(sandbox, h5_url):
    refused(browse(sandbox, h5_url, referer=None), 'Referer')
    sandbox.call('PATCH', f'merchants/{MCHID}', {'h5_domains': ['shop.example.com']})
    assert browse(sandbox, h5_url).status == 200
    assert browse(sandbox, h5_url, referer=f'{sandbox.base}/phone').status == 200
    refused(browse(sandbox, h5_url, referer='https://evil.example.com/'), 'H5 domain')
    back = quote('https://evil.example.com/', safe='')
    refused(browse(sandbox, f'{h5_url}&redirect_url={back}'), 'redirect_url')


def test_an_h5_url_does_not_open_inside_wechat(sandbox, h5_url):
    agent = 'Mozilla/5.0 (iPhone) AppleWebKit/605 MicroMessenger/8.0.50'
    refused(browse(sandbox, h5_url, **{'User-Agent': agent}), 'inside WeChat')


def test_a_closed_h5_order_does_not_open(sandbox, merchant, h5_url):
    merchant.close()
    refused(browse(sandbox, h5_url), 'closed')


def test_a_refusal_is_said_in_chinese(sandbox, h5_url):
    reply = browse(sandbox, h5_url, referer=None, **{'Accept-Language': 'zh-CN'})
    assert state(reply)['refused'] == "打开此h5_url的页面没有发送Referer"


def test_the_phone_has_both_languages_and_takes_a_link(sandbox, user):
    text = send(sandbox.base, 'GET', '/phone?lang=en', b'').body.decode()
    assert "A phone with WeChat" in text and user['nickname'] in text
    reply = send(sandbox.base, 'GET', '/phone?lang=zh&link=weixin%3A%2F%2Fx', b'')
    assert "装有微信的手机" in reply.body.decode() and state(reply) == {'link': 'weixin://x'}
    assert send(sandbox.base, 'POST', '/phone', b'{}').status == 405


def test_what_comes_from_outside_is_escaped(sandbox, merchant):
    evil = '"><script>alert(1)</script>'
    sandbox.post('users', nickname=evil)
    reply = merchant.order_of('h5', scene_info=H5_SCENE, description=evil)
    text = browse(sandbox, reply.json()['h5_url']).body.decode()
    assert evil not in text and '<script>alert' not in text
    text = send(sandbox.base, 'GET', f'/phone?link={quote(evil)}', b'').body.decode()
    assert '<script>alert' not in text


def test_both_languages_have_the_same_words():
    assert set(ENGLISH) == set(CHINESE)
    for name in ENGLISH:
        english = set(re.findall(r'\{\w+\}', ENGLISH[name]))
        assert english == set(re.findall(r'\{\w+\}', CHINESE[name])), name


def test_every_refusal_of_the_phone_has_a_chinese_text():
    world = (SOURCE / 'world.py').read_text()
    scanning = world[world.index('def scan('):world.index('def new_transaction_id')]
    found = re.findall(r'Refusal\("([^"]+)"\)', scanning + (SOURCE / 'phone.py').read_text())
    assert set(found) == set(REFUSALS)
    assert translate("the order is closed", 'zh') == "订单已关闭"
    assert translate("something new", 'zh') == "something new"


def test_the_main_page_leads_to_the_phone(sandbox, merchant):
    code_url = merchant.order_of('native').json()['code_url']
    text = send(sandbox.base, 'GET', '/?lang=en', b'').body.decode()
    assert 'href="/phone?lang=en"' in text
    assert f'href="/phone?lang=en&amp;link={quote(code_url, safe="")}"' in text


def test_the_log_says_what_was_wrong_with_an_h5_url(sandbox, h5_url):
    browse(sandbox, h5_url)
    assert sandbox.problems() == []
    browse(sandbox, h5_url, referer=None)
    assert sandbox.problems() == ["the page that opened this h5_url sent no Referer"]
    text = send(sandbox.base, 'GET', '/?lang=zh', b'').body.decode()
    assert "打开此h5_url的页面没有发送Referer" in text
