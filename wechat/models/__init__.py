# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from . import (
    res_config_settings,
    res_users,
    wechat_app,
    wechat_app_message,
    wechat_app_request,
    wechat_app_state,
    wechat_app_token,
    wechat_call,
    wechat_identity,
    wechat_token,
)
