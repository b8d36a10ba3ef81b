# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from . import wechat_miniprogram_code, wechat_miniprogram_link, wechat_user_merge
