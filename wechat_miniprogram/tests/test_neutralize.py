# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo.tests import tagged
from odoo.tools import file_open

from odoo.addons.wechat.tests.common import WechatCommon


@tagged('post_install', '-at_install')
class TestNeutralize(WechatCommon):

    def test_copy_of_a_database_keeps_no_wafer_session(self):
        identity = self.env['wechat.identity'].create({'app_id': self.app.id, 'openid': 'o1'})
        self.env['wechat.session'].sudo()._open(identity, {})
        self.assertTrue(self.env['wechat.session'].search([]))
        with file_open('wechat_miniprogram/data/neutralize.sql') as script:
            self.env.cr.execute(script.read())
        self.env.invalidate_all()
        self.assertFalse(self.env['wechat.session'].search([]))
