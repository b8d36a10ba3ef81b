# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""XML of API v2, read as strictly as the service might, and written (wechat-pay.md B1)."""

import re
from xml.dom import Node
from xml.dom.expatbuilder import ExpatBuilderNS
from xml.parsers.expat import ExpatError
from xml.sax.saxutils import escape

_NAME = re.compile(r'[A-Za-z_][A-Za-z0-9_]*', re.ASCII)


class NotXml(ValueError):
    """The body is not one flat list of elements; the text says why."""


class _Builder(ExpatBuilderNS):
    def start_doctype_decl_handler(self, *_arguments):
        raise NotXml("a document type is refused")


def read(body):
    """Read a message.

    :param bytes body: UTF-8
    :return: dict name -> text, '' where an element is empty
    :raise NotXml: it is nothing that a merchant may send
    """
    try:
        document = _Builder().parseString(body)
    except ExpatError:
        raise NotXml("the body is not XML") from None
    root = document.documentElement
    if root.tagName != 'xml':
        raise NotXml("the root element must be xml")
    values = {}
    for node in root.childNodes:
        if node.nodeType in (Node.TEXT_NODE, Node.CDATA_SECTION_NODE):
            if node.data.strip():
                raise NotXml("there is text between the elements")
            continue
        if node.nodeType != Node.ELEMENT_NODE or node.attributes.length:
            raise NotXml("there is something else than plain elements")
        if node.tagName in values:
            raise NotXml(f"{node.tagName} is given twice")
        if any(child.nodeType not in (Node.TEXT_NODE, Node.CDATA_SECTION_NODE)
               for child in node.childNodes):
            raise NotXml(f"the element {node.tagName} holds something else than text")
        if not _NAME.fullmatch(node.tagName):
            raise NotXml("an element has an impossible name")
        values[node.tagName] = ''.join(child.data for child in node.childNodes)
    return values


def write(values, root='xml'):
    """Write values as WeChat Pay does: texts in CDATA, line by line.

    :param dict values: name -> text, or a list of (name, dict) for elements within
    :return: bytes
    """
    return f'<{root}>\n{_lines(values.items())}</{root}>'.encode()


def _lines(pairs):
    return ''.join(f'<{name}>{_content(value)}</{name}>\n' for name, value in pairs)


def _content(value):
    if isinstance(value, list):
        return '\n' + _lines(value)
    if isinstance(value, dict):
        return '\n' + _lines(value.items())
    text = str(value)
    return escape(text) if ']]>' in text else f'<![CDATA[{text}]]>'
