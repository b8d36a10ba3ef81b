# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
{
    'name': "WeChat Mini-program",
    'version': '19.0.1.0.0',
    'category': 'Website/WeChat',
    'summary': "Log mini-program customers into Odoo",
    'author': "Odoo WeChat contributors",
    'license': 'LGPL-3',
    'depends': ['wechat'],
    'external_dependencies': {'python': ['pycryptodome']},
}
