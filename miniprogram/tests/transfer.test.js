// License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
// Money that the merchant sends, on the phone of who gets it.
const assert = require('node:assert/strict')
const {test} = require('node:test')
const {control} = require('./wx')
const {Demo} = require('./demo')
const {Administrator, customer} = require('./shop')

const TRANSFER = '/wechat/payment/transfer'
const STATUS = '/wechat/payment/transfer/status'

let sending = null

/** An administrator who may prepare money and send it, too. */
async function sender() {
  const admin = await Administrator.login()
  const groups = await admin.rpc('res.groups', 'search', [[
    ['privilege_id.name', 'ilike', 'WeChat Pay:%Payouts']]])
  assert.equal(groups.length, 2)
  const [me] = await admin.rpc('res.users', 'search', [[['login', '=', 'admin']]])
  await admin.rpc('res.users', 'write', [[me], {group_ids: groups.map((id) => [4, id])}])
  const providers = await admin.rpc('payment.provider', 'search', [[['code', '=', 'wechat_pay']]])
  await admin.rpc('payment.provider', 'write', [providers, {wechat_payout_four_eyes: false}])
  return admin
}

/** Send money to who is logged in; resolves to the number. */
async function sendMoney(client, amount = 1) {
  sending = sending || sender()
  const admin = await sending
  const user = await client.login()
  const [identity] = await admin.rpc('wechat.identity', 'search', [[['user_id', '=', user.uid]]])
  const [id] = await admin.rpc('wechat.pay.transfer', 'create', [[{
    identity_id: identity, amount, remark: '十月佣金'
  }]])
  await admin.rpc('wechat.pay.transfer', 'action_send', [[id]])
  const [transfer] = await admin.rpc('wechat.pay.transfer', 'read', [
    [id], ['out_bill_no', 'state', 'message']])
  assert.equal(transfer.state, 'waiting', transfer.message)
  return transfer.out_bill_no
}

async function recipient(options) {
  const made = customer(options)
  const number = await sendMoney(made.client)
  made.phone.forget()
  return {...made, number}
}

test('money that waits is listed, accepted and gone from the list', async () => {
  const {phone, client, number} = await recipient()
  assert.deepEqual(await client.waitingTransfers(), [
    {out_bill_no: number, amount: 1, currency: 'CNY', remark: '十月佣金'}])
  phone.forget()
  const result = await client.confirmTransfer(number)
  assert.deepEqual(result, {outcome: 'received', out_bill_no: number, state: 'done', message: ''})
  assert.deepEqual(phone.requests, [TRANSFER, STATUS])
  assert.deepEqual(Object.keys(phone.transfers[0]).sort(), ['appId', 'mchId', 'package'])
  assert.deepEqual(await client.waitingTransfers(), [])
})

test('who closes the page has not accepted, and can later', async () => {
  const {phone, client, number} = await recipient()
  phone.accepting = 'cancel'
  const cancelled = await client.confirmTransfer(number)
  assert.equal(cancelled.outcome, 'cancelled')
  assert.equal(cancelled.state, 'waiting')
  assert.equal((await client.waitingTransfers()).length, 1)
  phone.accepting = 'confirm'
  assert.equal((await client.confirmTransfer(number)).outcome, 'received')
})

test('what was accepted and never notified is found by asking', async () => {
  const {phone, client, number} = await recipient()
  phone.accepting = 'silent'
  assert.equal((await client.confirmTransfer(number)).outcome, 'received')
})

test('what the phone says is not believed: it says accepted and nothing was', async () => {
  const {phone, client, number} = await recipient({client: {paymentTimeout: 1500}})
  phone.wx.requestMerchantTransfer = ({success}) => success({errMsg: 'requestMerchantTransfer:ok'})
  const told = await client.confirmTransfer(number)
  assert.equal(told.outcome, 'pending')
  assert.equal(told.state, 'waiting')
})

test('what the phone says is not believed: it says cancelled and it was accepted', async () => {
  const {phone, client, number} = await recipient()
  const {requestMerchantTransfer} = phone.wx
  phone.wx.requestMerchantTransfer = (options) => requestMerchantTransfer({
    ...options, success: () => options.fail({errMsg: 'requestMerchantTransfer:fail cancel'})
  })
  assert.equal((await client.confirmTransfer(number)).outcome, 'received')
})

test('money that the merchant took back fails before or behind the page', async () => {
  const {phone, client, number} = await recipient()
  const {requestMerchantTransfer} = phone.wx
  const [{mchid}] = (await control('world')).merchants
  phone.wx.requestMerchantTransfer = async (options) => {
    await control('transfer', {mchid, out_bill_no: number, action: 'expire'})
    requestMerchantTransfer(options)
  }
  const failed = await client.confirmTransfer(number)
  assert.equal(failed.outcome, 'failed')
  assert.equal(failed.state, 'failed')
  phone.wx.requestMerchantTransfer = requestMerchantTransfer
  await assert.rejects(client.confirmTransfer(number), {code: 'bad_request'})
})

test('nobody else gets the page or the state', async () => {
  const {number} = await recipient()
  const other = customer()
  assert.deepEqual(await other.client.waitingTransfers(), [])
  await assert.rejects(other.client.confirmTransfer(number), {code: 'bad_request'})
  await assert.rejects(other.client.call(STATUS, {out_bill_no: number}), {code: 'bad_request'})
  await assert.rejects(other.client.call(STATUS, {out_bill_no: ['x']}), {code: 'bad_request'})
  assert.equal(other.phone.transfers.length, 0)
})

test('an old WeChat is told so, and nothing is asked', async () => {
  const {phone, client, number} = await recipient()
  phone.wx.canIUse = () => false
  await assert.rejects(client.confirmTransfer(number), {code: 'unsupported'})
  assert.deepEqual(phone.requests, [])
})

test('the demo shows the money, and that it is received', async () => {
  const demo = new Demo({language: 'zh_CN'})
  await sendMoney(demo.shop.client, 8.8)
  const me = await demo.open('me')
  await me.tap('.transfers')
  assert.equal(demo.last('navigateTo').url, '/pages/transfers/transfers')
  const page = await demo.open('transfers')
  assert.match(page.text, /¥8\.80/)
  assert.match(page.text, /十月佣金/)
  await page.tap('.receive')
  await page.until(() => /暂无待收款项/.test(page.text))
  assert.equal(demo.last('showToast').title, '已收款')
})

test('the demo keeps the money that is not accepted yet, and says when WeChat is too old', async () => {
  const demo = new Demo({language: 'en'})
  await sendMoney(demo.shop.client)
  demo.phone.accepting = 'cancel'
  const page = await demo.open('transfers')
  await page.tap('.receive')
  assert.match(page.text, /¥1\.00/)
  demo.phone.wx.canIUse = () => false
  await page.tap('.receive')
  assert.equal(demo.last('showToast').title, 'Please update WeChat first.')
})
