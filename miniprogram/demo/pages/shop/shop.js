// License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
const shop = require('../../lib/shop')

Component({
  behaviors: [require('../../lib/page')],
  data: {search: '', products: [], more: false},

  methods: {
    onLoad() {
      this.reload()
    },

    onShow() {
      this.showWords('tab_shop')
      // Names and prices come in the language that was chosen meanwhile.
      const {words} = shop
      if (this.shownIn && this.shownIn !== words()) {
        this.reload()
      }
    },

    reload() {
      return this.load(() => shop.listProducts(this.data.search, 0).then(({products, more}) => {
        this.shownIn = shop.words()
        this.setData({products, more})
        this.showWords('tab_shop')
      }))
    },

    onPullDownRefresh() {
      this.reload().then(() => wx.stopPullDownRefresh())
    },

    onReachBottom() {
      if (!this.data.more) {
        return Promise.resolve()
      }
      const {search, products} = this.data
      return this.act(() => shop.listProducts(search, products.length)).then((next) => {
        if (next && search === this.data.search) {
          this.setData({products: this.data.products.concat(next.products), more: next.more})
        }
      })
    },

    type(e) {
      this.setData({search: e.detail.value.trim()})
    },

    find(e) {
      this.setData({search: e.detail.value.trim()})
      return this.reload()
    },

    open(e) {
      wx.navigateTo({url: '/pages/product/product?id=' + e.currentTarget.dataset.id})
    },

    add(e) {
      const product = this.data.products[e.currentTarget.dataset.index]
      if (!product.variant) {
        wx.navigateTo({url: '/pages/product/product?id=' + product.id})
        return Promise.resolve()
      }
      return this.act(() => shop.addToCart(product.id, product.variant, 1).then((answer) => {
        const {warning} = answer.notification_info
        wx.showToast({title: warning || this.data.t.added, icon: warning ? 'none' : 'success'})
      }))
    }
  }
})
