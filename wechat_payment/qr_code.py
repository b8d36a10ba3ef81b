# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""QR codes as an image that a page can carry inside itself."""

import base64

from reportlab.graphics.barcode.qr import QrCodeWidget

QUIET_ZONE = 4


def build_qr_image(text):
    """Return the QR code of a text as a data address of an SVG image.

    Odoo's own renderer makes PNG, for which reportlab needs a library that is often missing, and
    an image that blurs when it is enlarged; this uses the same encoder of reportlab.

    :param str text: What the code says, verbatim.
    :return: `data:image/svg+xml;base64,…`, with a quiet zone of four modules.
    :rtype: str
    """
    widget = QrCodeWidget(text, barLevel='M')
    widget.qr.make()
    count = widget.qr.getModuleCount()
    path = ''.join(
        f'M{column + QUIET_ZONE} {row + QUIET_ZONE}h1v1h-1z'
        for row in range(count) for column in range(count) if widget.qr.isDark(row, column)
    )
    size = count + 2 * QUIET_ZONE
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size} {size}"'
        f' shape-rendering="crispEdges"><path fill="#fff" d="M0 0h{size}v{size}h-{size}z"/>'
        f'<path d="{path}"/></svg>'
    )
    return 'data:image/svg+xml;base64,' + base64.b64encode(svg.encode()).decode()
