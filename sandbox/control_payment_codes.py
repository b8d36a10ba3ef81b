# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The control API for payment codes and for what customers write about payments."""

from . import payment_codes
from .clock import rfc3339
from .control_accounts import _read
from .world import Refusal


def payment_code(sandbox, data):
    """POST payment_code: what a person's phone shows."""
    values = _read(data, user=str, password=bool, failure=str)
    world = sandbox.world
    with world.lock:
        user = world.user(values['user']) if 'user' in values else world.add_user()
        code = payment_codes.show(
            world, user, values.get('password', False), values.get('failure', ''),
        )
        return {
            'code': code.code, 'user': user.user,
            'expires': rfc3339(code.made + payment_codes.LIFETIME),
        }


def payment_password(sandbox, data):
    """POST payment_password: the person who showed the code enters it, or closes the prompt."""
    values = _read(data, mchid_=str, out_trade_no_=str, entered=bool)
    world = sandbox.world
    order = _order(world, values)
    payment_codes.answer_password(world, order, values.get('entered', True))
    return {'trade_state': order.state, 'transaction_id': order.transaction_id or None}


def comment(sandbox, data):
    """POST comments: a customer writes about a payment."""
    values = _read(data, mchid_=str, out_trade_no_=str, stars=int, comment=str)
    world = sandbox.world
    order = _order(world, values)
    stars = values.get('stars', 5)
    if not order.paid:
        raise Refusal("the order is not paid")
    if not 1 <= stars <= 5:
        raise Refusal("stars must be 1 to 5")
    item = {
        'mchid': order.mchid, 'time': world.clock.now(), 'transaction_id': order.transaction_id,
        'stars': stars, 'comment': values.get('comment', ''),
    }
    with world.lock:
        world.comments.append(item)
    return item | {'time': rfc3339(item['time'])}


def _order(world, values):
    order = world.order(values['mchid'], values['out_trade_no'])
    if not order:
        raise Refusal(f"merchant {values['mchid']} has no order {values['out_trade_no']!r}")
    return order


ROUTES = [
    ('POST', '/_sandbox/payment_code', payment_code),
    ('POST', '/_sandbox/payment_password', payment_password),
    ('POST', '/_sandbox/comments', comment),
]
