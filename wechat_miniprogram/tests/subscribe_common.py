# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import itertools
import time

from odoo.addons.wechat.tests.push_common import PushCommon

from ..protocol import subscriptions
from .common import MiniprogramCommon

SUBSCRIBE = '/wechat/miniprogram/subscribe'
SEND = '/cgi-bin/message/subscribe/send'
OPENID = 'openid-of-anna'
CONTENT = "商品:{{thing1.DATA}}\n单号:{{character_string2.DATA}}\n状态:{{enum_string3.DATA}}\n"
STATES = ["已发货", "已签收"]
DATA = {'thing1': "绿茶", 'character_string2': 'S00042', 'enum_string3': "已发货"}
CALLS = 'odoo.addons.wechat.models.wechat_app_request'
EVENTS = 'odoo.addons.wechat_miniprogram.models.wechat_app_subscribe'


class SubscribeCommon(MiniprogramCommon, PushCommon):
    """A mini-program with a template for contacts, and somebody who has logged in."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.app.app_type = 'miniprogram'
        cls.env['res.lang']._activate_lang('zh_CN')
        cls.template = cls.add_template('TEMPLATE_1')
        cls.consents = cls.env['wechat.subscribe.consent']

    def setUp(self):
        super().setUp()
        self.began = int(time.time())
        self.numbers = itertools.count(3000000000000000001)
        self.fake.answer('POST', SEND, lambda request: {
            'errcode': 0, 'errmsg': 'ok', 'msgid': next(self.numbers),
        })
        self.session_id = self.authenticate_phone()['session_id']
        self.person = self.identity()
        self.partner = self.person.partner_id
        self.partner.ref = 'C-1'
        self.fake.requests.clear()

    @classmethod
    def add_template(cls, template_id, app=None, **values):
        """Return a template that is filled from contacts."""
        template = cls.env['wechat.message.template'].create({
            'name': "发货提醒", 'app_id': (app or cls.app).id, 'kind': 'subscribe',
            'template_id': template_id, 'content': CONTENT,
            'model_id': cls.env['ir.model']._get('res.partner').id,
            'page': 'pages/contact/contact?id={{ object.id }}&name={{ object.name }}', **values,
        })
        lines = {line.key: line for line in template.line_ids}
        lines['thing1'].field_path = 'name'
        lines['character_string2'].field_path = 'ref'
        lines['enum_string3'].write({'text': "已发货", 'options': STATES})
        return template

    def agree(self, answer='accept', template=None, session_id=None, **results):
        """Report from the phone what somebody answered; return the whole answer."""
        results = results or {(template or self.template).template_id: answer}
        return self.post(SUBSCRIBE, {'results': results}, session_id or self.session_id).json()

    def push_list(self, event, *entries, is_json=False, openid=OPENID, **query):
        """Push one of the events about subscribe messages."""
        # Two events of one second about the same are one: these are told apart by their time.
        fields = self.event(event, FromUserName=openid)
        fields['CreateTime'] = self.began - self.serial
        if is_json:
            fields['List'] = list(entries) if len(entries) > 1 else entries[0]
        else:
            nest = ''.join(word.title() for word in event.split('_'))
            fields[nest] = {'List': list(entries)}
        return self.push(fields if is_json else _xml(fields), is_json=is_json, **query)

    def popup(self, answer='accept', template_id='TEMPLATE_1', **query):
        """Push the event about a tap."""
        return self.push_list('subscribe_msg_popup_event', {
            'TemplateId': template_id, 'SubscribeStatusString': answer, 'PopupScene': '1',
        }, **query)

    def consent(self, template=None, person=None):
        """Return the consent as the database has it."""
        consent = self.consents.search([
            ('identity_id', '=', (person or self.person).id),
            ('template_id', '=', (template or self.template).id),
        ])
        consent.invalidate_recordset()
        return consent

    def give(self, count=1, template=None):
        """Give consents, without a phone."""
        for number in range(count):
            self.consents._record(
                self.person, template or self.template, 'accept', subscriptions.CLIENT,
                f'given-{number}',
            )

    def sent(self):
        """Return the bodies of the messages that WeChat received."""
        return [request.json for request in self.fake.calls(SEND)]

    def logs(self):
        """Return the notes of messages, oldest first."""
        logs = self.env['wechat.message.log'].search([('app_id', '=', self.app.id)], order='id')
        logs.invalidate_recordset()
        return logs

    def run_cron(self):
        """Send what waits."""
        self.env.flush_all()
        self.env.ref('wechat.cron_send_messages').method_direct_trigger()
        self.env.invalidate_all()


def _xml(value, name='xml'):
    if isinstance(value, list):
        return ''.join(_xml(item, name) for item in value)
    content = ''.join(_xml(item, key) for key, item in value.items()) if isinstance(
        value, dict) else f'<![CDATA[{value}]]>'
    return f'<{name}>{content}</{name}>'
