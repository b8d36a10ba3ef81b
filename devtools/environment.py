# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The virtual environment `.dev/venv` with the packages of requirements-dev.txt."""

import os
import re
import shutil
import subprocess
import sys

from . import debian
from .console import Failure, run_logged, say, step
from .paths import DEV, LOG, PYTHON, ROOT, VENV, content_hash, lock, prepare_state

REQUIREMENTS = ROOT / 'requirements-dev.txt'
# What the locked packages have wheels for, the one they were measured with first.
VERSIONS = ('3.11', '3.12', '3.10', '3.13')


def ensure():
    """Make the virtual environment or bring it up to date; nothing to do takes no time."""
    prepare_state()
    if _is_ready():
        return
    with lock('setup', lambda: say('▸ waiting for another ./dev that is setting up …')):
        if _is_ready():
            return
        _create()
        _install()


def _stamp_file():
    return VENV / 'requirements.stamp'


def _is_ready():
    stamp = _stamp_file()
    return stamp.exists() and PYTHON.exists() and stamp.read_text() == content_hash(REQUIREMENTS)


def _find_python():
    """Return the command of a Python that the locked packages fit, the best one first."""
    candidates = [f'python{version}' for version in VERSIONS] + [sys.executable]
    for candidate in candidates:
        path = shutil.which(candidate)
        if not path:
            continue
        # A version manager's shim may exist for a Python that does not.
        answer = subprocess.run(
            [path, '-c', 'import sys, venv; print("%d.%d" % sys.version_info[:2])'],
            capture_output=True, text=True, check=False)
        if answer.returncode == 0 and answer.stdout.strip() in VERSIONS:
            return path
    raise Failure(f'No Python of these versions was found: {", ".join(sorted(VERSIONS))}. '
                  'Install one (for example: apt-get install python3 python3-venv).')


def _create():
    if PYTHON.exists() and subprocess.run(
            [PYTHON, '-m', 'pip', '--version'], capture_output=True, check=False).returncode == 0:
        return
    python = _find_python()
    with step(f'making the virtual environment with {python}'):
        shutil.rmtree(VENV, ignore_errors=True)
        has_pip = subprocess.run(
            [python, '-c', 'import ensurepip'], capture_output=True, check=False).returncode == 0
        arguments = [python, '-m', 'venv', VENV] + ([] if has_pip else ['--without-pip'])
        run_logged(arguments, LOG / 'venv.log')
        if not has_pip:
            _bootstrap_pip()


def _bootstrap_pip():
    """Put pip in without ensurepip (Debian keeps that in a package of its own).

    The packages are only unpacked into the project, nothing is installed on the machine.
    """
    folder = DEV / 'pip'
    shutil.rmtree(folder, ignore_errors=True)
    debian.update()
    for package in debian.download({'python3-pip': 'sid'}):
        debian.unpack(package, folder)
    path = folder / 'usr' / 'lib' / 'python3' / 'dist-packages'
    run_logged([PYTHON, '-m', 'pip', 'install', '--ignore-installed', 'pip'],
               LOG / 'pip-install.log', env={**os.environ, 'PYTHONPATH': str(path)})
    shutil.rmtree(folder)


def _install():
    log = LOG / 'pip.log'
    log.unlink(missing_ok=True)
    names = [line for line in REQUIREMENTS.read_text().splitlines() if re.match(r'\w', line)]

    def progress():
        try:
            seen = re.findall(r'^(?:Collecting|Requirement already satisfied:) ([\w.-]+)',
                              log.read_text(errors='replace'), re.MULTILINE)
        except OSError:
            return None
        return f'{len(seen)} of {len(names)} packages, {seen[-1]}' if seen else None

    with step(f'installing {len(names)} Python packages', progress):
        run_logged([PYTHON, '-m', 'pip', 'install', '--no-deps', '-r', REQUIREMENTS], log)
        run_logged([PYTHON, '-m', 'pip', 'check'], LOG / 'pip-check.log')
    _stamp_file().write_text(content_hash(REQUIREMENTS))
