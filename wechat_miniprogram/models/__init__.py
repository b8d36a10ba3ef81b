# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from . import res_users
from . import wechat_app
from . import wechat_identity
