# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Texts made of the fields of a record, for the messages that go to WeChat.

A text is an inline template as in Odoo's mails, `Dear {{ object.partner_id.name ||| customer }}`,
with nothing but field paths between the braces: nothing is evaluated, so that whoever may edit a
text cannot run code with the rights of whom it is sent for.
"""

import re

import pytz

from odoo import fields
from odoo.exceptions import ValidationError
from odoo.tools import format_amount, format_date, format_datetime, html2plaintext
from odoo.tools.rendering_tools import parse_inline_template

DEFAULT_TIMEZONE = 'Asia/Shanghai'
REFUSED_TYPES = ('binary', 'image', 'json', 'properties', 'properties_definition')
_EXPRESSION = re.compile(r'object((?:\.[a-z_][a-z0-9_]*)+)', re.ASCII)


def check_path(model, path):
    """Check that a path leads to a field that the user may read and that can be put into a text.

    :param models.BaseModel model: The model where it begins.
    :param str path: Names of fields, with points between them.
    :return: The last field.
    :rtype: odoo.fields.Field
    :raise ValidationError: If it does not.
    """
    env = model.env
    field = None
    for name in path.split('.'):
        if field is not None and not field.relational:
            raise ValidationError(env._(
                "“%(path)s” cannot be read: %(field)s has no fields of its own.",
                path=path, field=field.name,
            ))
        if field is not None:
            model = env[field.comodel_name]
        field = model._fields.get(name)
        if not field:
            raise ValidationError(env._(
                "“%(path)s” cannot be read: %(model)s has no field %(name)s.",
                path=path, model=model._description, name=name,
            ))
        if (
            field.groups == fields.NO_ACCESS
            or not model.has_access('read') or not model._has_field_access(field, 'read')
        ):
            raise ValidationError(env._(
                "“%(path)s” cannot be used: you may not read it.", path=path,
            ))
    if field.type in REFUSED_TYPES:
        raise ValidationError(env._(
            "“%(path)s” cannot be used: it is not a text, a number or a date.", path=path,
        ))
    return field


def check_text(model, text):
    """Check what is between the braces of a text.

    :param models.BaseModel model: The model of the records it is for.
    :param str text: The text.
    :raise ValidationError: If there is anything but paths of fields.
    """
    for _literal, expression, _default in parse_inline_template(text or ''):
        if not expression:
            continue
        match = _EXPRESSION.fullmatch(expression)
        if not match:
            raise ValidationError(model.env._(
                "“%(expression)s” cannot be used. Between the braces there may be the path of a"
                " field only, as in {{ object.name }} or {{ object.partner_id.name ||| customer"
                " }}.",
                expression=expression,
            ))
        check_path(model, match[1][1:])


def render(record, text, field_type=None):
    """Return a text with the fields of a record filled in.

    :param record: A record, or an empty recordset: then the defaults are filled in.
    :param str text: The text.
    :param field_type: The type of the message field that it is for.
    :rtype: str
    """
    parts = []
    for literal, expression, default in parse_inline_template(text or ''):
        parts.append(literal)
        if expression:
            match = _EXPRESSION.fullmatch(expression)
            parts.append(match and read_path(record, match[1][1:], field_type) or default.strip())
    return ''.join(parts)


def read_path(record, path, field_type=None):
    """Return the value at the end of a path, as text.

    :param record: A record, or an empty recordset.
    :param str path: Names of fields, with points between them.
    :param field_type: The type of the message field that it is for: `amount`, `time` and others
        want a certain form.
    :rtype: str
    """
    *way, last = path.split('.')
    for name in way:
        record = record[name]
    texts = [_read_field(item, item._fields[last], field_type) for item in record]
    return ', '.join(text for text in texts if text)


def _read_field(record, field, field_type):
    value = record[field.name]
    if field.relational:
        return ', '.join(item.display_name or '' for item in value)
    if field.type == 'boolean':
        return record.env._("Yes") if value else record.env._("No")
    if field.type in ('integer', 'float', 'monetary'):
        return _read_number(record, field, value, field_type)
    if not value:
        return ''
    if field.type == 'date':
        return value.isoformat() if field_type else format_date(record.env, value)
    if field.type == 'datetime':
        zone = record.env.context.get('tz') or record.env.user.tz or DEFAULT_TIMEZONE
        if not field_type:
            return format_datetime(record.env, value, tz=zone)
        moment = pytz.utc.localize(value).astimezone(pytz.timezone(zone))
        return moment.strftime('%Y-%m-%d %H:%M')
    if field.type == 'selection':
        return dict(field._description_selection(record.env)).get(value) or str(value)
    if field.type == 'html':
        return html2plaintext(value)
    if field.type == 'reference':
        return value.display_name or ''
    return str(value)


def _read_number(record, field, value, field_type):
    if field.type == 'integer':
        return str(value)
    if field.type == 'monetary':
        currency_field = field.get_currency_field(record)
        currency = currency_field and record[currency_field]
        if currency:
            return write_amount(value, currency, field_type)
    digits = field.get_digits(record.env)
    if digits:
        return f'{value:.{digits[1]}f}'
    return f'{value:.6f}'.rstrip('0').rstrip('.')


def write_amount(value, currency, field_type=None):
    """Return an amount of money as a message field wants it.

    :param float value: The amount in major units.
    :param res.currency currency: The currency.
    :param field_type: The type of the field.
    :rtype: str
    """
    if field_type in (None, 'thing'):
        return format_amount(currency.env, value, currency).replace('\xa0', ' ')
    digits = f'{value:.{currency.decimal_places}f}'
    if field_type != 'amount':
        return digits
    # One sign of a currency is taken, and no separators.
    sign = currency.symbol or ''
    return f'{sign}{digits}' if len(sign) == 1 and not sign.isalnum() else digits
