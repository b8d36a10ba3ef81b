// License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
const shop = require('./lib/shop')

App({
  onLaunch() {
    // Nobody has to wait for this: what is called meanwhile shares the same login.
    shop.client.login().catch(() => {})
  }
})
