// License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
// The page that web pages inside the mini-program (web-view) open to be paid: WeChat forbids
// payments there. It gets what is to be paid and its token, never an amount, and goes back.
const shop = require('../../lib/shop')

const BACK_AFTER = 1500

Component({
  behaviors: [require('../../lib/page')],
  data: {loading: false, model: '', id: 0, accessToken: '', outcome: '', amount: '', message: ''},

  methods: {
    onLoad(options) {
      this.setData({
        model: options.model || '', id: Number(options.id), accessToken: options.access_token || ''
      })
      return this.pay()
    },

    onShow() {
      this.showWords('title_pay')
    },

    pay() {
      if (this.data.busy) {
        return Promise.resolve()
      }
      const {model, id, accessToken} = this.data
      this.setData({busy: true, outcome: '', message: ''})
      return shop.client.pay(model, id, {accessToken}).then((payment) => {
        const {outcome, amount} = payment
        this.setData({busy: false, outcome, amount: shop.money(amount)})
        if (outcome === 'paid') {
          setTimeout(() => this.back(), BACK_AFTER)
        }
      }, (error) => {
        this.setData({busy: false, outcome: 'refused', message: shop.explain(error)})
      })
    },

    /** The web page asks Odoo itself what became of the payment. */
    back() {
      wx.navigateBack({fail: () => wx.switchTab({url: '/pages/orders/orders'})})
    }
  }
})
