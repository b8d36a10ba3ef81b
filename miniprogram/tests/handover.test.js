// License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
// The demo's payment page, opened by a page of the web shop inside the mini-program.
const assert = require('node:assert/strict')
const {test} = require('node:test')
const {Demo} = require('./demo')
const {Administrator, handOver} = require('./shop')
const texts = require('../demo/lib/texts')

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
