// License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const {test} = require('node:test')
const acorn = require('acorn')
const typescript = require('typescript')
const {createClient} = require('../odoo-wechat')
const {readLanguage} = require('../odoo-wechat/lib/locale')
const {Phone} = require('./wx')

const LIBRARY = path.join(__dirname, '..', 'odoo-wechat')
const DEMO = path.join(__dirname, '..', 'demo')
const VENDORED = path.join(DEMO, 'odoo-wechat')

function files(folder, ending = '.js') {
  return fs.readdirSync(folder, {withFileTypes: true}).flatMap((item) => {
    const file = path.join(folder, item.name)
    return item.isDirectory() ? files(file, ending) : file.endsWith(ending) ? [file] : []
  })
}

const read = (file) => fs.readFileSync(file, 'utf8')

for (const file of files(LIBRARY)) {
  const name = path.relative(LIBRARY, file)

  test(`${name} is written in ES2015, which WeChat takes as it is`, () => {
    acorn.parse(read(file), {ecmaVersion: 2015, sourceType: 'script'})
    assert.doesNotMatch(read(file), /\bfetch\(|\.finally\(|\.flat\(|\.at\(|Object\.(entries|values|fromEntries)/)
  })
}

for (const file of fs.existsSync(DEMO) ? files(DEMO) : []) {
  test(`${path.relative(DEMO, file)} of the demo has no syntax newer than async functions`, () => {
    acorn.parse(read(file), {ecmaVersion: 2017, sourceType: 'script'})
  })
}

test('the language is found on base library 2.20 too, and on a phone that tells nothing', () => {
  assert.equal(readLanguage({getSystemInfoSync: () => ({language: 'en'})}), 'en_US')
  assert.equal(readLanguage({getSystemInfoSync: () => ({language: 'zh_TW'})}), 'zh_TW')
  assert.equal(readLanguage({getSystemInfoSync: () => { throw new Error('fail') }}), 'zh_CN')
})

test('the library calls nothing of the platform that came after base library 2.20', () => {
  const called = new Set(files(LIBRARY).flatMap((file) =>
    [...read(file).matchAll(/\b(?:wx|platform)\.(\w+)\(/g)].map((match) => match[1])))
  called.delete('getAppBaseInfo') // these two are asked for only where they are
  called.delete('requestMerchantTransfer')
  assert.deepEqual([...called].sort(), [
    'canIUse', 'getAccountInfoSync', 'getStorageSync', 'getSystemInfoSync', 'login', 'removeStorageSync',
    'request', 'requestPayment', 'requestSubscribeMessage', 'setStorageSync', 'uploadFile'
  ])
})

test('the package depends on nothing, and has all its files', () => {
  const {dependencies, main, types, files: listed} = require('../odoo-wechat/package.json')
  assert.equal(dependencies, undefined)
  for (const name of [main, types, ...listed]) {
    assert.ok(fs.existsSync(path.join(LIBRARY, name)), name)
  }
  for (const file of files(LIBRARY)) {
    for (const [, wanted] of read(file).matchAll(/require\('([^']+)'\)/g)) {
      assert.match(wanted, /^\.\.?\//)
    }
  }
})

test('the demo carries the library as it is', () => {
  const names = [...files(LIBRARY), ...files(LIBRARY, '.d.ts')].map((file) =>
    path.relative(LIBRARY, file)).sort()
  const copied = [...files(VENDORED), ...files(VENDORED, '.d.ts')].map((file) =>
    path.relative(VENDORED, file)).sort()
  assert.deepEqual(copied, names)
  for (const name of names) {
    assert.equal(read(path.join(VENDORED, name)), read(path.join(LIBRARY, name)), name)
  }
})

/** Compile a text as a program that uses the package; returns the compiler's complaints. */
function compile(text) {
  const entry = path.join(LIBRARY, 'usage.ts')
  const host = typescript.createCompilerHost({})
  const {getSourceFile, fileExists} = host
  host.fileExists = (name) => name === entry || fileExists(name)
  host.getSourceFile = (name, version) => name === entry
    ? typescript.createSourceFile(name, text, version) : getSourceFile(name, version)
  const program = typescript.createProgram([entry], {
    strict: true, noEmit: true, types: [], lib: ['lib.es2017.d.ts'],
    target: typescript.ScriptTarget.ES2017, module: typescript.ModuleKind.CommonJS,
    moduleResolution: typescript.ModuleResolutionKind.Node10
  }, host)
  return typescript.getPreEmitDiagnostics(program).map((item) =>
    typescript.flattenDiagnosticMessageText(item.messageText, ' '))
}

test('a program in TypeScript that uses all of it compiles', () => {
  assert.deepEqual(compile(`
    import {createClient, OdooError, Payment, TransferResult} from './index'
    const client = createClient({baseUrl: 'https://shop.example.com', lang: 'zh_CN'})
    export async function buy(): Promise<string> {
      const user = await client.login({userInfo: {nickName: 'x'}})
      const names = await client.rpc<{name: string}[]>(
        'product.template', 'search_read', [[]], {fields: ['name']})
      await client.call('/shop/cart/add', {quantity: 1}, {repeat: false})
      const paid: Payment = await client.pay('sale.order', 1).catch((error: OdooError) => {
        throw error.isRetryable ? error : new Error(error.code + error.errcode)
      })
      const [waiting] = await client.waitingTransfers()
      const received: TransferResult = await client.confirmTransfer(waiting.out_bill_no)
      await client.updateProfile({nickName: user.name + received.outcome})
      await client.uploadAvatar('wxfile://x')
      await client.bindPhone({code: 'x'})
      const {t1} = await client.subscribe(['t1'])
      await client.setLanguage('en_US')
      await client.deactivate()
      await client.logout()
      return client.imageUrl('product.template', 1, 'image_512') + paid.outcome + t1 + names[0].name
    }`), [])
})

test('a program in TypeScript that uses it wrongly does not compile', () => {
  const complaints = compile(`
    import {createClient} from './index'
    createClient({})
    createClient({baseUrl: 'x'}).pay('sale.order', 'S00042')
    createClient({baseUrl: 'x'}).confirmTransfer(42)
    createClient({baseUrl: 'x'}).order(42)`)
  assert.equal(complaints.length, 4, complaints.join('\n'))
})

test('the declarations name what a client has, and nothing else', () => {
  const source = typescript.createSourceFile(
    'index.d.ts', read(path.join(LIBRARY, 'index.d.ts')), typescript.ScriptTarget.ES2017)
  const declared = source.statements.find((item) => item.name && item.name.text === 'Client')
    .members.map((member) => member.name.text)
  const client = createClient({baseUrl: 'https://shop.example.com', wx: new Phone().wx})
  assert.deepEqual(Object.keys(client).sort(), declared.sort())
})
