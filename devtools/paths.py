# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Where things are. Everything `./dev` makes lies in `.dev/` of this project."""

import contextlib
import fcntl
import hashlib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DEV = ROOT / '.dev'
LOG = DEV / 'log'
VENV = DEV / 'venv'
PYTHON = VENV / 'bin' / 'python'


def addons():
    """Return the names of the project's addons, sorted: the folders that hold a manifest."""
    return sorted(path.parent.name for path in ROOT.glob('*/__manifest__.py'))


def prepare_state():
    """Make the folder of all state; every other user of the machine may pass through it."""
    DEV.mkdir(exist_ok=True)
    LOG.mkdir(exist_ok=True)


def content_hash(*parts):
    """Return 12 hex digits that change with any of the texts, bytes or files given."""
    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, Path):
            part = part.read_bytes()
        elif isinstance(part, str):
            part = part.encode()
        digest.update(len(part).to_bytes(8, 'big') + part)
    return digest.hexdigest()[:12]


@contextlib.contextmanager
def lock(name, on_wait=None):
    """Hold the project-wide lock `name`: several runs of ./dev may work at once.

    :param on_wait: called without arguments if somebody else holds the lock.
    """
    prepare_state()
    with open(DEV / f'{name}.lock', 'w', encoding='utf-8') as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            if on_wait:
                on_wait()
            fcntl.flock(stream, fcntl.LOCK_EX)
        yield
