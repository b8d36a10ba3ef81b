// License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
// The person's own routes, for real: what profile.test.js sends, Odoo takes.
const assert = require('node:assert/strict')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const {test} = require('node:test')
const {control, send} = require('./wx')
const {Administrator, customer, fillCart} = require('./shop')

const PICTURE = fs.readFileSync(path.join(__dirname, '..', 'demo', 'icons', 'me.png'))

function file(content) {
  const name = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'avatar-')), 'avatar.png')
  fs.writeFileSync(name, content)
  return name
}

test('the nickname that a user enters is the name of the contact', async () => {
  const {client} = customer()
  await client.login()
  const stored = await client.updateProfile({nickName: '小红'})
  assert.equal(stored.nickName, '小红')
  const [partner] = await client.rpc('res.partner', 'read', [[client.user.partner_id], ['name']])
  assert.equal(partner.name, '小红')
  assert.equal(client.user.name, '小红')
})

test('what WeChat encrypted is taken, and refused under another key', async () => {
  const {phone, client} = customer()
  await client.login()
  const {appid, user} = phone
  const good = await control('encrypted_data', {appid, user})
  const {encryptedData, iv} = good
  const stored = await client.updateProfile({encryptedData, iv})
  assert.ok(stored.nickName)
  const stale = await control('encrypted_data', {
    appid, user, session_key: Buffer.alloc(16, 7).toString('base64')
  })
  phone.forget()
  await assert.rejects(client.updateProfile({encryptedData: stale.encryptedData, iv: stale.iv}), {
    code: 'decrypt_failed', isRetryable: true
  })
  assert.equal(phone.logins, 1)
})

test('a picture is stored and loads without a session', async () => {
  const {client} = customer()
  const {avatarUrl} = await client.uploadAvatar(file(PICTURE))
  const answer = await send(avatarUrl, {method: 'GET'})
  assert.equal(answer.statusCode, 200)
  assert.match(answer.header['content-type'], /^image\//)
})

test('what is no picture is refused in words', async () => {
  const {client} = customer()
  await assert.rejects(client.uploadAvatar(file('<script>alert(1)</script>')), {
    code: 'bad_request', status: 415
  })
})

test('a phone number is bound by the code of its button, once', async () => {
  const {phone, client} = customer()
  await client.login()
  const {appid, user} = phone
  const given = await control('phone_code', {appid, user})
  const {phone: number, countryCode} = await client.bindPhone({code: given.code})
  assert.equal(number, `+${given.country_code}${given.number}`)
  assert.equal(countryCode, given.country_code)
  assert.equal(client.user.has_phone, true)
  assert.equal((await client.login({force: true})).has_phone, true)
  await assert.rejects(client.bindPhone({code: given.code}), {code: 'invalid_code'})
})

test('a phone number is not bound by the code of somebody else\'s phone', async () => {
  const {client} = customer()
  await client.login()
  const other = customer()
  await other.client.login()
  const {code} = await control('phone_code', {appid: other.phone.appid, user: other.phone.user})
  await assert.rejects(client.bindPhone({code}), (error) => error.name === 'OdooError')
  assert.equal(client.user.has_phone, false)
})

test('a consent is stored for the template that it is for', async () => {
  const {phone, client} = customer()
  await client.login()
  const {template_id: id} = await control(`miniprograms/${phone.appid}/templates`, {
    title: '订单支付成功', content: '订单号:{{character_string1.DATA}}\n'
  })
  const admin = await Administrator.login()
  const apps = await admin.rpc('wechat.app', 'search', [[['appid', '=', phone.appid]]])
  await admin.rpc('wechat.app', 'action_fetch_subscribe_templates', [apps])
  assert.deepEqual(await client.subscribe([id]), {[id]: 'accept'})
  const consents = await admin.rpc('wechat.subscribe.consent', 'search_read', [
    [['identity_id.user_id', '=', client.user.uid]]
  ])
  assert.equal(consents.length, 1)
  phone.wx.requestSubscribeMessage = ({success}) => success({errMsg: 'requestSubscribeMessage:ok'})
  phone.forget()
  assert.deepEqual(await client.subscribe([id]), {})
  assert.deepEqual(phone.requests, [])
})

test('an account is closed: the user is gone, the order stays', async () => {
  const {phone, client} = customer()
  const order = await fillCart(client)
  const {uid} = client.user
  assert.equal(await client.deactivate(), true)
  assert.equal(client.user, null)
  assert.equal(phone.storage.size, 0)
  assert.equal(phone.count('/wechat/miniprogram/deactivate'), 1)
  const admin = await Administrator.login()
  const [user] = await admin.rpc('res.users', 'search_read', [[['id', '=', uid]]], {
    fields: ['active'], context: {active_test: false}
  })
  assert.equal(user.active, false)
  assert.equal(await admin.rpc('sale.order', 'search_count', [[['id', '=', order.id]]]), 1)
})
