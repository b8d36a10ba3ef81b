# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The HTTP server: reads requests, finds who answers them, lets faults strike, signs, writes."""

import contextlib
import re
import secrets
import socket
import threading
import time
import traceback
from email.utils import formatdate
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

from . import (
    account_menu,
    component,
    component_page,
    content_checks,
    control,
    customer_service,
    defects,
    followers,
    materials,
    miniprogram_codes,
    notifications,
    oauth,
    oauth_page,
    page,
    pay_v2,
    pay_v3,
    phone,
    platform,
    simulator,
    subscribe_messages,
    template_messages,
    tickets,
    tls,
    transfers,
    user_data,
    v2_call,
    v3_call,
)
from .clock import rfc3339
from .faults import Faults
from .log import RequestLog
from .messages import Answer, Request, dump, json_answer
from .world import Refusal, World

LARGEST_BODY = 8 * 1024 * 1024
IDLE_LIMIT = 300
FINISHING_DELAY = 0.2
HANDSHAKE_LIMIT = 10


def _compile(routes):
    compiled = []
    for method, template, handler in routes:
        pattern = re.sub(r'\{(\w+)\}', r'(?P<\1>[^/]+)', template)
        compiled.append((method, re.compile(pattern), template, handler))
    return compiled


# What stands on `platform`, beside its own paths.
_PLATFORM = {
    **platform.PATHS,
    **account_menu.PATHS,
    **component.PATHS,
    **content_checks.PATHS,
    **customer_service.PATHS,
    **followers.PATHS,
    **materials.PATHS,
    **miniprogram_codes.PATHS,
    **oauth.PATHS,
    **subscribe_messages.PATHS,
    **template_messages.PATHS,
    **tickets.PATHS,
    **user_data.PATHS,
}
_PAY = _compile(pay_v3.ROUTES)
_CONTROL = _compile([*control.ROUTES, *simulator.ROUTES])


def _find(routes, request):
    """:return: (handler or None, its parameters, whether the path exists at all)."""
    known = False
    for method, pattern, template, handler in routes:
        match = pattern.fullmatch(request.path)
        if match:
            known = True
            request.route = template
            if method == request.method:
                return handler, match.groupdict(), True
    return None, {}, known


class Sandbox:
    """One WeChat: its world, the faults that wait and the log."""

    def __init__(self):
        self.world = World()
        self.faults = Faults()
        self.log = RequestLog()
        self.simulator_server = ''

    def handle(self, request):
        """Answer one request.

        :return: an `Answer`, or None to close the connection without one
        """
        if request.path.startswith('/_sandbox/'):
            return self._control(request)
        if request.path in page.PATHS:
            return page.serve(self, request)
        if simulator.serves(request.path):
            return simulator.serve(self, request)
        if request.path in phone.PATHS:
            return self._phone(request)
        if request.path in oauth_page.PATHS:
            return self._oauth_page(request)
        if request.path in component_page.PATHS:
            return self._oauth_page(request, component_page)
        began = time.monotonic()
        fault = self.faults.take(request)
        answer = self._struck(request, fault) if fault else self._finish(self._call(request))
        if fault and fault.closes:
            answer = None
        self.log.add(
            rfc3339(self.world.clock.now()), request, answer, time.monotonic() - began, fault,
        )
        return answer

    def _phone(self, request):
        """A page of the phone; of these the log keeps the openings of an h5_url."""
        began = time.monotonic()
        answer = phone.serve(self, request)
        if request.path == phone.H5_PATH:
            request.route = request.path
            self.log.add(
                rfc3339(self.world.clock.now()), request, Answer(answer.status),
                time.monotonic() - began,
            )
        return answer

    def _oauth_page(self, request, page=oauth_page):
        """A consent page; the log keeps its openings, and what was wrong with them."""
        began = time.monotonic()
        answer = page.serve(self, request)
        self.log.add(
            rfc3339(self.world.clock.now()), request, Answer(answer.status),
            time.monotonic() - began,
        )
        return answer

    def _control(self, request):
        handler, parameters, known = _find(_CONTROL, request)
        if handler:
            parameters = {name: unquote(value) for name, value in parameters.items()}
            return control.serve(self, request, handler, **parameters)
        if known:
            error = f"{request.path} does not take {request.method}"
            return json_answer({'error': error}, 405)
        calls = [f'{method} {template}' for method, template, _handler in control.ROUTES]
        return json_answer({'error': "there is no such call", 'calls': calls}, 404)

    def _call(self, request):
        """Carry a request out as the service would."""
        try:
            if request.path.startswith('/v3/'):
                handler, parameters, known = _find(_PAY, request)
                if handler:
                    answer = v3_call.serve(self.world, request, handler, **parameters)
                    self._afterwards(answer.finishes)
                    return answer
                status = 405 if known else 404
                request.problems.append(
                    f"{status}: WeChat Pay has no {request.method} {request.path}",
                )
                return Answer(status)
            if request.path in pay_v2.PATHS:
                request.route = request.path
                answer = v2_call.serve(self.world, request, pay_v2.PATHS[request.path])
                self._afterwards(answer.finishes)
                return answer
            handler = _PLATFORM.get(request.path)
            if handler:
                request.route = request.path
                return platform.serve(self.world, request, handler)
            return platform.no_such_path(request)
        except Exception:  # noqa: BLE001 a mistake of the sandbox itself must be seen
            traceback.print_exc()
            request.problems.append("the sandbox itself failed; see its standard error output")
            return json_answer({'error': "the sandbox itself failed"}, 500)

    def _afterwards(self, subject):
        """Finish a refund or a transfer once its answer is out, whether that arrives or not."""
        if subject:
            timer = threading.Timer(FINISHING_DELAY, self._finish_later, (subject,))
            timer.daemon = True
            timer.start()

    def _finish_later(self, subject):
        # A test that was faster has its way.
        with contextlib.suppress(Refusal):
            if isinstance(subject, transfers.Transfer):
                notifications.finish_transfer(self.world, subject)
            else:
                notifications.finish_refund(self.world, subject)

    def _struck(self, request, fault):
        request.problems.append(f"fault: {fault.action}")
        answer = self._call(request) if fault.processed else None
        if fault.action == 'delay' and not fault.processed:
            time.sleep(fault.seconds)
            return self._finish(self._call(request))
        if fault.action == 'err_code':
            code = fault.parameters.get('err_code', 'SYSTEMERROR')
            call = pay_v2.PATHS.get(request.path, v2_call.Call(None, None))
            answer = v2_call.failed(self.world, request, call, code)
        answer = fault.replace(request, answer) if fault.action != 'delay' else answer
        answer = self._finish(answer, fault.signature_defect)
        if fault.action == 'tampered':
            self._tamper(answer, fault.parameters.get('overrides'))
        if fault.seconds:
            time.sleep(fault.seconds)
        return answer

    def _finish(self, answer, defect=None):
        """Sign what WeChat Pay signs: 2xx answers of v3, and those of v2 inside."""
        if answer.v2:
            answer.v2.defect = defect or answer.v2.defect
            answer.body = answer.v2.body()
        if answer.signer and 200 <= answer.status < 300:
            answer.headers += defects.signed_headers(
                answer.signer, self.world.clock, answer.body, defect,
            )
            if defect == 'tampered_body':
                self._tamper(answer)
        return answer

    @staticmethod
    def _tamper(answer, overrides=None):
        """Change an answer after it was signed."""
        if answer.v2:
            answer.v2.overrides = overrides or {'nonce_str': secrets.token_hex(16)}
            answer.body = answer.v2.body()
            return
        if answer.status == 204:
            # There is no body to change: the signed nonce is the next best.
            answer.set('Wechatpay-Nonce', secrets.token_hex(16))
            return
        try:
            data = Request('', '', [], answer.body).json() if overrides else None
        except ValueError:
            data = None
        if not isinstance(data, dict):
            answer.body = defects.tamper(answer.body)
            return
        for path, value in overrides.items():
            defects.set_path(data, path, value)
        answer.body = dump(data)


class Handler(BaseHTTPRequestHandler):
    """Reads and writes HTTP/1.1 with keep-alive; everything else is the `Sandbox`."""

    protocol_version = 'HTTP/1.1'
    timeout = IDLE_LIMIT
    disable_nagle_algorithm = True

    def _serve(self):
        # http.server joins leading slashes in self.path; signatures need the target as sent.
        target = self.requestline.split()[1]
        if not target.startswith('/'):
            self._write(Answer(400), close=True)
            return
        body = self._read_body()
        if body is None:
            return
        request = Request(
            self.command, target, list(self.headers.items()), body, host=self.server.role,
            client_ip=self.client_address[0], certificate=tls.client_serial(self.connection),
        )
        answer = self.server.sandbox.handle(request)
        if answer is None:
            self.close_connection = True
            return
        self._write(answer)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = _serve

    def _read_body(self):
        length = self.headers.get('Content-Length', '0')
        if self.headers.get('Transfer-Encoding'):
            self._write(Answer(411), close=True)
            return None
        if not length.isdecimal():
            self._write(Answer(400), close=True)
            return None
        if int(length) > LARGEST_BODY:
            self._write(Answer(413), close=True)
            return None
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            self.close_connection = True
            return None
        return body

    def _write(self, answer, close=False):
        lines = [f'HTTP/1.1 {answer.status} {_phrase(answer.status)}']
        pairs = [('Date', formatdate(usegmt=True)), ('Server', 'sandbox'), *answer.headers]
        if answer.status != 204:
            length = answer.file.length if answer.file else len(answer.body)
            pairs.append(('Content-Length', str(length)))
        if close:
            self.close_connection = True
            pairs.append(('Connection', 'close'))
        lines += [f'{name}: {value}' for name, value in pairs]
        head = '\r\n'.join(lines).encode('latin-1', 'replace') + b'\r\n\r\n'
        empty = self.command == 'HEAD' or answer.status == 204 or answer.file
        body = b'' if empty else answer.body
        # One write: a head and a body in two packets cost a delayed acknowledgement.
        self.wfile.write(head + body)
        if answer.file and self.command != 'HEAD':
            for piece in answer.file:
                self.wfile.write(piece)
            if answer.file.interrupted:
                self.close_connection = True

    def log_message(self, format, *args):
        """Say nothing: the request log is better."""


def _phrase(status):
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"


class Server(ThreadingHTTPServer):
    """One listening socket; the main one makes the `Sandbox`, the others share it.

    :param Server main: None for the main one
    :param str role: `main`, `backup` or `tls`, which is the main host over TLS
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, host='127.0.0.1', port=0, main=None, role='main'):
        if ':' in host:
            self.address_family = socket.AF_INET6
        super().__init__((host, port), Handler)
        self.sandbox = main.sandbox if main else Sandbox()
        world = self.sandbox.world
        self.role = 'backup' if role == 'backup' else 'main'
        self._context = tls.server_context(world.authority, host) if role == 'tls' else None
        name = {'main': 'address', 'backup': 'backup_address', 'tls': 'tls_address'}[role]
        setattr(world, name, self.address)

    def finish_request(self, request, client_address):
        """Serve one connection, in its own thread; over TLS the handshake comes first."""
        if not self._context:
            super().finish_request(request, client_address)
            return
        request.settimeout(HANDSHAKE_LIMIT)
        with self._context.wrap_socket(request, server_side=True) as secured:
            super().finish_request(secured, client_address)

    @property
    def address(self):
        """:return: the base address, for example `http://127.0.0.1:40123`."""
        host, port = self.server_address[:2]
        if host in ('0.0.0.0', '::'):  # noqa: S104 only a comparison
            host = '127.0.0.1'
        scheme = 'https' if self._context else 'http'
        return f'{scheme}://[{host}]:{port}' if ':' in host else f'{scheme}://{host}:{port}'

    def handle_error(self, request, client_address):
        """A client that goes away is no news."""

    def run(self):
        """Serve until `stop` is called from another thread or a signal handler."""
        self.serve_forever(poll_interval=0.2)

    def stop(self):
        """End `run`; may be called from a signal handler."""
        threading.Thread(target=self.shutdown, daemon=True).start()
