# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from . import wechat_api_quota, wechat_hub_key_issue, wechat_message_composer, wechat_push_secrets
