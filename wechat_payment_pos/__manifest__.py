# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
{
    'name': "WeChat Pay: Point of Sale",
    'version': '19.0.1.0.0',
    'category': 'Sales/Point of Sale',
    'summary': "Pay orders of the point of sale with WeChat Pay on the customer's phone",
    'author': "Odoo WeChat contributors",
    'license': 'LGPL-3',
    'depends': ['wechat_payment', 'pos_online_payment'],
    'data': ['security/wechat_payment_pos_groups.xml'],
    'auto_install': True,
}
