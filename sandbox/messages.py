# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A request as it came off the wire, and an answer as it will go there."""

import json
from dataclasses import dataclass, field
from urllib.parse import parse_qsl


@dataclass
class Request:
    """One HTTP request; the target and the body are kept exactly as received.

    `problems` collects, in plain words, what was wrong with it: the request log shows them.
    `host` says at which address it arrived: `main` or `backup`; `client_ip` where it came from;
    `certificate` is the serial of the client's certificate, proven by TLS ('' without one).
    """

    method: str
    target: str
    headers: list
    body: bytes = b''
    problems: list = field(default_factory=list)
    route: str = ''
    host: str = 'main'
    client_ip: str = ''
    certificate: str = ''

    @property
    def path(self):
        """:return: the raw path, percent-encoding untouched."""
        return self.target.partition('?')[0]

    @property
    def query(self):
        """:return: the raw query string."""
        return self.target.partition('?')[2]

    def all(self, name):
        """:return: every value of a header, in order (list of text)."""
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def one(self, name):
        """:return: the first value of a header, or None."""
        values = self.all(name)
        return values[0] if values else None

    def params(self):
        """:return: the decoded query parameters (dict; the first of a repeated name)."""
        decoded = {}
        for name, value in parse_qsl(self.query, keep_blank_values=True):
            decoded.setdefault(name, value)
        return decoded

    def json(self):
        """:return: the body parsed as UTF-8 JSON.
        :raise ValueError: it is not UTF-8 or not JSON
        """
        return json.loads(self.body.decode('utf-8'), parse_constant=_refuse_constant)


@dataclass
class Answer:
    """An HTTP answer. `signer` is set on what WeChat Pay must sign: that happens last.

    `finishes` is a refund or transfer that reaches its end as soon as the answer is out. `file` is
    sent in pieces in place of `body` (`bill_files.Download`); `unsigned` says that nobody signs.
    `v2` is what an answer of API v2 says (`v2_call.Reply`): it becomes the body, signed, when all
    else is done.
    """

    status: int = 200
    body: bytes = b''
    headers: list = field(default_factory=list)
    signer: object = None
    finishes: object = None
    v2: object = None
    file: object = None
    unsigned: bool = False

    def set(self, name, value):
        """Put a header, replacing one of the same name."""
        self.headers = [
            (key, old) for key, old in self.headers if key.lower() != name.lower()
        ] + [(name, value)]

    def get(self, name):
        """:return: the first value of a header, or None."""
        for key, value in self.headers:
            if key.lower() == name.lower():
                return value
        return None


def _refuse_constant(name):
    raise ValueError(f"{name} is not JSON")


def dump(data):
    """:return: data as compact UTF-8 JSON, real characters (bytes)."""
    return json.dumps(data, ensure_ascii=False, separators=(',', ':')).encode()


def json_answer(data, status=200, content_type='application/json; charset=utf-8', signer=None):
    """:return: an `Answer` with data as its JSON body."""
    return Answer(status, dump(data), [('Content-Type', content_type)], signer)
