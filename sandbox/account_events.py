# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What an official account is told of its followers and its template messages (7.5)."""

import threading

from . import push

JOB_DELAY = 0.3


def tell(world, appid, openid, event, **fields):
    """Push an event, if the account has a server for it.

    :return: the deliveries as `push.push` gives them; None without a `push_config`
    """
    config = world.push_configs.get(appid)
    if not config:
        return None
    fields = {'MsgType': 'event', 'Event': event, **fields}
    message = push.complete(world, config, appid, openid, fields)
    return push.push(world, config, appid, message)


def tell_of_delivery(world, appid, message):
    """Push what became of a template message, a moment after the call was answered."""
    config = world.push_configs.get(appid)

    def run():
        # Not after a reset, which makes another account of the same name.
        if config and world.push_configs.get(appid) is config:
            tell(
                world, appid, message['touser'], 'TEMPLATESENDJOBFINISH',
                MsgID=message['msgid'], Status=message['status'],
            )

    timer = threading.Timer(JOB_DELAY, run)
    timer.daemon = True
    timer.start()
