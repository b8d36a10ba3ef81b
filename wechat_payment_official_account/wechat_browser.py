# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What a customer's browser shows of the place where it runs inside WeChat."""

import re


def can_pay_in_page(client):
    """Tell whether WeChat's payment function may be there: in WeChat on a phone or a tablet.

    WeChat on a desktop shows pages too, but the QR code is the surer way there. WeCom calls itself
    WeChat and knows no openid of an official account. Inside a mini-program WeChat forbids it
    (A4.4).

    :param Client client: What is known of the customer's device.
    :rtype: bool
    """
    return bool(
        client.is_wechat and not is_web_view(client)
        and 'wxwork' not in client.user_agent.lower()
        and re.search(r'iPhone|iPod|iPad|Android|OpenHarmony', client.user_agent)
    )


def is_web_view(client):
    """Tell whether the page is shown by a mini-program.

    :param Client client: What is known of the customer's device.
    :rtype: bool
    """
    return client.is_wechat and 'miniprogram' in client.user_agent.lower()
