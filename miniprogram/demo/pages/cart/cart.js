// License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
const shop = require('../../lib/shop')

Component({
  behaviors: [require('../../lib/page')],
  data: {cart: null},

  methods: {
    onShow() {
      this.showWords('tab_cart')
      return this.reload()
    },

    reload() {
      return this.load(() => shop.readCart().then((cart) => this.setData({cart})))
    },

    onPullDownRefresh() {
      this.reload().then(() => wx.stopPullDownRefresh())
    },

    change(e) {
      const {index, by} = e.currentTarget.dataset
      const line = this.data.cart.lines[index]
      return this.act(() => shop.setQuantity(line.id, line.quantity + Number(by))
        .then((answer) => {
          if (answer.warning) {
            wx.showToast({title: answer.warning, icon: 'none'})
          }
          return shop.readCart()
        })
        .then((cart) => this.setData({cart})))
    },

    checkout() {
      wx.navigateTo({url: '/pages/checkout/checkout'})
    },

    goShopping() {
      wx.switchTab({url: '/pages/shop/shop'})
    }
  }
})
