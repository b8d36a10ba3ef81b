# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What WeChat pushes, read from XML or JSON (wechat-platform.md, sections 7.2 to 7.5).

Both forms give the same: WeChat's fields under WeChat's names, every scalar as text, lists as
lists, nested fields as dictionaries. Nothing in here is believed: that is the business of `push`.
"""

import hashlib
import json
import re
from xml.parsers import expat

MAX_DEPTH = 12

# How XML nests the lists of the subscribe events; in JSON they are at the top level, and a list of
# one is the bare object (section 7.5).
_NESTED_LISTS = ('SubscribeMsgPopupEvent', 'SubscribeMsgChangeEvent', 'SubscribeMsgSentEvent')

# XML has no such characters, PostgreSQL not all of them; half surrogates are no text at all.
_NOT_TEXT = re.compile('[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]')
_NUMBER = re.compile(r'[0-9]{1,15}', re.ASCII)


class MessageError(ValueError):
    """The body is not a message of WeChat."""


class Message(dict):
    """The fields of a pushed message.

    `is_body_signed` says whether WeChat vouches for the content. In plain mode it does not: anybody
    who has seen one signed address could have written the body, so that no consent, ticket or
    authorisation may change by it.
    """

    def __init__(self, fields=(), is_body_signed=False):
        super().__init__(fields)
        self.is_body_signed = is_body_signed

    def text(self, name):
        """Return a field that is text; empty if it is missing or something else.

        :param str name: WeChat's name of the field.
        :rtype: str
        """
        value = self.get(name)
        return value if isinstance(value, str) else ''

    @property
    def msg_type(self):
        """`text`, `image` …, or `event`, in lower case."""
        return self.text('MsgType').strip().lower()

    @property
    def event(self):
        """The name of the event in lower case; empty if it is none."""
        return self.text('Event').strip().lower() if self.msg_type == 'event' else ''

    @property
    def openid(self):
        """Who sent it."""
        return self.text('FromUserName')

    @property
    def account(self):
        """The original id (`gh_…`) of the account that it was sent to."""
        return self.text('ToUserName')

    @property
    def created(self):
        """When it was sent, in seconds since the epoch; 0 if that is not said."""
        value = self.text('CreateTime')
        return int(value) if _NUMBER.fullmatch(value) else 0

    @property
    def is_complete(self):
        """Whether it has what every message and event has, and could be answered."""
        return all(
            1 <= len(self.text(name)) <= 128
            for name in ('ToUserName', 'FromUserName', 'MsgType')
        ) and (self.msg_type != 'event' or 1 <= len(self.event) <= 128)

    @property
    def key(self):
        """What tells it from every other message: a second delivery has the same.

        Messages of people have a `MsgId`. Events are told apart by all of their fields, since which
        one matters differs (section 7.3: FromUserName, CreateTime, Event and business numbers).
        """
        msg_id = self.text('MsgId')
        if msg_id and self.msg_type != 'event':
            return f'id:{msg_id}' if len(msg_id) <= 60 else f'id:{_digest(msg_id)}'
        return _digest(json.dumps(self, sort_keys=True))


def parse(body):
    """Read a message.

    :param bytes body: XML or JSON, in UTF-8. Its size is the caller's business.
    :return: The message; its body does not count as signed.
    :rtype: Message
    :raise MessageError: If it is neither, or hostile: a document type, entities, too deep.
    """
    try:
        text = body.decode('utf-8-sig').strip()
    except UnicodeDecodeError:
        raise MessageError("not UTF-8") from None
    fields = _parse_json(text) if is_json(body) else _parse_xml(text)
    for name in _NESTED_LISTS:
        nested = fields.get(name)
        if isinstance(nested, dict) and 'List' in nested and 'List' not in fields:
            fields['List'] = nested['List']
            del fields[name]
    if isinstance(fields.get('List'), dict):
        fields['List'] = [fields['List']]
    return Message(fields)


def is_json(body):
    """Tell whether a body is JSON rather than XML, by its first character.

    :param bytes body: The body.
    :rtype: bool
    """
    return body.removeprefix(b'\xef\xbb\xbf').lstrip()[:1] == b'{'


def _digest(text):
    return hashlib.sha256(text.encode()).hexdigest()


# === JSON === #

def _parse_json(text):
    try:
        # Numbers keep their digits: openids aside, many of WeChat's numbers pass 2^53.
        data = json.loads(
            text, parse_int=str, parse_float=str, parse_constant=_refuse_constant,
            object_pairs_hook=_unique_pairs, strict=False,
        )
    except MessageError:
        raise
    except (ValueError, RecursionError):
        raise MessageError("not JSON") from None
    if not isinstance(data, dict):
        raise MessageError("not an object")
    return _scalars_as_text(data, 1)


def _refuse_constant(name):
    raise MessageError(f"{name} is not JSON")


def _unique_pairs(pairs):
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise MessageError("a field comes twice")
    return fields


def _scalars_as_text(value, depth):
    if depth > MAX_DEPTH:
        raise MessageError("too deep")
    if isinstance(value, dict):
        return {
            _checked(name): _scalars_as_text(item, depth + 1) for name, item in value.items()
        }
    if isinstance(value, list):
        return [_scalars_as_text(item, depth + 1) for item in value]
    if isinstance(value, bool):
        return 'true' if value else 'false'
    return _checked(value or '')


def _checked(text):
    if _NOT_TEXT.search(text):
        raise MessageError("characters that are no text")
    return text


# === XML === #

class _Element:
    """An element that is being read."""

    def __init__(self, name):
        self.name, self.texts, self.children = name, [], {}

    def value(self):
        """Return its text, or its children by name; those of the same name are a list."""
        text = ''.join(self.texts)
        if not self.children:
            return _checked(text)
        if text.strip():
            raise MessageError("text between elements")
        return {
            name: values[0] if len(values) == 1 else values
            for name, values in self.children.items()
        }


def _parse_xml(text):
    """Return the fields of the root element.

    expat loads nothing from elsewhere by itself; a document type is refused where it begins, before
    any entity can be declared in it.
    """
    parser = expat.ParserCreate('utf-8')
    open_elements, roots = [], []

    def start(name, _attributes):
        if len(open_elements) >= MAX_DEPTH:
            raise MessageError("too deep")
        open_elements.append(_Element(name))

    def end(_name):
        element = open_elements.pop()
        if open_elements:
            open_elements[-1].children.setdefault(element.name, []).append(element.value())
        else:
            roots.append(element)

    def characters(data):
        open_elements[-1].texts.append(data)

    def refuse(*_arguments):
        raise MessageError("a document type or an entity")

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = characters
    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    parser.ExternalEntityRefHandler = refuse
    parser.SkippedEntityHandler = refuse
    try:
        parser.Parse(text.encode(), True)
    except expat.ExpatError:
        raise MessageError("not XML") from None
    except UnicodeEncodeError:
        raise MessageError("characters that are no text") from None
    value = roots[0].value() if roots else None
    if not isinstance(value, dict) or roots[0].name != 'xml':
        raise MessageError("not an element xml with fields")
    return value
