# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Requests that a page of another site could make a browser send."""

from urllib.parse import urlsplit

from odoo.http import request


def is_cross_site():
    """Tell whether a browser says that a page of another site sent the request.

    Phones send no Origin. It is what protects routes that take forms without a CSRF token.

    :rtype: bool
    """
    origin = request.httprequest.headers.get('Origin')
    if origin is None:
        return False
    base = request.env['ir.config_parameter'].sudo().get_param('web.base.url') or ''
    own = {request.httprequest.host.lower(), urlsplit(base).netloc.lower()}
    try:
        parts = urlsplit(origin.strip())
    except ValueError:
        return True
    return parts.scheme not in ('http', 'https') or parts.netloc.lower() not in own
