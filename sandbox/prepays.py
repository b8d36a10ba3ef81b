# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What an order gives the customer's phone, in v3 and v2 alike (wechat-pay.md A4.1)."""

import secrets
from datetime import datetime

from .clock import BEIJING

PREPAY_LIFETIME = 7200
CODE_URL_LIFETIME = 7200
H5_LIFETIME = 300
H5_PATH = '/cgi-bin/mmpayweb-bin/checkmweb'


def new_prepay_id(world):
    """:return: a fresh prepay_id that opens nothing yet."""
    stamp = datetime.fromtimestamp(world.clock.now(), BEIJING).strftime('%d%H%M%S')
    return f'wx{stamp}{secrets.token_hex(13)}'


def give_prepay_id(world, order):
    """:return: a prepay_id that opens the cashier for two hours."""
    prepay_id = new_prepay_id(world)
    world.prepays[prepay_id] = (order, world.clock.now() + PREPAY_LIFETIME)
    return prepay_id


def give_code_url(world, order):
    """:return: a new code_url; the older one of the order is dead from now on."""
    order.code_url = f'weixin://wxpay/bizpayurl?pr={secrets.token_urlsafe(7)[:9]}z'
    world.code_urls[order.code_url] = (order, world.clock.now() + CODE_URL_LIFETIME)
    return order.code_url


def give_h5_url(world, order):
    """:return: an address that opens the cashier of a browser for five minutes."""
    query = f'prepay_id={new_prepay_id(world)}&package={secrets.randbelow(10 ** 10):010d}'
    world.h5_pages[query] = (order, world.clock.now() + H5_LIFETIME)
    return f'{world.address}{H5_PATH}?{query}'
