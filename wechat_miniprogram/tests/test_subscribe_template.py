# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo.exceptions import UserError, ValidationError
from odoo.tests import tagged
from odoo.tools import mute_logger

from .subscribe_common import CALLS, DATA, SEND, STATES, SubscribeCommon


@tagged('post_install', '-at_install')
class TestSubscribeReport(SubscribeCommon):

    def answer(self, answer):
        """Let WeChat answer so."""
        self.fake.answer('POST', SEND, answer)

    def send(self):
        return self.person._send_subscribe_message(self.template, 'pages/a', DATA)

    # === WHAT BECAME OF IT === #

    def report(self, **entry):
        return self.push_list('subscribe_msg_sent_event', {
            'TemplateId': 'TEMPLATE_1', 'ErrorCode': '0', 'ErrorStatus': 'success', **entry})

    def test_delivery_is_noted(self):
        self.give()
        msgid = self.send()
        self.assertSuccess(self.report(MsgID=msgid))
        self.assertEqual(self.logs().state, 'delivered')

    def test_failure_is_noted(self):
        self.give(2)
        msgid = self.send()
        self.report(MsgID=msgid, ErrorCode='45168', ErrorStatus='sensitive')
        self.assertEqual((self.logs().state, self.logs().errcode), ('failed', 45168))
        self.assertEqual(self.consent().remaining, 1)

    def test_failure_for_want_of_a_consent_ends_all_consents(self):
        self.give(2)
        self.report(MsgID=self.send(), ErrorCode='43101', ErrorStatus='user refuse')
        self.assertEqual(self.consent().remaining, 0)

    def test_message_whose_number_nobody_told_is_found_if_it_is_the_only_one(self):
        self.give(3)
        self.answer({'errcode': 0, 'errmsg': 'ok'})
        self.send()
        self.report(MsgID='9')
        self.assertEqual(self.logs().state, 'delivered')
        self.send()
        self.send()
        self.report(MsgID='10')
        self.assertEqual(self.logs().mapped('state'), ['delivered', 'sent', 'sent'])

    @mute_logger(CALLS)
    def test_message_of_unknown_outcome_is_delivered_if_wechat_says_so(self):
        self.give()
        self.answer(None)
        self.template._queue(self.partner)
        self.run_cron()
        self.report(MsgID='9')
        self.assertEqual(self.logs().state, 'delivered')


@tagged('post_install', '-at_install')
class TestSubscribeTemplate(SubscribeCommon):

    def listed(self, **changes):
        return {'errcode': 0, 'data': [{
            'priTmplId': 'TEMPLATE_9', 'title': "报名结果通知", 'type': 2,
            'content': "会议时间:{{date2.DATA}}\n所在位置:{{enum_string4.DATA}}\n",
            'example': "会议时间:2016年8月8日\n", 'keywordEnumValueList': [
                {'keywordCode': 'enum_string4.DATA', 'enumValueList': ["客厅", "餐厅"]}],
            **changes,
        }]}

    def fetch(self, **changes):
        self.fake.answer('GET', '/wxaapi/newtmpl/gettemplate', self.listed(**changes))
        return self.app.action_fetch_subscribe_templates()

    def test_templates_are_fetched_with_the_values_of_their_lists(self):
        self.fetch()
        template = self.env['wechat.message.template'].search([('template_id', '=', 'TEMPLATE_9')])
        self.assertEqual((template.kind, template.is_long_term), ('subscribe', False))
        self.assertEqual(template.line_ids.mapped('key'), ['date2', 'enum_string4'])
        self.assertEqual(template.line_ids.mapped('options'), [False, ["客厅", "餐厅"]])
        self.assertIn("客厅, 餐厅", template.line_ids[1].rule)
        self.assertFalse(self.template.active)

    def test_templates_fetched_again_keep_what_they_are_filled_with(self):
        self.fetch()
        template = self.env['wechat.message.template'].search([('template_id', '=', 'TEMPLATE_9')])
        template.model_id = self.env['ir.model']._get('res.partner')
        template.line_ids[0].field_path = 'create_date'
        self.fetch(type=3, keywordEnumValueList=[
            {'keywordCode': 'enum_string4.DATA', 'enumValueList': ["客厅"]}])
        self.assertEqual(template.line_ids[0].field_path, 'create_date')
        self.assertEqual((template.is_long_term, template.line_ids[1].options), (True, ["客厅"]))

    def test_other_apps_have_no_such_templates(self):
        other = self.create_app()
        other.app_type = 'official_account'
        with self.assertRaises(UserError):
            other.action_fetch_subscribe_templates()

    def test_value_that_is_not_in_the_list_is_found_before_sending(self):
        self.give()
        self.template.line_ids[2].text = "在路上"
        log = self.template._queue(self.partner)
        self.assertEqual(log.state, 'failed')
        for state in STATES:
            self.assertIn(state, log.reason)

    def test_page_of_a_template_is_a_path(self):
        for page in ("页面/a", 'pages a'):
            with self.subTest(page=page), self.assertRaises(ValidationError):
                self.template.page = page
