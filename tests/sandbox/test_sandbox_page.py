# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The web page: languages, content, safety."""

import ast
import re
from pathlib import Path

import pytest

from sandbox.page_texts import CHINESE, ENGLISH
from sandbox.problems_zh import TABLE, translate
from sandbox.problems_zh_money import TABLE as MONEY

from .merchant import MCHID, send

SOURCE = Path(__file__).parents[2] / 'sandbox'


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


def test_a_payment_by_code_shows_its_state_and_has_no_buttons(sandbox, merchant_v2, user):
    code = sandbox.post('payment_code', user=user['user'], password=True)['code']
    merchant_v2.pay_by_code(code)
    text = page(sandbox, '/?part=live')
    assert 'password awaited' in text and 'Finished orders' not in text
    assert '等待输入密码' in page(sandbox, '/?lang=zh&part=live')
    sandbox.post('payment_password', mchid=MCHID, out_trade_no='C00042_1')
    text = page(sandbox, '/?part=live')
    assert 'class="pay"' not in text and 'class="resend quiet"' not in text
    sandbox.clock(16)
    merchant_v2.reverse()
    assert 'reversed' in page(sandbox, '/?part=live')


def test_a_v2_notification_is_accepted_by_its_answer_not_by_its_status(
    sandbox, merchant_v2, openid, shop,
):
    merchant_v2.order(openid, notify_url=shop.url)
    shop.status, shop.body = 200, b'<xml><return_code><![CDATA[FAIL]]></return_code></xml>'
    sandbox.post('pay', mchid=MCHID, out_trade_no='S00042_1')
    assert 'notification not accepted' in page(sandbox, '/?part=live')
    shop.body = b'<xml><return_code><![CDATA[SUCCESS]]></return_code></xml>'
    sandbox.post('notify', mchid=MCHID, out_trade_no='S00042_1')
    assert 'notification not accepted' not in page(sandbox, '/?part=live')


def test_an_expired_order_cannot_be_paid_on_the_page(sandbox, merchant, openid):
    merchant.order(openid, time_expire='2000-01-01T00:00:00+08:00')
    sandbox.clock(120)
    text = page(sandbox)
    assert 'expired' in text and 'class="pay"' not in text
    assert '+120' in text


def test_a_refund_that_waits_has_buttons_for_its_end(sandbox, paid):
    paid.refund(400)
    text = page(sandbox, '/?lang=en&part=live')
    assert '¥4.00' in text and 'in progress' in text and 'paid, refunded' in text
    assert text.count('class="refund quiet"') == 3
    data = {'mchid': MCHID, 'out_refund_no': 'R00042_1'}
    sandbox.post('refund_outcome', **data, status='ABNORMAL', notify=False)
    assert page(sandbox, '/?part=live').count('class="refund quiet"') == 2
    sandbox.post('refund_outcome', **data, status='SUCCESS', notify=False)
    assert 'class="refund quiet"' not in page(sandbox, '/?part=live')


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


# Calls whose arguments of these positions (or whose `why`) end up in the request log.
LOGGED = {
    'PlatformError': (1,), 'param_error': (1, 2), 'invalid_request': (1,), 'ValueError': (0,),
    'MalformedAuthorization': (0,), 'append': (0,), '_not_found': (0,), 'sign_error': (1,),
    'V3Error': (3,), '_missing': (1,), '_refusal': (1,), 'Recall': (3,), 'V2Error': (2,),
    'V2Refusal': (1,), 'NotXml': (0,), '_unbound': (0,), '_invalid': (0,), '_mismatch': (0,),
}
CHECKED = (
    'platform', 'tickets', 'v3_call', 'orders', 'refunds', 'refunds_v3', 'security', 'fields',
    'order_fields', 'refund_fields', 'clock', 'signing', 'server', 'tokens', 'oauth', 'parties',
    'codepay', 'payment_codes', 'v2_xml', 'v2_call', 'v2_errors', 'v2_fields', 'v2_orders',
    'v2_micropay', 'v2_refunds', 'v2_reports', 'bills', 'v2_bills', 'v2_red_packets',
    'transfers_v3',
)
# Where a more precise `why` replaces the message in the log.
NOT_LOGGED = {
    "the order does not exist", "Authorization is missing or repeated",
    "Authorization is malformed",
    "the timestamp of Authorization is more than 5 minutes off",
    "out_trade_no was used with other parameters", "a member is given twice",
}


def template(node):
    """:return: a text of the source with {} for what is filled in, or None."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return ''.join(
            part.value if isinstance(part, ast.Constant) else '{}' for part in node.values
        )
    return None


def logged_texts():
    for name in CHECKED:
        tree = ast.parse((SOURCE / f'{name}.py').read_text())
        for node in ast.walk(tree):
            found = []
            if isinstance(node, ast.Call):
                called = getattr(node.func, 'id', getattr(node.func, 'attr', ''))
                found = [
                    node.args[index] for index in LOGGED.get(called, ())
                    if index < len(node.args)
                ] + [item.value for item in node.keywords if item.arg == 'why']
                if called == 'sign_error':
                    found += node.args[2:3]
            elif isinstance(node, ast.Assign) and getattr(node.targets[0], 'id', '') == 'issue':
                found = [node.value]
            elif isinstance(node, ast.Return) and isinstance(node.value, ast.Tuple):
                found = node.value.elts[1:2] if name == 'tokens' else []
            yield from filter(None, map(template, found))


def test_every_problem_has_a_chinese_text():
    texts = set(logged_texts()) - NOT_LOGGED
    assert len(texts) > 80
    for text in texts:
        if text.startswith('fault: ') or text in ('{}: {}', 'FAIL: {}', 'XML_FORMAT_ERROR: {}'):
            continue
        shown = translate(text.replace('{}', 'x'))
        assert re.search('[\u4e00-\u9fff]', shown), text
        assert not re.search('[a-z]{2,} [a-z]{2,}', shown), shown


def test_no_chinese_text_is_left_over_and_all_have_the_same_gaps():
    sources = '\n'.join(logged_texts()) + (SOURCE / 'v3_call.py').read_text()
    for english, chinese in {**TABLE, **MONEY}.items():
        assert english.count('{}') == chinese.count('{}'), english
        assert english in sources, english


@pytest.mark.parametrize(('problem', 'shown'), [
    ("40029: this code was issued to the app wx1", "40029: 此code是签发给应用wx1的"),
    ("400 PARAM_ERROR: /amount/total: must be 1 or more",
     "400 PARAM_ERROR: /amount/total: 应不小于1"),
    ("401 SIGN_ERROR: Authorization is missing", "401 SIGN_ERROR: 缺少Authorization"),
    ("warning: a GET should have no body", "提示：GET请求不应有请求体"),
    ("something else: new", "something else: new"),
])
def test_codes_and_fields_stay_in_a_translated_problem(problem, shown):
    assert translate(problem) == shown


def test_the_chinese_page_says_problems_in_chinese(sandbox, merchant):
    merchant.query()
    assert "404 ORDER_NOT_EXIST: 此商户没有该订单号的订单" in page(sandbox, '/?lang=zh')
