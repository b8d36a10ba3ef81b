# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""wkhtmltopdf, with which Odoo makes the PDF that an order's confirmation mail has attached.

The only thing that is installed on the machine itself, and only where that is allowed. Without it
the addons work: the order is confirmed, and the transaction says that its mail could not be made.
"""

import os
import shutil

from .console import Failure, run_logged, say, step
from .paths import DEV, LOG, lock

PACKAGE = 'wkhtmltopdf'


def ensure():
    """Install it if it is missing and this user may; else say once what that means."""
    told = DEV / 'wkhtmltopdf.told'
    if shutil.which(PACKAGE) or told.exists():
        return
    with lock('wkhtmltopdf'):
        if shutil.which(PACKAGE) or told.exists():
            return
        if os.geteuid() == 0 and shutil.which('apt-get'):
            try:
                _install()
                return
            except Failure as failure:
                (LOG / 'wkhtmltopdf-failed.log').write_text(str(failure))
        say('  wkhtmltopdf is not on this machine and could not be installed: orders are '
            'confirmed,\n  but their mails, which have a PDF attached, are not sent '
            '(apt-get install wkhtmltopdf).')
        told.touch()


def _install():
    environment = {**os.environ, 'DEBIAN_FRONTEND': 'noninteractive'}
    options = ['-o', 'DPkg::Lock::Timeout=120', '-o', 'Acquire::Retries=2']
    install = ['apt-get', *options, 'install', '--yes', '--no-install-recommends', PACKAGE]
    with step('installing wkhtmltopdf on the machine (apt-get install)'):
        try:
            run_logged(install, LOG / 'apt-install.log', env=environment)
        except Failure:
            run_logged(['apt-get', *options, 'update'], LOG / 'apt-install.log', env=environment)
            run_logged(install, LOG / 'apt-install.log', env=environment)
