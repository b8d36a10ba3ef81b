// License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
// What the library sends to the routes of the person, and what it makes of their answers. The
// answers are those of the contract (design.md section 5), given by a proxy.
const assert = require('node:assert/strict')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const {after, afterEach, before, test} = require('node:test')
const {createClient} = require('../odoo-wechat')
const {Proxy} = require('./proxy')
const {Phone} = require('./wx')

let proxy

before(async () => { proxy = await Proxy.start() })
after(() => proxy.close())
afterEach(() => { proxy.faults = [] })

async function loggedIn() {
  const phone = new Phone()
  const client = createClient({baseUrl: proxy.url, wx: phone.wx})
  await client.login()
  phone.forget()
  proxy.seen = []
  return {phone, client}
}

function answer(route, result) {
  proxy.faults.push({
    path: new RegExp(`^${route}$`), status: 200,
    body: JSON.stringify({jsonrpc: '2.0', id: 1, result})
  })
}

function refuse(route, code) {
  proxy.faults.push({
    path: new RegExp(`^${route}$`), status: 200,
    body: JSON.stringify({jsonrpc: '2.0', id: 1, error: {
      code: 0, message: 'Odoo Server Error',
      data: {
        name: 'odoo.addons.wechat.exceptions.WeChatError', message: '请重新登录。',
        context: {code, errcode: null}
      }
    }})
  })
}

function sent(route) {
  return proxy.seen.filter((item) => item.path === route)
    .map((item) => JSON.parse(item.body).params)
}

test('the nickname is told, and the user is called so from then on', async () => {
  const {client} = await loggedIn()
  const stored = {nickName: '小红', avatarUrl: '', gender: 0}
  answer('/wechat/miniprogram/user_info', stored)
  assert.deepEqual(await client.updateProfile({nickName: '小红'}), stored)
  assert.deepEqual(sent('/wechat/miniprogram/user_info'), [{nickName: '小红'}])
  assert.equal(client.user.name, '小红')
})

test('data under a stale key: it is logged in anew, and the caller asks the phone again', async () => {
  const {phone, client} = await loggedIn()
  refuse('/wechat/miniprogram/user_info', 'decrypt_failed')
  await assert.rejects(client.updateProfile({encryptedData: 'x', iv: 'y'}), {
    code: 'decrypt_failed', isRetryable: true, message: '请重新登录。'
  })
  assert.equal(phone.logins, 1)
  assert.equal(phone.count('/wechat/miniprogram/user_info'), 1)
})

test('a phone number is bound by its code', async () => {
  const {client} = await loggedIn()
  assert.equal(client.user.has_phone, false)
  answer('/wechat/miniprogram/phone', {phone: '+8613800138000', countryCode: '86'})
  const stored = await client.bindPhone({code: 'c0de', errMsg: 'getPhoneNumber:ok'})
  assert.equal(stored.phone, '+8613800138000')
  assert.deepEqual(sent('/wechat/miniprogram/phone'), [{code: 'c0de'}])
  assert.equal(client.user.has_phone, true)
})

test('a phone number is bound by the encrypted data of older platforms', async () => {
  const {client} = await loggedIn()
  answer('/wechat/miniprogram/phone', {phone: '+8613800138000', countryCode: '86'})
  await client.bindPhone({encryptedData: 'x', iv: 'y', errMsg: 'getPhoneNumber:ok'})
  assert.deepEqual(sent('/wechat/miniprogram/phone'), [{encryptedData: 'x', iv: 'y'}])
})

test('who declines to give the number is left alone', async () => {
  const {phone, client} = await loggedIn()
  await assert.rejects(client.bindPhone({errMsg: 'getPhoneNumber:fail user deny', errno: 103}), {
    code: 'declined', errcode: 103, isRetryable: false
  })
  assert.deepEqual(phone.requests, [])
})

test('a picture is uploaded as the field file, with the session', async () => {
  const {client} = await loggedIn()
  const file = picture()
  proxy.faults = [{
    path: /avatar/, status: 200, headers: {'Content-Type': 'application/json'},
    body: JSON.stringify({avatarUrl: 'https://shop.example.com/a.png'})
  }]
  assert.equal((await client.uploadAvatar(file)).avatarUrl, 'https://shop.example.com/a.png')
  const [upload] = proxy.seen
  assert.equal(upload.path, '/wechat/miniprogram/avatar')
  assert.match(upload.headers.cookie, /^session_id=[\w-]{84}/)
  assert.match(upload.headers['content-type'], /^multipart\/form-data/)
  assert.match(upload.body, /name="file"; filename="avatar\.png"/)
})

test('an upload that ends at the login page is repeated once, after a login', async () => {
  const {phone, client} = await loggedIn()
  proxy.faults = [
    {path: /avatar/, status: 200, body: '<!DOCTYPE html><form action="/web/login"></form>'},
    {path: /avatar/, status: 200, body: '{"avatarUrl": "https://shop.example.com/a.png"}'}
  ]
  await client.uploadAvatar(picture())
  assert.equal(phone.logins, 1)
  assert.equal(proxy.count(/avatar/), 2)
})

test('a picture that Odoo refuses is an error in its words', async () => {
  const {client} = await loggedIn()
  proxy.faults = [{
    path: /avatar/, status: 413, headers: {'Content-Type': 'application/json'},
    body: JSON.stringify({error: {code: 413, message: 'Odoo Server Error', data: {
      name: 'odoo.addons.wechat.exceptions.WeChatError', message: '图片过大。',
      context: {code: 'bad_request', errcode: null}
    }}})
  }]
  await assert.rejects(client.uploadAvatar(picture()), {
    code: 'bad_request', status: 413, message: '图片过大。'
  })
  proxy.faults = [{path: /avatar/, status: 413, body: 'Request Entity Too Large'}]
  await assert.rejects(client.uploadAvatar(picture()), {code: 'http_error', status: 413})
})

test('an upload of a session that is over is repeated once, after a login', async () => {
  const {phone, client} = await loggedIn()
  proxy.faults = [
    {path: /avatar/, status: 401, body: JSON.stringify({error: {code: 100, data: {}}})},
    {path: /avatar/, status: 200, body: '{"avatarUrl": "https://shop.example.com/a.png"}'}
  ]
  await client.uploadAvatar(picture())
  assert.equal(phone.logins, 1)
})

test('an upload whose answer is lost is not repeated', async () => {
  const {client} = await loggedIn()
  proxy.faults = [{path: /avatar/, lose: 'request'}]
  await assert.rejects(client.uploadAvatar(picture()), {code: 'network', isRetryable: true})
  assert.equal(proxy.count(/avatar/), 1)
})

test('consents are told as WeChat gave them, and nothing else of its answer', async () => {
  const {phone, client} = await loggedIn()
  answer('/wechat/miniprogram/subscribe', true)
  phone.consent = 'reject'
  assert.deepEqual(await client.subscribe(['t1', 't2']), {t1: 'reject', t2: 'reject'})
  assert.deepEqual(sent('/wechat/miniprogram/subscribe'), [
    {results: {t1: 'reject', t2: 'reject'}}
  ])
})

test('a consent sheet that does not open is told with WeChat\'s number', async () => {
  const {phone, client} = await loggedIn()
  phone.wx.requestSubscribeMessage = ({fail}) => fail({
    errMsg: 'requestSubscribeMessage:fail main switch is off', errCode: 20004
  })
  await assert.rejects(client.subscribe(['t1']), {code: 'declined', errcode: 20004})
  assert.deepEqual(phone.requests, [])
})

test('an account is closed with a fresh code, and nothing is kept', async () => {
  const {phone, client} = await loggedIn()
  answer('/wechat/miniprogram/deactivate', true)
  assert.equal(await client.deactivate(), true)
  assert.equal(phone.logins, 1)
  assert.equal(sent('/wechat/miniprogram/deactivate').length, 1)
  assert.ok(sent('/wechat/miniprogram/deactivate')[0].code)
  assert.equal(client.user, null)
  assert.equal(phone.storage.size, 0)
})

function picture() {
  const file = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'avatar-')), 'avatar.png')
  fs.writeFileSync(file, Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk' +
    'YPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==', 'base64'))
  return file
}
