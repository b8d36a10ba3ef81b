# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
{
    'name': "WeChat Pay: Operations",
    'version': '19.0.1.0.0',
    'category': 'Accounting/Accounting',
    'summary': "Daily bills and reconciliation with WeChat Pay, red packets, transfers",
    'author': "Odoo WeChat contributors",
    'license': 'LGPL-3',
    'depends': ['wechat_payment', 'account_payment'],
    'data': [
        'security/wechat_pay_payout_groups.xml',
        'security/ir.model.access.csv',
        'security/wechat_pay_bill_security.xml',
        'security/wechat_pay_payout_security.xml',
        'data/ir_cron_data.xml',
        'data/ir_cron_payout_data.xml',
        'data/wechat_pay_transfer_scene_data.xml',
        'views/wechat_pay_bill_line_views.xml',
        'views/wechat_pay_bill_views.xml',
        'wizards/wechat_pay_bill_fetch_views.xml',
        'views/payment_provider_views.xml',
        'views/menus.xml',
    ],
}
