// License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
// The demo's payment page, opened by a page of the web shop inside the mini-program.
const assert = require('node:assert/strict')
const {test} = require('node:test')
const {Demo} = require('./demo')
const {Administrator, URL_OF_ODOO, fillCart} = require('./shop')
const {send} = require('./wx')
const texts = require('../demo/lib/texts')

const IN_WEB_VIEW = 'Mozilla/5.0 (iPhone) Mobile MicroMessenger/8.0.49 miniProgram/wx0000000000000002'

/** A customer of the web shop who chose WeChat Pay; resolves to the page's address and options. */
async function handOver() {
  // Somebody else's session: what the mini-program gets must do.
  const {client} = new Demo().shop
  const order = await fillCart(client)
  const admin = await Administrator.login()
  const [{access_token: token, amount_total: amount}] = await admin.rpc('sale.order', 'read',
    [[order.id], ['access_token', 'amount_total']])
  const [provider] = await admin.rpc('payment.provider', 'search_read',
    [[['code', '=', 'wechat_pay'], ['state', '!=', 'disabled']]],
    {fields: ['payment_method_ids', 'wechat_miniprogram_page'], limit: 1})
  const values = await client.call(`/shop/payment/transaction/${order.id}`, {
    access_token: token, provider_id: provider.id, payment_method_id: provider.payment_method_ids[0],
    token_id: null, amount, flow: 'redirect', tokenization_requested: false,
    landing_route: '/shop/payment/validate'
  })
  const form = values.redirect_form_html
  const path = /action="([^"]+)"/.exec(form)[1]
  const access = /name="access_token" value="([^"]+)"/.exec(form)[1]
  const page = await send(`${URL_OF_ODOO}${path}?access_token=${access}`, {
    method: 'GET', headers: {'User-Agent': IN_WEB_VIEW}
  })
  const address = /data-handover-url="([^"]+)"/.exec(page.body.toString())[1]
    .replaceAll('&amp;', '&')
  const [url, query] = address.split('?')
  assert.equal(url, '/pages/pay/pay')
  return {
    reference: values.reference, amount, options: Object.fromEntries(new URLSearchParams(query))
  }
}

async function transaction(reference) {
  const admin = await Administrator.login()
  const [found] = await admin.rpc('payment.transaction', 'search_read',
    [[['reference', '=', reference]]], {fields: ['state', 'sale_order_ids', 'wechat_trade_type']})
  return found
}

test('the payment that a web page hands over is paid, and the page is shown again', async () => {
  const {reference, amount, options} = await handOver()
  assert.deepEqual(Object.keys(options).sort(), ['access_token', 'id', 'model'])
  const demo = new Demo()
  demo.phone.wx.navigateBack = (choice) => demo.phone.calls.push(['navigateBack', choice])
  const page = await demo.open('pay', options)
  assert.equal(page.data.outcome, 'paid', page.data.message)
  assert.match(page.text, new RegExp(`¥${amount.toFixed(2)}`))
  await page.until(() => demo.last('navigateBack'))
  const {state, wechat_trade_type: type} = await transaction(reference)
  assert.deepEqual([state, type], ['done', 'JSAPI'], 'another transaction was paid')
})

test('who closes the sheet may pay again or go back', async () => {
  const {reference, options} = await handOver()
  const demo = new Demo()
  demo.phone.wx.navigateBack = (choice) => demo.phone.calls.push(['navigateBack', choice])
  demo.phone.paying = 'cancel'
  const page = await demo.open('pay', options)
  assert.match(page.text, new RegExp(texts.zh.not_paid))
  await page.tap('.back')
  assert.ok(demo.last('navigateBack'))
  assert.equal((await transaction(reference)).state, 'draft')
  demo.phone.paying = 'confirm'
  await page.tap('.pay')
  assert.equal(page.data.outcome, 'paid')
  assert.equal((await transaction(reference)).state, 'done')
})

test('what is paid already, or not handed over, is refused in words', async () => {
  const {options} = await handOver()
  const first = await new Demo().open('pay', options)
  assert.equal(first.data.outcome, 'paid')
  for (const wrong of [options, {...options, access_token: 'x'}, {}]) {
    const demo = new Demo()
    const page = await demo.open('pay', wrong)
    assert.equal(page.data.outcome, 'refused')
    assert.ok(page.data.message)
    assert.equal(demo.phone.payments.length, 0)
  }
})

test('a payment page that was opened by itself goes back to the orders', async () => {
  const demo = new Demo()
  demo.phone.wx.navigateBack = ({fail}) => fail({errMsg: 'navigateBack:fail cannot navigate back'})
  const page = await demo.open('pay', {})
  await page.tap('.back')
  assert.equal(demo.last('switchTab').url, '/pages/orders/orders')
})
