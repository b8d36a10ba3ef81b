# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from . import (
    wechat_app,
    wechat_app_code,
    wechat_miniprogram_page,
    wechat_miniprogram_target,
    wechat_scene,
)
