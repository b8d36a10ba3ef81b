# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Template messages, menus and followers against the project's sandbox."""

import os
import time

import requests

from odoo.tests import HttpCase, tagged
from odoo.tools import mute_logger

from odoo.addons.wechat_official_account.tests.account_common import CONTENT, AccountCommon
from odoo.addons.wechat_official_account.tests.test_reply import PNG

ACCOUNT = 'wx00000000000000aa'


@tagged('post_install', '-at_install', '-standard', 'wechat_sandbox')
class TestSandboxMessages(AccountCommon, HttpCase):

    def setUp(self):
        super().setUp()
        self.sandbox = os.environ['WECHAT_SANDBOX_URL'].rstrip('/')
        self.env['ir.config_parameter'].set_param('wechat.api_url', self.sandbox)
        self.control('POST', 'reset')
        account = self.control('POST', 'apps', appid=ACCOUNT, app_type='official_account')
        self.account = self.env['wechat.app'].create({
            'name': "Tea House", 'app_type': 'official_account', 'appid': ACCOUNT,
            'secret': account['secret'],
        })
        self.follower = self.control('POST', f'accounts/{ACCOUNT}/follow')['followers'][0]

    def control(self, method, path, /, **body):
        """Call the control API of the sandbox, which may call the server of the test."""
        with self.allow_requests(all_requests=True):
            response = requests.request(
                method, f'{self.sandbox}/_sandbox/{path}', json=body or None, timeout=30,
            )
        response.raise_for_status()
        return response.json()

    def state(self):
        return self.control('GET', f'accounts/{ACCOUNT}')

    def make_template(self, content=CONTENT):
        """Return a template that was made in the console, fetched and mapped."""
        made = self.control(
            'POST', f'accounts/{ACCOUNT}/templates', title="下单成功", content=content)
        self.account.action_fetch_templates()
        template = self.env['wechat.message.template'].search(
            [('template_id', '=', made['template_id'])])
        template.model_id = self.env['ir.model']._get('res.partner')
        for line in template.line_ids:
            line.write({'field_path': 'ref', 'color': '#173177'})
        return template

    def synchronize(self):
        self.account.action_synchronize_followers()
        self.run_cron(self.env.ref('wechat_official_account.cron_synchronize_followers'))
        return self.env['wechat.follower.sync'].search([('app_id', '=', self.account.id)], limit=1)

    def test_message_travels_from_the_record_to_the_follower(self):
        template = self.make_template()
        self.synchronize()
        identity = self.account._get_identity(self.follower['openid'])
        identity.partner_id = self.partner
        log = template._queue(self.partner)
        self.run_cron()
        self.assertEqual(log.state, 'sent', log.error)
        message, = self.state()['messages']
        self.assertEqual(str(message['msgid']), log.msgid)
        self.assertEqual(message['data']['thing2'], {'value': 'C-1', 'color': '#173177'})

    @mute_logger('odoo.addons.wechat.models.wechat_app_request')
    def test_follower_who_left_is_noted(self):
        template = self.make_template()
        identity = self.account._get_identity(self.follower['openid'], create=True)
        identity.partner_id = self.partner
        self.control('POST', f'accounts/{ACCOUNT}/unfollow', user=self.follower['user'])
        log = template._queue(self.partner)
        self.run_cron()
        self.assertEqual((log.state, log.errcode), ('failed', 43004))
        self.assertTrue(identity.unfollowed_at)

    @mute_logger('odoo.addons.wechat.models.wechat_app_request')
    def test_field_that_slips_through_is_refused_by_wechat_and_noted(self):
        template = self.make_template("{{thing1.DATA}}")
        identity = self.account._get_identity(self.follower['openid'], create=True)
        with self.assertRefused('bad_request', 47003):
            identity._send_template_message(template, {'thing1': "x" * 21})
        self.assertFalse(self.state()['messages'])

    # === WHAT WECHAT PUSHES === #

    def _set_up_push(self):
        token, key = 'teahouse2026', 'abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG'
        self.account.write({'push_token': token, 'push_aes_key': key})
        self.env.flush_all()
        self.control('POST', 'push_config', appid=ACCOUNT, token=token, encoding_aes_key=key,
                     url=f'{self.base_url()}/wechat/push/{ACCOUNT}')

    def _wait_for(self, log, state):
        deadline = time.monotonic() + 10
        while log.state != state and time.monotonic() < deadline:
            with self.allow_requests(all_requests=True):
                time.sleep(0.2)
            log.invalidate_recordset()
        self.assertEqual(log.state, state, log.error)

    def test_delivery_is_told_and_noted(self):
        self._set_up_push()
        template = self.make_template()
        identity = self.account._get_identity(self.follower['openid'], create=True)
        identity.partner_id = self.partner
        log = template._queue(self.partner)
        self.run_cron()
        self._wait_for(log, 'delivered')

    def test_people_come_and_go(self):
        self._set_up_push()
        self.env['wechat.reply.rule'].create({
            'name': "Welcome", 'app_id': self.account.id, 'trigger': 'follow',
            'text': "Welcome",
        })
        answer = self.control('POST', f'accounts/{ACCOUNT}/follow')
        self.assertEqual(answer['push'][0]['reply']['Content'], "Welcome")
        person = answer['followers'][0]
        identity = self.account._get_identity(person['openid'])
        self.assertTrue(identity.is_follower)
        answer = self.control('POST', f'accounts/{ACCOUNT}/unfollow', user=person['user'])
        self.assertIsNone(answer['push'][0]['problem'])
        identity.invalidate_recordset()
        self.assertFalse(identity.is_follower)

    def test_templates_that_were_removed_in_the_console_are_archived(self):
        template = self.make_template()
        self.control('DELETE', f'accounts/{ACCOUNT}/templates/{template.template_id}')
        self.account.action_fetch_templates()
        self.assertFalse(template.active)

    def test_menu_is_published_fetched_and_removed(self):
        menu = self.env['wechat.menu'].create({'app_id': self.account.id, 'button_ids': [
            (0, 0, {'name': "推荐", 'button_type': 'click', 'key': 'K', 'sequence': 1}),
            (0, 0, {'name': "更多", 'is_group': True, 'sequence': 2, 'child_ids': [
                (0, 0, {'name': "首页", 'url': 'https://shop.example.com/', 'sequence': 1}),
                (0, 0, {'name': "小程序", 'button_type': 'miniprogram', 'sequence': 2,
                        'url': 'https://shop.example.com/', 'appid': 'wx0000000000000002',
                        'pagepath': 'pages/index'}),
                (0, 0, {'name': "扫码", 'button_type': 'scancode_push', 'key': 'S',
                        'sequence': 3}),
            ]}),
        ]})
        menu.action_publish()
        built = menu._build()
        self.assertEqual(len(self.state()['menu']['button'][1]['sub_button']), 3)
        menu.action_fetch()
        self.assertEqual((menu._build(), menu.state), (built, 'published'))
        menu.action_remove()
        self.assertIsNone(self.state()['menu'])

    def test_followers_are_synchronised_page_by_page(self):
        self.control('POST', f'accounts/{ACCOUNT}/follow', count=230)
        self.control('PATCH', f'accounts/{ACCOUNT}', follower_page=150)
        sync = self.synchronize()
        self.assertEqual((sync.state, sync.done, sync.error), ('done', 231, False))
        self.assertEqual(self.account.follower_count, 231)
        self.control('POST', f'accounts/{ACCOUNT}/unfollow', user=self.follower['user'])
        self.env.cr.execute(
            "UPDATE wechat_identity SET followed_at = followed_at - interval '1 day',"
            " follower_seen_at = follower_seen_at - interval '1 day' WHERE app_id = %s",
            [self.account.id],
        )
        self.synchronize()
        self.account.invalidate_recordset()
        self.assertEqual(self.account.follower_count, 230)

    def test_picture_is_uploaded(self):
        rule = self.env['wechat.reply.rule'].create({
            'name': "Picture", 'app_id': self.account.id, 'trigger': 'default',
            'answer_type': 'image', 'image': PNG,
        })
        rule.action_upload_image()
        self.assertIn(rule.media_id, self.state()['materials'])
