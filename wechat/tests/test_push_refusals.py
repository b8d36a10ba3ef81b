# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import time

from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.wechat.protocol.push_crypto import PushCrypto
from odoo.addons.wechat.tests.common import APPID
from odoo.addons.wechat.tests.push_common import ACCOUNT, AES_KEY, LOGGERS, TOKEN, PushCommon

OTHER_APPID = 'wx0000000000000009'
BOMB = (
    '<?xml version="1.0"?><!DOCTYPE xml [<!ENTITY a "aaaaaaaaaa">'
    + ''.join(f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(8))
    + ']><xml><ToUserName>gh_x</ToUserName><FromUserName>o</FromUserName><MsgType>text</MsgType>'
    '<Content>&i;</Content></xml>'
)


@tagged('post_install', '-at_install')
class TestPushRefusals(PushCommon):

    def setUp(self):
        super().setUp()
        self.handle_with(lambda app, message: 'believed')
        muted = mute_logger(*LOGGERS)
        muted.__enter__()
        self.addCleanup(muted.__exit__, None, None, None)

    def assertRefusedFor(self, reason, response):
        """Check that a push was refused without a hint and left nothing but its reason."""
        self.assertForbidden(response)
        self.assertEqual(self.problem(), reason)
        self.assertFalse(self.received)
        self.assertFalse(self.rows())

    # === SIGNATURE === #

    def test_wrong_msg_signature_is_refused(self):
        self.assertRefusedFor('signature', self.push(self.fields(), msg_signature='0' * 40))

    def test_missing_msg_signature_is_refused(self):
        self.assertRefusedFor('signature', self.push(self.fields(), msg_signature=None))

    def test_signature_of_the_address_does_not_replace_that_of_the_body(self):
        timestamp = str(int(time.time()))
        plain = self.crypto.signature(timestamp, 'n')
        self.assertRefusedFor('signature', self.push(
            self.fields(), timestamp=timestamp, nonce='n', signature=plain, msg_signature=plain))

    def test_signature_that_is_no_ascii_is_refused(self):
        self.assertRefusedFor('signature', self.push(self.fields(), msg_signature='签名' * 20))

    def test_body_of_another_push_is_refused(self):
        other = self.crypto.encrypt(self.as_body(self.fields()).encode())
        self.assertRefusedFor('signature', self.push(
            self.fields(), body=self.as_body({'ToUserName': ACCOUNT, 'Encrypt': other}).encode()))

    def test_message_signed_with_another_token_is_refused(self):
        self.assertRefusedFor('signature', self.push(
            self.fields(), crypto=PushCrypto('othertoken', AES_KEY, APPID)))

    def test_wrong_signature_of_a_plain_message_is_refused(self):
        self.app.push_mode = 'plain'
        self.assertRefusedFor(
            'signature', self.push(self.fields(), 'plain', signature='0' * 40))

    def test_compatible_mode_wants_both_signatures(self):
        self.app.push_mode = 'compatible'
        for name in ('signature', 'msg_signature'):
            with self.subTest(wrong=name):
                self.assertRefusedFor(
                    'signature', self.push(self.fields(), 'compatible', **{name: '0' * 40}))

    # === TIME === #

    def test_message_out_of_the_window_is_refused_both_ways(self):
        for offset in (-310, 310):
            for mode in ('plain', 'compatible', 'secure'):
                self.app.push_mode = mode
                with self.subTest(offset=offset, mode=mode):
                    self.assertRefusedFor(
                        'timestamp', self.push(self.fields(), mode, offset=offset))

    def test_message_within_the_window_is_believed_both_ways(self):
        for offset in (-280, 280):
            self.assertEqual(self.push(self.fields(), offset=offset).status_code, 200)
        self.assertEqual(len(self.received), 2)

    def test_time_that_is_none_is_refused(self):
        for timestamp in ('', 'soon', '-5', '1' * 30, '١٧٠٠٠٠٠٠٠٠'):
            encrypted = self.crypto.encrypt(self.as_body(self.fields()).encode())
            with self.subTest(timestamp=timestamp):
                self.assertRefusedFor('timestamp', self.push(
                    'x', body=self.as_body({'Encrypt': encrypted}).encode(), timestamp=timestamp,
                    nonce='n', msg_signature=self.crypto.signature(timestamp, 'n', encrypted),
                ))

    # === ENCRYPTION === #

    def test_plain_body_is_refused_where_it_must_be_encrypted(self):
        for mode in ('secure', 'compatible'):
            self.app.push_mode = mode
            for is_json in (False, True):
                with self.subTest(mode=mode, is_json=is_json):
                    self.assertRefusedFor(
                        'plain_body', self.push(self.fields(), 'plain', is_json))

    def test_encrypted_body_is_refused_in_plain_mode(self):
        self.app.push_mode = 'plain'
        self.assertRefusedFor('encrypted_body', self.push(self.fields(), 'secure'))

    def test_message_of_another_key_is_refused(self):
        self.assertRefusedFor('undecryptable', self.push(
            self.fields(), crypto=PushCrypto(TOKEN, AES_KEY[::-1], APPID)))

    def test_message_for_another_appid_is_refused(self):
        self.assertRefusedFor('appid_mismatch', self.push(
            self.fields(), crypto=PushCrypto(TOKEN, AES_KEY, OTHER_APPID)))

    def test_message_to_another_account_is_refused(self):
        self.app.original_id = 'gh_another'
        self.assertRefusedFor('account', self.push(self.fields()))

    def test_signed_nonsense_is_refused(self):
        for encrypted in ('%%%', 'AAAA', 'A' * 64, 'QUJD' * 16):
            timestamp = str(int(time.time()))
            with self.subTest(encrypted=encrypted):
                self.assertRefusedFor('undecryptable', self.push(
                    'x', body=self.as_body({'Encrypt': encrypted}).encode(), timestamp=timestamp,
                    nonce='n', msg_signature=self.crypto.signature(timestamp, 'n', encrypted),
                ))

    def test_app_without_a_key_refuses_encrypted_messages(self):
        self.app.push_aes_key = False
        self.assertRefusedFor('undecryptable', self.push(self.fields()))

    # === BODY === #

    def test_entity_bomb_is_refused_in_the_body_and_within_the_encryption(self):
        self.assertRefusedFor('body', self.push(self.fields(), body=BOMB.encode()))
        self.assertRefusedFor('body', self.push(BOMB))
        self.app.push_mode = 'plain'
        self.assertRefusedFor('body', self.push(BOMB, 'plain'))

    def test_bodies_that_are_no_message_are_refused(self):
        for body in (
            b'', b'<xml>', b'{', b'[]', b'null', b'\xff\xfe', b'<xml></xml>', b'{"a":' * 100000,
            b'<a>' * 100000, b'<html><Encrypt>x</Encrypt></html>', b'{"Encrypt":"\\u0000"}',
        ):
            with self.subTest(body=body[:30]):
                response = self.push(self.fields(), body=body)
                self.assertForbidden(response)
                self.assertIn(self.problem(), ('body', 'plain_body'))
                self.assertFalse(self.rows())

    def test_message_without_what_every_message_has_is_refused(self):
        for name in ('ToUserName', 'FromUserName', 'MsgType'):
            with self.subTest(missing=name):
                self.assertRefusedFor('body', self.push(self.fields(**{name: None})))
        self.assertRefusedFor('body', self.push(self.event('')))
        self.assertRefusedFor('body', self.push(self.fields(FromUserName='o' * 500)))

    def test_field_that_comes_twice_is_refused(self):
        text = self.as_body(self.fields()).replace(
            '</xml>', '<FromUserName>oOTHER</FromUserName></xml>')
        self.assertRefusedFor('body', self.push(text))

    def test_large_body_is_refused_before_it_is_read(self):
        for size in (1024 * 1024 + 1, 5 * 1024 * 1024):
            with self.subTest(size=size):
                response = self.push(self.fields(), body=b'<xml>' + b' ' * size)
                self.assertEqual(response.status_code, 413)
        self.assertFalse(self.received)

    # === APPS === #

    def test_unknown_app_is_answered_as_a_wrong_signature(self):
        wrong = self.push(self.fields(), msg_signature='0' * 40)
        for appid in (OTHER_APPID, 'nonsense', '1'):
            unknown = self.push(self.fields(), appid=appid)
            self.assertForbidden(unknown)
            kept = ('Content-Type', 'Content-Length', 'Cache-Control', 'Set-Cookie')
            self.assertEqual(
                [unknown.headers.get(name) for name in kept],
                [wrong.headers.get(name) for name in kept],
            )
            self.assertForbidden(self.url_open(f'/wechat/push/{appid}?echostr=x'))

    def test_app_without_a_token_refuses(self):
        self.app.push_token = False
        for mode in ('plain', 'secure'):
            self.app.push_mode = mode
            self.assertForbidden(
                self.push(self.fields(), mode, crypto=PushCrypto('', AES_KEY, APPID)))
        self.assertFalse(self.received)

    def test_archived_app_and_types_without_push_refuse(self):
        self.app.active = False
        self.assertForbidden(self.push(self.fields()))
        self.app.write({'active': True, 'app_type': 'website'})
        self.assertForbidden(self.push(self.fields()))
        self.assertFalse(self.received)

    def test_other_methods_are_refused(self):
        for method in ('PUT', 'DELETE', 'PATCH'):
            response = self.url_open(f'/wechat/push/{APPID}', method=method, data=b'x')
            self.assertEqual(response.status_code, 405)

    def test_call_without_any_signature_is_not_reported(self):
        self.assertForbidden(self.url_open(f'/wechat/push/{APPID}'))
        self.assertFalse(self.problem())
