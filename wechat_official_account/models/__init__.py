# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from . import (
    res_users,
    wechat_app_follower,
    wechat_app_jssdk,
    wechat_app_oauth,
    wechat_app_reply,
    wechat_app_template,
    wechat_follower_sync,
    wechat_identity_binding,
    wechat_identity_follower,
    wechat_menu,
    wechat_menu_button,
    wechat_message_log,
    wechat_message_template,
    wechat_oauth_state,
    wechat_reply_article,
    wechat_reply_rule,
)
