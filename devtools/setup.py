# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""`./dev setup`: fetch and prepare all that the other commands need."""

from . import databases, miniprogram, odoo_source, system_packages
from .console import say


def main(_arguments):
    """Fetch Odoo and prepare the template databases.

    :return: exit status.
    """
    source = odoo_source.ensure()
    system_packages.ensure('wkhtmltopdf')
    miniprogram.ensure()
    with databases.running():
        for level in databases.LEVELS:
            databases.ensure_template(level, source)
    say('Everything is set up.')
    return 0
