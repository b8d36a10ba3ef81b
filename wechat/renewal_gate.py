# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Let one thread of this process at a time renew a token.

Who renews is decided by a row lock in PostgreSQL; this is about connections only. Each thread that
waits there holds one beside that of its own transaction, and many threads that need the same token
at once would use up the pool. Here they wait without one.
"""

import os
import threading
from contextlib import contextmanager

_locks = {}
# A worker is forked from a process whose threads may hold some of them.
os.register_at_fork(after_in_child=_locks.clear)


@contextmanager
def passage(key, seconds):
    """Wait until no other thread is inside with the same key, and be inside for the block.

    :param key: What is renewed, as (database, app, kind).
    :param float seconds: How long to wait.
    :return: A context manager; gives whether this thread is inside now.
    """
    lock = _locks.setdefault(key, threading.RLock())
    inside = lock.acquire(timeout=seconds)
    try:
        yield inside
    finally:
        if inside:
            lock.release()
