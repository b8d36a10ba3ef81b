# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from . import (
    wechat_app_authorizer,
    wechat_app_component,
    wechat_app_component_event,
    wechat_authorization,
    wechat_component_state,
)
