# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Who delivers a reply: the request that waits for it, or a message that is sent later."""

import threading
import time

GRACE = 0.6  # seconds for the commit of what was finished in time


class Outcome:
    """What a handler hands to the request that waits for it, if that still does.

    WeChat hangs up after five seconds. Whether a reply was in time is decided once, under a lock:
    neither does nobody deliver it, nor do both.
    """

    def __init__(self, seconds):
        """
        :param float seconds: How long the request waits; 0 if there is none.
        """
        self._deadline = time.monotonic() + seconds
        self._lock = threading.Lock()
        self._delivered = threading.Event()
        self._is_claimed = self._is_abandoned = False
        self._reply = None

    def claim(self):
        """Tell whether the request will wait for the commit of what is finished now.

        :rtype: bool
        """
        with self._lock:
            self._is_claimed = not self._is_abandoned and time.monotonic() < self._deadline
            return self._is_claimed

    def deliver(self, reply):
        """Hand over the reply.

        :param reply: The reply; `None` for none.
        :return: Whether the request has it.
        :rtype: bool
        """
        with self._lock:
            if not self._is_abandoned:
                self._reply = reply
                self._delivered.set()
            return not self._is_abandoned

    def wait(self):
        """Return the reply, or `None` when the time is over.

        :rtype: dict | None
        """
        self._delivered.wait(max(0, self._deadline - time.monotonic()))
        if self._is_claimed:
            self._delivered.wait(GRACE)
        with self._lock:
            self._is_abandoned = not self._delivered.is_set()
            return self._reply
