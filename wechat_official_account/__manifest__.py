# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
{
    'name': "WeChat Official Account",
    'version': '19.0.1.0.0',
    'category': 'Website/WeChat',
    'summary': "Log in on web pages with WeChat, JSSDK, messages of official accounts",
    'author': "Odoo WeChat contributors",
    'license': 'LGPL-3',
    'depends': ['wechat', 'portal'],
    'external_dependencies': {'python': ['pycryptodome']},
    'data': [
        'security/ir.model.access.csv',
    ],
}
