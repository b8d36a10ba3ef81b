// License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
// The programs that the documents show, run as they stand there.
const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const {test} = require('node:test')
const vm = require('node:vm')
const {createClient} = require('../odoo-wechat')
const {
  Administrator, URL_OF_ODOO, ageSession, endGrace, endSession, fillCart, handOver
} = require('./shop')
const {Phone, control, send} = require('./wx')

const ROOT = path.join(__dirname, '..', '..')
const SNIPPETS = fs.readFileSync(path.join(ROOT, 'doc', 'miniprogram-snippets.rst'), 'utf8')
const [FUNCTIONS, PRODUCTS] = [...SNIPPETS.matchAll(
  /\.\. code-block:: javascript\n\n((?: {3}.*\n|\n)+)/g
)].map(([, block]) => block.replace(/^ {3}/gm, '').replace('https://ODOO_HOST', URL_OF_ODOO))

/** A phone with the snippets of the page on it. */
function snippets() {
  const phone = new Phone()
  const printed = []
  const context = vm.createContext({wx: phone.wx, console: {log: (value) => printed.push(value)}})
  vm.runInContext(FUNCTIONS, context)
  return {phone, printed, run: (text) => vm.runInContext(text, context)}
}

const ME = "odooRpc({model: 'res.users', method: 'search_read', kwargs: {fields: ['name']}})"

test('AuthenticateUser, odooRpc and wxJsonRpc load the products as the page shows it', async () => {
  const {phone, printed, run} = snippets()
  await run(PRODUCTS)
  const [products] = printed
  assert.ok(products.length >= 4)
  assert.ok(products.some((product) => product.display_name === '龙井绿茶 50 克'))
  assert.ok(products.every((product) => 'lst_price' in product))
  assert.equal(phone.requests.length, 2)
})

test('AuthenticateUser takes a code or asks for one, and keeps the session', async () => {
  const {phone, run} = snippets()
  const {code, user} = await control('login_code', {appid: phone.appid})
  phone.user = user
  const first = await run(`AuthenticateUser('${code}')`)
  assert.equal(phone.logins, 0)
  assert.equal(phone.storage.get('session_id'), first.session_id)
  const second = await run('AuthenticateUser()')
  assert.equal(second.uid, first.uid)
  await assert.rejects(run(`AuthenticateUser('${code}')`), (res) =>
    res.data.error.data.context.code === 'code_used')
})

test('odooRpc of the page follows the id that Odoo replaces', async () => {
  const {phone, run} = snippets()
  await run(ME)
  const old = phone.storage.get('session_id')
  ageSession(old, 3 * 60 * 60)
  await run(ME)
  endGrace(old)
  await run(ME)
  assert.equal(phone.logins, 1)
})

test('odooRpc of the page logs in once when the session is over', async () => {
  const {phone, run} = snippets()
  const [{id}] = await run(ME)
  endSession(phone.storage.get('session_id'))
  assert.equal((await run(ME))[0].id, id)
  assert.equal(phone.logins, 2)
})

test('odooRpc of the page tells errors', async () => {
  const {run} = snippets()
  await assert.rejects(run("odooRpc({model: 'payment.provider', method: 'search_read'})"), (res) =>
    res.data.error.data.name === 'odoo.exceptions.AccessError')
})

// === What the page says of the old one === //

async function rpc(phone, params, header = {'Content-Type': 'application/json'}) {
  const answer = await send(`${URL_OF_ODOO}/web/dataset/call_kw`, {
    headers: {...header, Cookie: `session_id=${phone.storage.get('session_id')}`},
    body: JSON.stringify({jsonrpc: '2.0', method: 'call', params})
  })
  return {...answer, data: answer.statusCode === 200 ? JSON.parse(answer.body.toString()) : null}
}

test('the mistakes of the old page are mistakes', async () => {
  const {phone, run} = snippets()
  await run('AuthenticateUser()')
  const params = {model: 'product.product', method: 'search_read', args: [], kwargs: {
    domain: [['sale_ok', '=', true]], fields: ['name']
  }}
  assert.ok((await rpc(phone, params)).data.result.length)
  assert.equal((await rpc(phone, params, {'Content-Type': 'applications/json'})).statusCode, 415)
  const {model: models, ...rest} = params
  assert.ok((await rpc(phone, {models, ...rest})).data.error)
  const costs = {...params, kwargs: {...params.kwargs, fields: ['standard_price']}}
  const {data} = await rpc(phone, costs)
  assert.ok(data.error || data.result.every((product) => !('standard_price' in product)))
})

// === README.md === //

const README = fs.readFileSync(path.join(__dirname, '..', 'README.md'), 'utf8')
const PROGRAMS = [...README.matchAll(/^```js\n([\s\S]*?)^```$/gm)].map(([, text]) => text)

/** Run programs of the README one after the other on a phone; returns what they end with. */
function runReadme(phone, ...programs) {
  const context = vm.createContext({
    wx: phone.wx, console,
    require: (name) => {
      assert.equal(name, './odoo-wechat/index')
      return {createClient: (options) => createClient({...options, baseUrl: URL_OF_ODOO, wx: phone.wx})}
    }
  })
  return programs.map((text) => vm.runInContext(text, context)).at(-1)
}

test('the first program of the README buys tea and pays for it', async () => {
  const phone = new Phone()
  const [program] = PROGRAMS
  const payment = await runReadme(phone, program, 'buyTea()')
  assert.equal(payment.outcome, 'paid')
  assert.ok(payment.amount > 0)
  const admin = await Administrator.login()
  assert.equal(await admin.rpc('payment.transaction', 'search_count', [
    [['reference', '=', payment.reference], ['state', '=', 'done']]]), 1)
})

test('what the README does with errors and outcomes is what happens', async () => {
  const phone = new Phone()
  const order = await fillCart(createClient({baseUrl: URL_OF_ODOO, wx: phone.wx}))
  const [first, second] = PROGRAMS
  phone.paying = 'cancel'
  assert.equal(await runReadme(phone, first, second, `payFor(${order.id})`), 'try again')
  phone.paying = 'confirm'
  assert.equal(await runReadme(phone, first, second, `payFor(${order.id})`), 'thank you')
  assert.match(await runReadme(phone, first, second, `payFor(${order.id})`), /[一-鿿]/)
})

test('the payment page of the README pays what a web page hands over', async () => {
  const phone = new Phone()
  const {options, reference} = await handOver()
  let page = null
  const back = new Promise((resolve) => Object.assign(phone.wx, {navigateBack: resolve}))
  const context = vm.createContext({
    wx: phone.wx, odoo: createClient({baseUrl: URL_OF_ODOO, wx: phone.wx}),
    Page: (made) => { page = made }
  })
  vm.runInContext(PROGRAMS[2], context)
  page.onLoad(options)
  await back
  const admin = await Administrator.login()
  assert.equal(await admin.rpc('payment.transaction', 'search_count', [
    [['reference', '=', reference], ['state', '=', 'done']]]), 1)
})

test('the README names every function of the client and every word of its errors', () => {
  const client = createClient({baseUrl: 'https://shop.example.com', wx: new Phone().wx})
  for (const name of Object.keys(client)) {
    assert.match(README, new RegExp(`\`${name}\\b`), name)
  }
  const words = ['network', 'timeout', 'server_unavailable', 'http_error', 'session_expired',
    'odoo_error', 'login_failed', 'declined', 'bad_request', 'invalid_code', 'code_used',
    'user_blocked', 'rate_limited', 'wechat_busy', 'wechat_unavailable', 'misconfigured',
    'unknown_app', 'signup_disabled', 'user_archived', 'decrypt_failed', 'watermark_mismatch',
    'not_linked', 'not_payable', 'payment_refused', 'mfa_required', 'login_refused']
  for (const word of words) {
    assert.match(README, new RegExp(`\`${word}\``), word)
  }
})
