# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Who pays an order: openids of one's own appid and of a sub-merchant's (wechat-pay.md A4.3)."""


class ForeignOpenid(Exception):
    """An openid is not of its appid, or not of the other openid's person; `name` says which."""

    def __init__(self, name):
        super().__init__(name)
        self.name = name


def find(world, appid, openid, sub_appid='', sub_openid=''):
    """Find the payer whom an order names.

    :param str appid: the merchant's or service provider's own
    :param str openid: under that appid; '' if the payer is named by `sub_openid` only
    :return: (openid under `appid`, the appids in which the cashier opens)
    :raise ForeignOpenid: there is no such person
    """
    user, cashiers = None, []
    if openid:
        user = world.user_of_openid(openid, appid)
        if not user:
            raise ForeignOpenid('openid')
        cashiers.append(appid)
    if sub_openid:
        sub_user = world.user_of_openid(sub_openid, sub_appid)
        if not sub_user or user not in (None, sub_user):
            raise ForeignOpenid('sub_openid')
        user = sub_user
        cashiers.append(sub_appid)
    return world.openid(user, appid), tuple(cashiers)
