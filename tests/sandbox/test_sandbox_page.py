# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The web page: languages, content, safety."""

import re

import pytest

from sandbox.page_texts import CHINESE, ENGLISH

from .merchant import MCHID, send


def page(sandbox, target='/', **headers):
    reply = send(sandbox.base, 'GET', target, b'', list(headers.items()))
    assert reply.status == 200
    return reply.body.decode()


@pytest.mark.parametrize(('target', 'header', 'title'), [
    ('/', None, "WeChat sandbox"),
    ('/', 'zh-CN,zh;q=0.9,en;q=0.8', "微信沙盒"),
    ('/', 'en-GB,en;q=0.9,zh;q=0.8', "WeChat sandbox"),
    ('/', 'fr,zh-TW;q=0.5', "微信沙盒"),
    ('/?lang=zh', 'en', "微信沙盒"),
    ('/?lang=en', 'zh-CN', "WeChat sandbox"),
    ('/?lang=xx', 'zh-CN', "微信沙盒"),
])
def test_the_address_or_the_browser_chooses_the_language(sandbox, target, header, title):
    headers = {'Accept-Language': header} if header else {}
    text = page(sandbox, target, **headers)
    assert f'<title>{title}</title>' in text


def test_both_languages_have_the_same_words():
    assert set(ENGLISH) == set(CHINESE)
    for name in ENGLISH:
        english = set(re.findall(r'\{\w+\}', ENGLISH[name]))
        assert english == set(re.findall(r'\{\w+\}', CHINESE[name])), name


def test_an_open_order_has_a_pay_button_and_a_paid_one_has_not(
    sandbox, merchant, user, openid, shop,
):
    merchant.order(openid, notify_url=shop.url, amount={'total': 1205})
    text = page(sandbox)
    assert '¥12.05' in text and user['nickname'] in text and 'class="pay"' in text
    shop.status = 500
    sandbox.post('pay', mchid=MCHID, out_trade_no='S00042_1')
    text = page(sandbox, '/?part=live')
    assert 'class="pay"' not in text and 'class="resend quiet"' in text
    assert 'notification not accepted' in text
    assert '<html' not in text


def test_an_expired_order_cannot_be_paid_on_the_page(sandbox, merchant, openid):
    merchant.order(openid, time_expire='2000-01-01T00:00:00+08:00')
    sandbox.clock(120)
    text = page(sandbox)
    assert 'expired' in text and 'class="pay"' not in text
    assert '+120' in text


def test_requests_are_shown_with_their_problems_and_without_secrets(sandbox, merchant):
    merchant.query(drop=['Authorization'])
    secret = sandbox.app()['secret']
    sandbox.platform('GET', f'/sns/jscode2session?appid=x&secret={secret}')
    text = page(sandbox)
    assert '401 SIGN_ERROR: Authorization is missing' in text
    assert secret not in text


def test_what_comes_from_outside_is_escaped(sandbox, merchant):
    evil = '<script>alert(1)</script>'
    user = sandbox.post('users', nickname=evil)
    merchant.order(user['openids']['wx0000000000000002'], description=evil, attach=evil)
    sandbox.platform('GET', f'/{evil}?x={evil}', headers=[('User-Agent', evil)])
    text = page(sandbox)
    assert evil not in text
    assert text.count('&lt;script&gt;alert(1)') >= 4


def test_nothing_is_loaded_from_elsewhere(sandbox):
    reply = send(sandbox.base, 'GET', '/', b'')
    assert reply.one('Content-Security-Policy').startswith("default-src 'self'")
    text = reply.body.decode()
    for address in re.findall(r'(?:src|href)="([^"]*)"', text):
        assert address.startswith(('/', 'data:')), address
    for address in ('/_page/page.css', '/_page/page.js'):
        assert address in text
        assert send(sandbox.base, 'GET', address).status == 200
    assert send(sandbox.base, 'POST', '/').status == 405


def test_faults_do_not_strike_the_page(sandbox):
    sandbox.post('faults', path='.', action='refuse_before', times=None)
    assert "Faults waiting: 1" in page(sandbox)
