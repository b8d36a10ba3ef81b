# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from . import (
    wechat_app_follower,
    wechat_app_reply,
    wechat_app_template,
    wechat_follower_sync,
    wechat_identity_follower,
    wechat_menu,
    wechat_message_log,
    wechat_message_template,
    wechat_reply_rule,
)
