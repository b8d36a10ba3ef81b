// License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
const assert = require('node:assert/strict')
const {test} = require('node:test')
const {createClient} = require('../odoo-wechat')
const {findSessionId} = require('../odoo-wechat/lib/session')
const {Phone} = require('./wx')
const {
  URL_OF_ODOO, ageSession, customer, endGrace, endSession, fillCart, keptId,
  outdateSession
} = require('./shop')

const THREE_HOURS = 3 * 60 * 60
const ME = ['res.users', 'search_read', [[]], {fields: ['name'], limit: 1}]
const OLD = 'a'.repeat(84)
const NEW = 'Bc_-'.repeat(21)

for (const cookieForm of ['array', 'joined', 'cookies']) {
  test(`the id that Odoo replaces after three hours is followed (cookies: ${cookieForm})`, async () => {
    const {phone, client} = customer({cookieForm})
    const {uid} = await client.login()
    const first = keptId(phone)
    ageSession(first, THREE_HOURS)
    await client.rpc(...ME)
    const second = keptId(phone)
    assert.notEqual(second, first)
    assert.equal(second.slice(0, 42), first.slice(0, 42))
    // Whoever stays with the old id is out from now on.
    endGrace(first)
    phone.forget()
    const [me] = await client.rpc(...ME)
    assert.equal(me.id, uid)
    assert.equal(phone.logins, 0, 'the client had stayed with the old id')
    assert.equal(phone.requests.length, 1)
    ageSession(second, THREE_HOURS)
    await client.rpc(...ME)
    assert.notEqual(keptId(phone), second)
  })
}

test('calls side by side at the moment of the replacement all go on in the same session', async () => {
  const {phone, client} = customer()
  await client.login()
  const first = keptId(phone)
  ageSession(first, THREE_HOURS)
  await Promise.all([1, 2, 3, 4].map(() => client.rpc(...ME)))
  const second = keptId(phone)
  assert.notEqual(second, first)
  endGrace(first)
  await Promise.all([1, 2, 3].map(() => client.rpc(...ME)))
  assert.equal(phone.logins, 1)
})

test('a mini-program that starts again goes on with the replaced id', async () => {
  const {phone, client} = customer()
  await client.login()
  const first = keptId(phone)
  ageSession(first, THREE_HOURS)
  await client.rpc(...ME)
  endGrace(first)
  await createClient({baseUrl: URL_OF_ODOO, wx: phone.wx}).rpc(...ME)
  assert.equal(phone.logins, 1)
})

test('a client that stayed with the old id logs in once and goes on', async () => {
  const {phone, client} = customer()
  const {uid} = await client.login()
  const first = keptId(phone)
  ageSession(first, THREE_HOURS)
  await client.rpc(...ME)
  endGrace(first)
  const stale = new Phone({user: phone.user})
  stale.storage.set(`odoo-wechat:${URL_OF_ODOO}`, {id: first, user: client.user, used: Date.now()})
  const [me] = await createClient({baseUrl: URL_OF_ODOO, wx: stale.wx}).rpc(...ME)
  assert.equal(me.id, uid)
  assert.equal(stale.logins, 1)
})

test('nothing is put into the cart of nobody when the session is over', async () => {
  // Routes of the web shop are public: they go on as the public user, without an error.
  const {phone, client} = customer()
  const {partner_id: partner} = await client.login()
  const product = await tea(client)
  outdateSession(keptId(phone))
  phone.forget()
  const added = await client.call('/shop/cart/add', product)
  assert.equal(added.cart_quantity, 1)
  assert.deepEqual(phone.requests, [
    '/shop/cart/add', '/wechat/miniprogram/authenticate', '/shop/cart/add'
  ])
  const orders = await client.rpc('sale.order', 'search_read', [[]], {fields: ['partner_id']})
  assert.deepEqual(orders.map((order) => order.partner_id[0]), [partner])
})

test('an id that Odoo has forgotten is found out before the web shop is called with it', async () => {
  const {phone, client} = customer()
  await client.login()
  endSession(keptId(phone))
  phone.forget()
  const again = createClient({baseUrl: URL_OF_ODOO, wx: phone.wx})
  const product = await tea(customer().client)
  await again.call('/shop/cart/add', product)
  assert.deepEqual(phone.requests, [
    '/web/session/check', '/wechat/miniprogram/authenticate', '/web/session/check',
    '/shop/cart/add'
  ])
  phone.forget()
  await again.call('/shop/cart/add', product)
  assert.deepEqual(phone.requests, ['/shop/cart/add'], 'asked again although it was just sure')
  const orders = await again.rpc('sale.order', 'search_read', [[]], {fields: ['partner_id']})
  assert.equal(orders.length, 1)
})

test('after a login the web shop is called without further questions', async () => {
  const {phone, client} = customer()
  await client.login()
  phone.forget()
  const order = await fillCart(client)
  assert.equal(order.partner_id[0], client.user.partner_id)
  assert.equal(phone.requests.length, 3)
})

test('a session that was not used for longer than it lives is not tried', async () => {
  const {phone, client} = customer()
  const {expires_in: life} = await client.login()
  const key = `odoo-wechat:${URL_OF_ODOO}`
  const kept = phone.storage.get(key)
  phone.storage.set(key, {...kept, used: Date.now() - (life + 1) * 1000})
  phone.forget()
  await createClient({baseUrl: URL_OF_ODOO, wx: phone.wx}).rpc(...ME)
  assert.deepEqual(phone.requests, [
    '/wechat/miniprogram/authenticate', '/web/dataset/call_kw/res.users/search_read'
  ])
})

test('an anonymous call sends no session', async () => {
  const {phone, client} = customer()
  const version = await client.call('/web/webclient/version_info', {}, {anonymous: true})
  assert.equal(version.server_version_info[0], 19)
  assert.equal(phone.logins, 0)
})

test('a storage that is full or broken costs nothing but the memory of it', async () => {
  const {phone, client} = customer()
  const broken = () => { throw new Error('setStorage:fail exceed storage max size') }
  Object.assign(phone.wx, {
    getStorageSync: broken, setStorageSync: broken, removeStorageSync: broken
  })
  await client.rpc(...ME)
  await client.rpc(...ME)
  assert.equal(phone.logins, 1)
  assert.equal(await client.logout(), true)
})

test('a storage of one\'s own is used instead of the phone\'s', async () => {
  const kept = new Map()
  const storage = {
    get: (key) => kept.get(key), set: (key, value) => kept.set(key, value),
    remove: (key) => kept.delete(key)
  }
  const {phone, client} = customer({client: {storage}})
  await client.login()
  assert.equal(phone.storage.size, 0)
  assert.equal(kept.size, 1)
})

// === What platforms make of Set-Cookie === //

const EXPIRES = 'Expires=Wed, 21 Oct 2026 07:28:00 GMT; Max-Age=604800; HttpOnly; Path=/'
const FORMS = {
  'a text': {header: {'Set-Cookie': `session_id=${NEW}; ${EXPIRES}`}},
  'small letters': {header: {'set-cookie': `session_id=${NEW}; ${EXPIRES}`}},
  'an array': {header: {'Set-Cookie': ['lang=zh_CN; Path=/', `session_id=${NEW}; ${EXPIRES}`]}},
  'joined by commas': {header: {
    'Set-Cookie': `lang=zh_CN; ${EXPIRES},session_id=${NEW}; ${EXPIRES},x=1`
  }},
  'joined with a blank': {header: {'Set-Cookie': `a=1; ${EXPIRES}, session_id=${NEW}; ${EXPIRES}`}},
  'in cookies': {header: {}, cookies: [`session_id=${NEW}; ${EXPIRES}`]},
  'twice, the last one counts': {header: {
    'Set-Cookie': `session_id=${OLD}; ${EXPIRES},session_id=${NEW}; ${EXPIRES}`
  }}
}
for (const [form, answer] of Object.entries(FORMS)) {
  test(`the id is found in a cookie that comes as ${form}`, () => {
    assert.equal(findSessionId(answer), NEW)
  })
}

for (const [what, text] of Object.entries({
  'of another name': `other_session_id=${NEW}; Path=/`,
  'that is too long': `session_id=${NEW}x; Path=/`,
  'that is too short': `session_id=${NEW.slice(1)}; Path=/`,
  'that is deleted': 'session_id=; Max-Age=0; Path=/',
  'that is none': ''
})) {
  test(`a cookie ${what} is no id`, () => {
    assert.equal(findSessionId({header: {'Set-Cookie': text}}), null)
  })
}

async function tea(client) {
  const [product] = await client.rpc('product.product', 'search_read', [[
    ['is_published', '=', true], ['type', '=', 'service']
  ]], {fields: ['product_tmpl_id'], limit: 1})
  return {product_template_id: product.product_tmpl_id[0], product_id: product.id, quantity: 1}
}
