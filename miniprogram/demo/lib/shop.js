// License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
// What the pages have in common: the client, and the shop's data by it.

const {createClient} = require('../odoo-wechat/index')
const config = require('../config')
const texts = require('./texts')

const LANGUAGE = 'shop-language'
const ADDRESS = 'shop-address'
const PAGE = 10

const language = wx.getStorageSync(LANGUAGE)
const client = createClient(Object.assign({lang: language || undefined}, config))

/** The texts in the user's language: Odoo says which of the phone's wishes it can fill. */
function words() {
  const user = client.user
  const wanted = (user && user.user_context.lang) || wx.getStorageSync(LANGUAGE) || phoneLanguage()
  return /^zh/.test(wanted) ? texts.zh : texts.en
}

function phoneLanguage() {
  return (wx.getAppBaseInfo ? wx.getAppBaseInfo() : wx.getSystemInfoSync()).language || 'zh_CN'
}

function setLanguage(code) {
  wx.setStorageSync(LANGUAGE, code)
  return client.setLanguage(code)
}

/** What to tell the person about an error. */
function explain(error) {
  const t = words()
  if (error.code === 'network' || error.code === 'timeout' || error.code === 'server_unavailable') {
    return t.offline
  }
  if (error.code === 'unsupported') {
    return t.update_wechat
  }
  return error.code === 'http_error' ? t.trouble : error.message || t.trouble
}

function money(amount) {
  return '¥' + Number(amount || 0).toFixed(2)
}

// === PRODUCTS === //

/** One page of the published products, those that fit the search first to last. */
function listProducts(search, offset) {
  const domain = [['is_published', '=', true], ['sale_ok', '=', true]]
  if (search) {
    domain.push(['name', 'ilike', search])
  }
  return client.rpc('product.template', 'search_read', [domain], {
    fields: ['name', 'list_price', 'product_variant_id', 'product_variant_count', 'write_date'],
    order: 'website_sequence, id', offset: offset || 0, limit: PAGE
  }).then((products) => ({
    products: products.map((product) => ({
      id: product.id,
      name: product.name,
      price: money(product.list_price),
      variant: product.product_variant_count === 1 ? product.product_variant_id[0] : 0,
      picture: picture(product.id, product.write_date)
    })),
    more: products.length === PAGE
  }))
}

function picture(id, version, size) {
  return client.imageUrl('product.template', id, size || 'image_512', '', version)
}

/** One product with its variants. */
function readProduct(id) {
  return Promise.all([
    client.rpc('product.template', 'read', [
      [id], ['name', 'list_price', 'description_ecommerce', 'write_date']
    ]),
    client.rpc('product.product', 'search_read', [[['product_tmpl_id', '=', id]]], {
      fields: ['display_name'], order: 'id'
    })
  ]).then(([[product], variants]) => ({
    id,
    name: product.name,
    price: money(product.list_price),
    description: product.description_ecommerce || '',
    picture: picture(id, product.write_date, 'image_1024'),
    variants: variants.map((variant) => ({
      id: variant.id, label: (/\(([^()]*)\)$/.exec(variant.display_name) || ['', ''])[1]
    }))
  }))
}

/** The price of a variant as the web shop has it, with price lists and discounts. */
function readPrice(templateId, variantId, quantity) {
  return client.call('/website_sale/get_combination_info', {
    product_template_id: templateId, product_id: variantId, combination: [], add_qty: quantity
  }).then((info) => ({
    price: money(info.price),
    before: info.has_discounted_price ? money(info.list_price) : ''
  }))
}

// === CART === //

function addToCart(templateId, variantId, quantity) {
  return client.call('/shop/cart/add', {
    product_template_id: templateId, product_id: variantId, quantity
  }).then((answer) => {
    showCount(answer.cart_quantity)
    return answer
  })
}

function setQuantity(lineId, quantity) {
  return client.call('/shop/cart/update', {line_id: lineId, quantity}, {repeat: true})
}

function showCount(count) {
  if (count) {
    wx.setTabBarBadge({index: 1, text: String(count), fail() {}})
  } else {
    wx.removeTabBarBadge({index: 1, fail() {}})
  }
}

/** The open cart with its lines; null if there is none or nothing in it. */
function readCart() {
  return client.rpc('sale.order', 'search_read', [
    [['state', '=', 'draft'], ['website_id', '!=', false]]
  ], {fields: ORDER_FIELDS, order: 'id desc', limit: 3}).then((orders) => {
    // What is paid is confirmed by Odoo a moment later.
    const order = orders.filter((item) => !isPaid(item))[0]
    return order ? withLines(order) : null
  }).then((cart) => {
    const full = cart && cart.lines.length ? cart : null
    showCount(full ? full.lines.reduce((sum, line) => sum + line.quantity, 0) : 0)
    return full
  })
}

// === CHECKOUT === //

/** The address of WeChat's own address book in Odoo's form. */
function chooseAddress() {
  return new Promise((resolve, reject) => wx.chooseAddress({
    success: resolve,
    fail: (failure) => reject(Object.assign(new Error(failure.errMsg), {code: 'declined'}))
  })).then((chosen) => {
    const address = {
      name: chosen.userName,
      phone: chosen.telNumber,
      street: chosen.detailInfo,
      street2: chosen.countyName,
      city: chosen.cityName,
      zip: chosen.postalCode,
      province: chosen.provinceName,
      country: 'CN'
    }
    wx.setStorageSync(ADDRESS, address)
    return address
  })
}

function lastAddress() {
  return wx.getStorageSync(ADDRESS) || null
}

/**
 * Deliver the cart to an address; resolves to the ways of delivery, the cheapest one chosen.
 *
 * Odoo's routes of express checkout, made for the address books of other wallets.
 */
function deliverTo(address) {
  return client.rpc('res.country.state', 'search_read', [
    [['country_id.code', '=', address.country], ['name', '=', address.province]]
  ], {fields: ['code'], limit: 1}).then((states) => {
    const full = Object.assign({}, address, {state: states.length ? states[0].code : ''})
    delete full.province
    const part = Object.assign({}, full)
    delete part.name
    delete part.phone
    return client.call('/shop/express/shipping_address_change', {partial_delivery_address: part})
      .then((answer) => client.call('/shop/express_checkout', {
        billing_address: Object.assign({}, full), shipping_address: full
      }).then(() => answer.delivery_methods.map((method) => ({
        id: method.id, name: method.name, price: money(method.minorAmount / 100)
      }))))
  })
}

function chooseDelivery(id) {
  return client.call('/shop/set_delivery_method', {dm_id: id}, {repeat: true})
}

/** After a payment: ask for consent to messages; who declines has paid all the same. */
function askConsent() {
  const ids = config.templateIds
  return ids.length ? client.subscribe(ids).catch(() => {}) : Promise.resolve()
}

// === ORDERS === //

const ORDER_FIELDS = [
  'name', 'state', 'date_order', 'amount_total', 'amount_paid', 'amount_delivery',
  'partner_shipping_id', 'carrier_id', 'only_services'
]

function isPaid(order) {
  return order.amount_total > 0 && order.amount_paid >= order.amount_total
}

function withLines(order) {
  return client.rpc('sale.order.line', 'search_read', [[
    ['order_id', '=', order.id], ['display_type', '=', false], ['is_delivery', '=', false]
  ]], {
    fields: ['product_id', 'product_template_id', 'product_uom_qty', 'price_unit', 'price_total'],
    order: 'sequence, id'
  }).then((lines) => Object.assign(describe(order), {
    lines: lines.map((line) => ({
      id: line.id,
      name: line.product_id[1],
      quantity: line.product_uom_qty,
      unit: money(line.price_unit),
      total: money(line.price_total),
      picture: picture(line.product_template_id[0], '', 'image_256')
    }))
  }))
}

/** An order as the pages show it. */
function describe(order) {
  const t = words()
  const paid = isPaid(order)
  const state = order.state === 'sale' ? (paid ? 'paid' : 'confirmed')
    : order.state === 'cancel' ? 'cancelled' : paid ? 'confirming' : 'open'
  return {
    id: order.id,
    name: order.name,
    state,
    stateName: t['state_' + state],
    payable: state === 'open',
    date: String(order.date_order || '').slice(0, 10),
    total: money(order.amount_total),
    delivery: money(order.amount_delivery),
    carrier: order.carrier_id ? order.carrier_id[1] : '',
    // Odoo writes whose contact it is before the name.
    receiver: order.partner_shipping_id ? order.partner_shipping_id[1].split(', ').pop() : '',
    onlyServices: order.only_services
  }
}

/** The orders that are no carts any more, the newest first. */
function listOrders() {
  return client.rpc('sale.order', 'search_read', [['|',
    ['state', '!=', 'draft'], ['amount_total', '>', 0]
  ]], {fields: ORDER_FIELDS, order: 'id desc', limit: 40})
    .then((orders) => orders.filter((order) => order.state !== 'draft' || isPaid(order))
      .map(describe))
}

function readOrder(id) {
  return client.rpc('sale.order', 'read', [[id], ORDER_FIELDS])
    .then(([order]) => withLines(order))
}

module.exports = {
  addToCart, askConsent, chooseAddress, chooseDelivery, client, config, deliverTo, explain, lastAddress,
  listOrders, listProducts, money, readCart, readOrder, readPrice, readProduct, setLanguage,
  setQuantity, words
}
