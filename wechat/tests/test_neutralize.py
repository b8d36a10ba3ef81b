# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo.tests import tagged
from odoo.tools import file_open

from odoo.addons.wechat.tests.common import WechatCommon


@tagged('post_install', '-at_install')
class TestNeutralize(WechatCommon):

    def test_neutralized_database_has_no_secrets(self):
        identity = self.env['wechat.identity'].create({
            'app_id': self.app.id, 'openid': 'o1', 'session_key': 'KEY',
        })
        self.app.write({
            'hub_key': 'HUB', 'push_token': 'TOKEN', 'push_aes_key': 'A' * 43, 'state': 'ok',
        })
        self.app._get_token()
        message = self.env['wechat.push.message'].create({
            'app_id': self.app.id, 'key': 'k', 'received_at': '2026-01-01', 'state': 'to_send',
        })
        log = self.env['wechat.message.log'].create({'app_id': self.app.id})
        self.env.flush_all()
        with file_open('wechat/data/neutralize.sql') as script:
            self.env.cr.execute(script.read())
        self.env.invalidate_all()
        for name in ('secret', 'hub_key', 'push_token', 'push_aes_key'):
            self.assertFalse(self.app[name], name)
        self.assertFalse(identity.sudo().session_key)
        self.assertFalse(self.env['wechat.token'].search([]))
        self.assertEqual(self.app.state, 'new')
        self.assertTrue(identity.exists())
        self.assertFalse(message.exists())
        self.assertEqual(log.state, 'cancelled')
