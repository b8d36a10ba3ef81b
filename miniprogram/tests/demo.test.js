// License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const {after, test} = require('node:test')
const {Demo} = require('./demo')
const {Administrator, endSession, fillCart, keptId, lastOrder} = require('./shop')
const {send} = require('./wx')

const DEMO = path.join(__dirname, '..', 'demo')
const texts = require('../demo/lib/texts')

// jsdom keeps a timer for its frames.
after(() => setImmediate(() => process.exit()))

test('the shop shows names, prices and pictures that load without a session', async () => {
  const demo = new Demo()
  const page = await demo.open('shop')
  assert.match(page.text, /龙井绿茶 50 克 ¥9\.90/)
  assert.equal(page.all('.product').length, 4)
  for (const {picture} of page.data.products) {
    const answer = await send(picture, {method: 'GET'})
    assert.equal(answer.statusCode, 200)
    assert.match(answer.header['content-type'], /^image\/jpeg/)
    assert.ok(answer.body.length > 4000, 'a placeholder')
  }
})

test('the shop is in English on a phone in English', async () => {
  const demo = new Demo({language: 'en'})
  const page = await demo.open('shop')
  assert.match(page.text, /Tea from the hills/)
  assert.match(page.text, /Longjing green tea, 50 g ¥9\.90/)
  assert.equal(demo.last('setNavigationBarTitle').title, 'Shop')
})

test('a search finds what fits, and says so when nothing does', async () => {
  const demo = new Demo()
  const page = await demo.open('shop')
  await page.happen('.search', 'confirm', {value: ' 茶杯 '})
  await page.until(() => page.data.products.length === 1)
  assert.match(page.text, /白瓷茶杯/)
  assert.doesNotMatch(page.text, /龙井/)
  await page.happen('.search', 'confirm', {value: '咖啡'})
  await page.until(() => page.text.includes(texts.zh.nothing_found))
})

test('what is tapped on is opened, and the plus puts it into the cart', async () => {
  const demo = new Demo()
  const page = await demo.open('shop')
  const index = page.data.products.findIndex(({name}) => name === '白瓷茶杯')
  await page.tap('.product', index)
  const {id} = page.data.products[index]
  assert.equal(demo.last('navigateTo').url, `/pages/product/product?id=${id}`)
  await page.tap('.plus', index)
  assert.equal(demo.last('showToast').title, texts.zh.added)
  assert.equal(demo.last('setTabBarBadge').text, '1')
  assert.equal(demo.phone.calls.filter(([name]) => name === 'navigateTo').length, 1)
})

test('a product shows its text and its price, and goes into the cart as often as wanted', async () => {
  const demo = new Demo()
  const list = await demo.open('shop')
  const {id} = list.data.products.find(({name}) => name === '普洱茶饼 357 克')
  const page = await demo.open('product', {id: String(id)})
  assert.match(page.text, /¥128\.00/)
  assert.match(page.data.product.description, /古树熟普/)
  await page.tap('.step', 1)
  await page.tap('.step', 1)
  await page.tap('.step', 0)
  assert.equal(page.data.quantity, 2)
  await page.tap('.buy')
  assert.equal(demo.last('switchTab').url, '/pages/cart/cart')
  const cart = await demo.open('cart')
  assert.match(cart.text, /普洱茶饼 357 克/)
  assert.match(cart.text, /合计 ¥256\.00/)
})

test('a product of several kinds asks which', async () => {
  const admin = await Administrator.login()
  const attribute = await admin.rpc('product.attribute', 'create', [{
    name: 'Size', create_variant: 'always',
    value_ids: [[0, 0, {name: 'S'}], [0, 0, {name: 'L'}]]
  }])
  const values = await admin.rpc('product.attribute.value', 'search', [
    [['attribute_id', '=', attribute]]])
  const template = await admin.rpc('product.template', 'create', [{
    name: 'Apron', list_price: 45, is_published: true, type: 'consu', taxes_id: [],
    attribute_line_ids: [[0, 0, {attribute_id: attribute, value_ids: [[6, 0, values]]}]]
  }])
  const [line] = await admin.rpc('product.template.attribute.value', 'search', [
    [['product_tmpl_id', '=', template], ['name', '=', 'L']]])
  await admin.rpc('product.template.attribute.value', 'write', [[line], {price_extra: 5}])
  try {
    const demo = new Demo()
    const list = await demo.open('shop')
    const index = list.data.products.findIndex(({id}) => id === template)
    await list.tap('.plus', index)
    assert.equal(demo.last('navigateTo').url, `/pages/product/product?id=${template}`)
    const page = await demo.open('product', {id: String(template)})
    assert.deepEqual(page.data.product.variants.map(({label}) => label), ['S', 'L'])
    assert.equal(page.data.price, '¥45.00')
    await page.tap('.variant', 1)
    assert.equal(page.data.price, '¥50.00')
    await page.tap('.light')
    const cart = await demo.open('cart')
    assert.match(cart.text, /Apron \(L\) ¥50\.00/)
  } finally {
    await admin.rpc('product.template', 'write', [[template], {is_published: false}])
  }
})

test('an empty cart leads back to the shop', async () => {
  const demo = new Demo()
  const page = await demo.open('cart')
  assert.match(page.text, /购物车还是空的/)
  await page.tap('.shopping')
  assert.equal(demo.last('switchTab').url, '/pages/shop/shop')
})

test('quantities are changed in the cart, down to nothing', async () => {
  const demo = new Demo()
  await fillCart(demo.shop.client, 'consu')
  const page = await demo.open('cart')
  await page.tap('.step', 1)
  assert.match(page.text, /合计 ¥19\.80/)
  await page.tap('.step', 0)
  await page.tap('.step', 0)
  assert.match(page.text, /购物车还是空的/)
})

test('from the cart to the thanks: address, delivery, payment, order', async () => {
  const demo = new Demo()
  const {client} = demo.shop
  await fillCart(client, 'consu')
  const cart = await demo.open('cart')
  await cart.tap('.checkout')
  assert.equal(demo.last('navigateTo').url, '/pages/checkout/checkout')
  const page = await demo.open('checkout')
  await page.tap('.pay')
  assert.equal(demo.last('showToast').title, texts.zh.need_address)
  assert.equal(demo.phone.payments.length, 0)
  await page.tap('.address')
  assert.match(page.text, /王小明 13800138000/)
  assert.match(page.text, /包邮/)
  await page.tap('.method')
  await page.tap('.pay')
  await page.until(() => demo.last('redirectTo'))
  const {url} = demo.last('redirectTo')
  assert.match(url, /^\/pages\/order\/order\?paid=1&id=\d+$/)
  const order = await lastOrder(client)
  const opened = await demo.open('order', {id: String(order.id), paid: '1'})
  assert.match(opened.text, /感谢您的购买/)
  assert.match(opened.text, /已支付/)
  assert.match(opened.text, /王小明/)
  const [partner] = await client.rpc('res.partner', 'search_read', [[['type', '=', 'delivery']]], {
    fields: ['name', 'phone', 'street', 'city', 'state_id', 'country_id', 'zip']
  })
  assert.equal(partner.state_id[1], '浙江省 (CN)')
  assert.equal(partner.city, '杭州市')
  const orders = await demo.open('orders')
  assert.match(orders.text, new RegExp(`${order.name} 已支付`))
  assert.match((await demo.open('cart')).text, /购物车还是空的/, 'what was paid is still in the cart')
})

test('who has paid is asked for consent to messages, and has paid whatever the answer', async () => {
  const demo = new Demo()
  await fillCart(demo.shop.client)
  demo.shop.config.templateIds = ['t1']
  const asked = []
  demo.phone.wx.requestSubscribeMessage = ({tmplIds, fail}) => {
    asked.push(tmplIds)
    fail({errMsg: 'requestSubscribeMessage:fail', errCode: 20004})
  }
  const page = await demo.open('checkout')
  await page.tap('.pay')
  await page.until(() => demo.last('redirectTo'))
  assert.deepEqual(asked, [['t1']])
  assert.match(demo.last('redirectTo').url, /paid=1/)
})

test('the address is remembered for the next order', async () => {
  const demo = new Demo()
  await fillCart(demo.shop.client, 'consu')
  const page = await demo.open('checkout')
  await page.tap('.address')
  const again = await demo.open('checkout')
  assert.match(again.text, /文三路1号/)
  const people = await demo.shop.client.rpc('res.partner', 'search_count', [
    [['type', '=', 'delivery']]])
  assert.equal(people, 1, 'the same address is a second contact')
})

test('who cancels the payment keeps the cart', async () => {
  const demo = new Demo()
  await fillCart(demo.shop.client)
  demo.phone.paying = 'cancel'
  const page = await demo.open('checkout')
  assert.match(page.text, /无需配送/)
  await page.tap('.pay')
  assert.equal(demo.last('showToast').title, texts.zh.cancelled)
  assert.equal(demo.last('redirectTo'), undefined)
  assert.match((await demo.open('cart')).text, /品茶体验/)
})

test('a payment that Odoo has not heard of is not called paid', async () => {
  const demo = new Demo()
  await fillCart(demo.shop.client)
  demo.shop.client.pay = () => Promise.resolve({outcome: 'pending'})
  const page = await demo.open('checkout')
  await page.tap('.pay')
  assert.equal(demo.last('showToast').title, texts.zh.checking)
  assert.doesNotMatch(demo.last('redirectTo').url, /paid/)
})

test('a quotation that the shop has sent is paid from the orders', async () => {
  const demo = new Demo()
  const {client} = demo.shop
  const {id} = await fillCart(client)
  const admin = await Administrator.login()
  await admin.rpc('sale.order', 'write', [[id], {state: 'sent'}])
  const orders = await demo.open('orders')
  assert.match(orders.text, /待支付/)
  await orders.tap('.order')
  assert.equal(demo.last('navigateTo').url, `/pages/order/order?id=${id}`)
  const page = await demo.open('order', {id: String(id)})
  await page.tap('.pay')
  await page.until(() => page.data.thanks)
  assert.match(page.text, /已支付/)
})

test('no orders, no list', async () => {
  assert.match((await new Demo().open('orders')).text, /您还没有订单/)
})

test('an order of somebody else is not shown', async () => {
  const {id} = await fillCart(new Demo().shop.client)
  const page = await new Demo().open('order', {id: String(id)})
  assert.ok(page.data.error)
  assert.equal(page.data.order, null)
})

test('signing out and in again', async () => {
  const demo = new Demo()
  const {uid} = await demo.shop.client.login()
  const page = await demo.open('me')
  await page.tap('.sign-out')
  assert.match(page.text, /您已退出登录/)
  await page.tap('.sign-in')
  assert.equal(page.data.user.uid, uid)
})

test('another language is chosen and remembered', async () => {
  const demo = new Demo()
  await demo.shop.client.login()
  const page = await demo.open('me')
  await page.tap('.language')
  assert.match(page.text, /Sign out/)
  assert.equal(demo.last('setNavigationBarTitle').title, 'Me')
  assert.match((await demo.open('shop')).text, /Longjing green tea/)
  const {storage} = demo.phone
  const later = new Demo()
  for (const [key, value] of storage) {
    later.phone.storage.set(key, value)
  }
  assert.equal(later.shop.words(), require('../demo/lib/texts').en)
})

test('the profile tells picture, nickname and phone number to Odoo, and what was stored is shown', async () => {
  const demo = new Demo()
  const {client} = demo.shop
  await client.login()
  const sent = []
  const note = (name, result) => (value) => {
    sent.push([name, value])
    return Promise.resolve(result)
  }
  Object.assign(client, {
    uploadAvatar: note('uploadAvatar', {avatarUrl: 'https://shop.example.com/a.png'}),
    updateProfile: note('updateProfile', {}),
    bindPhone: note('bindPhone', {phone: '+8613800138000', countryCode: '86'})
  })
  const page = await demo.open('me')
  await page.happen('.avatar', 'chooseavatar', {avatarUrl: 'wxfile://tmp/a.png'})
  await page.happen('.name', 'submit', {value: {nickname: ' 小明 '}})
  await page.happen('.name', 'submit', {value: {nickname: '  '}})
  await page.happen('.bind', 'getphonenumber', {code: 'c0de', errMsg: 'getPhoneNumber:ok'})
  assert.deepEqual(sent, [
    ['uploadAvatar', 'wxfile://tmp/a.png'],
    ['updateProfile', {nickName: '小明'}],
    ['bindPhone', {code: 'c0de', errMsg: 'getPhoneNumber:ok'}]
  ])
  assert.equal(page.data.avatar, 'https://shop.example.com/a.png')
  assert.match(page.text, /\+8613800138000/)
})

test('no connection: the page says so and offers another try', async () => {
  const demo = new Demo()
  const {request} = demo.phone.wx
  await demo.shop.client.login()
  demo.phone.wx.request = ({fail}) => fail({errMsg: 'request:fail'})
  const page = await demo.open('shop')
  assert.match(page.text, new RegExp(texts.zh.offline))
  demo.phone.wx.request = request
  await page.tap('.retry')
  await page.until(() => page.data.products.length)
})

test('a session that ended meanwhile is no trouble for the person', async () => {
  const demo = new Demo()
  await demo.shop.client.login()
  endSession(keptId(demo.phone))
  const page = await demo.open('shop')
  assert.equal(page.data.error, '')
  assert.equal(page.data.products.length, 4)
})

// === What WeChat's tools ask of a project === //

test('every page that app.json names is there with its four files, and no other', () => {
  const app = require('../demo/app.json')
  const found = fs.readdirSync(path.join(DEMO, 'pages')).map((name) => `pages/${name}/${name}`)
  assert.deepEqual([...app.pages].sort(), found.sort())
  for (const page of app.pages) {
    for (const ending of ['js', 'json', 'wxml', 'wxss']) {
      assert.ok(fs.existsSync(path.join(DEMO, `${page}.${ending}`)), `${page}.${ending}`)
    }
  }
  for (const {pagePath, iconPath, selectedIconPath} of app.tabBar.list) {
    assert.ok(app.pages.includes(pagePath))
    for (const icon of [iconPath, selectedIconPath]) {
      assert.ok(fs.statSync(path.join(DEMO, icon)).size < 40 * 1024, 'WeChat takes 40 kB')
    }
  }
  assert.ok(fs.existsSync(path.join(DEMO, app.sitemapLocation)))
  assert.equal(require('../demo/project.config.json').compileType, 'miniprogram')
})

test('every handler that a page names exists', () => {
  for (const name of fs.readdirSync(path.join(DEMO, 'pages'))) {
    const folder = path.join(DEMO, 'pages', name, name)
    const methods = fs.readFileSync(`${folder}.js`, 'utf8')
    for (const [, handler] of fs.readFileSync(`${folder}.wxml`, 'utf8')
      .matchAll(/(?:bind|catch)\w+="(\w+)"/g)) {
      assert.match(methods, new RegExp(`^    ${handler}\\(`, 'm'), `${name}: ${handler}`)
    }
  }
})

test('both languages have the same words, and every word that a page shows', () => {
  assert.deepEqual(Object.keys(texts.zh).sort(), Object.keys(texts.en).sort())
  for (const name of fs.readdirSync(path.join(DEMO, 'pages'))) {
    const markup = fs.readFileSync(path.join(DEMO, 'pages', name, `${name}.wxml`), 'utf8')
    for (const [, word] of markup.matchAll(/\bt\.(\w+)/g)) {
      assert.ok(word in texts.en, `${name}: ${word}`)
    }
  }
  for (const word of ['close', 'keep']) {
    assert.ok(texts.en[word].length <= 4 && texts.zh[word].length <= 4, 'showModal takes four letters')
  }
})
