# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import time

from odoo.tests import tagged

from odoo.addons.wechat import transport
from odoo.addons.wechat.tests.common import WechatCommon


class BadPieceError(Exception):
    """What a receiver of the test raises."""


@tagged('post_install', '-at_install')
class TestDownload(WechatCommon):
    """Bodies of any size, handed on piece by piece."""

    def _download(self, **kwargs):
        pieces = []
        answer = transport.send('GET', self.fake.url + '/x', receive=pieces.append, **kwargs)
        return answer, pieces

    def test_the_body_is_handed_on_and_not_kept(self):
        self.fake.answer('GET', '/x', b'a' * 200_000)
        answer, pieces = self._download()
        self.assertEqual(b''.join(pieces), b'a' * 200_000)
        self.assertGreater(len(pieces), 1)
        self.assertEqual((answer.status_code, answer.content), (200, b''))

    def test_a_body_larger_than_any_answer_is_handed_on(self):
        self.patch(transport, 'MAX_ANSWER_BYTES', 1000)
        self.fake.answer('GET', '/x', b'a' * 2000)
        self.assertEqual(len(b''.join(self._download()[1])), 2000)
        with self.assertRaises(transport.TransportError):
            transport.send('GET', self.fake.url + '/x')

    def test_the_body_of_another_status_is_kept_and_not_handed_on(self):
        self.fake.answer('GET', '/x', b'{"code": "NO_AUTH"}', status=403)
        answer, pieces = self._download()
        self.assertEqual((pieces, answer.content), ([], b'{"code": "NO_AUTH"}'))

    def test_what_the_receiver_raises_ends_the_call(self):
        self.fake.answer('GET', '/x', b'a' * 200_000)

        def refuse(_piece):
            raise BadPieceError

        with self.assertRaises(BadPieceError):
            transport.send('GET', self.fake.url + '/x', receive=refuse)
        self.fake.answer('GET', '/x', b'ok')
        self.assertEqual(transport.send('GET', self.fake.url + '/x').content, b'ok')

    def test_a_body_that_breaks_off_is_no_answer(self):
        self.fake.answer('GET', '/x', b'short', headers={'Content-Length': '100'})
        with self.assertRaises(transport.TransportError) as caught:
            self._download(timeout=(1, 1))
        self.assertIn(caught.exception.reason, ('broken', 'timeout'))

    def test_a_body_that_takes_too_long_in_all_is_given_up(self):
        def drip():
            for _piece in range(40):
                time.sleep(0.05)
                yield b'a'

        self.fake.answer('GET', '/x', lambda _request: drip())
        begun = time.monotonic()
        with self.assertRaises(transport.TransportError) as caught:
            self._download(timeout=(1, 1), seconds=0.3)
        self.assertEqual(caught.exception.reason, 'timeout')
        self.assertLess(time.monotonic() - begun, 1.5)

    def test_a_slow_body_may_take_longer_than_one_answer(self):
        def drip():
            for _piece in range(5):
                time.sleep(0.05)
                yield b'a'

        self.fake.answer('GET', '/x', lambda _request: drip())
        _answer, pieces = self._download(timeout=(0.1, 0.1), seconds=5)
        self.assertEqual(b''.join(pieces), b'aaaaa')
