// License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
const shop = require('../../lib/shop')

Component({
  behaviors: [require('../../lib/page')],
  data: {orders: []},

  methods: {
    onShow() {
      this.showWords('tab_orders')
      return this.reload()
    },

    reload() {
      return this.load(() => shop.listOrders().then((orders) => this.setData({orders})))
    },

    onPullDownRefresh() {
      this.reload().then(() => wx.stopPullDownRefresh())
    },

    open(e) {
      wx.navigateTo({url: '/pages/order/order?id=' + e.currentTarget.dataset.id})
    }
  }
})
