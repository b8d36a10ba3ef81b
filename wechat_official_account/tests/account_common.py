# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import itertools

from odoo import fields

from odoo.addons.wechat.tests.common import WechatCommon

SEND = '/cgi-bin/message/template/send'
CONTENT = (
    "{{first.DATA}}\n订单号：{{character_string1.DATA}}\n商品：{{thing2.DATA}}\n{{remark.DATA}}"
)
LOGGERS = (
    'odoo.addons.wechat.models.wechat_app_request', 'odoo.addons.wechat.models.wechat_message_log',
)


class AccountCommon(WechatCommon):
    """An official account with a template for contacts, and a follower."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.app.app_type = 'official_account'
        cls.partner = cls.env['res.partner'].create({
            'name': "Li Lei", 'ref': 'C-1', 'phone': '+86 138 0013 8000', 'function': "Tea lover",
        })
        cls.identity = cls.add_follower('oFOLLOWER', cls.partner)
        cls.template = cls.env['wechat.message.template'].create({
            'name': "下单成功通知",
            'app_id': cls.app.id,
            'kind': 'template',
            'template_id': 'TEMPLATE_1',
            'content': CONTENT,
            'model_id': cls.env['ir.model']._get('res.partner').id,
        })
        cls.lines = {line.key: line for line in cls.template.line_ids}
        cls.lines['first'].text = "Hello {{ object.name }}"
        cls.lines['character_string1'].field_path = 'ref'
        cls.lines['thing2'].field_path = 'function'
        cls.lines['remark'].write({'text': "Thank you", 'color': '#FF0000'})
        cls.cron = cls.env.ref('wechat.cron_send_messages')

    def setUp(self):
        super().setUp()
        self.numbers = itertools.count(200000001)
        self.fake.answer('POST', SEND, lambda request: {
            'errcode': 0, 'errmsg': 'ok', 'msgid': next(self.numbers),
        })

    @classmethod
    def add_follower(cls, openid, partner=None, **values):
        return cls.env['wechat.identity'].create({
            'app_id': cls.app.id, 'openid': openid, 'partner_id': partner and partner.id,
            'is_follower': True, 'followed_at': fields.Datetime.now(), **values,
        })

    def add_partners(self, count):
        """Return contacts who follow the account."""
        partners = self.env['res.partner'].create([
            {'name': f"Customer {index}", 'ref': f'C-{index}', 'function': "Guest"}
            for index in range(count)
        ])
        for index, partner in enumerate(partners):
            self.add_follower(f'oMANY{index}', partner)
        return partners

    def run_cron(self, cron=None):
        """Run a scheduled job as Odoo does, with its commits."""
        self.env.flush_all()
        with self.enter_registry_test_mode():
            (cron or self.cron).method_direct_trigger()
        self.env.invalidate_all()

    def sent(self):
        """Return the bodies of the template messages that WeChat received."""
        return [request.json for request in self.fake.calls(SEND)]
