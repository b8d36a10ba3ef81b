// License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
// Odoo for a WeChat mini-program: log in, call, pay. See README.md.

const {createError} = require('./lib/errors')
const {createSession, findSessionId, isSameSession, wxStorage} = require('./lib/session')
const {createTransport, pause, repeatIfLost, spread} = require('./lib/transport')
const {readLanguage, readTimeZone} = require('./lib/locale')
const payment = require('./lib/payment')
const transfer = require('./lib/transfer')

const AUTHENTICATE = '/wechat/miniprogram/authenticate'
// These answer that the session is over; Odoo's other routes would go on as nobody in particular.
const USER_ROUTE = /^\/(wechat|web)\//
// A session that answered as the user so recently is not asked again.
const CONFIRMED_FOR = 10 * 60 * 1000
// Calls that change nothing, or come out the same the second time: repeated if the answer is lost.
const REPEATABLE_ROUTE = /^\/(wechat\/payment\/(prepay|status|transfers|transfer|transfer\/status)|web\/session\/check|shop\/cart\/quantity)$/
const READING = /^(read|search|search_read|search_count|search_fetch|name_search|fields_get|default_get|web_read|web_search_read|web_name_search|formatted_read_group)$/
// A login that failed like this is tried once more, with another code of wx.login.
const NEW_CODE_HELPS = /^(invalid_code|code_used|network|timeout|server_unavailable|wechat_busy|wechat_unavailable)$/
const LOGIN_PAUSE = 1000
const CHOICES = /^(accept|reject|ban|filter)$/

/**
 * Make a client. One per mini-program is enough: make it in app.js.
 *
 * options:
 *   baseUrl: address of Odoo, https.
 *   appid, lang, tz: of this mini-program; the phone is asked for what is left out.
 *   timeout: milliseconds for one request (20000).
 *   paymentTimeout: milliseconds to wait until Odoo knows of a payment (30000).
 *   storage: {get(key), set(key, value), remove(key)}, synchronous; the phone's storage.
 *   wx: the platform, for tests.
 */
function createClient(options) {
  const platform = options.wx || wx
  const baseUrl = String(options.baseUrl || '').replace(/\/+$/, '')
  if (!/^https?:\/\/[^/]/.test(baseUrl)) {
    throw createError('bad_request', 'baseUrl must be the address of Odoo, https://…')
  }
  const transport = createTransport(platform, baseUrl, options.timeout || 20000)
  const session = createSession(
    options.storage || wxStorage(platform), 'odoo-wechat:' + baseUrl
  )
  let lang = options.lang
  let loggingIn = null
  let logouts = 0
  let confirmed = {id: '', time: 0}

  // === SESSION === //

  /**
   * Log in unless somebody is; resolves to the user.
   *
   * choice: {force: true} asks in any case; {userInfo} is what the user is called at first.
   * Calls log in by themselves: this is for who wants to know who it is.
   */
  function login(choice) {
    const wanted = choice || {}
    if (loggingIn) {
      return loggingIn
    }
    if (!wanted.force && session.user && !session.isOutlived()) {
      return Promise.resolve(session.user)
    }
    const before = logouts
    loggingIn = authenticate(wanted.userInfo)
      .catch((error) => {
        if (!NEW_CODE_HELPS.test(error.code)) {
          throw error
        }
        return pause(spread(LOGIN_PAUSE)).then(() => authenticate(wanted.userInfo))
      })
      .then((answer) => {
        loggingIn = null
        if (before !== logouts) {
          throw createError('session_expired', 'The user logged out meanwhile.')
        }
        session.open(answer)
        confirm()
        return session.user
      }, (error) => {
        loggingIn = null
        throw error
      })
    return loggingIn
  }

  function authenticate(userInfo) {
    return freshCode().then((code) => {
      const params = {
        code,
        appid: options.appid || platform.getAccountInfoSync().miniProgram.appId,
        context: {lang: lang || readLanguage(platform), tz: options.tz || readTimeZone()}
      }
      if (userInfo) {
        params.user_info = userInfo
      }
      return transport.post(AUTHENTICATE, params, headers(), () => {})
    })
  }

  function freshCode() {
    return new Promise((resolve, reject) => platform.login({
      success: (answer) => {
        if (answer.code) {
          resolve(answer.code)
        } else {
          reject(createError('login_failed', answer.errMsg))
        }
      },
      fail: (failure) => reject(createError('login_failed', failure && failure.errMsg))
    }))
  }

  function headers() {
    if (!session.id) {
      return {}
    }
    // The pages of Odoo's web shop read their language from a cookie of its own.
    const language = session.user.user_context && session.user.user_context.lang
    return {Cookie: 'session_id=' + session.id + (language ? '; frontend_lang=' + language : '')}
  }

  function confirm() {
    confirmed = {id: session.id, time: Date.now()}
  }

  /**
   * Do one request as the user. If the session is over: log in and do it once more.
   *
   * action: function of (headers, onAnswer) that returns a promise.
   * isPublic: Odoo would carry it out for nobody in particular too.
   */
  function asUser(action, isPublic) {
    const before = logouts
    let sent = ''
    const attempt = () => {
      if (before !== logouts) {
        throw createError('session_expired', 'The user logged out meanwhile.')
      }
      sent = session.id
      return action(headers, (answer) => noteAnswer(answer, sent, isPublic))
    }
    return login().then(attempt).catch((error) => {
      if (error.code !== 'session_expired' || before !== logouts) {
        throw error
      }
      // Another call may have logged in since this one was sent.
      if (isSameSession(session.id, sent)) {
        session.close()
      }
      return login().then(attempt)
    })
  }

  /** Follow the session's id: Odoo replaces it every three hours. */
  function noteAnswer(answer, sent, isPublic) {
    const id = findSessionId(answer)
    const isOurs = !id || isSameSession(id, sent)
    if (isPublic && !isOurs) {
      // Odoo dropped the session and carried the request out as nobody in particular.
      throw createError('session_expired', 'The session is over.')
    }
    if (isOurs && isSameSession(session.id, sent)) {
      session.touch(id)
    }
  }

  /** Make sure that the session lives, before a route that would not say if it did not. */
  function ensureConfirmed() {
    return login().then(() => {
      const recent = Date.now() - confirmed.time < CONFIRMED_FOR
      return recent && isSameSession(confirmed.id, session.id) ? null : call('/web/session/check')
    })
  }

  /** End the session here and in Odoo. */
  function logout() {
    const sent = headers()
    logouts += 1
    session.close()
    if (!sent.Cookie) {
      return Promise.resolve(true)
    }
    return transport.post('/wechat/miniprogram/logout', {}, sent, () => {}).catch((error) => {
      if (error.code !== 'session_expired') {
        throw error
      }
      return true
    })
  }

  /** Go on in another language, as `en_US`: the user's answers, texts and errors. */
  function setLanguage(language) {
    lang = language
    const again = () => login({force: true})
    return loggingIn ? loggingIn.then(again, again) : again()
  }

  // === CALLS === //

  /**
   * Call a method of a model as the user, in the user's language and time zone.
   *
   * Methods of records take their ids as the first of args.
   */
  function rpc(model, method, args, kwargs) {
    const once = () => asUser((header, onAnswer) => {
      const context = Object.assign(
        {}, session.user.user_context, kwargs && kwargs.context
      )
      const params = {
        model, method, args: args || [], kwargs: Object.assign({}, kwargs, {context})
      }
      const route = '/web/dataset/call_kw/' + model + '/' + method
      return transport.post(route, params, header(), onAnswer)
    })
    return (READING.test(method) ? repeatIfLost(once) : once()).then(confirmedResult)
  }

  /**
   * Call a JSON-RPC route as the user.
   *
   * choice: {anonymous: true} sends no session; {repeat: true} says that the call may be
   *   carried out twice, so that it can be repeated if its answer is lost.
   */
  function call(route, params, choice) {
    const wanted = choice || {}
    const post = (header, onAnswer) => transport.post(route, params, header(), onAnswer)
    const once = wanted.anonymous
      ? () => post(() => ({}), () => {})
      : USER_ROUTE.test(route)
        ? () => asUser(post).then(confirmedResult)
        : () => ensureConfirmed().then(() => asUser(post, true))
    return wanted.repeat || REPEATABLE_ROUTE.test(route) ? repeatIfLost(once) : once()
  }

  function confirmedResult(result) {
    confirm()
    return result
  }

  // === MONEY === //

  /**
   * Pay a document, as ('sale.order', 42); resolves when it is known what became of it.
   *
   * choice: {accessToken} of the document, if the user could not read it otherwise.
   * Resolves to {outcome: 'paid' | 'cancelled' | 'failed' | 'pending', reference, amount,
   *   currency, state, message}; `pending`: Odoo has not heard of it yet, ask again later.
   */
  function pay(model, id, choice) {
    const params = {model, id}
    if (choice && choice.accessToken) {
      params.access_token = choice.accessToken
    }
    return payment.pay(platform, call, params, options.paymentTimeout || 30000)
  }

  /**
   * Let the person accept money that the merchant sent; resolves when it is known what became of it.
   *
   * outBillNo: number of the transfer, of waitingTransfers() or of a message.
   * Resolves to {outcome: 'received' | 'cancelled' | 'failed' | 'pending', out_bill_no, state,
   *   message}; `cancelled`: not accepted yet, it goes on waiting for 24 hours.
   */
  function confirmTransfer(outBillNo) {
    return transfer.confirm(platform, call, outBillNo, options.paymentTimeout || 30000)
  }

  /** The money that waits for this person: [{out_bill_no, amount, currency, remark}]. */
  function waitingTransfers() {
    return call('/wechat/payment/transfers')
  }

  // === THE PERSON === //

  /**
   * Tell Odoo what the user is called.
   *
   * profile: {nickName, avatarUrl}, {encryptedData, iv} or {rawData, signature}.
   * Resolves to the profile as stored. `decrypt_failed`: it is logged in anew already; ask the
   * phone for the data again and send that.
   */
  function updateProfile(profile) {
    return withFreshKey(call('/wechat/miniprogram/user_info', profile)).then((stored) => {
      session.update({name: stored.nickName || session.user.name})
      return stored
    })
  }

  /** Send a picture of the phone (chooseAvatar's e.detail.avatarUrl); resolves to {avatarUrl}. */
  function uploadAvatar(filePath) {
    return asUser((header, onAnswer) =>
      transport.upload('/wechat/miniprogram/avatar', filePath, header(), onAnswer)
    ).then(confirmedResult)
  }

  /** Store the phone number; detail: e.detail of getPhoneNumber. Resolves to {phone, countryCode}. */
  function bindPhone(detail) {
    const given = detail || {}
    const params = given.code
      ? {code: given.code}
      : {encryptedData: given.encryptedData, iv: given.iv}
    if (!given.code && !given.encryptedData) {
      return Promise.reject(createError(
        'declined', given.errMsg || 'No phone number was given.', {errcode: given.errno || null}
      ))
    }
    return withFreshKey(call('/wechat/miniprogram/phone', params)).then((stored) => {
      session.update({has_phone: true})
      return stored
    })
  }

  /** Log in again after data that WeChat encrypted for an older login; the error goes on. */
  function withFreshKey(promise) {
    return promise.catch((error) => {
      if (error.code !== 'decrypt_failed') {
        throw error
      }
      const raise = () => { throw error }
      return login({force: true}).then(raise, raise)
    })
  }

  /**
   * Ask for consent to messages and tell Odoo; call it straight from a tap.
   *
   * templateIds: one to five. Resolves to {template id: 'accept' | 'reject' | 'ban' | 'filter'}.
   */
  function subscribe(templateIds) {
    return new Promise((resolve, reject) => platform.requestSubscribeMessage({
      tmplIds: templateIds,
      success: resolve,
      fail: (failure) => reject(createError('declined', failure.errMsg, {
        errcode: failure.errCode || null
      }))
    })).then((answer) => {
      const results = {}
      templateIds.forEach((id) => {
        if (CHOICES.test(answer[id])) {
          results[id] = answer[id]
        }
      })
      // Where WeChat answers for none of them there is nothing to tell.
      const told = Object.keys(results).length
        ? call('/wechat/miniprogram/subscribe', {results}) : Promise.resolve()
      return told.then(() => results)
    })
  }

  /** Close the user's account for good: Odoo forgets who it was, orders stay. */
  function deactivate() {
    return login().then(freshCode)
      .then((code) => call('/wechat/miniprogram/deactivate', {code}))
      .then((done) => {
        logouts += 1
        session.close()
        return done
      })
  }

  /**
   * The address of a picture, for <image>: it is loaded without the session, so the record must
   * be public (published products are).
   *
   * size: '512x512'; version: anything that changes with the picture, as write_date.
   */
  function imageUrl(model, id, field, size, version) {
    return baseUrl + '/web/image/' + model + '/' + id + '/' + field +
      (size ? '/' + size : '') +
      (version ? '?unique=' + encodeURIComponent(version) : '')
  }

  return {
    baseUrl,
    get user() { return session.user },
    login,
    logout,
    setLanguage,
    rpc,
    call,
    pay,
    confirmTransfer,
    waitingTransfers,
    updateProfile,
    uploadAvatar,
    bindPhone,
    subscribe,
    deactivate,
    imageUrl
  }
}

module.exports = {createClient}
