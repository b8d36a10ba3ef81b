# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The commands of `./dev`. Until the virtual environment is there: standard library only."""

import importlib
import os
import signal
import sys

from . import environment
from .console import Failure, say
from .paths import DEV, PYTHON, ROOT, VENV

HELP = """\
./dev setup                fetch and prepare Odoo 19, PostgreSQL and the Python packages in .dev/
./dev demo [--once]        start everything, play one customer, keep it running until Ctrl-C
                           (--once: end by itself)
./dev test                 all tests; or suites: unit, addons, standalone, system, miniprogram
./dev test ADDON …         tests of these addons; --tags SPEC: Odoo's own test specification
./dev lint                 all checks that run nothing
./dev i18n ADDON …         export the terms of the addons and merge them into zh_CN.po
./dev bench                measure what the project promises about speed
./dev shell                Odoo's Python shell on a throw-away database with all addons

ODOO_PATH names an existing Odoo 19 to use instead of fetching one.
"""

COMMANDS = {
    'setup': 'setup',
    'demo': 'demo',
    'test': 'testing',
    'lint': 'lint',
    'i18n': 'translations',
    'bench': 'bench',
    'shell': 'shell',
}


def main(arguments):
    """Run a command.

    :param list arguments: its name and what stands after it.
    :return: exit status.
    """
    if not arguments or arguments[0] in ('help', '-h', '--help'):
        say(HELP)
        return 0
    command, *rest = arguments
    if command not in COMMANDS:
        say(f'There is no command "{command}".\n\n{HELP}')
        return 2
    # Nothing is written outside of the project, not even caches.
    os.environ.setdefault('PIP_CACHE_DIR', str(DEV / 'cache' / 'pip'))
    os.environ.setdefault('PYLINTHOME', str(DEV / 'cache' / 'pylint'))
    # Ended by somebody else means ended in order: all that was started is stopped.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        environment.ensure()
        if os.path.realpath(sys.prefix) != os.path.realpath(VENV):
            os.execv(PYTHON, [str(PYTHON), str(ROOT / 'dev'), *arguments])
        module = importlib.import_module(f'.{COMMANDS[command]}', __package__)
        return module.main(rest)
    except Failure as failure:
        say(f'\n✗ {failure}')
        return 1
    except KeyboardInterrupt:
        say('\nStopped.')
        return 130
