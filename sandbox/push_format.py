# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Pushed messages and their answers as XML and as JSON (wechat-platform.md 7.2, 7.4, 7.5)."""

import json
import xml.etree.ElementTree as ET

from .messages import dump

FORMATS = ('XML', 'JSON')

# What the lists of the subscribe events are nested in, as XML.
_NESTED = {
    'subscribe_msg_popup_event': 'SubscribeMsgPopupEvent',
    'subscribe_msg_change_event': 'SubscribeMsgChangeEvent',
    'subscribe_msg_sent_event': 'SubscribeMsgSentEvent',
}


def write(fields, form):
    """Write a message as WeChat does.

    :param dict fields: texts, numbers, objects and lists of objects
    :param str form: `XML` or `JSON`
    :return: bytes
    """
    fields = dict(fields)
    entries = fields.get('List')
    nested = _NESTED.get(fields.get('Event'))
    if form == 'JSON':
        if nested and isinstance(entries, list) and len(entries) == 1:
            fields['List'] = entries[0]  # one alone is no list
        return dump(fields)
    if nested and entries is not None:
        del fields['List']
        fields[nested] = {'List': entries}
    return _element('xml', fields).encode()


def _element(name, value):
    if isinstance(value, list):
        return ''.join(_element(name, item) for item in value)
    if isinstance(value, dict):
        content = ''.join(_element(key, item) for key, item in value.items())
    elif isinstance(value, str):
        content = '<![CDATA[' + value.replace(']]>', ']]]]><![CDATA[>') + ']]>'
    else:
        content = str(value)
    return f'<{name}>{content}</{name}>'


def read(body, form):
    """Read an answer.

    :param bytes body: the answer
    :return: dict of texts, dicts and lists
    :raise ValueError: it is not of the form, with the reason
    """
    if form == 'JSON':
        try:
            data = json.loads(body.decode())
        except ValueError:
            raise ValueError("the answer is not JSON") from None
        if not isinstance(data, dict):
            raise ValueError("the answer is no object")
        return data
    if b'<!DOCTYPE' in body:
        raise ValueError("the answer has a document type")
    try:
        root = ET.fromstring(body.decode())  # noqa: S314 without a document type there are no entities
    except (ET.ParseError, UnicodeDecodeError):
        raise ValueError("the answer is not XML") from None
    if root.tag != 'xml':
        raise ValueError("the answer's element is not xml")
    return _children(root)


def _children(element):
    names = [child.tag for child in element]
    values = {}
    for child in element:
        value = _children(child) if len(child) else (child.text or '')
        if names.count(child.tag) > 1:
            values.setdefault(child.tag, []).append(value)
        else:
            values[child.tag] = value
    return values
