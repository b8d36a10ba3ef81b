# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What was wrong with a call about bills, red packets or transfers, in Chinese."""

TABLE = {
    # bills
    "bill_date must be before today": "账单日期应早于今天",
    "bill_date is more than three months ago": "账单日期已超过三个月",
    "must be a day like 2026-01-02": "日期格式应如2026-01-02",
    "must be a day like 20260102": "日期格式应如20260102",
    "is no day": "不是日期",
    "the bill is not ready yet": "账单尚未生成",
    "nothing happened on that day": "当天没有业务",
    "download_url does not exist or is older than 5 minutes": "下载地址不存在或已超过5分钟",
    "the bill is another merchant's": "账单属于其他商户",
    # red packets
    "must be {} to {}": "应为{}到{}",
    "each must be {} to {} fen": "每个红包应为{}到{}分",
    "must be of type {}": "类型应为{}",
    "is not an openid of wxappid": "不是wxappid下的openid",
    "mch_billno was used with another {}": "此商户订单号已使用，且以下参数不同：{}",
    "the person has got as many today as there may be": "该用户今日领取的红包个数已达上限",
    "the red packet has failed": "红包发放失败",
    "there is no such red packet": "没有此红包",
    "red packets have no sign_type: MD5 is the only one": "红包接口没有sign_type，只支持MD5",
    # transfers
    "only digits and letters are allowed": "只能包含数字和字母",
    "is required from 2000.00 yuan on": "2000.00元起必填",
    "is not allowed below 0.30 yuan": "低于0.30元时不能填写",
    "transfer_amount is out of the limits": "转账金额超出限制",
    "transfer_scene_id is not granted to this merchant": "商户未获得该转账场景的授权",
    "user_recv_perception must be one of {}": "user_recv_perception应为{}之一",
    "transfer_scene_report_infos must be {}": "转账场景报备信息应为：{}",
    "out_bill_no was used with another {}": "此商户单号已使用，且以下参数不同：{}",
    "this merchant has no transfer of this number": "此商户没有该单号的转账",
    "a transfer that is {} cannot be cancelled": "状态为{}的转账不能撤销",
    "this call has no body": "此接口没有请求体",
}
