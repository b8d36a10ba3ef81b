# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""`./dev test miniprogram`: the client library and the demo, by Node against a running Odoo."""

import contextlib
import os
import re
import secrets
import shutil
import subprocess
import time

from . import databases, system_packages
from .console import run_logged, say, step
from .paths import DEV, LOG, ROOT, content_hash, lock
from .results import Result
from .shop import Shop

FOLDER = ROOT / 'miniprogram'
MODULES = DEV / 'node'
# Node's own summary at the end of its TAP output.
_COUNT = re.compile(r'^# (pass|fail|cancelled|skipped|todo) (\d+)$', re.MULTILINE)


def ensure():
    """Have Node and the packages of the tests.

    :return: whether they are there.
    """
    system_packages.ensure('nodejs')
    system_packages.ensure('npm')
    if not shutil.which('node') or not shutil.which('npm'):
        return False
    files = [FOLDER / name for name in ('package.json', 'package-lock.json', '.npmrc')]
    stamp = MODULES / 'installed'
    key = content_hash(*files)
    with lock('node', lambda: say('▸ waiting for another ./dev that installs Node packages …')):
        if stamp.exists() and stamp.read_text() == key:
            return True
        shutil.rmtree(MODULES, ignore_errors=True)
        MODULES.mkdir()
        for path in files:
            shutil.copy(path, MODULES)
        with step('installing the Node packages of the mini-program tests'):
            run_logged(
                ['npm', 'ci', '--ignore-scripts', '--no-audit', '--no-fund', '--cache',
                 DEV / 'cache' / 'npm'], LOG / 'npm.log', cwd=MODULES)
        stamp.write_text(key)
    return True


def run(arguments=()):
    """Run the tests of `miniprogram/` against a shop and a sandbox of their own.

    :param arguments: files to run; none: all.
    :return: `Result`
    """
    start = time.monotonic()
    result = Result('miniprogram')
    if not ensure():
        result.skipped = 1
        result.details = 'Node.js and npm are needed (apt-get install nodejs npm).'
        return result
    log = LOG / f'node-miniprogram-{secrets.token_hex(3)}.log'
    say(f'▸ miniprogram: node --test (log: {log.relative_to(ROOT)})')
    with Shop('miniprogram') as shop:
        odoo = shop.start_odoo(crons=1)
        # All phones of the tests have the address of this machine.
        shop.admin.call('ir.config_parameter', 'set_param', 'wechat.calls_per_minute', '0')
        environment = {
            **os.environ,
            'NODE_PATH': str(MODULES / 'node_modules'),
            'ODOO_URL': odoo.url,
            'ODOO_DATABASE': shop.database,
            'ODOO_SESSIONS': str(databases.data_dir(shop.database) / 'sessions'),
            'WECHAT_SANDBOX_URL': shop.sandbox.url,
        }
        # Faults of the sandbox strike whoever comes first: one file at a time.
        command = ['node', '--test', '--test-concurrency=1', '--test-reporter=tap',
                   *(arguments or sorted(map(str, (FOLDER / 'tests').glob('*.test.js'))))]
        with open(log, 'wb') as stream:
            process = subprocess.Popen(
                command, cwd=FOLDER, env=environment, stdout=stream, stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL)
            try:
                status = process.wait()
            except BaseException:
                with contextlib.suppress(ProcessLookupError):
                    process.terminate()
                process.wait()
                raise
    count(result, log.read_text(encoding='utf-8', errors='replace'), status)
    result.seconds = time.monotonic() - start
    say(f'  miniprogram: {result} ({result.seconds:.0f} s)')
    return result


def count(result, output, status):
    """Count the tests in Node's TAP output.

    :param Result result: filled in.
    :param int status: Node's exit status.
    """
    counts = {name: int(number) for name, number in _COUNT.findall(output)}
    result.passed = counts.get('pass', 0)
    result.failed = counts.get('fail', 0) + counts.get('cancelled', 0)
    result.skipped = counts.get('skipped', 0) + counts.get('todo', 0)
    if (status or not result.passed) and not result.failed:
        result.failed = 1
    if result.failed or result.skipped:
        result.details = output
