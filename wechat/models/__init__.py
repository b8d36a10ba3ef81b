# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from . import wechat_app
from . import wechat_app_state
from . import wechat_app_request
from . import wechat_app_token
from . import wechat_call
from . import wechat_identity
from . import wechat_token
from . import res_users
from . import res_config_settings
