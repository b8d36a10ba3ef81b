// License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
const shop = require('../../lib/shop')

Component({
  behaviors: [require('../../lib/page')],
  data: {cart: null, address: null, methods: [], method: 0, paying: false},

  methods: {
    onLoad() {
      return this.reload()
    },

    onShow() {
      this.showWords('title_checkout')
    },

    reload() {
      return this.load(() => shop.readCart().then((cart) => {
        this.setData({cart})
        const address = shop.lastAddress()
        return cart && !cart.onlyServices && address ? this.deliver(address) : null
      }))
    },

    chooseAddress() {
      return this.act(() => shop.chooseAddress().then((address) => this.deliver(address)))
    },

    deliver(address) {
      return shop.deliverTo(address).then((methods) => {
        this.setData({address, methods, method: methods.length ? methods[0].id : 0})
        return shop.readCart()
      }).then((cart) => this.setData({cart}))
    },

    chooseDelivery(e) {
      const {id} = e.currentTarget.dataset
      return this.act(() => shop.chooseDelivery(id)
        .then(() => shop.readCart())
        .then((cart) => this.setData({cart, method: id})))
    },

    pay() {
      const {cart, address, t} = this.data
      if (!cart.onlyServices && !address) {
        wx.showToast({title: t.need_address, icon: 'none'})
        return Promise.resolve()
      }
      if (this.data.busy) {
        return Promise.resolve()
      }
      this.setData({paying: true})
      return this.act(() => shop.client.pay('sale.order', cart.id)).then((payment) => {
        this.setData({paying: false})
        if (payment) {
          this.show(payment, cart.id)
        }
      })
    },

    /** Only Odoo's word that it is paid leads to the thanks. */
    show(payment, id) {
      const {t} = this.data
      if (payment.outcome === 'paid') {
        shop.askConsent().then(() => wx.redirectTo({url: '/pages/order/order?paid=1&id=' + id}))
      } else if (payment.outcome === 'pending') {
        wx.redirectTo({url: '/pages/order/order?id=' + id})
        wx.showToast({title: t.checking, icon: 'none', duration: 4000})
      } else {
        const title = payment.outcome === 'cancelled' ? t.cancelled : t.failed
        wx.showToast({title, icon: 'none', duration: 3000})
      }
    }
  }
})
