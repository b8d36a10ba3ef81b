# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A loopback HTTP server that plays WeChat, for the tests of the WeChat addons.

It knows nothing of WeChat: each test says what is answered. The sandbox of the project is strict;
this one is there so that the tests of an addon pass with the folder alone.
"""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit


class FakeRequest:
    """One recorded request."""

    def __init__(self, method, path, query, headers, body):
        self.method = method
        self.path = path
        self.query = query  # dict of text
        self.headers = headers  # By name, whatever its case.
        self.body = body  # bytes

    @property
    def json(self):
        """The body, parsed as UTF-8 JSON."""
        return json.loads(self.body.decode())


class FakeWechat:
    """The server. `url` is its base address, `requests` what it received, in order."""

    def __init__(self):
        self.requests = []
        self._answers = {}
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = 'HTTP/1.1'

            def setup(self):
                super().setup()
                self.connection.settimeout(30)

            def handle_any(self):
                length = int(self.headers.get('Content-Length') or 0)
                parts = urlsplit(self.path)
                request = FakeRequest(
                    self.command, parts.path, dict(parse_qsl(parts.query, keep_blank_values=True)),
                    self.headers, self.rfile.read(length) if length else b'',
                )
                fake.requests.append(request)
                fake._respond(self, request)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = handle_any

            def log_message(self, format, *args):
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            block_on_close = False

            def handle_error(self, request, client_address):
                pass  # A client that hangs up is part of some tests.

        self._server = Server(('127.0.0.1', 0), Handler)
        self.url = f'http://127.0.0.1:{self._server.server_address[1]}'
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def answer(self, method, path, answer, status=200, headers=None):
        """Say how requests are answered from now on.

        :param str method: The HTTP method.
        :param str path: The path, without a query.
        :param answer: A dictionary (sent as JSON), text, bytes, `None` (the connection is closed
            without an answer), or a function that takes the :class:`FakeRequest` and returns one of
            these or a tuple (status, headers, answer). An iterator is sent piece by piece.
        :param int status: The HTTP status.
        :param dict headers: The headers.
        """
        self._answers[method, path] = (answer, status, headers)

    def reset(self):
        """Forget all answers and requests."""
        self._answers.clear()
        self.requests.clear()

    def calls(self, path, method=None):
        """Return the recorded requests to a path.

        :rtype: list[FakeRequest]
        """
        return [
            request for request in self.requests
            if request.path == path and method in (None, request.method)
        ]

    def stop(self):
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def _respond(self, handler, request):
        answer, status, headers = self._answers.get(
            (request.method, request.path),
            ({'errcode': 40066, 'errmsg': 'invalid url (the test has no answer)'}, 200, None),
        )
        if callable(answer):
            answer = answer(request)
            if isinstance(answer, tuple):
                status, headers, answer = answer
        if answer is None:
            handler.close_connection = True
            return
        headers = dict(headers or {})
        if isinstance(answer, (dict, list)):
            answer = json.dumps(answer, ensure_ascii=False)
            headers.setdefault('Content-Type', 'application/json; encoding=utf-8')
        if isinstance(answer, str):
            answer = answer.encode()
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        if isinstance(answer, bytes):
            if 'Content-Length' not in headers:
                handler.send_header('Content-Length', str(len(answer)))
            handler.end_headers()
            handler.wfile.write(answer)
        else:
            handler.send_header('Connection', 'close')
            handler.end_headers()
            handler.close_connection = True
            for piece in answer:
                handler.wfile.write(piece)
                handler.wfile.flush()
