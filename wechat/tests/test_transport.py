# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import datetime
import logging
import socket
import ssl
import tempfile
import threading
import time
import traceback

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from odoo.tests import tagged

from odoo.addons.wechat import transport
from odoo.addons.wechat.tests.common import WechatCommon


@tagged('post_install', '-at_install')
class TestTransport(WechatCommon):

    def _fail(self, url, reason, sent, **kwargs):
        with self.assertRaises(transport.TransportError) as caught:
            transport.send('GET', url + '/x?secret=HUSH', **kwargs)
        self.assertEqual((caught.exception.reason, caught.exception.sent), (reason, sent))
        text = ''.join(traceback.format_exception(caught.exception))
        self.assertNotIn('HUSH', text)
        self.assertIsNone(caught.exception.__cause__)
        self.assertIsNone(caught.exception.__context__)

    def _free_port(self):
        with socket.socket() as probe:
            probe.bind(('127.0.0.1', 0))
            return probe.getsockname()[1]

    def test_answer_is_returned_whole(self):
        self.fake.answer('POST', '/x', lambda request: request.body, status=404)
        answer = transport.send('POST', self.fake.url + '/x', data='微信'.encode())
        self.assertEqual((answer.status_code, answer.content), (404, '微信'.encode()))

    def test_text_is_sent_as_utf8_and_a_dictionary_as_a_form(self):
        self.fake.answer('POST', '/x', 'ok')
        transport.send('POST', self.fake.url + '/x', data='微信')
        transport.send('POST', self.fake.url + '/x', data={'a': '1'})
        transport.send('POST', self.fake.url + '/x', files={'media': ('a.png', b'PNG')})
        text, form, multipart = self.fake.requests
        self.assertEqual(text.body, '微信'.encode())
        self.assertEqual(form.body, b'a=1')
        self.assertIn(b'filename="a.png"', multipart.body)

    def test_connection_is_kept_for_the_next_call(self):
        self.fake.answer('GET', '/x', 'ok')
        pool = transport._session(None).get_adapter(
            self.fake.url,
        ).poolmanager.connection_from_url(self.fake.url)
        transport.send('GET', self.fake.url + '/x')
        connections = pool.num_connections
        answers = [transport.send('GET', self.fake.url + '/x') for _call in range(3)]
        self.assertEqual([answer.content for answer in answers], [b'ok'] * 3)
        self.assertEqual(pool.num_connections, connections)

    def test_redirect_is_not_followed(self):
        self.fake.answer('GET', '/x', '', status=302, headers={'Location': self.fake.url + '/y'})
        self.assertEqual(transport.send('GET', self.fake.url + '/x').status_code, 302)
        self.assertEqual([request.path for request in self.fake.requests], ['/x'])

    def test_cookies_are_not_kept(self):
        self.fake.answer('GET', '/x', 'ok', headers={'Set-Cookie': 'a=b; Path=/'})
        transport.send('GET', self.fake.url + '/x')
        transport.send('GET', self.fake.url + '/x')
        self.assertNotIn('Cookie', self.fake.requests[1].headers)

    def test_silence_is_a_timeout(self):
        release = threading.Event()
        self.addCleanup(release.set)
        self.fake.answer('GET', '/x', lambda request: release.wait(10) and None)
        start = time.monotonic()
        self._fail(self.fake.url, 'timeout', True, timeout=(1, 0.3))
        self.assertLess(time.monotonic() - start, 3)

    def test_dripping_answer_is_a_timeout_although_data_keeps_coming(self):
        def drip():
            for _piece in range(100):
                time.sleep(0.1)
                yield b'x'
        self.fake.answer('GET', '/x', lambda request: (200, {'Content-Length': '100'}, drip()))
        start = time.monotonic()
        self._fail(self.fake.url, 'timeout', True, timeout=(0.3, 0.3))
        self.assertLess(time.monotonic() - start, 4)

    def test_slow_answer_that_is_complete_in_time_is_taken(self):
        self.fake.answer('GET', '/x', lambda request: time.sleep(0.5) or 'ok')
        answer = transport.send('GET', self.fake.url + '/x', timeout=(0.1, 2))
        self.assertEqual(answer.content, b'ok')

    def test_nobody_listening_means_that_nothing_was_sent(self):
        self._fail(f'http://127.0.0.1:{self._free_port()}', 'connect', False)

    def test_closed_connection_is_broken(self):
        self.fake.answer('GET', '/x', None)
        self._fail(self.fake.url, 'broken', True)

    def test_truncated_answer_is_broken(self):
        self.fake.answer(
            'GET', '/x', lambda request: (200, {'Content-Length': '10'}, iter([b'half'])))
        self._fail(self.fake.url, 'broken', True)

    def test_chunked_answer_is_read_and_a_malformed_one_is_broken(self):
        headers = {'Transfer-Encoding': 'chunked'}
        for pieces, content in (
            ([b'3\r\nabc\r\n', b'2\r\nde\r\n0\r\n\r\n'], b'abcde'),
            ([b'3\r\nabc\r\n'], None), ([b'zz\r\nabc\r\n'], None), ([b''], None),
            ([b'5\r\nabc'], None),
        ):
            self.fake.answer('GET', '/x', lambda request, p=pieces: (200, headers, iter(p)))
            with self.subTest(pieces=pieces):
                if content:
                    answer = transport.send('GET', self.fake.url + '/x')
                    self.assertEqual(answer.content, content)
                else:
                    self._fail(self.fake.url, 'broken', True)

    def test_huge_answer_is_broken_and_not_kept(self):
        piece = b'x' * 2**20
        self.fake.answer('GET', '/x', lambda request: (200, {}, (piece for _piece in range(40))))
        self._fail(self.fake.url, 'broken', True)

    def test_encoding_that_was_not_asked_for_is_broken(self):
        self.fake.answer('GET', '/x', b'\x1f\x8b', headers={'Content-Encoding': 'gzip'})
        self._fail(self.fake.url, 'broken', True)

    def test_certificate_of_a_stranger_is_refused_before_anything_is_sent(self):
        received = []
        with socket.create_server(('127.0.0.1', 0)) as server:
            def serve():
                connection, _address = server.accept()
                with connection:
                    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                    context.load_cert_chain(_self_signed(self))
                    try:
                        with context.wrap_socket(connection, server_side=True) as tls:
                            received.append(tls.recv(1000))
                    except (ssl.SSLError, OSError):
                        pass
            thread = threading.Thread(target=serve, daemon=True)
            thread.start()
            self._fail(f'https://127.0.0.1:{server.getsockname()[1]}', 'tls', False)
            thread.join(5)
        self.assertFalse(any(received))

    def test_answer_that_is_no_tls_is_a_tls_failure(self):
        with self.assertRaises(transport.TransportError) as caught:
            transport.send('GET', self.fake.url.replace('http:', 'https:') + '/x')
        self.assertIn(caught.exception.reason, ('tls', 'broken'))

    def test_query_is_not_logged_at_any_level(self):
        self.fake.answer('GET', '/x', 'ok')
        with self.assertLogs(level=logging.DEBUG) as logs:
            logging.getLogger('urllib3.connectionpool').debug("the logger works")
            transport.send('GET', self.fake.url + '/x?secret=HUSH')
        self.assertIn("the logger works", str(logs.output))
        self.assertNotIn('HUSH', str(logs.output))

    def test_netrc_is_not_read(self):
        self.fake.answer('GET', '/x', 'ok')
        transport.send('GET', self.fake.url + '/x')
        self.assertNotIn('Authorization', self.fake.requests[0].headers)
        self.assertFalse(transport._session(None).trust_env)


def _self_signed(case):
    """Return the path of a file with a new key and its self-signed certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, '127.0.0.1')])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name)
        .public_key(key.public_key()).serial_number(1)
        .not_valid_before(now).not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem = tempfile.NamedTemporaryFile(suffix='.pem')  # noqa: SIM115 - closed by the cleanup
    case.addCleanup(pem.close)
    pem.write(key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption(),
    ) + certificate.public_bytes(serialization.Encoding.PEM))
    pem.flush()
    return pem.name
