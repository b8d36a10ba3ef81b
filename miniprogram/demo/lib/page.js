// License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
// What every page does: words in the user's language, one thing at a time, errors in words.

const shop = require('./shop')

const TABS = ['shop', 'cart', 'orders', 'me']

module.exports = Behavior({
  data: {
    t: {},
    busy: false,
    loading: true,
    error: ''
  },

  methods: {
    /** Show the words of the page; title: which of them stands at the top. */
    showWords(title) {
      const t = shop.words()
      this.setData({t})
      if (title) {
        wx.setNavigationBarTitle({title: t[title]})
      }
      TABS.forEach((name, index) => {
        wx.setTabBarItem({index, text: t['tab_' + name], fail() {}})
      })
    },

    /** Load what the page shows; an error is shown in its place, with a way to try again. */
    load(action) {
      this.setData({error: ''})
      return action().then(
        () => this.setData({loading: false}),
        (error) => this.setData({loading: false, error: shop.explain(error)})
      )
    },

    /** Do what a tap asks for; further taps wait. Resolves to undefined if it did not work. */
    act(action) {
      if (this.data.busy) {
        return Promise.resolve()
      }
      this.setData({busy: true})
      return action().then((result) => {
        this.setData({busy: false})
        return result
      }, (error) => {
        this.setData({busy: false})
        if (error.code !== 'declined') {
          wx.showToast({title: shop.explain(error), icon: 'none', duration: 3000})
        }
      })
    }
  }
})
