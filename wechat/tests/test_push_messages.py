# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import logging

from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.wechat.tests.push_common import LOGGERS, OPENID, PushCommon

# wechat-platform.md, section 7.5.
MESSAGES = {
    'text': {'Content': "你好"},
    'image': {'PicUrl': 'https://mmbiz.qpic.cn/x', 'MediaId': 'M'},
    'voice': {'MediaId': 'M', 'Format': 'amr'},
    'video': {'MediaId': 'M', 'ThumbMediaId': 'T'},
    'shortvideo': {'MediaId': 'M', 'ThumbMediaId': 'T'},
    'location': {'Location_X': '23.13', 'Location_Y': '113.36', 'Scale': 20, 'Label': "茶馆"},
    'link': {'Title': "T", 'Description': "D", 'Url': 'https://x/'},
    'miniprogrampage': {
        'Title': "T", 'AppId': 'wx0000000000000002', 'PagePath': 'pages/index', 'ThumbUrl': 'U',
        'ThumbMediaId': 'M',
    },
}
TRADE = {
    'transaction_id': '42', 'merchant_id': '1900000001', 'merchant_trade_no': 'S00001',
    'pay_time': 1700000000,
}
EVENTS = {
    'subscribe': {'EventKey': 'qrscene_123', 'Ticket': 'T'},
    'unsubscribe': {'EventKey': ''},
    'SCAN': {'EventKey': '123', 'Ticket': 'T'},
    'CLICK': {'EventKey': 'menu_tea'},
    'VIEW': {'EventKey': 'https://example.com/', 'MenuId': 'M'},
    'LOCATION': {'Latitude': '23.1', 'Longitude': '113.3', 'Precision': '119.3'},
    'TEMPLATESENDJOBFINISH': {'MsgID': 200163836, 'Status': 'success'},
    'user_enter_tempsession': {'SessionFrom': 'order'},
    'subscribe_msg_popup_event': {
        'List': {'TemplateId': 'T', 'SubscribeStatusString': 'accept', 'PopupScene': '2'},
    },
    'subscribe_msg_change_event': {'List': {'TemplateId': 'T', 'SubscribeStatusString': 'reject'}},
    'subscribe_msg_sent_event': {
        'List': {'TemplateId': 'T', 'MsgID': 'M', 'ErrorCode': 0, 'ErrorStatus': 'success'},
    },
    'user_info_modified': {'OpenID': OPENID, 'AppID': 'wx1', 'RevokeInfo': '6'},
    'user_authorization_revoke': {'OpenID': OPENID, 'AppID': 'wx1', 'RevokeInfo': '8'},
    'user_authorization_cancellation': {'OpenID': OPENID, 'AppID': 'wx1'},
    'wxa_media_check': {'trace_id': 'X', 'version': 2, 'result': {'suggest': 'pass'}},
    'trade_manage_remind_access_api': {'msg': "请接入"},
    'wxa_trade_controlled': {'msg': "已管控"},
    'trade_manage_remind_shipping': {**TRADE, 'msg': "请发货"},
    'trade_manage_order_settlement': {**TRADE, 'shipped_time': 1700000001},
}
SUBSCRIBE_EVENTS = {
    'subscribe_msg_popup_event': 'SubscribeMsgPopupEvent',
    'subscribe_msg_change_event': 'SubscribeMsgChangeEvent',
    'subscribe_msg_sent_event': 'SubscribeMsgSentEvent',
}


@tagged('post_install', '-at_install')
class TestPushMessages(PushCommon):

    def _listen(self, *methods):
        """Have handlers of the app note what they are called with."""
        calls = []
        for method in methods:
            def handler(app, message, method=method):
                calls.append((method, message))

            self.patch(type(self.env['wechat.app']), method, handler)
        return calls

    def test_every_type_of_message_reaches_its_handler(self):
        calls = self._listen(*(f'_on_message_{kind}' for kind in MESSAGES))
        for kind, extra in MESSAGES.items():
            for is_json in (False, True):
                with self.subTest(kind=kind, is_json=is_json):
                    calls.clear()
                    self.assertSuccess(self.push(
                        self.fields(MsgType=kind, Content=None) | extra, is_json=is_json))
                    (method, message), = calls
                    self.assertEqual(method, f'_on_message_{kind}')
                    for name, value in extra.items():
                        self.assertEqual(message[name], str(value))

    def test_every_event_reaches_its_handler(self):
        calls = self._listen(*(f'_on_event_{name.lower()}' for name in EVENTS))
        for name, extra in EVENTS.items():
            for is_json in (False, True):
                with self.subTest(event=name, is_json=is_json):
                    calls.clear()
                    event = self.event(name)
                    if not is_json and name in SUBSCRIBE_EVENTS:
                        event[SUBSCRIBE_EVENTS[name]] = extra
                    else:
                        event |= extra
                    self.serial += 1
                    event['CreateTime'] += self.serial
                    self.assertSuccess(self.push(event, is_json=is_json))
                    (method, message), = calls
                    self.assertEqual(method, f'_on_event_{name.lower()}')
                    self.assertEqual(message.event, name.lower())
                    row = self.rows()[-1]
                    self.assertEqual((row.msg_type, row.event), ('event', name.lower()))
                    if name in SUBSCRIBE_EVENTS:
                        self.assertEqual(len(message['List']), 1)
                        self.assertEqual(message['List'][0]['TemplateId'], 'T')

    def test_lists_of_subscribe_events_are_the_same_in_both_forms(self):
        calls = self._listen('_on_event_subscribe_msg_popup_event')
        entries = [{'TemplateId': 'A', 'SubscribeStatusString': 'accept'},
                   {'TemplateId': 'B', 'SubscribeStatusString': 'reject'}]
        event = self.event('subscribe_msg_popup_event')
        self.push(event | {'List': entries}, is_json=True)
        text = ''.join(
            self.as_body(entry).replace('xml>', 'List>') for entry in entries)
        self.push(self.as_body(event).replace(
            '</xml>', f'<SubscribeMsgPopupEvent>{text}</SubscribeMsgPopupEvent></xml>',
        ).replace(f'>{event["CreateTime"]}<', f'>{event["CreateTime"] + 1}<'))
        self.assertEqual([message['List'] for _method, message in calls], [entries, entries])

    def test_name_that_no_method_may_have_reaches_none(self):
        with self.assertLogs(LOGGERS[1], logging.INFO) as logs:
            for name in ('__class__', '../x', 'a b', 'é', 'x' * 100, 'nobody_handles_this'):
                self.assertSuccess(self.push(self.event(name)))
                self.assertSuccess(self.push(self.fields(MsgType=name)))
        self.assertEqual(set(self.rows().mapped('state')), {'done'})
        self.assertEqual(len(logs.output), 12)

    def test_unsubscribe_deletes_what_wechat_told_of_the_follower(self):
        user = self.env['res.users'].create({'name': "Mei", 'login': 'mei'})
        identity = self.env['wechat.identity'].create({
            'app_id': self.app.id, 'openid': OPENID, 'nickname': "小美", 'unionid': 'oUNION',
            'avatar_url': 'https://thirdwx.qlogo.cn/x', 'phone': '+8613800138000',
            'user_id': user.id,
        })
        other = self.env['wechat.identity'].create({
            'app_id': self.app.id, 'openid': 'oOTHER', 'nickname': "Other",
        })
        self.assertSuccess(self.push(self.event('unsubscribe')))
        identity.invalidate_recordset()
        self.assertFalse(identity.nickname or identity.avatar_url or identity.phone)
        self.assertEqual((identity.openid, identity.user_id), (OPENID, user))
        self.assertEqual(other.nickname, "Other")

    @mute_logger(*LOGGERS)
    def test_unsubscribe_that_anybody_may_have_written_deletes_nothing(self):
        identity = self.env['wechat.identity'].create({
            'app_id': self.app.id, 'openid': OPENID, 'nickname': "小美",
        })
        self.app.push_mode = 'plain'
        self.assertSuccess(self.push(self.event('unsubscribe'), 'plain'))
        identity.invalidate_recordset()
        self.assertEqual(identity.nickname, "小美")

    def test_unsubscribe_of_somebody_unknown_does_nothing(self):
        self.assertSuccess(self.push(self.event('unsubscribe')))
        self.assertEqual(self.rows().state, 'done')

    # === IDENTITIES AND CUSTOMER SERVICE === #

    def test_identity_of_a_follower_is_found_or_made(self):
        self.assertFalse(self.app._get_identity(OPENID))
        identity = self.app._get_identity(OPENID, create=True)
        self.assertEqual((identity.app_id, identity.openid), (self.app, OPENID))
        self.assertFalse(identity.user_id)
        self.assertEqual(self.app._get_identity(OPENID), identity)
        self.assertEqual(self.app._get_identity(OPENID, create=True), identity)
        self.assertFalse(self.app._get_identity('', create=True))

    def test_customer_service_message_is_sent_to_the_person(self):
        self.fake.answer('POST', '/cgi-bin/message/custom/send', {'errcode': 0, 'errmsg': 'ok'})
        identity = self.app._get_identity(OPENID, create=True)
        identity._send_customer_service_message("茶")
        sent, = self.fake.calls('/cgi-bin/message/custom/send')
        self.assertEqual(sent.query['access_token'], 'TOKEN_1')
        self.assertEqual(
            sent.json, {'touser': OPENID, 'msgtype': 'text', 'text': {'content': "茶"}})
        self.assertIn("茶".encode(), sent.body)

    def test_customer_service_message_that_is_none_is_refused(self):
        for message in (None, '', {'MsgType': 'transfer_customer_service'}, {'x': 1}, 5):
            with self.subTest(message=message), self.assertRefused('bad_request'):
                self.app._send_customer_service_message(OPENID, message)
        self.assertFalse(self.fake.requests)

    @mute_logger('odoo.addons.wechat.models.wechat_app_request')
    def test_refusals_of_customer_service_messages_say_what_to_do(self):
        for errcode, code in (
            (45015, 'bad_request'), (45047, 'rate_limited'), (45002, 'bad_request'),
            (40003, 'bad_request'), (70000, 'bad_request'), (48001, 'misconfigured'),
        ):
            self.fake.answer('POST', '/cgi-bin/message/custom/send', {'errcode': errcode})
            with self.subTest(errcode=errcode), self.assertRefused(code, errcode) as refused:
                self.app._send_customer_service_message(OPENID, "Tea")
            self.assertGreater(len(str(refused.exception)), 60)

    def test_typing_is_shown_and_ended(self):
        self.fake.answer('POST', '/cgi-bin/message/custom/typing', {'errcode': 0})
        self.app._send_typing(OPENID)
        self.app._send_typing(OPENID, is_typing=False)
        self.assertEqual(
            [(call.json['touser'], call.json['command'])
             for call in self.fake.calls('/cgi-bin/message/custom/typing')],
            [(OPENID, 'Typing'), (OPENID, 'CancelTyping')],
        )
