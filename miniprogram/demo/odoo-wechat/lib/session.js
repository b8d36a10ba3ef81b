// License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
// The Odoo session of this phone: its id, who it is, and where it is kept between two starts.

// Odoo's session ids: 84 characters; the first 42 stay when Odoo replaces the rest.
const COOKIE = /(?:^|[\s,;"])session_id=([A-Za-z0-9_-]{84})(?![A-Za-z0-9_-])/g
const STABLE = 42
// How often the time of the last use is written down, in milliseconds.
const USE_STEP = 10 * 60 * 1000

/**
 * Find the session id that an answer sets, whatever form the platform gives its cookies in: an
 * array, a text, several joined by commas, in `header` (any case of letters) or in `cookies`.
 */
function findSessionId(response) {
  let texts = [].concat((response && response.cookies) || [])
  const header = (response && response.header) || {}
  Object.keys(header).forEach((name) => {
    if (name.toLowerCase() === 'set-cookie') {
      texts = texts.concat(header[name])
    }
  })
  let found = null
  texts.forEach((text) => {
    COOKIE.lastIndex = 0
    let match = COOKIE.exec(String(text))
    while (match) {
      found = match[1]
      match = COOKIE.exec(String(text))
    }
  })
  return found
}

/** Tell whether two ids are of one session, before and after Odoo replaced its id. */
function isSameSession(first, second) {
  return Boolean(first && second) && first.slice(0, STABLE) === second.slice(0, STABLE)
}

/** The session in memory, written through to the phone's storage. */
function createSession(storage, key) {
  let kept = read()
  const session = {
    /** The id to send, '' if there is no session. */
    get id() { return kept.id },
    /** What the login answered, without the session id; null if nobody is logged in. */
    get user() { return kept.user },

    open(answer) {
      const user = Object.assign({}, answer)
      delete user.session_id
      kept = {id: answer.session_id, user, used: Date.now()}
      write()
    },

    close() {
      kept = empty()
      try {
        storage.remove(key)
      } catch (error) { /* a full or broken storage costs a login at the next start, no more */ }
    },

    /** Note something new about the user. */
    update(values) {
      if (kept.user) {
        kept.user = Object.assign({}, kept.user, values)
        write()
      }
    },

    /** Note that the session was used, and its new id if there is one. */
    touch(id) {
      const now = Date.now()
      if ((id && id !== kept.id) || now - kept.used > USE_STEP) {
        kept.id = id || kept.id
        kept.used = now
        write()
      }
    },

    /** Tell whether Odoo has surely forgotten a session that was not used for so long. */
    isOutlived() {
      const seconds = kept.user && kept.user.expires_in
      return Boolean(seconds) && Date.now() - kept.used > seconds * 1000
    }
  }

  function empty() {
    return {id: '', user: null, used: 0}
  }

  function read() {
    let value
    try {
      value = storage.get(key)
    } catch (error) { /* as if nothing were stored */ }
    return value && typeof value.id === 'string' && value.user ? value : empty()
  }

  function write() {
    try {
      storage.set(key, kept)
    } catch (error) { /* kept in memory */ }
  }

  return session
}

/** The storage of the mini-program. */
function wxStorage(wx) {
  return {
    get: (key) => wx.getStorageSync(key),
    set: (key, value) => { wx.setStorageSync(key, value) },
    remove: (key) => { wx.removeStorageSync(key) }
  }
}

module.exports = {
  createSession,
  findSessionId,
  isSameSession,
  wxStorage
}
