// License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
// One kind of error for all that can go wrong, with a word to branch on.

// Asking again later may well succeed; everything else needs a person or another program.
const RETRYABLE = {
  network: true,
  timeout: true,
  server_unavailable: true,
  rate_limited: true,
  wechat_busy: true,
  wechat_unavailable: true,
  decrypt_failed: true
}

/**
 * Make the error that every call of this library is rejected with.
 *
 * code: a word of Odoo's WeChat addons (`invalid_code`, `not_payable`, ...) or of this library:
 *   `network`, `timeout`, `server_unavailable`, `http_error`, `session_expired`, `odoo_error`,
 *   `login_failed`, `declined`, `bad_request`, `unsupported`.
 * details: `errcode` (WeChat's number), `status` (of HTTP), `exception` (Odoo's class).
 */
function createError(code, message, details) {
  const error = new Error(message || code)
  error.name = 'OdooError'
  error.code = code
  error.errcode = null
  error.status = null
  error.exception = null
  error.isRetryable = Boolean(RETRYABLE[code])
  return Object.assign(error, details)
}

/** Make an error of what `wx.request` or `wx.uploadFile` failed with: no answer came. */
function fromFailure(failure) {
  const text = String((failure && failure.errMsg) || failure || '')
  const code = /time.?out/i.test(text) ? 'timeout' : 'network'
  return createError(code, text)
}

/** Make an error of an answer whose HTTP status says that it is none. */
function fromStatus(status) {
  const unavailable = status === 502 || status === 503 || status === 504
  return createError(
    unavailable ? 'server_unavailable' : 'http_error',
    'The server answered with HTTP status ' + status + '.',
    {status}
  )
}

/** Make an error of the error object of a JSON-RPC answer. */
function fromRpc(error) {
  const data = error.data || {}
  const context = data.context || {}
  const exception = data.name || null
  const ended = error.code === 100
  const ours = typeof context.code === 'string' && /^odoo\.addons\.wechat/.test(exception || '')
  return createError(
    ended ? 'session_expired' : ours ? context.code : 'odoo_error',
    data.message || error.message,
    {errcode: ours && context.errcode ? context.errcode : null, exception}
  )
}

module.exports = {
  createError,
  fromFailure,
  fromStatus,
  fromRpc
}
