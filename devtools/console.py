# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What the developer sees: one line per step with its time, progress of what is slow."""

import contextlib
import subprocess
import sys
import threading
import time

_print_lock = threading.Lock()


class Failure(Exception):
    """A step failed in a way that the message explains: it is shown without a traceback."""


def say(text=''):
    """Print a line at once, whole even if several threads print."""
    with _print_lock:
        sys.stdout.write(f'{text}\n')
        sys.stdout.flush()


@contextlib.contextmanager
def step(title, progress=None, every=5):
    """Announce a step, print its progress now and then, and how long it took.

    :param progress: function that returns a short text (or nothing) to print while it lasts.
    :param every: seconds between two lines of progress.
    """
    say(f'▸ {title}')
    start = time.monotonic()
    done = threading.Event()

    def watch():
        last = None
        while not done.wait(every):
            text = progress()
            if text and text != last:
                last = text
                say(f'    {text} ({time.monotonic() - start:.0f} s)')

    thread = threading.Thread(target=watch, daemon=True) if progress else None
    if thread:
        thread.start()
    try:
        yield
    finally:
        done.set()
        if thread:
            thread.join()
    say(f'  done in {time.monotonic() - start:.1f} s')


def run_logged(arguments, log, **kwargs):
    """Run a command with its output in a file; if it fails, raise with the file's last lines.

    :param log: Path of the file, overwritten.
    """
    with open(log, 'wb') as stream:
        process = subprocess.run(
            [str(argument) for argument in arguments],
            stdout=stream, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
            check=False, **kwargs)
    if process.returncode:
        raise Failure(
            f'{arguments[0]} ended with exit status {process.returncode}. Its last lines '
            f'(all of them in {log}):\n{tail(log, 25)}')


def tail(path, count):
    """Return the last `count` lines of a text file."""
    try:
        lines = path.read_text(encoding='utf-8', errors='replace').splitlines()
    except OSError:
        return ''
    return '\n'.join(lines[-count:])


def megabytes(size):
    """Return a size in bytes as text in MB."""
    return f'{size / 1e6:.0f} MB'
