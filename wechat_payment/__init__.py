# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo.addons.payment import reset_payment_provider, setup_provider

from . import controllers, models, wizards


def post_init_hook(env):
    """Give every company its provider record."""
    setup_provider(env, 'wechat_pay')


def uninstall_hook(env):
    """Disable the provider records, which transactions may still reference."""
    reset_payment_provider(env, 'wechat_pay')
