# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
{
    'name': "WeChat Pay: Sales Orders",
    'version': '19.0.1.0.0',
    'category': 'Sales/Sales',
    'summary': "Pay sales orders with WeChat Pay",
    'author': "Odoo WeChat contributors",
    'license': 'LGPL-3',
    'depends': ['wechat_payment', 'sale'],
    'data': ['views/sale_order_views.xml'],
    'auto_install': True,
}
