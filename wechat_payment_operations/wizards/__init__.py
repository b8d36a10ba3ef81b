# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from . import wechat_pay_bill_fetch, wechat_pay_payout_batch_create, wechat_pay_payout_batch_people
