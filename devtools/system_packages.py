# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Programs that Odoo calls: the only thing installed on the machine itself, where that is allowed.

The addons work without them; what is missing then is said once.
"""

import os
import shutil

from .console import Failure, run_logged, say, step
from .paths import DEV, LOG, lock

# Package → the names under which Odoo looks for the program, and what is missing without it.
PACKAGES = {
    'wkhtmltopdf': (
        ('wkhtmltopdf',),
        'orders are\n  confirmed, but their mails, which have a PDF attached, are not sent',
    ),
    'chromium': (
        ('google-chrome', 'chromium', 'chromium-browser', 'google-chrome-stable'),
        'tests in a\n  browser are skipped',
    ),
    'nodejs': (('node',), 'tests of the\n  mini-program library and demo are skipped'),
    'npm': (('npm',), 'tests of the\n  mini-program library and demo are skipped'),
}


def ensure(package):
    """Install a package if its program is missing and this user may; else say what that means.

    :param str package: a key of `PACKAGES`.
    """
    programs, loss = PACKAGES[package]
    told = DEV / f'{package}.told'
    if any(map(shutil.which, programs)) or told.exists():
        return
    with lock(package):
        if any(map(shutil.which, programs)) or told.exists():
            return
        if os.geteuid() == 0 and shutil.which('apt-get'):
            try:
                _install(package)
                return
            except Failure as failure:
                (LOG / f'{package}-failed.log').write_text(str(failure))
        say(f'  {package} is not on this machine and could not be installed: {loss} '
            f'(apt-get install {package}).')
        told.touch()


def _install(package):
    environment = {**os.environ, 'DEBIAN_FRONTEND': 'noninteractive'}
    options = ['-o', 'DPkg::Lock::Timeout=120', '-o', 'Acquire::Retries=2']
    install = ['apt-get', *options, 'install', '--yes', '--no-install-recommends', package]
    log = LOG / f'apt-install-{package}.log'
    with step(f'installing {package} on the machine (apt-get install)'):
        try:
            run_logged(install, log, env=environment)
        except Failure:
            run_logged(['apt-get', *options, 'update'], log, env=environment)
            run_logged(install, log, env=environment)
