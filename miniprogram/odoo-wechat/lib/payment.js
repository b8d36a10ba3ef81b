// License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
// Paying: prepay, WeChat's payment sheet, and what Odoo says became of it.

const {follow} = require('./follow')

const OUTCOMES = {done: 'paid', cancel: 'cancelled', error: 'failed'}

/** Show WeChat's payment sheet; resolves to what it told, which is not proof of anything. */
function showSheet(wx, payment) {
  return new Promise((resolve) => {
    wx.requestPayment(Object.assign({}, payment, {
      success: () => resolve({outcome: 'paid', message: ''}),
      fail: (failure) => {
        const message = String((failure && failure.errMsg) || '')
        const cancelled = /fail:? ?cancel/.test(message)
        resolve({outcome: cancelled ? 'cancelled' : 'failed', message})
      }
    }))
  })
}

/**
 * Pay a document and find out from Odoo what became of it.
 *
 * call: `call` of the client.
 * limit: milliseconds to wait for Odoo to hear of a payment that the phone says was made.
 * Resolves to {outcome, reference, amount, currency, state, message}. Rejects only before the
 * sheet is shown: afterwards money may have moved, and the answer is at worst `pending`.
 */
function pay(wx, call, params, limit) {
  return call('/wechat/payment/prepay', params).then((prepaid) =>
    showSheet(wx, prepaid.payment).then((told) => {
      const end = Date.now() + (told.outcome === 'paid' ? limit : 0)
      const ask = () => call('/wechat/payment/status', {reference: prepaid.reference})
      return follow(ask, OUTCOMES, end).then((status) => ({
        outcome: OUTCOMES[status.state] || (told.outcome === 'paid' ? 'pending' : told.outcome),
        reference: prepaid.reference,
        amount: prepaid.amount,
        currency: prepaid.currency,
        state: status.state,
        message: status.state_message || told.message
      }))
    })
  )
}

module.exports = {pay}
