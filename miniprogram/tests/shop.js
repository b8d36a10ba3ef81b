// License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
// The running Odoo: its address, its administrator, its session files. See devtools/miniprogram.py.

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const {createClient} = require('../odoo-wechat')
const {Phone, send} = require('./wx')

const URL_OF_ODOO = process.env.ODOO_URL

/** A phone and its client. */
function customer(options = {}) {
  const phone = options.phone || new Phone(options)
  const client = createClient({baseUrl: URL_OF_ODOO, ...options.client, wx: phone.wx})
  return {phone, client}
}

/** Odoo's administrator, with a password. */
class Administrator {
  static async login() {
    const admin = new Administrator()
    const answer = await admin.post('/web/session/authenticate', {
      db: process.env.ODOO_DATABASE, login: 'admin', password: 'admin'
    })
    admin.cookie = answer.cookies.at(-1).split(';')[0]
    return admin
  }

  async post(route, params) {
    const answer = await send(URL_OF_ODOO + route, {
      headers: {'Content-Type': 'application/json', ...(this.cookie ? {Cookie: this.cookie} : {})},
      body: JSON.stringify({jsonrpc: '2.0', method: 'call', params})
    })
    const body = JSON.parse(answer.body.toString())
    if (body.error) {
      throw new Error(body.error.data.message)
    }
    return {result: body.result, cookies: answer.cookies}
  }

  async rpc(model, method, args = [], kwargs = {}) {
    return (await this.post('/web/dataset/call_kw', {model, method, args, kwargs})).result
  }
}

// === Session files === //

function sessionFile(id) {
  return path.join(process.env.ODOO_SESSIONS, id.slice(0, 2), id)
}

/** The id that a phone keeps. */
function keptId(phone) {
  return phone.storage.get(`odoo-wechat:${URL_OF_ODOO}`).id
}

/** Let a session be as old as if it had been opened (or renewed) so many seconds ago. */
function ageSession(id, seconds) {
  const file = sessionFile(id)
  const session = JSON.parse(fs.readFileSync(file, 'utf8'))
  session.create_time -= seconds
  fs.writeFileSync(file, JSON.stringify(session))
}

/** Let the time run out that an id works on after Odoo has replaced it. */
function endGrace(id) {
  const file = sessionFile(id)
  const session = JSON.parse(fs.readFileSync(file, 'utf8'))
  if (!session.deletion_time) {
    throw new Error('this id was not replaced')
  }
  session.deletion_time = Date.now() / 1000 - 1
  fs.writeFileSync(file, JSON.stringify(session))
}

/** Let Odoo find at the next request that the session is over. */
function outdateSession(id) {
  const file = sessionFile(id)
  const session = JSON.parse(fs.readFileSync(file, 'utf8'))
  fs.writeFileSync(file, JSON.stringify({...session, session_token: 'x'}))
}

/** End a session as an administrator's "log out" does: its file is gone. */
function endSession(id) {
  fs.unlinkSync(sessionFile(id))
}

// === Shopping === //

const PRODUCT_FIELDS = ['name', 'list_price', 'type', 'product_tmpl_id']

/** Put a product of a type (consu, service) into the cart; resolves to the order. */
async function fillCart(client, type = 'service') {
  const [product] = await client.rpc('product.product', 'search_read', [[
    ['is_published', '=', true], ['type', '=', type]
  ]], {fields: PRODUCT_FIELDS, order: 'id', limit: 1})
  await client.call('/shop/cart/add', {
    product_template_id: product.product_tmpl_id[0], product_id: product.id, quantity: 1
  })
  return lastOrder(client)
}

async function lastOrder(client) {
  const orders = await client.rpc('sale.order', 'search_read', [[]], {
    fields: ['name', 'state', 'amount_total', 'partner_id', 'website_id'],
    order: 'id desc', limit: 1
  })
  return orders[0]
}

// === Pages inside the mini-program === //

const IN_WEB_VIEW = 'Mozilla/5.0 (iPhone) Mobile MicroMessenger/8.0.49 miniProgram/wx0000000000000002'

/** A customer of the web shop who chose WeChat Pay; resolves to the page's address and options. */
async function handOver() {
  // Somebody else's session: what the mini-program gets must do.
  const {client} = customer()
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
  const look = (address) => send(new URL(address, URL_OF_ODOO), {
    method: 'GET', headers: {'User-Agent': IN_WEB_VIEW}
  })
  let page = await look(`${path}?access_token=${access}`)
  if (page.header.location) {
    page = await look(page.header.location)   // The same page in the language of the browser.
  }
  const address = /data-handover-url="([^"]+)"/.exec(page.body.toString())[1]
    .replaceAll('&amp;', '&')
  const [url, query] = address.split('?')
  assert.equal(url, '/pages/pay/pay')
  return {
    reference: values.reference, amount, options: Object.fromEntries(new URLSearchParams(query))
  }
}

module.exports = {
  Administrator, URL_OF_ODOO, ageSession, customer, endGrace, endSession, fillCart, handOver, keptId,
  lastOrder, outdateSession
}
