// License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
const assert = require('node:assert/strict')
const {after, test} = require('node:test')
const {createClient} = require('../odoo-wechat')
const {Phone, control} = require('./wx')
const {Administrator, URL_OF_ODOO, customer, endSession, keptId} = require('./shop')

const AUTHENTICATE = '/wechat/miniprogram/authenticate'
const OWN_NAME = ['res.users', 'search_read', [[]], {fields: ['name'], limit: 1}]

after(() => control('faults', null, 'DELETE'))

test('a login costs one request and tells who it is', async () => {
  const {phone, client} = customer()
  assert.equal(client.user, null)
  const user = await client.login({userInfo: {nickName: '小明'}})
  assert.deepEqual(phone.requests, [AUTHENTICATE])
  assert.equal(phone.logins, 1)
  assert.equal(user.name, '小明')
  assert.equal(user.is_new_user, true)
  assert.equal(user.user_context.lang, 'zh_CN')
  assert.equal(client.user, user)
  assert.ok(!('session_id' in user), 'the id is nobody else\'s business')
})

test('the first rpc costs a login and itself, the second one itself', async () => {
  const {phone, client} = customer()
  await client.rpc(...OWN_NAME)
  assert.deepEqual(phone.requests, [AUTHENTICATE, '/web/dataset/call_kw/res.users/search_read'])
  phone.forget()
  const [me] = await client.rpc('res.users', 'read', [[client.user.uid], ['name']])
  assert.equal(me.id, client.user.uid)
  assert.deepEqual(phone.requests, ['/web/dataset/call_kw/res.users/read'])
  assert.equal(phone.logins, 0)
})

test('the mini-program starts again and is still logged in, without a request', async () => {
  const {phone, client} = customer()
  const user = await client.login()
  phone.forget()
  const again = createClient({baseUrl: URL_OF_ODOO, wx: phone.wx})
  assert.equal((await again.login()).uid, user.uid)
  assert.deepEqual(phone.requests, [])
  assert.equal((await again.rpc('res.partner', 'read', [[user.partner_id], ['name']])).length, 1)
  assert.equal(phone.requests.length, 1)
})

test('calls that race into a login share one', async () => {
  const {phone, client} = customer()
  const answers = await Promise.all([
    client.rpc(...OWN_NAME), client.rpc(...OWN_NAME), client.call('/web/session/check'),
    client.login()
  ])
  assert.equal(answers.length, 4)
  assert.equal(phone.count(AUTHENTICATE), 1)
  assert.equal(phone.requests.length, 4)
})

test('calls that race into an ended session share one new login, and all are answered', async () => {
  const {phone, client} = customer()
  const {uid} = await client.login()
  endSession(keptId(phone))
  phone.forget()
  const answers = await Promise.all([1, 2, 3].map(() => client.rpc(...OWN_NAME)))
  assert.equal(phone.logins, 1)
  assert.equal(phone.count(AUTHENTICATE), 1)
  assert.equal(phone.requests.length, 7)
  assert.deepEqual(answers.map(([user]) => user.id), [uid, uid, uid])
})

test('a session that ended costs one login, and the call is repeated once', async () => {
  const {phone, client} = customer()
  const {uid} = await client.login()
  const old = keptId(phone)
  endSession(old)
  phone.forget()
  const [user] = await client.rpc(...OWN_NAME)
  assert.equal(user.id, uid)
  assert.equal(phone.requests.length, 3)
  assert.notEqual(keptId(phone), old)
})

test('a call that ends sessions again and again is not repeated for ever', async () => {
  const {phone, client} = customer()
  await client.login()
  const request = phone.wx.request
  phone.wx.request = (options) => {
    const success = options.success
    request({...options, success: (answer) => success(
      options.url.endsWith(AUTHENTICATE) ? answer : {statusCode: 401, header: {}, data: {}})})
  }
  phone.forget()
  await assert.rejects(client.rpc(...OWN_NAME), {code: 'session_expired', isRetryable: false})
  assert.equal(phone.requests.length, 3)
})

test('the language and the time zone of the phone are in the context of every call', async () => {
  const chinese = customer({language: 'zh_CN', client: {tz: 'Asia/Shanghai'}})
  const english = customer({language: 'en', client: {tz: 'Europe/Berlin'}})
  const names = async ({client}) => (await client.rpc('product.template', 'search_read', [
    [['is_published', '=', true]]], {fields: ['name'], order: 'id', limit: 1}))[0].name
  assert.equal(await names(chinese), '龙井绿茶 50 克')
  assert.equal(await names(english), 'Longjing green tea, 50 g')
  assert.equal(english.client.user.user_context.tz, 'Europe/Berlin')
  let sent
  const request = english.phone.wx.request
  english.phone.wx.request = (options) => { sent = options; request(options) }
  await english.client.rpc('res.partner', 'search_count', [[]], {context: {active_test: false}})
  assert.deepEqual(sent.data.params.kwargs.context, {
    ...english.client.user.user_context, active_test: false
  })
})

test('another language is chosen with one login, and errors come in it', async () => {
  const {phone, client} = customer()
  const {uid} = await client.login()
  phone.forget()
  assert.equal((await client.setLanguage('en_US')).uid, uid)
  assert.deepEqual(phone.requests, [AUTHENTICATE])
  const message = (error) => error.message
  const english = await client.rpc('sale.order', 'unlink', [[999999]]).catch(message)
  await client.setLanguage('zh_CN')
  const chinese = await client.rpc('sale.order', 'unlink', [[999999]]).catch(message)
  assert.match(english, /^[ -~\s“”‘’…]+$/)
  assert.match(chinese, /[一-鿿]/)
})

test('the web shop speaks the language of the phone too', async () => {
  const refusal = ({client}) => client.call('/shop/cart/add', {
    product_template_id: 999999, product_id: 999999, quantity: 1
  }).then(() => '', (error) => error.message)
  assert.match(await refusal(customer({language: 'en'})), /does not exist/)
  assert.match(await refusal(customer({language: 'zh_CN'})), /[一-鿿]/)
})

test('a login that WeChat was too busy for is tried once more, with another code', async () => {
  const {phone, client} = customer()
  await control('faults', {path: '/sns/jscode2session', action: 'errcode', errcode: -1})
  await client.login()
  assert.equal(phone.logins, 2)
  assert.equal(phone.count(AUTHENTICATE), 2)
})

test('a login with a spent code is tried once more, with another one', async () => {
  const {phone, client} = customer()
  const spent = customer()
  const login = phone.wx.login
  phone.wx.login = ({success, fail}) => login({fail, success: ({code}) => {
    phone.wx.login = login
    spent.phone.wx.login = (options) => options.success({code})
    spent.client.login().then(() => success({code}))
  }})
  await client.login()
  assert.equal(phone.count(AUTHENTICATE), 2)
})

test('a blocked user is refused at once, in words', async () => {
  const {phone, client} = customer()
  phone.user = (await control('users', {})).user
  await control(`users/${phone.user}`, {blocked: true}, 'PATCH')
  await assert.rejects(client.rpc(...OWN_NAME), (error) => {
    assert.equal(error.name, 'OdooError')
    assert.equal(error.code, 'user_blocked')
    assert.equal(error.errcode, 40226)
    assert.equal(error.isRetryable, false)
    assert.match(error.message, /[一-鿿]/)
    return true
  })
  assert.equal(phone.count(AUTHENTICATE), 1)
})

test('an unknown mini-program is refused with its code word', async () => {
  const {client} = customer({client: {appid: 'wx00000000000000ff'}})
  await assert.rejects(client.login(), {code: 'unknown_app'})
})

test('wx.login fails: the call is told so', async () => {
  const {phone, client} = customer()
  phone.wx.login = ({fail}) => fail({errMsg: 'login:fail no network'})
  await assert.rejects(client.rpc(...OWN_NAME), {code: 'login_failed', message: /no network/})
  assert.equal(phone.requests.length, 0)
})

test('after a logout the id is worth nothing and nothing is kept', async () => {
  const {phone, client} = customer()
  const {uid} = await client.login()
  const id = keptId(phone)
  phone.forget()
  assert.equal(await client.logout(), true)
  assert.deepEqual(phone.requests, ['/wechat/miniprogram/logout'])
  assert.equal(client.user, null)
  assert.equal(phone.storage.size, 0)
  const thief = customer()
  thief.phone.storage.set(`odoo-wechat:${URL_OF_ODOO}`, {id, user: {uid}, used: Date.now()})
  const stolen = createClient({baseUrl: URL_OF_ODOO, wx: thief.phone.wx})
  const [user] = await stolen.rpc(...OWN_NAME)
  assert.notEqual(user.id, uid, 'the id still opened the session')
  assert.equal(await client.logout(), true, 'a second logout asks nobody')
  assert.equal(phone.requests.length, 1)
})

test('a call that ends the session is not taken for one that ended before', async () => {
  const {phone, client} = customer()
  await client.login()
  phone.forget()
  await client.call('/web/session/destroy')
  assert.deepEqual(phone.requests, ['/web/session/destroy'])
  await client.rpc(...OWN_NAME)
  assert.equal(phone.logins, 1)
})

test('who logs out while a call is under way is not logged in again by it', async () => {
  const {phone, client} = customer()
  await client.login()
  endSession(keptId(phone))
  const calling = client.rpc(...OWN_NAME)
  const leaving = client.logout()
  await assert.rejects(calling, {code: 'session_expired'})
  assert.equal(await leaving, true)
  assert.equal(client.user, null)
  assert.equal(phone.logins, 1)
})

test('a user of Odoo who was archived is refused', async () => {
  const {phone, client} = customer()
  const {uid} = await client.login()
  const admin = await Administrator.login()
  await admin.rpc('res.users', 'write', [[uid], {active: false}])
  phone.forget()
  await assert.rejects(client.rpc(...OWN_NAME), {code: 'user_archived'})
  assert.equal(phone.count(AUTHENTICATE), 1)
})

test('an address that is none is refused when the client is made', () => {
  const {wx} = new Phone()
  for (const baseUrl of [undefined, '', 'shop.example.com', 'ftp://shop.example.com']) {
    assert.throws(() => createClient({baseUrl, wx}), {code: 'bad_request'})
  }
})
