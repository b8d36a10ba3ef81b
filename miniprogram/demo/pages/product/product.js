// License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
const shop = require('../../lib/shop')

Component({
  behaviors: [require('../../lib/page')],
  data: {id: 0, product: {}, variant: 0, quantity: 1, price: '', before: ''},

  methods: {
    onLoad(options) {
      this.setData({id: Number(options.id)})
      return this.reload()
    },

    onShow() {
      this.showWords('title_product')
    },

    reload() {
      return this.load(() => shop.readProduct(this.data.id).then((product) => {
        const variant = product.variants.length ? product.variants[0].id : 0
        this.setData({product, variant, price: product.price})
        return this.refreshPrice()
      }))
    },

    refreshPrice() {
      const {id, variant, quantity} = this.data
      return shop.readPrice(id, variant, quantity).then((price) => this.setData(price))
    },

    choose(e) {
      this.setData({variant: e.currentTarget.dataset.id})
      return this.act(() => this.refreshPrice())
    },

    less() {
      return this.setQuantity(this.data.quantity - 1)
    },

    more() {
      return this.setQuantity(this.data.quantity + 1)
    },

    setQuantity(quantity) {
      if (quantity < 1 || quantity > 99) {
        return Promise.resolve()
      }
      this.setData({quantity})
      return this.act(() => this.refreshPrice())
    },

    add() {
      return this.put().then((answer) => {
        if (answer) {
          const {warning} = answer.notification_info
          wx.showToast({title: warning || this.data.t.added, icon: warning ? 'none' : 'success'})
        }
      })
    },

    buy() {
      return this.put().then((answer) => {
        if (answer) {
          wx.switchTab({url: '/pages/cart/cart'})
        }
      })
    },

    put() {
      const {id, variant, quantity} = this.data
      return this.act(() => shop.addToCart(id, variant, quantity))
    }
  }
})
