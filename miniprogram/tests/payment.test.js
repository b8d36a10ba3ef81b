// License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
const assert = require('node:assert/strict')
const {test} = require('node:test')
const {control} = require('./wx')
const {Administrator, customer, endSession, fillCart, keptId, lastOrder} = require('./shop')

const PREPAY = '/wechat/payment/prepay'
const STATUS = '/wechat/payment/status'

async function buyer(client = {}) {
  const made = customer({client})
  const order = await fillCart(made.client)
  made.phone.forget()
  return {...made, order}
}

test('an order is paid: one prepay, one sheet, one question', async () => {
  const {phone, client, order} = await buyer()
  const paid = await client.pay('sale.order', order.id)
  assert.equal(paid.outcome, 'paid')
  assert.equal(paid.state, 'done')
  assert.equal(paid.amount, order.amount_total)
  assert.equal(paid.currency, 'CNY')
  assert.match(paid.reference, /^[\w*|@-]{6,32}$/)
  assert.deepEqual(phone.requests, [PREPAY, STATUS])
  assert.equal(phone.payments.length, 1)
  assert.equal(typeof phone.payments[0].timeStamp, 'string')
})

test('who cancels the sheet has not paid, and pays the same order later', async () => {
  const {phone, client, order} = await buyer()
  phone.paying = 'cancel'
  const cancelled = await client.pay('sale.order', order.id)
  assert.equal(cancelled.outcome, 'cancelled')
  assert.deepEqual(phone.requests, [PREPAY, STATUS])
  assert.equal((await lastOrder(client)).state, 'draft')
  phone.paying = 'confirm'
  const paid = await client.pay('sale.order', order.id)
  assert.equal(paid.outcome, 'paid')
  assert.equal(paid.reference, cancelled.reference)
})

test('what the phone says is not believed: it says paid and nothing was', async () => {
  const {phone, client, order} = await buyer({paymentTimeout: 1500})
  phone.wx.requestPayment = ({success}) => success({errMsg: 'requestPayment:ok'})
  const told = await client.pay('sale.order', order.id)
  assert.equal(told.outcome, 'pending')
  assert.notEqual(told.state, 'done')
  assert.equal((await lastOrder(client)).state, 'draft')
})

test('what the phone says is not believed: it says cancelled and it was paid', async () => {
  const {phone, client, order} = await buyer()
  const requestPayment = phone.wx.requestPayment
  phone.wx.requestPayment = (options) => requestPayment({
    ...options, success: () => options.fail({errMsg: 'requestPayment:fail cancel'})
  })
  assert.equal((await client.pay('sale.order', order.id)).outcome, 'paid')
})

test('a payment whose notification never comes is found by asking', async () => {
  const {phone, client, order} = await buyer()
  phone.paying = 'silent'
  const paid = await client.pay('sale.order', order.id)
  assert.equal(paid.outcome, 'paid')
  assert.equal(phone.count(PREPAY), 1)
})

test('a sheet that WeChat does not show is a failure, in its words', async () => {
  const {phone, client, order} = await buyer()
  phone.wx.requestPayment = ({fail}) => fail({errMsg: 'requestPayment:fail no permission'})
  const failed = await client.pay('sale.order', order.id)
  assert.equal(failed.outcome, 'failed')
  assert.match(failed.message, /no permission/)
})

test('Odoo that goes away after the sheet leaves the outcome open, it is no error', async () => {
  const {phone, client, order} = await buyer({paymentTimeout: 300})
  const request = phone.wx.request
  phone.wx.request = (options) => options.url.endsWith(STATUS)
    ? options.fail({errMsg: 'request:fail'}) : request(options)
  const open = await client.pay('sale.order', order.id)
  assert.equal(open.outcome, 'pending')
  assert.equal(open.state, null)
  phone.wx.request = request
  assert.equal((await client.call(STATUS, {reference: open.reference})).state, 'done')
})

test('what cannot be paid is refused before a sheet is shown', async () => {
  const {phone, client, order} = await buyer()
  await client.pay('sale.order', order.id)
  phone.payments.length = 0
  await assert.rejects(client.pay('sale.order', order.id), {code: 'not_payable'})
  await assert.rejects(client.pay('sale.order', 2 ** 30), {code: 'not_payable'})
  await assert.rejects(client.pay('sale.order', 'x'), {code: 'bad_request'})
  assert.equal(phone.payments.length, 0)
})

test('an order of somebody else is paid with its token only', async () => {
  const {client, order} = await buyer()
  const friend = customer()
  await assert.rejects(friend.client.pay('sale.order', order.id), {code: 'not_payable'})
  const admin = await Administrator.login()
  await admin.rpc('sale.order', 'get_portal_url', [[order.id]])
  const [{access_token: accessToken}] = await admin.rpc(
    'sale.order', 'read', [[order.id], ['access_token']])
  const paid = await friend.client.pay('sale.order', order.id, {accessToken})
  assert.equal(paid.outcome, 'paid')
  assert.ok(client.user.uid !== friend.client.user.uid)
})

test('the session ends before the payment: one login, and it is paid', async () => {
  const {phone, client, order} = await buyer()
  endSession(keptId(phone))
  assert.equal((await client.pay('sale.order', order.id)).outcome, 'paid')
  assert.equal(phone.logins, 1)
})

test('WeChat Pay that does not answer is told as such, and no sheet is shown', async () => {
  const {phone, client, order} = await buyer()
  await control('faults', {path: '/v3/pay/transactions/jsapi', action: 'status', status: 500, times: 4})
  try {
    await assert.rejects(client.pay('sale.order', order.id), (error) =>
      ['wechat_unavailable', 'wechat_busy'].includes(error.code) && error.isRetryable)
  } finally {
    await control('faults', null, 'DELETE')
  }
  assert.equal(phone.payments.length, 0)
})
