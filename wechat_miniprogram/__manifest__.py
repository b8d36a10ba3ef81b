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
    'data': [
        'security/ir.model.access.csv',
        'security/wechat_reaching_rules.xml',

        'report/wechat_miniprogram_code_report.xml',
        'views/wechat_miniprogram_page_views.xml',
        'views/wechat_scene_views.xml',
        'views/wechat_app_reaching_views.xml',
        'wizards/wechat_miniprogram_code_views.xml',
        'wizards/wechat_miniprogram_link_views.xml',
        'views/wechat_reaching_menus.xml',  # Depends on the actions of the other views.
    ],
}
