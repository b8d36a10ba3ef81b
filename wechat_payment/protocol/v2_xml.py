# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The XML of API v2: one flat list of elements, written and read (B1, D1, D2).

Stricter than what reads WeChat's pushed messages (`wechat/protocol/messages.py`, which allows lists
and nesting): here every element is signed by its name, so that a name comes once and holds text.
One answer, which has no sign, holds a list (A9.4): who reads it says so.
"""

import re
from xml.parsers import expat

# Far above any notification; answers about many refunds are longer and name a limit of their own.
MAX_BYTES = 64 * 1024
_NAME = re.compile(r'[A-Za-z_][0-9A-Za-z_]*', re.ASCII)
# XML has no such characters, or reads them back as others: a carriage return becomes a line feed.
_CHANGED_BY_XML = re.compile('[\x00-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff]')


class V2XmlError(ValueError):
    """The body is not XML as WeChat Pay sends it, or hostile. Nothing of it is quoted."""


def build(params):
    """Return a message as XML, every value in CDATA.

    :param dict params: Names and values, texts or integers; None and '' are left out.
    :rtype: bytes
    :raise ValueError: If a name is none, or if a value would be read back as another: that
        would break its signature.
    """
    elements = []
    for name, value in params.items():
        if value is None or value == '':
            continue
        text = str(value)
        if not _NAME.fullmatch(name):
            raise ValueError("not a name of an element")
        if _CHANGED_BY_XML.search(text):
            raise ValueError(f"{name} holds characters that XML does not keep")
        text = text.replace(']]>', ']]]]><![CDATA[>')
        elements.append(f'<{name}><![CDATA[{text}]]></{name}>')
    return f"<xml>{''.join(elements)}</xml>".encode()


def parse(body, root='xml', max_bytes=MAX_BYTES, lists=None):
    """Return the elements of a message.

    An empty element is left out, like one that is not there: signatures cannot tell them apart.

    :param bytes body: The body, as received.
    :param str root: The name of the outer element.
    :param int max_bytes: The size above which nothing is read.
    :param dict lists: Elements that may hold a list, with the name that each of its items has;
        each item is a flat list of elements itself. Only for answers that are not signed.
    :return: Names and values, all texts, none empty; of `lists`, lists of such dicts.
    :rtype: dict
    :raise V2XmlError: If it is not one flat list of elements in UTF-8 with each name once, or if
        it is too large or has a document type, entities, attributes, comments or instructions.
    """
    if len(body) > max_bytes:
        raise V2XmlError("too large")
    try:
        text = body.decode('utf-8-sig').strip()
    except UnicodeDecodeError:
        raise V2XmlError("not UTF-8") from None
    reader = _Reader(root, lists)
    # Whatever encoding the declaration names: it was UTF-8 that was checked.
    parser = expat.ParserCreate('utf-8')
    parser.buffer_text = True
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.characters
    # expat loads nothing from elsewhere by itself; a document type is refused where it begins,
    # before any entity can be declared in it.
    for handler in (
        'StartDoctypeDeclHandler', 'EntityDeclHandler', 'ExternalEntityRefHandler',
        'SkippedEntityHandler', 'CommentHandler', 'ProcessingInstructionHandler',
    ):
        setattr(parser, handler, reader.refuse)
    try:
        parser.Parse(text.encode(), True)
    except expat.ExpatError:
        raise V2XmlError("not XML") from None
    return {
        name: [_without_empty(item) for item in value] if isinstance(value, list) else value
        for name, value in reader.values.items() if value
    }


def _without_empty(values):
    return {name: value for name, value in values.items() if value}


class _Reader:
    """Takes what expat finds: a root and below it elements that hold nothing but text, or lists."""

    def __init__(self, root, lists=None):
        self.root = root
        self.lists = lists or {}
        self.depth = 0
        self.name = None  # Of the element that holds text.
        self.list_name = None  # Of the list around it.
        self.values = {}
        self.target = self.values

    def start(self, name, attributes):
        """Open an element."""
        if attributes:
            raise V2XmlError("attributes")
        if self.depth == 0:
            if name != self.root:
                raise V2XmlError("another root")
        elif self.depth == 1 and name in self.lists:
            if name in self.values:
                raise V2XmlError("an element comes twice")
            self.values[name] = []
            self.list_name = name
        elif self.depth == 2 and self.list_name:
            if name != self.lists[self.list_name]:
                raise V2XmlError("another item in a list")
            self.target = {}
            self.values[self.list_name].append(self.target)
        elif self.depth == (3 if self.list_name else 1):
            if name in self.target:
                raise V2XmlError("an element comes twice")
            self.name = name
            self.target[name] = ''
        else:
            raise V2XmlError("nested elements")
        self.depth += 1

    def end(self, _name):
        """Close an element."""
        self.depth -= 1
        self.name = None
        if self.depth == 1:
            self.list_name = None
            self.target = self.values

    def characters(self, data):
        """Add text to the open element; between elements there may be blanks only."""
        if self.name is not None:
            self.target[self.name] += data
        elif data.strip():
            raise V2XmlError("text between elements")

    def refuse(self, *_arguments):
        """Refuse what WeChat Pay never sends and other readers might take another way."""
        raise V2XmlError("a document type, an entity, a comment or an instruction")
