// License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
// One HTTP request and its answer, as promises; knows nothing of who is logged in.

const errors = require('./errors')

// Milliseconds before a request that may be repeated is sent again.
const PAUSES = [400, 1500]

function pause(milliseconds) {
  return new Promise((resolve) => { setTimeout(resolve, milliseconds) })
}

/** Half to all of a time: phones that lost the same connection do not come back as one. */
function spread(milliseconds) {
  return milliseconds * (0.5 + Math.random() / 2)
}

function createTransport(wx, baseUrl, timeout) {
  let number = 0

  /**
   * Call a JSON-RPC route.
   *
   * headers: name to value.
   * onAnswer: is given WeChat's answer object as soon as it is there, whatever it says.
   * Resolves to the result; rejects with an error of errors.js.
   */
  function post(route, params, headers, onAnswer) {
    return new Promise((resolve, reject) => {
      number += 1
      wx.request({
        url: baseUrl + route,
        method: 'POST',
        timeout,
        dataType: 'json',
        header: Object.assign({'Content-Type': 'application/json'}, headers),
        data: {jsonrpc: '2.0', method: 'call', id: number, params: params || {}},
        success: (answer) => {
          try {
            onAnswer(answer)
            resolve(readRpc(answer))
          } catch (error) {
            reject(error)
          }
        },
        fail: (failure) => { reject(errors.fromFailure(failure)) }
      })
    })
  }

  /** Send a file of the phone as the multipart field `file`; resolves to the answer's JSON. */
  function upload(route, filePath, headers, onAnswer) {
    return new Promise((resolve, reject) => {
      wx.uploadFile({
        url: baseUrl + route,
        filePath,
        name: 'file',
        timeout,
        header: headers,
        success: (answer) => {
          try {
            onAnswer(answer)
            resolve(readUpload(answer))
          } catch (error) {
            reject(error)
          }
        },
        fail: (failure) => { reject(errors.fromFailure(failure)) }
      })
    })
  }

  return {post, upload}
}

function readRpc(answer) {
  checkStatus(answer)
  let body = answer.data
  if (!body || typeof body !== 'object') {
    throw errors.createError('http_error', 'The answer is not JSON.', {status: answer.statusCode})
  }
  if (body.error) {
    throw errors.fromRpc(body.error)
  }
  return body.result
}

function readUpload(answer) {
  checkStatus(answer)
  let body = answer.data
  if (typeof body === 'string') {
    try {
      body = JSON.parse(body)
    } catch (error) {
      // wx.uploadFile follows the redirect to the login page.
      if (/<form|<!doctype html/i.test(body)) {
        throw errors.createError('session_expired', 'The session is over.')
      }
      throw errors.createError('http_error', 'The answer is not JSON.', {status: answer.statusCode})
    }
  }
  if (body && body.error) {
    throw errors.fromRpc(body.error)
  }
  return body
}

function checkStatus(answer) {
  const status = answer.statusCode
  if (status >= 200 && status <= 299) {
    return
  }
  const error = withText(errors.fromStatus(status), answer.data)
  const wordless = (status === 401 || status === 403) && error.code === 'http_error'
  if (wordless || isLoginRedirect(answer)) {
    throw errors.createError('session_expired', 'The session is over.', {status})
  }
  throw error
}

/** Let the server's own words speak if it has some: an upload is refused with a JSON body. */
function withText(error, body) {
  let value = body
  if (typeof value === 'string' && value.charAt(0) === '{') {
    try {
      value = JSON.parse(value)
    } catch (ignored) { /* no words then */ }
  }
  const inner = value && typeof value === 'object' && value.error
  return inner ? Object.assign(errors.fromRpc(inner), {status: error.status}) : error
}

function isLoginRedirect(answer) {
  const header = answer.header || {}
  const place = header.Location || header.location || ''
  return answer.statusCode >= 300 && answer.statusCode < 400 && /\/web\/login/.test(place)
}

/**
 * Do something that may be done twice; if the answer was lost, do it again, at most twice.
 *
 * The server may have done it although the answer was lost: only for what changes nothing or
 * what comes out the same the second time.
 */
function repeatIfLost(action) {
  function attempt(count) {
    return action().catch((error) => {
      const lost = error.code === 'network' || error.code === 'timeout' ||
        error.code === 'server_unavailable'
      // Who has waited for a whole time-out is asked to wait once more, not three times.
      if (!lost || count >= (error.code === 'timeout' ? 1 : PAUSES.length)) {
        throw error
      }
      return pause(spread(PAUSES[count])).then(() => attempt(count + 1))
    })
  }
  return attempt(0)
}

module.exports = {
  createTransport,
  pause,
  repeatIfLost,
  spread
}
