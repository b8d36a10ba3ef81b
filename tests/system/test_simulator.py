# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The demo mini-program on the sandbox's phone, walked by a real browser with a real mouse."""

import re

import pytest

from devtools.paths import ROOT

from .browser import Browser, program

pytestmark = pytest.mark.skipif(not program(), reason='there is no Chromium on this machine')


@pytest.fixture
def phone(system):
    with Browser(width=900, height=800) as browser:
        browser.open(f'{system.sandbox.url}/miniprogram?lang=zh')
        browser.wait("document.querySelectorAll('.product').length === 4")
        yield browser
        assert not browser.problems


def heading(phone):
    return phone.run("document.querySelector('#heading').textContent")


def shown(phone):
    """Return what the page on the phone says."""
    return phone.run("document.querySelector('.wx-page:not([hidden])').innerText")


def to_checkout(phone, price):
    """Buy the product of a price, up to the checkout."""
    phone.click('.product', price)
    phone.click('.buy')
    phone.click('.checkout')
    phone.wait("document.querySelector('#heading').textContent === '确认订单'")


def test_a_person_walks_from_the_products_to_the_paid_order(system, phone):
    assert '龙井绿茶' in shown(phone)
    pictures = "[...document.querySelectorAll('.picture')]"
    phone.wait(f'{pictures}.every((item) => item.complete && item.naturalWidth > 100)')
    to_checkout(phone, '128.00')
    phone.click('.address')
    phone.click('#sheet button', '王小明')
    phone.wait("document.querySelector('.dot.chosen')")
    assert '包邮' in shown(phone)
    phone.click('.pay:not(.off)')
    phone.wait("document.querySelector('#sheet .amount')")
    assert phone.run("document.querySelector('#sheet .amount').textContent") == '¥128.00'
    phone.click('#sheet button', '立即支付')
    phone.wait("document.querySelector('.thanks')")
    assert '已支付' in shown(phone)
    number = re.search(r'S\d+', shown(phone))[0]
    order = system.wait(lambda: system.admin.call(
        'sale.order', 'search_read', [['name', '=', number], ['state', '=', 'sale']],
        fields=['amount_total', 'partner_shipping_id']))
    assert order[0]['amount_total'] == 128
    assert '王小明' in order[0]['partner_shipping_id'][1]
    phone.click('#back')
    phone.wait("!document.querySelector('#tabs').hidden")
    phone.wait("document.body.innerText.includes('购物车还是空的')")
    phone.click('#tabs button', '订单')
    phone.wait(f"document.querySelector('.order')?.textContent.includes('{number}')")


def test_who_cancels_at_the_payment_sheet_keeps_the_cart(phone):
    to_checkout(phone, '88.00')
    phone.click('.pay:not(.off)')
    phone.click('#sheet button', '取消')
    phone.wait("document.querySelector('#toast').textContent.includes('尚未支付')")
    phone.click('#back')
    phone.wait("document.querySelector('.wx-page:not([hidden]) .line')")
    assert '品茶体验' in shown(phone)


def test_a_search_is_written_and_found(phone):
    phone.click('.search')
    phone.write('茶杯')
    phone.press('Enter')
    phone.wait("document.querySelectorAll('.product').length === 1")
    assert '白瓷茶杯' in shown(phone)


def test_the_language_is_changed_and_the_session_is_kept_over_a_restart(phone):
    phone.click('#tabs button', '我的')
    phone.click('.language')
    phone.wait("document.querySelector('#heading').textContent === 'Me'")
    phone.click('#tabs button', 'Shop')
    phone.wait("document.body.innerText.includes('Longjing green tea')")
    before = phone.run("localStorage.length && Object.values(localStorage).join()")
    phone.click('#restart')
    phone.wait("document.body.innerText.includes('Longjing green tea')")
    assert phone.run("Object.values(localStorage).join()") == before


def test_the_profile_is_filled_in(system, phone):
    phone.click('#tabs button', '我的')
    phone.run("document.querySelector('.nickname').select()")
    phone.write('小红')
    phone.click('.save')
    phone.wait("document.querySelector('#toast').textContent === '已保存'")
    phone.click('.bind')
    phone.click('#sheet button', '允许')
    phone.wait("document.querySelector('.phone').textContent.startsWith('+86')")
    phone.click('.avatar')
    phone.choose_file('#album', ROOT / 'miniprogram' / 'demo' / 'icons' / 'me.png')
    phone.wait("document.querySelector('img.portrait')?.naturalWidth > 10")
    number = phone.run("document.querySelector('.phone').textContent")
    found = system.admin.call('res.partner', 'search_read', [['phone', '=', number]],
                              fields=['name', 'image_128'])
    assert [partner['name'] for partner in found] == ['小红']
    assert found[0]['image_128']


def test_it_can_be_walked_with_the_keyboard(phone):
    phone.run("document.querySelector('.plus').focus()")
    phone.press('Enter')
    phone.wait("document.querySelector('#toast').textContent === '已加入购物车'")
    assert heading(phone) == '商店', 'the product was opened too'
