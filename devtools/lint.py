# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""`./dev lint`: every check that runs nothing of the product."""

import ast
import csv
import os
import re
import subprocess
from urllib.parse import urlsplit

import docutils.core
import docutils.utils
from lxml import etree

from . import addons, translations
from .console import Failure, say
from .paths import PYTHON, ROOT
from .paths import addons as all_addons

MAX_LINES = 600
LICENSE = '# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).'
# Imports of the own addon by its full name are what Odoo's own addons do; a model may be extended
# in several files, one per concept; what Odoo's own methods return nothing, ours need not either.
PYLINT_DISABLED = 'odoo-addons-relative-import,consider-merging-classes-inherited,missing-return'
# Tests of several servers commit, and the loopback server is no part of the product.
PYLINT_NOT_IN_TESTS = ('invalid-commit', 'except-pass')
REQUIRED = ('README.rst', 'doc/index.rst', 'doc/changelog.rst', 'static/description/icon.png',
            'static/description/index.html', 'security/ir.model.access.csv', 'tests/__init__.py')
DATA_FOLDERS = ('data', 'security', 'views', 'wizard', 'wizards', 'report')
# Written by machines: their length says nothing.
GENERATED = ('.po', '.pot', '.json', '.svg', '.lock')
TEXT = ('.py', '.xml', '.csv', '.rst', '.md', '.txt', '.toml', '.js', '.css', '.scss', '.html',
        '.po', '.pot', '.json', '.sql', '.yml', '.yaml', '.cfg', '.ini', '.sh', '')
MACHINE_PATH = re.compile(r'(?<![\w.:/-])/(?:work|root|home|Users|tmp/plan)/\w')


def main(arguments):
    """Run all checks and print what they found.

    :param list arguments: `--fast` leaves out what needs a database (are the .pot up to date?).
    :return: exit status: 0 if there is nothing to mend.
    """
    files = _files()
    found = []
    found += _tool('ruff', '-m', 'ruff', 'check', '--quiet', '--output-format', 'concise', '.')
    names = all_addons()
    if names:
        found += [line for line in _tool(
            'pylint-odoo', '-m', 'pylint', '--rcfile=pyproject.toml', '--score=n',
            f'--disable={PYLINT_DISABLED}', *names)
            if '/tests/' not in line or not line.endswith(
                tuple(f'({name})' for name in PYLINT_NOT_IN_TESTS))]
    found += _text_problems(files)
    found += _rst_problems(path for path in files if path.suffix == '.rst')
    for name in names:
        found += _addon_problems(name)
    found += _translation_problems(names, '--fast' not in arguments)
    for problem in found:
        say(problem)
    say(f'lint: {len(found)} problems' if found else 'lint: clean')
    return 1 if found else 0


def _files():
    """Return the Paths of the project's files: those of git and those it would take in."""
    answer = subprocess.run(
        ['git', 'ls-files', '-co', '--exclude-standard', '-z'], cwd=ROOT, capture_output=True,
        text=True, check=False)
    if answer.returncode:
        raise Failure('./dev lint works in a git checkout only: git lists the files to check.')
    paths = (ROOT / name for name in answer.stdout.split('\0') if name)
    return sorted(path for path in paths if path.is_file())


def _tool(title, *arguments):
    process = subprocess.run([PYTHON, *arguments], cwd=ROOT, capture_output=True, text=True,
                             check=False)
    lines = [line for line in process.stdout.splitlines()
             if line.strip() and not line.startswith(('*****', '---'))]
    if process.returncode and not lines:
        lines = [f'{title} failed: {process.stderr.strip()[-2000:]}']
    return lines


def _text_problems(files):
    found = []
    hosts = _registry_hosts()
    for path in files:
        if path.suffix not in TEXT:
            continue
        where = path.relative_to(ROOT)
        try:
            text = path.read_text(encoding='utf-8')
        except UnicodeDecodeError:
            found.append(f'{where}: not UTF-8')
            continue
        lines = text.splitlines()
        if len(lines) > MAX_LINES and path.suffix not in GENERATED:
            found.append(f'{where}: {len(lines)} lines, at most {MAX_LINES}')
        for number, line in enumerate(lines, 1):
            if any(host in line for host in hosts):
                found.append(f'{where}:{number}: names the host of a package registry')
            if MACHINE_PATH.search(line) or str(ROOT) in line:
                found.append(f'{where}:{number}: names a path of one machine')
        if path.suffix == '.py':
            if text.strip() and LICENSE not in lines[:2]:
                found.append(f'{where}:1: the first line must be: {LICENSE}')
            try:
                ast.parse(text)
            except SyntaxError as error:
                found.append(f'{where}:{error.lineno}: {error.msg}')
        elif path.suffix in ('.xml', '.svg'):
            try:
                etree.fromstring(text.encode())
            except etree.XMLSyntaxError as error:
                # Hostile XML is kept by the tests as it came.
                if 'tests' not in where.parts:
                    found.append(f'{where}:{error.lineno}: {error.msg}')
    return found


def _registry_hosts():
    """Return the hosts of package registries, put together so that this file names none."""
    hosts = {'.'.join(parts) for parts in (
        ('pypi', 'org'), ('pythonhosted', 'org'), ('registry', 'npmjs', 'org'),
        ('deb', 'debian', 'org'), ('proxy', 'golang', 'org'), ('npmmirror', 'com'))}
    for command in (['pip', 'config', 'list'], ['apt-get', 'indextargets', '--format', '$(SITE)']):
        try:
            answer = subprocess.run(
                [PYTHON, '-m', *command] if command[0] == 'pip' else command,
                capture_output=True, text=True, check=False, timeout=30)
        except OSError:
            continue
        for address in re.findall(r'https?://[^\s\'",]+', answer.stdout):
            host = urlsplit(address).hostname
            if host and '.' in host and not host.startswith('127.'):
                hosts.add(host)
    for name in ('PIP_INDEX_URL', 'PIP_EXTRA_INDEX_URL', 'UV_INDEX_URL', 'NPM_CONFIG_REGISTRY'):
        host = urlsplit(os.environ.get(name, '')).hostname
        if host and '.' in host and not host.startswith('127.'):
            hosts.add(host)
    return hosts


def _rst_problems(paths):
    found = []
    for path in paths:
        messages = []

        class Observer:
            def write(self, text, messages=messages):
                messages.append(text)

            def flush(self):
                pass

        docutils.core.publish_doctree(
            path.read_text(encoding='utf-8'), source_path=str(path.relative_to(ROOT)),
            settings_overrides={'report_level': 2, 'halt_level': 5, 'warning_stream': Observer(),
                                'file_insertion_enabled': False})
        found += [message.strip() for message in messages]
        if path.name == 'README.rst' and path.stat().st_size < 300:
            found.append(f'{path.relative_to(ROOT)}: says next to nothing')
    return found


def _addon_problems(name):
    folder = ROOT / name
    found = [f'{name}: {path} is missing' for path in REQUIRED if not (folder / path).exists()
             and not (path.startswith('security') and not _has_own_models(folder))]
    try:
        manifest = addons.manifest(name)
    except (SyntaxError, ValueError) as error:
        return [*found, f'{name}/__manifest__.py: {error}']
    listed = {*manifest.get('data', ()), *manifest.get('demo', ())}
    present = {str(path.relative_to(folder)) for sub in DATA_FOLDERS
               for path in (folder / sub).rglob('*') if path.suffix in ('.xml', '.csv')}
    found += [f'{name}/{path}: not in the manifest' for path in sorted(present - listed)]
    found += [f'{name}/__manifest__.py: {path} does not exist'
              for path in sorted(listed) if not (folder / path).exists()]
    for path in sorted(folder.rglob('*.csv')):
        with open(path, encoding='utf-8', newline='') as stream:
            rows = list(csv.reader(stream))
        found += [f'{path.relative_to(ROOT)}:{number}: {len(row)} columns instead of {len(rows[0])}'
                  for number, row in enumerate(rows, 1) if row and len(row) != len(rows[0])]
    tests = folder / 'tests'
    imports = (tests / '__init__.py').read_text() if (tests / '__init__.py').exists() else ''
    found += [f'{path.relative_to(ROOT)}: not imported in tests/__init__.py, so it never runs'
              for path in sorted(tests.glob('test_*.py'))
              if not re.search(rf'\b{path.stem}\b', imports)]
    return found


def _has_own_models(folder):
    return any(re.search(r'^    _name = ', path.read_text(encoding='utf-8'), re.MULTILINE)
               for path in (folder / 'models').glob('*.py'))


def _translation_problems(names, with_database):
    found = []
    templates = {}
    if with_database and names:
        try:
            templates = translations.exported(names)
        except Failure as failure:
            found.append(f'The addons do not install, so their terms are not known: {failure}')
    for name in names:
        found += translations.problems(name, templates.get(name))
    return found
