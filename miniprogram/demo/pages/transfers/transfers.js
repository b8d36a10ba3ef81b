// License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
// Money that the shop sent: it is the customer's once accepted on WeChat's page.
const shop = require('../../lib/shop')

Component({
  behaviors: [require('../../lib/page')],
  data: {transfers: []},

  methods: {
    onShow() {
      return this.show()
    },

    show() {
      this.showWords('title_transfers')
      return this.load(() => shop.client.waitingTransfers().then((waiting) => {
        this.setData({
          transfers: waiting.map((transfer) => ({
            number: transfer.out_bill_no,
            amount: shop.money(transfer.amount),
            remark: transfer.remark
          }))
        })
      }))
    },

    receive(e) {
      return this.act(() => shop.client.confirmTransfer(e.currentTarget.dataset.number))
        .then((result) => {
          if (!result) {
            return null
          }
          const {t} = this.data
          const title = {
            received: t.received, pending: t.checking, failed: t.not_received
          }[result.outcome]
          if (title) {
            const icon = result.outcome === 'received' ? 'success' : 'none'
            wx.showToast({title, icon, duration: 3000})
          }
          return this.show()
        })
    }
  }
})
