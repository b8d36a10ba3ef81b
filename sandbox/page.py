# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The web page: users, orders, requests."""

from .messages import Answer


def serve(sandbox, request):
    """:return: the `Answer` to GET /."""
    if request.path != '/':
        return Answer(404)
    return Answer(200, b'<!doctype html><title>Sandbox</title>', [('Content-Type', 'text/html')])
