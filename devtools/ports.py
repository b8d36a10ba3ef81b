# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Free TCP ports of the loopback interface."""

import fcntl
import socket

from .paths import DEV

_held = []


def free_port():
    """Return a free port that no other run of ./dev is given while this process lives."""
    folder = DEV / 'ports'
    folder.mkdir(parents=True, exist_ok=True)
    while True:
        with socket.socket() as probe:
            probe.bind(('127.0.0.1', 0))
            port = probe.getsockname()[1]
        stream = open(folder / str(port), 'w', encoding='utf-8')  # noqa: SIM115 held for life
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            stream.close()
            continue
        _held.append(stream)
        return port
