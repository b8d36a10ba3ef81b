# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo.tests import tagged
from odoo.tools import file_open

from odoo.addons.wechat_official_account.tests.account_common import AccountCommon


@tagged('post_install', '-at_install')
class TestNeutralize(AccountCommon):

    def test_neutralized_database_fetches_nobody_and_finishes_no_login(self):
        sync = self.env['wechat.follower.sync'].create({'app_id': self.app.id})
        states = self.env['wechat.oauth.state']
        browser = states._new_browser_mark()
        states._begin(browser, self.app, 'mp', 'snsapi_base')
        self.env.flush_all()
        with file_open('wechat_official_account/data/neutralize.sql') as script:
            self.env.cr.execute(script.read())
        self.env.invalidate_all()
        self.assertEqual(sync.state, 'stopped')
        self.assertFalse(states.search([]))
