# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Single packages of Debian, from the machine's own mirror, into a folder of the project.

With apt's own lists, cache and state apart from the machine's: nothing is installed, no other
suite is mixed into the machine. apt checks the archive's signature.
"""

import os
import shutil
import subprocess
from pathlib import Path

from .console import Failure, run_logged, step
from .paths import DEV, LOG

FOLDER = DEV / 'apt'
DEBS = FOLDER / 'debs'
KEYRING = Path('/usr/share/keyrings/debian-archive-keyring.gpg')
# The newest suite, and one whose packages have the file names of their time.
SUITES = ('sid', 'bookworm')


def site():
    """Return the address of the machine's own Debian mirror, None if it has none."""
    if not shutil.which('apt-get') or not shutil.which('dpkg'):
        return None
    ask = ['apt-get', 'indextargets', '--format', '$(SITE)', 'Created-By: Packages']
    found = _lines([*ask, 'Origin: Debian', 'Label: Debian'])
    if not found and 'ID=debian\n' in _text(Path('/etc/os-release')):
        # The lists were never fetched or were cleaned away: their origin is not known.
        found = _lines(ask)
    return found[0] if found else None


def _lines(command):
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.split()


def _text(path):
    try:
        return path.read_text()
    except OSError:
        return ''


def _options():
    options = ['-o', f'Dir::Etc::sourcelist={FOLDER}/sources.list', '-o',
               'Dir::Etc::sourceparts=-', '-o', f'Dir::State::lists={FOLDER}/lists',
               '-o', f'Dir::Cache={FOLDER}/cache', '-o', f'Dir::State={FOLDER}/state']
    return options if os.geteuid() else [*options, '-o', 'APT::Sandbox::User=root']


def update():
    """Fetch the lists of packages, unless that was done.

    :raise Failure: there is no Debian mirror, or it does not answer.
    """
    if (FOLDER / 'updated').exists():
        return
    mirror = site()
    if not mirror:
        raise Failure('this machine has no apt with a Debian archive')
    for name in ('lists/partial', 'cache/archives/partial', 'state', 'debs'):
        (FOLDER / name).mkdir(parents=True, exist_ok=True)
    signed = f'[signed-by={KEYRING}] ' if KEYRING.exists() else ''
    (FOLDER / 'sources.list').write_text(
        ''.join(f'deb {signed}{mirror} {suite} main\n' for suite in SUITES))
    with step("reading the lists of Debian's packages"):
        run_logged(['apt-get', *_options(), 'update'], LOG / 'apt-update.log')
    (FOLDER / 'updated').touch()


def download(packages):
    """Download packages unless they are there whole; `update` comes first.

    :param dict packages: {name: suite}
    :return: list of the Paths of the .deb files.
    """
    missing = {name: suite for name, suite in packages.items()
               if not (DEBS / f'{name}.done').exists()}
    if missing:
        run_logged(['apt-get', *_options(), 'download',
                    *(f'{name}/{suite}' for name, suite in missing.items())],
                   LOG / 'apt-download.log', cwd=DEBS)
    for name in missing:
        (DEBS / f'{name}.done').touch()
    return [next(iter(sorted(DEBS.glob(f'{name}_*.deb')))) for name in packages]


def unpack(package, folder):
    """Unpack a .deb into a folder."""
    run_logged(['dpkg', '-x', package, folder], LOG / 'unpack.log')


def downloaded_size():
    """Return how many bytes of packages lie here."""
    return sum(path.stat().st_size for path in DEBS.glob('*.deb'))


def clean():
    """Throw lists and packages away."""
    shutil.rmtree(FOLDER, ignore_errors=True)
