// License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
const shop = require('../../lib/shop')

const PICTURES = 'shop-avatars'

Component({
  behaviors: [require('../../lib/page')],
  data: {user: null, initial: '', avatar: '', phone: ''},

  methods: {
    onShow() {
      this.showUser()
    },

    showUser() {
      const {user} = shop.client
      const pictures = wx.getStorageSync(PICTURES) || {}
      this.showWords('tab_me')
      this.setData({
        user,
        initial: user ? user.name.slice(0, 1) : '',
        avatar: (user && pictures[user.uid]) || ''
      })
    },

    signIn() {
      return this.act(() => shop.client.login()).then(() => this.showUser())
    },

    signOut() {
      return this.act(() => shop.client.logout()).then(() => {
        this.setData({phone: ''})
        this.showUser()
      })
    },

    /** WeChat gives a file on the phone, which nobody else can load. */
    saveAvatar(e) {
      return this.act(() => shop.client.uploadAvatar(e.detail.avatarUrl).then(({avatarUrl}) => {
        const pictures = wx.getStorageSync(PICTURES) || {}
        pictures[shop.client.user.uid] = avatarUrl
        wx.setStorageSync(PICTURES, pictures)
        this.showUser()
      }))
    },

    /** Read when the form is sent: WeChat checks the nickname and may empty the field. */
    saveName(e) {
      const nickName = e.detail.value.nickname.trim()
      if (!nickName) {
        return Promise.resolve()
      }
      return this.act(() => shop.client.updateProfile({nickName}).then(() => {
        this.showUser()
        wx.showToast({title: this.data.t.saved, icon: 'success'})
      }))
    },

    savePhone(e) {
      return this.act(() => shop.client.bindPhone(e.detail).then(({phone}) => {
        this.setData({phone})
        this.showUser()
      }))
    },

    openTransfers() {
      wx.navigateTo({url: '/pages/transfers/transfers'})
    },

    switchLanguage() {
      return this.act(() => shop.setLanguage(this.data.t.other_code)).then(() => this.showUser())
    },

    closeAccount() {
      const {t} = this.data
      return new Promise((resolve) => wx.showModal({
        title: t.close_account, content: t.close_question, confirmText: t.close,
        cancelText: t.keep, success: resolve
      })).then((answer) => answer.confirm ? this.act(() =>
        shop.client.deactivate().then(() => {
          this.showUser()
          wx.showToast({title: t.closed, icon: 'none'})
        })) : null)
    }
  }
})
