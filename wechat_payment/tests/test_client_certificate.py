# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import gc
import os
import ssl
import stat
import tempfile
from pathlib import Path
from unittest.mock import patch

from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.wechat import transport
from odoo.addons.wechat_payment import client_certificate
from odoo.addons.wechat_payment.exceptions import WeChatPayMisconfigured, WeChatPayNoAnswer
from odoo.addons.wechat_payment.protocol.keys import KeyFormatError
from odoo.addons.wechat_payment.tests.fake_wechat_pay import KeyPair, get_key_pair
from odoo.addons.wechat_payment.tests.fake_wechat_pay_v2 import (
    QUERY,
    REFUND,
    FakeWechatPayV2,
    WechatPayV2Common,
    answer_v2,
)

V2 = 'odoo.addons.wechat_payment.models.payment_provider_v2'


@tagged('post_install', '-at_install')
class TestClientCertificate(WechatPayV2Common):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server_key = KeyPair('server', address='127.0.0.1')
        cls.folder = Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        cls.bundle = cls.folder / 'trusted.pem'
        cls.bundle.write_text(cls.server_key.certificate_pem)

    def setUp(self):
        super().setUp()
        self._forget()
        self.addCleanup(self._forget)
        self.startPatcher(patch.dict(os.environ, {'REQUESTS_CA_BUNDLE': str(self.bundle)}))
        self.other = get_key_pair('wechat')
        self.server = self._serve(self.server_key)

    def _forget(self):
        client_certificate.load.cache_clear()
        transport._sessions.clear()

    def _serve(self, key):
        server = FakeWechatPayV2()
        server.reset()
        self.addCleanup(server.stop)
        server.use_tls(key, self.merchant.certificate_pem + self.other.certificate_pem)
        server.answers.update({REFUND: answer_v2(), QUERY: answer_v2()})
        self.env['ir.config_parameter'].set_param('wechat.pay_url', server.url)
        return server

    def _refund(self, **kwargs):
        return self._request_v2(REFUND, **{'certificate': True, **kwargs})

    @mute_logger(V2)
    def _assert_no_answer(self, end, sent, **kwargs):
        with self.assertRaises(WeChatPayNoAnswer) as caught:
            self._refund(**kwargs)
        self.assertEqual((caught.exception.end, caught.exception.sent), (end, sent))

    def _presented(self):
        return [ssl.DER_cert_to_PEM_cert(der) for der in self.server.certificates]

    def _pem(self, pair):
        return ssl.DER_cert_to_PEM_cert(ssl.PEM_cert_to_DER_cert(pair.certificate_pem))

    def _use(self, pair):
        self.provider.write({
            'wechat_merchant_private_key': pair.private_pem,
            'wechat_merchant_certificate': pair.certificate_pem,
        })

    # === MUTUAL TLS === #

    def test_it_is_presented(self):
        self._refund()
        self.assertEqual(self._presented(), [self._pem(self.merchant)])

    def test_who_presents_none_is_turned_away(self):
        with mute_logger(V2), self.assertRaises(WeChatPayNoAnswer) as caught:
            self._refund(certificate=False)
        self.assertIn(caught.exception.end, ('tls', 'broken'))
        self.assertFalse(self.server.received)

    def test_it_is_presented_by_no_call_that_does_not_want_it(self):
        # The connection of a call with it stands open.
        self._refund()
        with mute_logger(V2), self.assertRaises(WeChatPayNoAnswer):
            self._request_v2(QUERY)
        self.assertEqual(len(self.server.received), 1)

    def test_a_replaced_one_is_not_presented_any_more(self):
        self._refund()
        self._use(self.other)
        self._refund()
        self._use(self.merchant)
        self._refund()
        self.assertEqual(self._presented(), [
            self._pem(pair) for pair in (self.merchant, self.other, self.merchant)
        ])

    def test_the_connections_of_one_that_is_forgotten_are_closed_with_it(self):
        self._refund()
        count = len(transport._sessions)
        client_certificate.load.cache_clear()
        gc.collect()
        self.assertEqual(len(transport._sessions), count - 1)

    def test_a_connection_is_kept_for_the_next_call(self):
        self._refund()
        self._refund()
        pool = transport._session(self.provider._wechat_get_client_certificate()).get_adapter(
            self.server.url,
        ).poolmanager.connection_from_url(self.server.url)
        self.assertEqual(pool.num_connections, 1)
        self.assertEqual(pool.num_requests, 2)

    def test_a_server_that_nobody_vouches_for_gets_nothing(self):
        self.server = self._serve(KeyPair('stranger', address='127.0.0.1'))
        self._assert_no_answer('tls', False)
        self.assertFalse(self.server.received)

    def test_a_server_with_the_certificate_of_another_host_gets_nothing(self):
        elsewhere = KeyPair('elsewhere', address='192.0.2.1')
        self.bundle.write_text(self.server_key.certificate_pem + elsewhere.certificate_pem)
        self.server = self._serve(elsewhere)
        self._assert_no_answer('tls', False)
        self.assertFalse(self.server.received)

    # === KEYS AND FILES === #

    def _watch_files(self, and_then=None):
        """Record what is in the file of the key, and whether it is there afterwards.

        :return: The list of records: path, permissions, content.
        """
        seen = []
        load_cert_chain = ssl.SSLContext.load_cert_chain

        def watch(context, path, *args, **kwargs):
            seen.append((path, stat.S_IMODE(os.stat(path).st_mode), Path(path).read_text()))
            if and_then:
                raise and_then
            return load_cert_chain(context, path, *args, **kwargs)

        self.startPatcher(patch.object(ssl.SSLContext, 'load_cert_chain', watch))
        return seen

    def test_the_file_is_private_encrypted_and_gone(self):
        seen = self._watch_files()
        self._refund()
        self._refund()
        ((path, mode, content),) = seen
        self.assertEqual(mode, 0o600)
        self.assertIn('BEGIN ENCRYPTED PRIVATE KEY', content)
        self.assertNotIn('BEGIN PRIVATE KEY', content)
        for line in self.merchant.private_pem.splitlines()[1:-1]:
            self.assertNotIn(line, content)
        self.assertFalse(os.path.exists(path))

    def test_the_file_is_gone_after_a_failure(self):
        for error, expected in (
            (ssl.SSLError("no"), WeChatPayMisconfigured), (OSError("no"), OSError),
            (MemoryError(), MemoryError), (KeyboardInterrupt(), KeyboardInterrupt),
        ):
            with self.subTest(type(error).__name__):
                seen = self._watch_files(error)
                with self.assertRaises(expected) as caught:
                    self._refund()
                self.assertEqual(len(seen), 1)
                self.assertFalse(os.path.exists(seen[0][0]))
                if expected is WeChatPayMisconfigured:
                    self.assertEqual(caught.exception.reason, 'client_certificate')

    def test_a_key_of_another_certificate_is_refused_before_any_file_is_written(self):
        seen = self._watch_files()
        with self.assertRaises(KeyFormatError):
            client_certificate.load(self.other.private_pem, self.merchant.certificate_pem)
        self.assertFalse(seen)

    def test_what_else_stands_in_the_text_of_a_certificate_gets_into_no_file(self):
        seen = self._watch_files()
        text = self.merchant.certificate_pem + self.merchant.private_pem
        client_certificate.load(self.merchant.private_pem, text)
        self.assertNotIn('BEGIN PRIVATE KEY', seen[0][2])
