# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo.tests import tagged

from odoo.addons.wechat_official_account.tests.account_common import AccountCommon

# What clients may call of the models of messages: buttons, which check the access.
BUTTONS = {
    'wechat.message.template': {
        'action_preview', 'action_add_to_menu', 'action_remove_from_menu', 'action_open_log',
    },
    'wechat.message.template.line': set(),
    'wechat.message.log': {'action_send_again', 'action_cancel', 'action_open_record'},
    'wechat.message.composer': {'action_send'},
    'wechat.reply.rule': {'action_upload_image'},
    'wechat.reply.article': set(),
    'wechat.menu': {'action_publish', 'action_fetch', 'action_remove'},
    'wechat.menu.button': set(),
    'wechat.follower.sync': {'action_stop', 'action_resume'},
}
# Overrides of methods of the ORM.
CORE = {'create', 'write', 'unlink', 'default_get'}
# What other addons add to these models is theirs to test.
OWN_MODULES = ('odoo.addons.wechat.', 'odoo.addons.wechat_official_account.')


@tagged('post_install', '-at_install')
class TestMessageAccess(AccountCommon):

    def test_nothing_but_buttons_can_be_called_by_clients(self):
        for name, allowed in BUTTONS.items():
            model = type(self.env[name])
            own = {
                attribute
                for cls in model.__mro__ if cls.__module__.startswith(OWN_MODULES)
                for attribute, value in vars(cls).items()
                if not attribute.startswith('_') and callable(value)
            }
            with self.subTest(model=name):
                self.assertEqual(own - CORE - set(model._fields), allowed)
