# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Processes: Odoo and the sandbox, started on free ports, ended by their process group."""

import contextlib
import ctypes
import json
import os
import re
import secrets
import signal
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

from . import databases, postgres
from .console import Failure, say, tail
from .paths import DEV, LOG, PYTHON, ROOT
from .ports import free_port

ODOO_BIN = Path(__file__).parent / 'scripts' / 'odoo_bin.py'
PR_SET_PDEATHSIG = 1


def odoo_command(source, database, name, arguments, addons_paths=(ROOT,), options=None,
                 subcommand='server'):
    """Return command and environment of an Odoo process on a database.

    :param name: what it is for: names its configuration file in `.dev/conf`.
    :param options: dict of further options of the configuration file.
    """
    connection = postgres.settings()
    values = {
        'db_host': connection['host'],
        'db_port': connection['port'],
        'db_user': connection['user'],
        'db_password': connection['password'],
        'db_name': database,
        'list_db': False,
        'admin_passwd': secrets.token_hex(16),
        'addons_path': ','.join(str(path) for path in (*addons_paths, *source.addons_paths)),
        'data_dir': databases.data_dir(database),
        'http_interface': '127.0.0.1',
        'max_cron_threads': 0,
        'smtp_port': free_port(),  # nobody listens there: no mail leaves this machine
        **(options or {}),
    }
    folder = DEV / 'conf'
    folder.mkdir(exist_ok=True)
    databases.data_dir(database).mkdir(parents=True, exist_ok=True)
    path = folder / f'{name}-{database}.conf'
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    lines = [f'{key} = {value}' for key, value in values.items()]
    path.write_text('\n'.join(['[options]', *lines, '']), encoding='utf-8')
    environment = {
        **os.environ,
        'PYTHONPATH': str(source.python_path),
        'PYTHONUNBUFFERED': '1',
        'PATH': f'{PYTHON.parent}{os.pathsep}{os.environ.get("PATH", "")}',
    }
    words = subcommand.split()
    command = [str(PYTHON), str(ODOO_BIN), *words, '-c', str(path), *arguments]
    return command, environment, path


def run_odoo(source, database, name, arguments, environment=None, check=True,
             stdin=subprocess.DEVNULL, **kwargs):
    """Run Odoo until it ends by itself.

    :return: (exit status, Path of its log)
    """
    kwargs['options'] = {
        'http_port': free_port(), 'gevent_port': free_port(), **(kwargs.get('options') or {})}
    command, variables, conf = odoo_command(source, database, name, arguments, **kwargs)
    log = log_path(name)
    try:
        with open(log, 'wb') as stream:
            process = subprocess.Popen(
                command, env={**variables, **(environment or {})}, stdout=stream,
                stderr=subprocess.STDOUT, stdin=stdin, cwd=DEV, start_new_session=True,
                preexec_fn=_end_with_parent)
            try:
                status = process.wait()
            finally:
                _end(process)
    finally:
        conf.unlink(missing_ok=True)
    if check and (status or re.search(r' (CRITICAL|ERROR) \S+ odoo\.(modules|registry)',
                                      log.read_text(errors='replace'))):
        raise Failure(f'Odoo ended with exit status {status}. Its last lines (all of them in '
                      f'{log}):\n{tail(log, 40)}')
    return status, log


def start_shell(source, database, name, script):
    """Start Odoo's shell on a database with a script to run.

    :param str script: Python code; `env` is given. What it prints is its output.
    :return: the process; its output and errors are pipes of text.
    """
    command, environment, _conf = odoo_command(
        source, database, f'{name}-{secrets.token_hex(3)}',
        ['-d', database, '--no-http', '--log-level=warn'], subcommand='shell')
    process = subprocess.Popen(
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, cwd=DEV, start_new_session=True,
        preexec_fn=_end_with_parent)
    process.stdin.write(script)
    process.stdin.close()
    return process


def run_shell(source, database, name, script, timeout=120):
    """Run a script in Odoo's shell and return what it prints.

    :raise Failure: it did not end well.
    """
    process = start_shell(source, database, name, script)
    try:
        # communicate() would write to stdin, which is closed.
        process.stdin = None
        output, errors = process.communicate(timeout=timeout)
    finally:
        _end(process)
    if process.returncode:
        raise Failure(f'The script ended with exit status {process.returncode}:\n{errors[-3000:]}')
    return output


def log_path(name):
    """Return the Path of the log of the process with that name."""
    return LOG / f'{name}.log'


def loading_progress(name):
    """Return how far an Odoo that installs modules has come, from its log; None at first."""
    with contextlib.suppress(OSError):
        found = re.findall(r'Loading module (\S+) \((\d+)/(\d+)\)',
                           log_path(name).read_text(errors='replace'))
        if found:
            module, number, total = found[-1]
            return f'module {number} of {total}, {module}'
    return None


class Server:
    """A process that serves HTTP on the loopback interface until it is stopped."""

    url = None
    process = None
    log = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *exception):
        self.stop()

    def start(self):
        """Start it and return when it answers."""
        raise NotImplementedError

    def _launch(self, command, environment, log):
        self.log = log
        with open(log, 'ab') as stream:
            self.process = subprocess.Popen(
                command, env=environment, stdout=stream, stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL, cwd=ROOT, start_new_session=True,
                preexec_fn=_end_with_parent)

    def _wait(self, answers, seconds=120):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.process.poll() is not None:
                break
            if answers():
                return
            time.sleep(0.1)
        status = self.process.poll()
        self.stop()
        what = 'did not answer in time' if status is None else f'ended with exit status {status}'
        raise Failure(f'{type(self).__name__} {what}. Its last lines (all of them in {self.log}):'
                      f'\n{tail(self.log, 25)}')

    def stop(self):
        """End it, gently first."""
        if self.process:
            _end(self.process)

    def kill(self):
        """End it at once, as a power cut does."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


class OdooServer(Server):
    """An Odoo server on a database.

    :param workers: number of worker processes; 0: one process with threads.
    :param crons: number of threads (or processes) that run scheduled actions.
    :param environment: dict of variables beside those of this process.
    """

    def __init__(self, source, database, name, workers=0, crons=0, options=None, quiet=False,
                 environment=None):
        self.source = source
        self.database = database
        self.name = name
        self.workers = workers
        self.crons = crons
        self.options = options or {}
        self.quiet = quiet
        self.environment = environment or {}
        self.port = free_port()
        self.gevent_port = free_port()
        self.url = f'http://127.0.0.1:{self.port}'

    def start(self):
        """Start it and return when it answers."""
        arguments = ['--workers', str(self.workers)]
        if self.quiet:
            arguments.append('--log-level=warn')
        command, environment, _conf = odoo_command(
            self.source, self.database, self.name, arguments, options={
                'http_port': self.port, 'gevent_port': self.gevent_port,
                'max_cron_threads': self.crons, **self.options})
        self._launch(command, {**environment, **self.environment},
                     log_path(f'{self.name}-{self.database}'))
        self._wait(self._answers)

    def _answers(self):
        try:
            return bool(self.rpc('/web/webclient/version_info', {}))
        except (OSError, ValueError, KeyError):
            return False

    def rpc(self, path, params, headers=None, timeout=60):
        """Call a JSON-RPC route and return its result; a plain client without cookies.

        :raise KeyError: the answer is an error.
        """
        body = json.dumps({'jsonrpc': '2.0', 'method': 'call', 'params': params}).encode()
        request = urllib.request.Request(
            self.url + path, body, {'Content-Type': 'application/json', **(headers or {})})
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            return json.loads(answer.read())['result']


class Sandbox(Server):
    """The project's own WeChat.

    :ivar url: its address.
    :ivar tls_url: the same over TLS, for calls that want the merchant certificate.
    :ivar ca_file: Path of a file with the certificates that an Odoo must trust: the system's, and
        the sandbox's own.
    """

    tls_url = None

    def __init__(self, name='sandbox', port=0):
        self.name = name
        self.port = port or free_port()
        prefix = f'{name}-{os.getpid()}-{secrets.token_hex(3)}'
        self.address_file = DEV / f'{prefix}.address'
        self.ca_file = DEV / f'{prefix}.pem'

    @property
    def environment(self):
        """What an Odoo that talks to the sandbox needs in its environment (dict)."""
        return {
            'WECHAT_SANDBOX_URL': self.url,
            'WECHAT_SANDBOX_TLS_URL': self.tls_url,
            'REQUESTS_CA_BUNDLE': str(self.ca_file),
        }

    def start(self):
        """Start it and return when it answers."""
        self.address_file.unlink(missing_ok=True)
        self._launch(
            [str(PYTHON), '-m', 'sandbox', '--port', str(self.port), '--address-file',
             str(self.address_file), '--ca-file', str(self.ca_file)],
            {**os.environ, 'PYTHONUNBUFFERED': '1'}, log_path(f'{self.name}-{os.getpid()}'))
        self._wait(self._answers, 30)
        self.ca_file.write_text(_system_certificates() + self.ca_file.read_text())

    def stop(self):
        """End it, gently first."""
        super().stop()
        self.address_file.unlink(missing_ok=True)
        self.ca_file.unlink(missing_ok=True)

    def _answers(self):
        if not self.address_file.exists():
            return False
        self.url = self.address_file.read_text().strip()
        try:
            self.tls_url = self.control('GET', 'world')['tls_url']
        except (OSError, ValueError):
            return False
        return True

    def control(self, method, path, data=None, timeout=60):
        """Call the sandbox's control API and return its answer.

        :raise Failure: with the sandbox's words if it refuses.
        """
        request = urllib.request.Request(
            f'{self.url}/_sandbox/{path}', None if data is None else json.dumps(data).encode(),
            {'Content-Type': 'application/json'}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=timeout) as answer:
                body = answer.read()
        except urllib.error.HTTPError as error:
            raise Failure(f'The sandbox refused {method} {path}: {error.code} '
                          f'{error.read().decode(errors="replace")}') from None
        return json.loads(body) if body else None


def _system_certificates():
    """Return whom this machine trusts, as PEM text; empty if it is not known."""
    for path in (os.environ.get('REQUESTS_CA_BUNDLE'), ssl.get_default_verify_paths().cafile,
                 '/etc/ssl/certs/ca-certificates.crt'):
        if path and Path(path).is_file():
            return Path(path).read_text(encoding='utf-8') + '\n'
    return ''


def _end_with_parent():
    """Let the kernel end the child if this process dies without having had the time to."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _end(process, patience=20):
    """End a process and all of its group."""
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            say(f'  process {process.pid} did not end by itself, it is killed')
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
