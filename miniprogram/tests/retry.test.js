// License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
const assert = require('node:assert/strict')
const {after, afterEach, before, test} = require('node:test')
const {createClient} = require('../odoo-wechat')
const {Proxy} = require('./proxy')
const {Administrator, fillCart} = require('./shop')
const {Phone} = require('./wx')

const AUTHENTICATE = /authenticate/
const CALL = /call_kw/
let proxy

before(async () => { proxy = await Proxy.start() })
after(() => proxy.close())
afterEach(() => { proxy.faults = [] })

async function loggedIn(options = {}) {
  const phone = new Phone()
  const client = createClient({baseUrl: proxy.url, wx: phone.wx, ...options})
  await client.login()
  proxy.seen = []
  proxy.passed = []
  return {phone, client}
}

for (const lose of ['request', 'answer']) {
  test(`a reading call is repeated when its ${lose} is lost`, async () => {
    const {client} = await loggedIn()
    proxy.faults = [{path: CALL, lose}]
    const count = await client.rpc('product.template', 'search_count', [[]])
    assert.equal(typeof count, 'number')
    assert.equal(proxy.count(CALL), 2)
  })

  test(`a writing call is not repeated when its ${lose} is lost`, async () => {
    const {client} = await loggedIn()
    const {partner_id: id, uid} = client.user
    for (const [model, method, args] of [
      ['res.users', 'write', [[uid], {signature: 'x'}]],
      ['mail.message', 'create', [{body: 'x', model: 'res.partner', res_id: id}]],
      ['sale.order', 'action_confirm', [[1]]]
    ]) {
      proxy.seen = []
      proxy.faults = [{path: CALL, lose}]
      await assert.rejects(client.rpc(model, method, args), {code: 'network', isRetryable: true})
      assert.equal(proxy.count(CALL), 1, method)
    }
  })

  test(`a login whose ${lose} is lost is repeated with another code`, async () => {
    const {phone, client} = await loggedIn()
    await client.logout()
    phone.forget()
    proxy.seen = []
    proxy.faults = [{path: AUTHENTICATE, lose}]
    await client.login()
    const codes = proxy.seen.filter((item) => AUTHENTICATE.test(item.path))
      .map((item) => JSON.parse(item.body).params.code)
    assert.equal(codes.length, 2)
    assert.notEqual(codes[0], codes[1])
    assert.equal(phone.logins, 2)
  })

  test(`prepay and status are repeated when their ${lose} is lost; one payment is made`, async () => {
    const {phone, client} = await loggedIn()
    const order = await fillCart(client)
    proxy.faults = [
      {path: /payment\/prepay/, lose}, {path: /payment\/status/, lose}
    ]
    const paid = await client.pay('sale.order', order.id)
    assert.equal(paid.outcome, 'paid')
    assert.equal(phone.payments.length, 1)
    assert.equal(proxy.count(/payment\/prepay/), 2)
    const admin = await Administrator.login()
    assert.equal(await admin.rpc('payment.transaction', 'search_count', [
      [['sale_order_ids', 'in', [order.id]]]
    ]), 1)
  })
}

test('goods are not put into the cart twice when the answer is lost', async () => {
  const {client} = await loggedIn()
  const order = await fillCart(client)
  const lines = () => client.rpc('sale.order.line', 'search_read', [
    [['order_id', '=', order.id]]
  ], {fields: ['product_id', 'product_template_id', 'product_uom_qty']})
  const [line] = await lines()
  proxy.faults = [{path: /cart\/add/, lose: 'answer'}]
  await assert.rejects(client.call('/shop/cart/add', {
    product_template_id: line.product_template_id[0], product_id: line.product_id[0], quantity: 1
  }), {code: 'network'})
  assert.equal((await lines())[0].product_uom_qty, 2)
})

test('a call that may be carried out twice is repeated if the caller says so', async () => {
  const {client} = await loggedIn()
  await fillCart(client)
  proxy.seen = []
  proxy.faults = [{path: /cart\/clear/, lose: 'answer'}]
  await client.call('/shop/cart/clear', {}, {repeat: true})
  assert.equal(proxy.count(/cart\/clear/), 2)
})

test('a connection that stays away is given up after three tries', async () => {
  const {client} = await loggedIn()
  proxy.faults = [1, 2, 3, 4].map(() => ({path: CALL, lose: 'request'}))
  await assert.rejects(client.rpc('product.template', 'search_count', [[]]), {
    code: 'network', isRetryable: true, errcode: null
  })
  assert.equal(proxy.count(CALL), 3)
})

test('a proxy that says 502 for a moment costs a reading call nothing but time', async () => {
  const {client} = await loggedIn()
  proxy.faults = [{path: CALL, status: 502, body: '<html>Bad Gateway</html>'}]
  assert.equal(typeof await client.rpc('product.template', 'search_count', [[]]), 'number')
  proxy.faults = [{path: CALL, status: 502, body: '<html>Bad Gateway</html>'}]
  await assert.rejects(client.rpc('res.partner', 'write', [[1], {}]), {
    code: 'server_unavailable', status: 502, isRetryable: true
  })
})

test('an answer that is no JSON is an error, not a result', async () => {
  const {client} = await loggedIn()
  proxy.faults = [{path: CALL, status: 200, body: '<html>Please pay for this Wi-Fi</html>'}]
  await assert.rejects(client.rpc('product.template', 'search_count', [[]]), {
    code: 'http_error', isRetryable: false
  })
})

for (const [what, fault] of Object.entries({
  '401': {status: 401}, '403': {status: 403},
  'a redirect to the login page': {status: 303, headers: {Location: '/web/login?redirect=%2F'}}
})) {
  test(`${what} means that the session is over: one login, and the call once more`, async () => {
    const {phone, client} = await loggedIn()
    phone.forget()
    proxy.faults = [{path: CALL, ...fault}]
    await client.rpc('product.template', 'search_count', [[]])
    assert.equal(phone.logins, 1)
    assert.equal(proxy.count(CALL), 2)
  })
}

test('a server that takes too long is a time-out, and a reading call is tried once more', async () => {
  const {phone, client} = await loggedIn({timeout: 5000})
  const limits = []
  phone.wx.request = (options) => {
    limits.push(options.timeout)
    setTimeout(() => options.fail({errMsg: 'request:fail timeout'}), 10)
  }
  await assert.rejects(client.rpc('product.template', 'search_count', [[]]), {code: 'timeout'})
  assert.deepEqual(limits, [5000, 5000])
  await assert.rejects(client.rpc('res.partner', 'create', [{}]), {code: 'timeout'})
  assert.equal(limits.length, 3)
})

test('an error of Odoo has its class and its words, and is not repeated', async () => {
  const {client} = await loggedIn()
  await assert.rejects(client.rpc('payment.provider', 'search_read', [[]]), (error) => {
    assert.equal(error.code, 'odoo_error')
    assert.equal(error.exception, 'odoo.exceptions.AccessError')
    assert.equal(error.isRetryable, false)
    assert.ok(error.message)
    return true
  })
  assert.equal(proxy.count(CALL), 1)
})
