# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""`./dev test`: Odoo's tests of the addons and pytest's, counted and told truthfully."""

import concurrent.futures
import contextlib
import os
import re
import secrets
import shutil
import subprocess
import time
import xml.etree.ElementTree as ET

from . import addons, databases, miniprogram, odoo_source, servers, system_packages
from .console import Failure, say
from .paths import DEV, LOG, PYTHON, ROOT
from .paths import addons as all_addons
from .results import Result

SANDBOX_TAG = 'wechat_sandbox'
UNIT = ('tests/protocol', 'tests/sandbox', 'tests/devtools')
SYSTEM = 'tests/system'

_CLOSING = re.compile(
    r'(\d+) failed, (\d+) error\(s\) of (\d+) tests when loading database', re.MULTILINE)
_LINE = re.compile(r'^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} \d+ ([A-Z]+) (\S+) ([\w.]+): (.*)$')


def main(arguments):
    """Run the suites or the addons named, or all suites.

    :param list arguments: what stands after `./dev test`.
    :return: exit status: 0 if all tests passed and there was at least one.
    """
    tags = None
    if '--tags' in arguments:
        index = arguments.index('--tags')
        if index + 1 == len(arguments):
            raise Failure('--tags needs a test specification, as --tags /wechat:TestApp.')
        tags = arguments[index + 1]
        arguments = arguments[:index] + arguments[index + 2:]
    known = set(all_addons())
    suites = {'unit', 'addons', 'standalone', 'system', 'miniprogram'}
    names = [argument.strip('/') for argument in arguments]
    unknown = set(names) - known - suites
    if unknown:
        raise Failure(f'Unknown: {", ".join(sorted(unknown))}. There are the suites '
                      f'{", ".join(sorted(suites))} and the addons {", ".join(sorted(known))}.')
    chosen = [name for name in names if name in known]
    system_packages.ensure('chromium')
    start = time.monotonic()
    if chosen:
        results = _run_addons(chosen, tags)
    else:
        results = _run_suites(set(names) or suites)
    for result in results:
        if result.details:
            say(f'\n━━ {result.name}\n{result.details}')
    say()
    for result in results:
        say(f'{result.name}: {result} ({result.seconds:.0f} s)')
    total = Result('total', sum(r.passed for r in results), sum(r.failed for r in results),
                   sum(r.skipped for r in results))
    say(f'{time.monotonic() - start:.0f} s in all')
    say(total)
    return 0 if total.passed and not total.failed else 1


def _run_suites(suites):
    """Run the named suites, those that do not disturb each other side by side."""
    jobs = []
    names = all_addons()
    source = odoo_source.ensure()
    with databases.running():
        if 'unit' in suites:
            jobs.append(unit)
        if 'addons' in suites and names:
            template = databases.ensure_template(databases.level_for(names, source), source)
            jobs.append(lambda: addon_tests(
                'addons', names, template, source, '--skip-auto-install'))
        if 'standalone' in suites and names:
            for level in sorted({databases.level_for([name], source) for name in names}):
                databases.ensure_template(level, source)
            jobs.append(lambda: standalone(names, source))
        if 'system' in suites and names:
            # Installed before, so that it is not done within the time of a test.
            databases.ensure_installed(names, source)
            jobs.append(system)
        if 'miniprogram' in suites and names:
            databases.ensure_installed(names, source)
            jobs.append(miniprogram.run)
        results = []
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            for outcome in [pool.submit(job) for job in jobs]:
                value = outcome.result()
                results += value if isinstance(value, list) else [value]
    return results


def _run_addons(names, tags):
    source = odoo_source.ensure()
    with databases.running():
        template = databases.ensure_template(databases.level_for(names, source), source)
        return [addon_tests('+'.join(names), names, template, source, '--skip-auto-install',
                            tags=tags)]


def addon_tests(title, names, template, source, *arguments, tags=None, folder=ROOT,
                with_sandbox=True):
    """Install addons in a copy of a template and run their tests.

    :param tags: Odoo's test specification; None: all standard tests of the addons and, if they
        have such, those that need the sandbox.
    :param folder: where the addons are.
    :return: `Result`
    """
    start = time.monotonic()
    sandbox_names = [name for name in names if with_sandbox and _needs_sandbox(name)]
    specification = tags or ','.join(
        [f'/{name}' for name in names] + [f'{SANDBOX_TAG}/{name}' for name in sandbox_names])
    log_name = f'test-{title.replace(" ", "-")}-{secrets.token_hex(3)}'
    with contextlib.ExitStack() as stack:
        environment = {}
        if sandbox_names:
            sandbox = stack.enter_context(servers.Sandbox(f'sandbox-{log_name}'))
            environment = sandbox.environment
        database = stack.enter_context(databases.copy_of(template, 'test'))
        say(f'▸ {title}: installing and testing {", ".join(names)} '
            f'(log: {servers.log_path(log_name).relative_to(ROOT)})')
        status, log = servers.run_odoo(
            source, database, log_name,
            ['-i', ','.join(names), '--test-tags', specification, '--stop-after-init',
             *arguments],
            environment, check=False, addons_paths=(folder,))
    result = read_log(title, log, status)
    result.seconds = time.monotonic() - start
    say(f'  {title}: {result} ({result.seconds:.0f} s)')
    return result


def _needs_sandbox(addon):
    return any(SANDBOX_TAG in path.read_text(encoding='utf-8')
               for path in (ROOT / addon / 'tests').glob('*.py'))


def read_log(title, log, status):
    """Count the tests in Odoo's log: it ends with exit status 0 also when none ran.

    :param log: Path of the log.
    :param int status: Odoo's exit status.
    :return: `Result`
    """
    result = Result(title)
    records, problems, others, failing = [], [], [], set()
    for line in log.read_text(encoding='utf-8', errors='replace').splitlines():
        match = _LINE.match(line)
        if match:
            records.append([match[1], match[3], match[4], [line]])
        elif records:
            records[-1][3].append(line)
    total = None
    for level, logger, message, lines in records:
        closing = _CLOSING.search(message)
        if closing:
            total = closing
        elif message.startswith('skipped ') and '.tests.' in logger:
            result.skipped += 1
            problems.append(message)
        elif level in ('ERROR', 'CRITICAL'):
            failure = re.match(r'(?:FAIL|ERROR): (?:Subtest )?(\S+)', message)
            if failure:
                failing.add(failure[1])
                problems.append('\n'.join(lines))
            else:
                others.append('\n'.join(lines))
    if total is None:
        problems += others
        problems.append(f'Odoo ended with exit status {status} before its tests were counted.')
        result.failed = 1
    else:
        failed, errors, ran = map(int, total.groups())
        result.failed = failed + errors
        result.passed = max(0, ran - result.skipped - len(failing))
        if not ran:
            problems.append('No test ran.')
            result.failed = 1
        elif status and not result.failed:
            problems += others
            problems.append(f'All tests passed, but Odoo ended with exit status {status}.')
            result.failed = 1
    # ERROR lines that tests provoke on purpose stay in the log of a run that passed.
    if result.failed or result.skipped:
        result.details = '\n'.join([*problems, f'(whole log: {log})'])
    return result


def standalone(names, source):
    """Prove that each addon installs and its tests pass from a copy of its folder.

    Only the addons of the project that it depends on stand beside it.

    :return: list of `Result`
    """
    results = []
    for name in names:
        folder = DEV / f'standalone-{name}-{os.getpid()}'
        shutil.rmtree(folder, ignore_errors=True)
        try:
            for needed in addons.with_own_dependencies([name]):
                shutil.copytree(ROOT / needed, folder / needed,
                                ignore=shutil.ignore_patterns('__pycache__'))
            template = databases.ensure_template(databases.level_for([name], source), source)
            results.append(addon_tests(
                f'standalone {name}', [name], template, source, '--skip-auto-install',
                folder=folder, with_sandbox=False))
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    return results


def unit():
    """Run the tests that need neither Odoo nor a database."""
    folders = [folder for folder in UNIT if any((ROOT / folder).rglob('test_*.py'))]
    return pytest('unit', folders)


def system():
    """Run the tests that need the whole system: Odoo servers and the sandbox."""
    return pytest('system', [SYSTEM])


def pytest(title, folders, *arguments):
    """Run pytest on folders and count by its report.

    :return: `Result`
    """
    start = time.monotonic()
    result = Result(title)
    folders = [folder for folder in folders if (ROOT / folder).is_dir()]
    if not folders:
        return result
    key = secrets.token_hex(3)
    report = DEV / f'pytest-{title}-{key}.xml'
    log = LOG / f'pytest-{title}-{key}.log'
    say(f'▸ {title}: pytest {" ".join(folders)} (log: {log.relative_to(ROOT)})')
    with open(log, 'wb') as stream:
        process = subprocess.Popen(
            [PYTHON, '-m', 'pytest', '-q', '-rs', '-p', 'no:cacheprovider',
             f'--junitxml={report}', *folders, *arguments],
            cwd=ROOT, stdout=stream, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        try:
            status = process.wait()
        except BaseException:
            process.terminate()
            process.wait()
            raise
    output = log.read_text(encoding='utf-8', errors='replace')
    if report.exists():
        for suite in ET.parse(report).iter('testsuite'):
            ran, failures, errors, skipped = (
                int(suite.get(key, 0)) for key in ('tests', 'failures', 'errors', 'skipped'))
            result.failed += failures + errors
            result.skipped += skipped
            result.passed += max(0, ran - failures - errors - skipped)
        report.unlink()
    if status and not result.failed:
        result.failed = 1
    if result.failed or result.skipped:
        result.details = output
    result.seconds = time.monotonic() - start
    say(f'  {title}: {result} ({result.seconds:.0f} s)')
    return result
