# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Send one HTTP request and read the whole answer, without ever quoting what was sent.

The exceptions of ``requests`` quote the URL with its query, and there WeChat wants access tokens
and secrets. They never leave this module: :class:`TransportError` is raised outside of their
``except`` block, so that it has no context either. ``urllib3`` logs the query at the level DEBUG;
the records of our own calls are dropped.
"""

import functools
import logging
import os
import ssl
import threading
import time
import weakref
from http.client import HTTPException
from http.cookiejar import DefaultCookiePolicy

import requests
import urllib3.exceptions
from requests.adapters import HTTPAdapter
from requests.utils import get_environ_proxies

MAX_ANSWER_BYTES = 32 * 1024 * 1024
CHUNK_BYTES = 64 * 1024

# Connections that are kept open per host. Odoo serves each client in a thread of its own, so they
# are kept for the process.
POOL_SIZE = 32

_local = threading.local()
# By client certificate: one that nobody uses any more takes its connections along.
_sessions = weakref.WeakKeyDictionary()
_sessions_lock = threading.Lock()
# A worker must not talk over the connections of the process that it was forked from.
os.register_at_fork(after_in_child=_sessions.clear)


class TransportError(Exception):
    """There is no answer, or not a whole one."""

    def __init__(self, reason, sent):
        """
        :param str reason: ``timeout``, ``connect``, ``tls`` or ``broken``.
        :param bool sent: ``False`` only if the request certainly never left this server.
        """
        super().__init__(f"No answer ({reason}).")
        self.reason = reason
        self.sent = sent


class _Anonymous:
    """Stands for no client certificate."""

    context = None


_ANONYMOUS = _Anonymous()


class _Adapter(HTTPAdapter):
    """A connection pool whose time-outs are those of the call that runs in this thread."""

    def __init__(self, context, **kwargs):
        self.context = context
        super().__init__(**kwargs)

    def init_poolmanager(self, *args, **kwargs):
        super().init_poolmanager(*args, **kwargs, **self._tls())

    def proxy_manager_for(self, proxy, **kwargs):
        return super().proxy_manager_for(proxy, **kwargs, **self._tls())

    def _tls(self):
        return {'ssl_context': self.context} if self.context else {}

    def send(self, request, **kwargs):
        kwargs['timeout'] = _local.timeout
        return super().send(request, **kwargs)


class _QuietFilter(logging.Filter):
    """Drop what urllib3 tells about our own requests at the level DEBUG: it quotes the query."""

    def filter(self, record):
        return record.levelno > logging.DEBUG or not getattr(_local, 'sending', False)


logging.getLogger('urllib3.connectionpool').addFilter(_QuietFilter())


def send(
    method, url, *, data=None, headers=None, files=None, timeout=(3, 10), cert=None, receive=None,
    seconds=None,
):
    """Send a request over a pooled connection.

    Redirects are returned, not followed; cookies are not kept; `.netrc` is not read.

    :param str method: The HTTP method.
    :param str url: The complete address, with its query.
    :param data: The body: bytes, text (sent as UTF-8) or a dictionary of form fields.
    :param dict headers: The headers.
    :param files: Files of a multipart body, as `requests` takes them.
    :param tuple timeout: Seconds to connect and seconds to wait for data. Once the answer has
        begun, the whole of it must be there when their sum has passed.
    :param cert: A client certificate: an object whose `context` is an `ssl.SSLContext` that holds
        it. Connections are kept as long as this object is.
    :param callable receive: Takes the pieces of the body of a 200 answer, for bodies of any size:
        the answer has none then. What it raises ends the call and is raised.
    :param float seconds: How long the body may take in all; default: the sum of the time-outs.
    :return: The answer; its body is read.
    :rtype: requests.Response
    :raise TransportError: If there is no whole answer, of at most 32 MiB if it is kept.
    """
    if isinstance(data, str):
        data = data.encode()
    if not isinstance(timeout, tuple):
        timeout = (timeout, timeout)
    session = _session(cert)
    failure = response = None
    is_read = False
    _local.timeout = timeout
    _local.sending = True
    try:
        response = session.request(
            method, url,
            data=data,
            headers={'Accept-Encoding': 'identity', **(headers or {})},
            files=files,
            proxies=_proxies(url),
            allow_redirects=False,
            stream=True,
        )
        body = bytearray()
        is_passed_on = receive is not None and response.status_code == 200
        _read(
            response, receive if is_passed_on else functools.partial(_collect, body),
            sum(timeout) if seconds is None else seconds,
        )
        response._content = bytes(body)
        response._content_consumed = is_read = True
    except TransportError as error:
        failure = error
    except (
        requests.RequestException, urllib3.exceptions.HTTPError, HTTPException, OSError, ValueError,
    ) as error:
        failure = TransportError(*_classify(error))
    finally:
        _local.sending = False
        if response is not None and not is_read:
            response.close()
    if failure:
        raise failure  # Outside of the except block: without the exception that quotes the URL.
    return response


def _session(cert):
    """Return the session for a client certificate.

    Each certificate has a session of its own: a pooled connection stays the one of the certificate
    that opened it.
    """
    key = cert or _ANONYMOUS
    with _sessions_lock:
        session = _sessions.get(key)
        if session is None:
            session = _sessions[key] = _new_session(key.context)
    return session


def _new_session(context=None):
    """Return a session that keeps nothing but its connections, and may thus serve all threads."""
    session = requests.Session()
    session.trust_env = False  # No .netrc, and no proxy but those of `_proxies`.
    session.verify = (
        os.environ.get('REQUESTS_CA_BUNDLE') or os.environ.get('CURL_CA_BUNDLE') or True
    )
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.headers['User-Agent'] = 'odoo-wechat/19.0'
    for prefix in ('https://', 'http://'):
        session.mount(prefix, _Adapter(context, pool_connections=8, pool_maxsize=POOL_SIZE))
    return session


def _proxies(url):
    """Return the proxies that the server's environment prescribes for an address."""
    return _host_proxies('/'.join(url.split('/', 3)[:3]))


@functools.lru_cache(maxsize=32)
def _host_proxies(url):
    """Return the proxies for a host, read once per process as Odoo's other settings are.

    Looking through the whole environment takes as long as the rest of a call's preparation.
    """
    return {**get_environ_proxies(url)}


def _collect(body, piece):
    """Keep a piece of a body that must not be huge.

    :param bytearray body: The pieces before.
    :param bytes piece: The piece.
    :raise TransportError: If it gets larger than 32 MiB.
    """
    body += piece
    if len(body) > MAX_ANSWER_BYTES:
        raise TransportError('broken', True)


def _read(response, receive, seconds):
    """Hand the whole body on, piece by piece, if it comes within some seconds.

    The body is read with at most one receive per round: reading a fixed number of bytes would wait
    for all of them, each single byte renewing the time-out.
    """
    if response.headers.get('Content-Encoding', 'identity') != 'identity':
        raise TransportError('broken', True)
    source = getattr(response.raw, '_fp', None)
    read = getattr(source, 'read1', None) or response.raw.read
    deadline = time.monotonic() + seconds
    received = 0
    while chunk := read(CHUNK_BYTES):
        received += len(chunk)
        receive(chunk)
        if time.monotonic() > deadline:
            raise TransportError('timeout', True)
    length = response.headers.get('Content-Length', '')
    if length.isdigit() and response.request.method != 'HEAD' and received < int(length):
        raise TransportError('broken', True)
    if source is not None:
        source.close()  # The connection takes no other request before its last answer is closed.
    response.raw.release_conn()


def _classify(error):
    """Return the reason of a failure and whether the request may have left.

    :rtype: tuple[str, bool]
    """
    chain = []
    pending = [error]
    while pending and len(chain) < 20:
        link = pending.pop()
        if isinstance(link, BaseException) and link not in chain:
            chain.append(link)
            pending += [getattr(link, 'reason', None), link.__cause__, link.__context__]
            pending += link.args

    def has(*types):
        return any(isinstance(link, types) for link in chain)

    if has(ssl.SSLCertVerificationError):
        return 'tls', False
    # The first is a kind of the second in urllib3 1.26.
    if has(urllib3.exceptions.NewConnectionError, requests.exceptions.InvalidURL):
        return 'connect', False
    if has(requests.exceptions.ConnectTimeout, urllib3.exceptions.ConnectTimeoutError):
        return 'timeout', False
    if has(requests.exceptions.SSLError, urllib3.exceptions.SSLError, ssl.SSLError):
        return 'tls', True
    if has(TimeoutError, requests.exceptions.Timeout, urllib3.exceptions.TimeoutError):
        return 'timeout', True
    return 'broken', True
