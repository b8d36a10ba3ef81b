# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from . import (
    wechat_pay_abnormal_refund,
    wechat_pay_fetch_comments,
    wechat_pay_find_refund,
    wechat_pay_refund,
)
