# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
{
    'name': "WeChat Pay: Invoices",
    'version': '19.0.1.0.0',
    'category': 'Accounting/Accounting',
    'summary': "Pay customer invoices with WeChat Pay",
    'author': "Odoo WeChat contributors",
    'license': 'LGPL-3',
    'depends': ['wechat_payment', 'account_payment'],
    'data': [
        'security/wechat_payment_account_groups.xml',
        'views/account_move_views.xml',
    ],
    'auto_install': True,
}
