# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Free TCP ports of the loopback interface."""

import fcntl
import random
import socket

from .paths import DEV

# Below the range from which the system takes the ports of outgoing connections: between being
# found free and being used, none of those can take it.
PORTS = range(15000, 32000)

_held = []


def free_port():
    """Return a free port that no other run of ./dev is given while this process lives."""
    folder = DEV / 'ports'
    folder.mkdir(parents=True, exist_ok=True)
    while True:
        port = random.choice(PORTS)
        with socket.socket() as probe:
            try:
                probe.bind(('127.0.0.1', port))
            except OSError:
                continue
        stream = open(folder / str(port), 'w', encoding='utf-8')  # noqa: SIM115 held for life
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            stream.close()
            continue
        _held.append(stream)
        return port
