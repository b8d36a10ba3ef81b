// License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
// Money from the merchant: WeChat's page on which it is accepted, and what became of it.

const {createError} = require('./errors')
const {follow} = require('./follow')

// The states of Odoo that stay.
const OUTCOMES = {done: 'received', failed: 'failed', cancelled: 'failed'}

/** Show WeChat's page; resolves to what it told, which is not proof of anything. */
function showPage(wx, values) {
  return new Promise((resolve) => {
    wx.requestMerchantTransfer(Object.assign({}, values, {
      success: () => resolve({outcome: 'received', message: ''}),
      fail: (failure) => {
        const message = String((failure && failure.errMsg) || '')
        const cancelled = /fail:? ?cancel/.test(message)
        resolve({outcome: cancelled ? 'cancelled' : 'failed', message})
      }
    }))
  })
}

/**
 * Let the person accept a transfer, and find out from Odoo what became of it.
 *
 * call: `call` of the client.
 * limit: milliseconds to wait for Odoo to hear of what the phone says was accepted.
 * Resolves to {outcome, out_bill_no, state, message}. Rejects only before the page is shown.
 */
function confirm(wx, call, outBillNo, limit) {
  const params = {out_bill_no: outBillNo}
  if (!wx.requestMerchantTransfer || !wx.canIUse('requestMerchantTransfer')) {
    return Promise.reject(createError('unsupported', 'Update WeChat to accept this money.'))
  }
  return call('/wechat/payment/transfer', params).then((values) =>
    showPage(wx, values).then((told) => {
      const end = Date.now() + (told.outcome === 'received' ? limit : 0)
      const ask = () => call('/wechat/payment/transfer/status', params)
      return follow(ask, OUTCOMES, end).then((status) => ({
        outcome: OUTCOMES[status.state] || (told.outcome === 'received' ? 'pending' : told.outcome),
        out_bill_no: outBillNo,
        state: status.state,
        message: told.message
      }))
    })
  )
}

module.exports = {confirm}
