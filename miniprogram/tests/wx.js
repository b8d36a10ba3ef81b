// License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
// A phone for tests: the part of `wx` that the library and the demo use, made of Node's HTTP and
// of the sandbox, which is WeChat. It keeps no cookies, as WeChat does not.

const fs = require('node:fs')
const http = require('node:http')
const path = require('node:path')

const APPID = 'wx0000000000000002'

/** Send one HTTP request; resolves to {statusCode, header, cookies, body}. */
function send(url, {method = 'POST', headers = {}, body = '', timeout = 30000} = {}) {
  return new Promise((resolve, reject) => {
    const request = http.request(url, {method, headers, timeout, agent: false}, (answer) => {
      const parts = []
      answer.on('data', (part) => parts.push(part))
      answer.on('error', reject)
      answer.on('end', () => resolve({
        statusCode: answer.statusCode,
        header: {...answer.headers},
        cookies: answer.headers['set-cookie'] || [],
        body: Buffer.concat(parts)
      }))
    })
    request.on('timeout', () => request.destroy(new Error('timeout')))
    request.on('error', reject)
    request.end(body)
  })
}

/** Call the sandbox's control API; returns its answer. */
async function control(path, data, method = data ? 'POST' : 'GET') {
  const answer = await send(`${process.env.WECHAT_SANDBOX_URL}/_sandbox/${path}`, {
    method,
    headers: {'Content-Type': 'application/json'},
    body: data ? JSON.stringify(data) : ''
  })
  const value = JSON.parse(answer.body.toString() || 'null')
  if (answer.statusCode >= 400) {
    throw new Error(`the sandbox refused ${path}: ${value.error}`)
  }
  return value
}

/**
 * A phone with one mini-program.
 *
 * language: of WeChat on it. user: the sandbox's id of its owner (a new person).
 * cookieForm: how its platform gives cookies: 'array', 'joined' or 'cookies'.
 */
class Phone {
  constructor({language = 'zh_CN', user = null, appid = APPID, cookieForm = 'joined'} = {}) {
    Object.assign(this, {language, user, appid, cookieForm})
    this.storage = new Map()
    this.requests = []   // paths, in order
    this.logins = 0
    this.paying = 'confirm'   // what its owner does with the payment sheet
    this.consent = 'accept'
    this.payments = []
    this.accepting = 'confirm'   // what its owner does with money from a merchant
    this.transfers = []
    this.calls = []   // of the rest of wx, [name, argument]
    this.wx = this.build()
  }

  count(path) {
    return this.requests.filter((item) => item === path).length
  }

  forget() {
    this.requests.length = 0
    this.logins = 0
  }

  /** What WeChat gives to the callbacks: headers, and cookies in the form of this platform. */
  answered(answer) {
    const header = {...answer.header}
    const result = {statusCode: answer.statusCode, header}
    if (answer.cookies.length && this.cookieForm === 'joined') {
      delete header['set-cookie']
      header['Set-Cookie'] = answer.cookies.join(',')
    } else if (this.cookieForm === 'cookies') {
      delete header['set-cookie']
      result.cookies = answer.cookies
    }
    return result
  }

  transfer(options, body, headers) {
    this.requests.push(new URL(options.url).pathname)
    const finish = (name, value) => {
      if (options[name]) {
        options[name](value)
      }
    }
    send(options.url, {
      method: options.method || 'POST',
      headers: {...headers, ...options.header},
      body,
      timeout: options.timeout
    }).then(
      (answer) => {
        let data = answer.body.toString()
        if (options.dataType === 'json') {
          try {
            data = JSON.parse(data)
          } catch { /* WeChat leaves what is no JSON a text */ }
        }
        finish('success', {...this.answered(answer), data})
      },
      (error) => finish('fail', {errMsg: `request:fail ${error.message}`})
    )
  }

  build() {
    const noted = (name, result) => (options) => {
      this.calls.push([name, options])
      if (options && options.success) {
        options.success(result || {})
      }
    }
    return {
      request: (options) => {
        const {data} = options
        this.transfer(options, typeof data === 'string' ? data : JSON.stringify(data), {})
      },
      uploadFile: (options) => {
        const file = fs.readFileSync(options.filePath)
        const head = `--edge\r\nContent-Disposition: form-data; name="${options.name}"; ` +
          `filename="${path.basename(options.filePath)}"\r\n\r\n`
        const body = Buffer.concat([Buffer.from(head), file, Buffer.from('\r\n--edge--\r\n')])
        this.transfer(options, body, {'Content-Type': 'multipart/form-data; boundary=edge'})
      },
      login: ({success, fail}) => {
        this.logins += 1
        control('login_code', {appid: this.appid, ...(this.user ? {user: this.user} : {})}).then(
          (answer) => {
            this.user = answer.user
            success({code: answer.code, errMsg: 'login:ok'})
          },
          (error) => fail({errMsg: `login:fail ${error.message}`})
        )
      },
      requestPayment: ({success, fail, ...payment}) => {
        this.payments.push(payment)
        control('request_payment', {
          appid: this.appid, user: this.user, payment,
          ...(this.paying === 'cancel' ? {cancel: true} : {}),
          ...(this.paying === 'silent' ? {notify: false} : {})
        }).then(
          (answer) => (answer.errMsg === 'requestPayment:ok' ? success : fail)(
            {errMsg: answer.errMsg}),
          (error) => fail({errMsg: `requestPayment:fail ${error.message}`})
        )
      },
      canIUse: (name) => name in this.wx,
      requestMerchantTransfer: ({success, fail, ...parameters}) => {
        this.transfers.push(parameters)
        control('request_merchant_transfer', {
          appid: this.appid, user: this.user, parameters,
          ...(this.accepting === 'cancel' ? {cancel: true} : {}),
          ...(this.accepting === 'silent' ? {notify: false} : {})
        }).then(
          (answer) => (answer.errMsg === 'requestMerchantTransfer:ok' ? success : fail)(
            {errMsg: answer.errMsg}),
          (error) => fail({errMsg: `requestMerchantTransfer:fail ${error.message}`})
        )
      },
      requestSubscribeMessage: ({tmplIds, success}) => success({
        errMsg: 'requestSubscribeMessage:ok',
        ...Object.fromEntries(tmplIds.map((id) => [id, this.consent]))
      }),
      getAccountInfoSync: () => ({miniProgram: {appId: this.appid, envVersion: 'develop'}}),
      getAppBaseInfo: () => ({language: this.language}),
      getStorageSync: (key) => structuredClone(this.storage.get(key) ?? ''),
      setStorageSync: (key, value) => { this.storage.set(key, structuredClone(value)) },
      removeStorageSync: (key) => { this.storage.delete(key) },
      showToast: noted('showToast'),
      showModal: noted('showModal', {confirm: true}),
      showLoading: noted('showLoading'),
      hideLoading: noted('hideLoading'),
      navigateTo: noted('navigateTo'),
      navigateBack: noted('navigateBack'),
      redirectTo: noted('redirectTo'),
      switchTab: noted('switchTab'),
      reLaunch: noted('reLaunch'),
      stopPullDownRefresh: noted('stopPullDownRefresh'),
      setNavigationBarTitle: noted('setNavigationBarTitle'),
      setTabBarItem: noted('setTabBarItem'),
      setTabBarBadge: noted('setTabBarBadge'),
      removeTabBarBadge: noted('removeTabBarBadge')
    }
  }
}

module.exports = {APPID, Phone, control, send}
