# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The words of the page that runs a mini-program, English and Chinese."""

ENGLISH = {
    'title': "A mini-program on a phone",
    'intro': "The files of miniprogram/demo, as WeChat's developer tools open them. Log in, order "
             "and pay: WeChat is this sandbox, the shop is your Odoo. No money moves here.",
    'holder': "Whose phone is it",
    'new_person': "A new person",
    'restart': "Start the mini-program again",
    'wipe': "Forget everything on the phone",
    'back': "Back",
    'home': "Orders and requests",
    'other_language': "中文",
    'wechat_language': 'en',
    'no_server': "The sandbox does not know where Odoo is. ./dev demo tells it; by hand: POST "
                 "/_sandbox/simulator {\"server\": \"http://127.0.0.1:8069\"}, then load this page "
                 "again.",
    'no_files': "There is no folder miniprogram/demo beside the sandbox.",
    'pay_to': "WeChat Pay",
    'pay': "Pay",
    'receive_from': "A merchant sends you money",
    'receive': "Receive",
    'cancel': "Cancel",
    'address_book': "WeChat's address book",
    'subscribe': "Allow one message of each kind?",
    'allow': "Allow",
    'refuse': "Refuse",
    'phone_number': "Allow the mini-program to use your phone number?",
    'confirm': "OK",
}

CHINESE = {
    'title': "手机上的小程序",
    'intro': "此处运行miniprogram/demo中的文件，与微信开发者工具打开的完全相同。您可以登录、下单、"
             "付款：微信由本沙箱扮演，商店是您的Odoo，不会产生真实扣款。",
    'holder': "这是谁的手机",
    'new_person': "新用户",
    'restart': "重新启动小程序",
    'wipe': "清空手机数据",
    'back': "返回",
    'home': "订单与请求",
    'other_language': "English",
    'wechat_language': 'zh_CN',
    'no_server': "沙箱尚不知道Odoo的地址。./dev demo会自动设置；也可手动POST /_sandbox/simulator "
                 "{\"server\": \"http://127.0.0.1:8069\"}，然后重新加载本页面。",
    'no_files': "沙箱旁没有miniprogram/demo文件夹。",
    'pay_to': "微信支付",
    'pay': "立即支付",
    'receive_from': "商家向您转账",
    'receive': "确认收款",
    'cancel': "取消",
    'address_book': "微信地址簿",
    'subscribe': "是否允许各发送一条消息？",
    'allow': "允许",
    'refuse': "拒绝",
    'phone_number': "是否允许小程序使用您的手机号？",
    'confirm': "确定",
}

LANGUAGES = {'en': ENGLISH, 'zh': CHINESE}
