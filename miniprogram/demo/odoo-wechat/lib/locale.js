// License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
// Language and time zone of the phone in the names that Odoo has for them.

/** The phone's language, as `zh_CN`; Odoo takes the nearest that the shop has. */
function readLanguage(wx) {
  let language
  try {
    language = (wx.getAppBaseInfo ? wx.getAppBaseInfo() : wx.getSystemInfoSync()).language
  } catch (error) { /* the shop's own language then */ }
  // WeChat writes en and zh_CN.
  return language === 'en' ? 'en_US' : language || 'zh_CN'
}

/** The phone's time zone, as `Asia/Shanghai`; '' if it has no name. */
function readTimeZone() {
  try {
    const name = Intl.DateTimeFormat().resolvedOptions().timeZone
    if (name && name !== 'UTC') {
      return name
    }
  } catch (error) { /* some phones have no Intl */ }
  const hours = new Date().getTimezoneOffset() / 60
  if (hours === -8) {
    return 'Asia/Shanghai'
  }
  // The sign of these names is turned round: Etc/GMT-9 is nine hours ahead.
  return hours % 1 ? '' : 'Etc/GMT' + (hours < 0 ? hours : '+' + hours)
}

module.exports = {readLanguage, readTimeZone}
