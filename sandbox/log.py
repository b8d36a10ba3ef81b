# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The last requests with what was wrong about them; secrets are masked before they get here."""

import re
import threading
from collections import deque

KEPT = 200
EXCERPT = 2000
_SECRET_NAMES = 'secret|appsecret|access_token|session_key|signature|api_v3_key|paySign|auth_code'
_IN_QUERY = re.compile(rf'(^|&)({_SECRET_NAMES})=[^&]*')
_IN_JSON = re.compile(rf'("(?:{_SECRET_NAMES})"\s*:\s*)"(?:[^"\\]|\\.)*"')
_IN_XML = re.compile(r'<(sign|auth_code|req_info)>.*?</\1>', re.DOTALL)
_IN_HEADER = re.compile(r'(signature)="[^"]*"')


def mask_query(query):
    """:return: the query string with its secrets replaced."""
    return _IN_QUERY.sub(r'\1\2=***', query)


def mask_text(body):
    """:return: the beginning of a body as text with its secrets replaced."""
    text = body[:4 * EXCERPT].decode('utf-8', 'replace')
    text = _IN_JSON.sub(r'\1"***"', text)
    text = _IN_XML.sub(r'<\1>***</\1>', text)
    # A form where JSON belongs may hold the same secrets.
    return _IN_QUERY.sub(r'\1\2=***', text)[:EXCERPT]


class RequestLog:
    """Keeps the last 200 requests and counts all since it was emptied."""

    def __init__(self):
        self._lock = threading.Lock()
        self.clear()

    def clear(self):
        """Forget everything."""
        with self._lock:
            self._entries = deque(maxlen=KEPT)
            self._counts = {}
            self._number = 0

    def add(self, moment, request, answer, seconds, fault=None):
        """Note one request.

        :param str moment: RFC 3339
        :param Request request:
        :param Answer answer: None if the connection was closed without one
        :param float seconds: how long it took
        :param Fault fault: what struck it
        """
        headers = {
            name: request.one(name)
            for name in ('User-Agent', 'Content-Type', 'Wechatpay-Serial', 'Authorization')
            if request.one(name) is not None
        }
        if 'Authorization' in headers:
            headers['Authorization'] = _IN_HEADER.sub(r'\1="***"', headers['Authorization'])
        entry = {
            'time': moment,
            'host': request.host,
            'method': request.method,
            'path': request.path,
            'query': mask_query(request.query),
            'route': request.route or None,
            'headers': headers,
            'body': mask_text(request.body),
            'status': answer.status if answer else None,
            'answer': mask_text(answer.body) if answer else None,
            'seconds': round(seconds, 4),
            'fault': fault.action if fault else None,
            'problems': list(request.problems),
        }
        with self._lock:
            self._number += 1
            route = request.route or request.path
            self._counts[route] = self._counts.get(route, 0) + 1
            self._entries.append({'number': self._number, **entry})

    def view(self):
        """:return: dict `requests` (oldest first) and `counts` per route."""
        with self._lock:
            return {'requests': list(self._entries), 'counts': dict(self._counts)}
