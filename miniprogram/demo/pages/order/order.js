// License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
const shop = require('../../lib/shop')

Component({
  behaviors: [require('../../lib/page')],
  data: {id: 0, order: null, thanks: false, paying: false},

  methods: {
    onLoad(options) {
      this.setData({id: Number(options.id), thanks: options.paid === '1'})
      return this.reload()
    },

    onShow() {
      this.showWords('title_order')
    },

    reload() {
      return this.load(() => shop.readOrder(this.data.id).then((order) => {
        this.setData({order})
        if (this.data.thanks) {
          wx.removeTabBarBadge({index: 1, fail() {}})
        }
      }))
    },

    pay() {
      const {id, t} = this.data
      if (this.data.busy) {
        return Promise.resolve()
      }
      this.setData({paying: true})
      return this.act(() => shop.client.pay('sale.order', id)).then((payment) => {
        this.setData({paying: false})
        if (!payment) {
          return null
        }
        if (payment.outcome !== 'paid') {
          const title = payment.outcome === 'pending' ? t.checking
            : payment.outcome === 'cancelled' ? t.cancelled : t.failed
          wx.showToast({title, icon: 'none', duration: 3000})
        }
        const paid = payment.outcome === 'paid'
        return (paid ? shop.askConsent() : Promise.resolve())
          .then(() => this.reload())
          .then(() => this.setData({thanks: paid}))
      })
    }
  }
})
