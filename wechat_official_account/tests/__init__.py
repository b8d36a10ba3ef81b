# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from . import (
    test_account_settings,
    test_binding,
    test_followers,
    test_menu,
    test_message_access,
    test_message_concurrency,
    test_pattern_matching,
    test_reply,
    test_reply_push,
    test_sandbox_messages,
    test_sandbox_web_login,
    test_scripts,
    test_sending,
    test_template,
    test_web_login,
    test_web_login_refusals,
)
