# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Start Odoo's command line.

A script of its own, because `python -m odoo --workers=N` restarts its event process all the time.
"""

import sys

sys.path.pop(0)  # this folder: nothing here is to be imported

import odoo.cli

if __name__ == '__main__':
    odoo.cli.main()
