# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""How often an app may call what, and from where (wechat-platform.md 3.4, 40164)."""

from dataclasses import dataclass

from .clock import beijing_day

DAILY_LIMIT = 10000
CLEARINGS_PER_MONTH = 10


@dataclass
class Counter:
    """The calls of one app to one path on one day."""

    day: str = ''
    used: int = 0
    limit: int = DAILY_LIMIT

    def today(self, world):
        """Forget the calls of another day.

        :return: the counter itself
        """
        day = beijing_day(world.clock.now())
        if day != self.day:
            self.day, self.used = day, 0
        return self


def counter(world, appid, path):
    """:return: the `Counter` of an app and a path, as it stands today."""
    return world.call_counters.setdefault((appid, path), Counter()).today(world)


def spend(world, appid, path):
    """Count a call.

    :return: whether it is allowed
    """
    with world.lock:
        found = counter(world, appid, path)
        if found.used >= found.limit:
            return False
        found.used += 1
        return True


def clear(world, appid):
    """Set all counters of an app back, ten times a month at most.

    :return: whether that was allowed
    """
    month = beijing_day(world.clock.now())[:6]
    last, count = world.clearings.get(appid, (month, 0))
    if last != month:
        count = 0
    if count >= CLEARINGS_PER_MONTH:
        return False
    world.clearings[appid] = (month, count + 1)
    for (owner, _path), found in world.call_counters.items():
        if owner == appid:
            found.used = 0
    return True


def may_call_from(world, appid, address):
    """:return: whether an address is on the app's IP allow list, or the app has none."""
    allowed = world.ip_allow_lists.get(appid)
    return allowed is None or address in allowed
