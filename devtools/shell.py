# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""`./dev shell`: Odoo's Python shell on a throw-away copy of the demo shop."""

import subprocess

from . import databases, odoo_source, servers
from .console import say
from .paths import DEV
from .shop import ensure_template


def main(arguments):
    """Open the shell; what stands after `./dev shell` goes to Odoo's own command.

    :return: exit status of the shell.
    """
    source = odoo_source.ensure()
    with databases.running():
        template = ensure_template(source)
        with databases.copy_of(template, 'shell') as database:
            command, environment, conf = servers.odoo_command(
                source, database, 'shell', ['-d', database, '--no-http', '--log-level=warn',
                                            *arguments], subcommand='shell')
            say('`env` is the environment of the superuser; env.cr.commit() keeps changes until '
                'you leave.')
            try:
                return subprocess.run(command, env=environment, cwd=DEV, check=False).returncode
            finally:
                conf.unlink(missing_ok=True)
