# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Faults on demand: what a network and a busy service do to a request."""

import re
import threading
from dataclasses import dataclass, field

from . import defects
from .messages import Answer, json_answer
from .platform import content_type, error_body
from .v3_errors import request_id
from .world import Refusal

# action -> whether the request is carried out before the fault strikes
ACTIONS = {
    'delay': True,
    'drop': True,
    'refuse_before': False,
    'status': False,
    'garbage': True,
    'unsigned': True,
    'wrong_signature': True,
    'tampered': True,
    'errcode': False,
    'err_code': False,
}
_PARAMETERS = {
    'method', 'path', 'action', 'times', 'skip', 'seconds', 'processed', 'status', 'code',
    'message', 'errcode', 'errmsg', 'err_code', 'defect', 'body', 'signed', 'overrides', 'host',
}
# Of answers of v2 only, where every other defect of a signature is a wrong key.
V2_DEFECT = 'other_sign_type'
HOSTS = ('main', 'backup')
LONGEST_DELAY = 120


@dataclass
class Fault:
    """One fault. `times` counts down; None lasts until it is deleted."""

    number: int
    action: str
    path: object
    method: str | None = None
    host: str | None = None
    times: int | None = 1
    skip: int = 0
    seconds: float = 0.0
    processed: bool = True
    parameters: dict = field(default_factory=dict)
    hits: int = 0

    def public(self):
        """:return: what the control API shows (dict)."""
        return {
            'fault': self.number, 'action': self.action, 'path': self.path.pattern,
            'method': self.method, 'host': self.host, 'times': self.times, 'skip': self.skip,
            'seconds': self.seconds, 'processed': self.processed, 'hits': self.hits,
            **self.parameters,
        }

    @property
    def closes(self):
        """:return: whether the connection is closed without an answer."""
        return self.action in ('drop', 'refuse_before')

    @property
    def signature_defect(self):
        """:return: how the signature of the answer is spoilt, or None."""
        if self.action == 'wrong_signature':
            return self.parameters.get('defect', 'bad_signature')
        return None

    def replace(self, request, answer):
        """Change the answer before it is signed.

        :param Answer answer: the real one, None if the request was not carried out
        :return: an `Answer`
        """
        if self.action == 'status':
            body = {
                'code': self.parameters.get('code', 'SYSTEM_ERROR'),
                'message': self.parameters.get('message', '系统异常，请稍后重试'),
            }
            answer = json_answer(body, self.parameters.get('status', 500))
            if request.path.startswith('/v3/'):
                answer.set('Request-ID', request_id())
            return answer
        if self.action == 'errcode':
            data = error_body(self.parameters.get('errcode', -1), self.parameters.get('errmsg'))
            return json_answer(data, content_type=content_type(request.path))
        if self.action == 'garbage':
            text = self.parameters.get('body', '<html><body>502 Bad Gateway \ufffd</body></html>')
            signer = answer and answer.signer if self.parameters.get('signed') else None
            status = self.parameters.get('status', 200)
            return Answer(status, text.encode(), [('Content-Type', 'text/html')], signer)
        if self.action == 'unsigned' and answer:
            answer.signer = None
            if answer.v2:
                answer.v2.defect = 'unsigned'
        return answer or Answer(503)


class Faults:
    """The faults waiting to happen."""

    def __init__(self):
        self._lock = threading.Lock()
        self._faults = []
        self._number = 0

    def add(self, data):
        """Add a fault.

        :param dict data: as the control API takes it
        :return: the `Fault`
        :raise Refusal: it makes no sense
        """
        unknown = set(data) - _PARAMETERS
        if unknown:
            raise Refusal(f"unknown parameter of a fault: {', '.join(sorted(unknown))}")
        action = data.get('action')
        if action not in ACTIONS:
            raise Refusal(f"action must be one of {', '.join(ACTIONS)}")
        if not isinstance(data.get('path'), str):
            raise Refusal("path must be a regular expression, matched anywhere in the path")
        try:
            path = re.compile(data['path'])
        except re.error as error:
            raise Refusal(f"path is no regular expression: {error}") from None
        times = data.get('times', 1)
        for name, value, least in (('times', times, 1), ('skip', data.get('skip', 0), 0)):
            if value is not None and (type(value) is not int or value < least):
                raise Refusal(f"{name} must be {least} or more")
        seconds = data.get('seconds', 0)
        if type(seconds) not in (int, float) or not 0 <= seconds <= LONGEST_DELAY:
            raise Refusal(f"seconds must be 0 to {LONGEST_DELAY}")
        if action == 'delay' and not seconds:
            raise Refusal("a delay needs seconds")
        defect = data.get('defect')
        if defect and not defects.is_known(defect) and defect != V2_DEFECT:
            raise Refusal(f"unknown defect {defect!r}; there are {', '.join(defects.DEFECTS)}")
        for name in ('status', 'errcode'):
            if name in data and type(data[name]) is not int:
                raise Refusal(f"{name} must be a number")
        host = data.get('host')
        if host not in (None, *HOSTS):
            raise Refusal(f"host must be one of {', '.join(HOSTS)}")
        method = data.get('method')
        parameters = {
            name: data[name]
            for name in ('status', 'code', 'message', 'errcode', 'errmsg', 'err_code', 'defect',
                         'body', 'signed', 'overrides') if name in data
        }
        with self._lock:
            self._number += 1
            fault = Fault(
                self._number, action, path, method and method.upper(), host, times,
                data.get('skip', 0), float(seconds), bool(data.get('processed', ACTIONS[action])),
                parameters,
            )
            self._faults.append(fault)
        return fault

    def take(self, request):
        """:return: the first `Fault` that strikes this request, or None."""
        with self._lock:
            for fault in self._faults:
                if fault.method and fault.method != request.method:
                    continue
                if fault.host not in (None, request.host):
                    continue
                if fault.times == 0 or not fault.path.search(request.path):
                    continue
                if fault.skip:
                    fault.skip -= 1
                    continue
                if fault.times is not None:
                    fault.times -= 1
                fault.hits += 1
                return fault
            return None

    def list(self):
        """:return: all faults, spent ones too (list of dict)."""
        with self._lock:
            return [fault.public() for fault in self._faults]

    def clear(self):
        """Forget all faults."""
        with self._lock:
            self._faults = []
