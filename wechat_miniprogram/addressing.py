# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Pages of a mini-program and their parameters, made of the fields of a record."""

from urllib.parse import quote

from odoo.addons.wechat import rendering

# What needs no percent-encoding in a value; the signs that part pairs are encoded.
SAFE_SIGNS = "!$'()*,/:;@-._~"


def render_query(record, query):
    """Return parameters with the fields of a record filled in, fit for an address.

    :param record: The record, or an empty one.
    :param str query: As `id={{ object.id }}&from=odoo`.
    :rtype: str
    """
    pairs = []
    for pair in (query or '').split('&'):
        name, mark, value = pair.partition('=')
        text = quote(rendering.render(record, value if mark else name).strip(), safe=SAFE_SIGNS)
        pairs.append(f'{name}={text}' if mark else text)
    return '&'.join(pairs)


def render_page(record, page):
    """Return a page and its parameters with the fields of a record filled in.

    :param record: The record.
    :param str page: As `pages/order/order?id={{ object.id }}`.
    :rtype: str
    """
    path, mark, query = (page or '').partition('?')
    path = rendering.render(record, path).strip().lstrip('/')
    return f'{path}?{render_query(record, query)}' if mark and query else path
