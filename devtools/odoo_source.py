# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Odoo 19's source: an existing one, Debian's package unpacked, or a shallow git clone."""

import ast
import contextlib
import dataclasses
import os
import re
import shutil
from pathlib import Path

from . import debian
from .console import Failure, megabytes, run_logged, say, step
from .paths import DEV, LOG, content_hash, lock, prepare_state

ROOT = DEV / 'odoo'
PACKAGE = 'odoo-19'
REPOSITORY = 'https://github.com/odoo/odoo'
# The package's files link into these; without them /web/login answers an error. One of them has
# other file names in the newest suite.
LINKED = {
    'libjs-jquery': 'sid',
    'libjs-underscore': 'sid',
    'libjs-jquery-form': 'sid',
    'fonts-roboto-unhinted': 'sid',
    'fonts-inconsolata': 'sid',
    'fonts-ocr-b': 'sid',
    'fonts-glyphicons-halflings': 'sid',
    'fonts-montserrat': 'sid',
    'fonts-font-awesome': 'bookworm',
}


@dataclasses.dataclass(frozen=True)
class Source:
    """An Odoo 19: the folder to put on PYTHONPATH and its folders of addons."""

    python_path: Path
    addons_paths: tuple
    identity: str

    def manifest(self, module):
        """Return the manifest of one of Odoo's modules as a dict, None if it has no such one."""
        for folder in self.addons_paths:
            path = folder / module / '__manifest__.py'
            if path.exists():
                return ast.literal_eval(path.read_text(encoding='utf-8'))
        return None


def ensure():
    """Have an Odoo 19 here and return it as a `Source`.

    The environment variable ODOO_PATH names an existing one: a source checkout, the folder that
    holds the package `odoo`, or the root of an unpacked package.
    """
    named = os.environ.get('ODOO_PATH')
    if named:
        return _source(Path(named).expanduser().resolve())
    prepare_state()
    if not (ROOT / 'ready').exists():
        with lock('odoo', lambda: say('▸ waiting for another ./dev that is fetching Odoo …')):
            if not (ROOT / 'ready').exists():
                _fetch()
    return _source(ROOT)


def _source(root):
    for python_path in (root, root / 'usr' / 'lib' / 'python3' / 'dist-packages', root.parent):
        release = python_path / 'odoo' / 'release.py'
        if not release.exists():
            continue
        version = re.search(r'^version_info = \((.*?),\s*(\d+)', release.read_text(), re.MULTILINE)
        if not version or not version[1].endswith('19') or version[2] != '0':
            raise Failure(f'The Odoo in {root} is not a 19.0.')
        folders = (python_path / 'addons', python_path / 'odoo' / 'addons')
        found = tuple(path for path in folders if path.is_dir())
        stamp = f'{python_path}:{release.stat().st_mtime_ns}'
        return Source(python_path, found, content_hash(stamp, release))
    raise Failure(f'No Odoo was found in {root}: there is no odoo/release.py. ODOO_PATH names a '
                  'source checkout of 19.0 or the folder that holds the package "odoo".')


def _fetch():
    shutil.rmtree(ROOT, ignore_errors=True)
    part = DEV / 'odoo.part'
    shutil.rmtree(part, ignore_errors=True)
    try:
        _fetch_package(part)
    except (Failure, OSError) as error:
        shutil.rmtree(part, ignore_errors=True)
        reason = str(error).splitlines()[0]
    if not part.exists():
        say(f'  {reason}: Odoo comes from its public repository instead')
        _clone(part)
    (part / 'ready').touch()
    part.rename(ROOT)


def _fetch_package(part):
    debian.update()
    with step(f'downloading Odoo 19 (Debian package {PACKAGE}, 122 MB)',
              lambda: megabytes(debian.downloaded_size()), every=3):
        packages = debian.download({PACKAGE: 'sid'})
    with step('downloading the packages that its files link into'):
        packages += debian.download(LINKED)
    with step('unpacking Odoo 19'):
        part.mkdir()
        for package in packages:
            debian.unpack(package, part)
        _mend_links(part)
    debian.clean()


def _mend_links(root):
    """Let links whose target was renamed in a newer package point at what it is called now."""
    for path in root.rglob('*'):
        if path.is_symlink() and not path.exists():
            target = Path(os.path.normpath(path.parent / os.readlink(path)))
            found = sorted(root.rglob(f'{target.stem}-Regular{target.suffix}'))
            if found:
                path.unlink()
                path.symlink_to(os.path.relpath(found[0], path.parent))


def _clone(part):
    if not shutil.which('git'):
        raise Failure('Neither apt nor git is here to fetch Odoo 19 with. Install git, or name an '
                      'existing Odoo 19 in the environment variable ODOO_PATH.')
    with step('cloning Odoo 19.0 from its public repository (about 600 MB)',
              lambda: megabytes(_size(part / '.git' / 'objects' / 'pack')), every=5):
        run_logged(['git', 'clone', '--quiet', '--depth', '1', '--single-branch', '--branch',
                    '19.0', REPOSITORY, part], LOG / 'clone.log')


def _size(folder):
    total = 0
    for path in folder.glob('*'):
        with contextlib.suppress(OSError):  # git renames its files when they are whole
            total += path.stat().st_size
    return total
