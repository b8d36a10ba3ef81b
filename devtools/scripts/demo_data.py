# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Turn a database with all addons into a small Chinese shop. Read by `odoo shell`."""

env = env  # noqa: F821 given by the shell


def translated(record, **values):
    """Write the Chinese texts of a record."""
    record.with_context(lang='zh_CN').write(values)


def company():
    """Make the main company a Chinese one that trades in CNY."""
    cny = env.ref('base.CNY')
    cny.active = True
    main = env.ref('base.main_company')
    main.write({
        'name': "Hillside Tea House",
        'country_id': env.ref('base.cn').id,
        'currency_id': cny.id,
        'city': "Hangzhou",
        'street': "1 Hillside Road",
        'zip': "310000",
    })
    env['product.pricelist'].search([]).write({'currency_id': cny.id})
    chinese = env['res.lang']._lang_get('zh_CN')
    for website in env['website'].search([]):
        website.name = "Hillside Tea House"
        website.language_ids |= chinese
        website.default_lang_id = chinese


def products():
    """Put goods and a service on sale."""
    for name, chinese, price, kind in (
        ("Longjing green tea, 50 g", "龙井绿茶 50 克", 9.90, 'consu'),
        ("Pu'er tea cake, 357 g", "普洱茶饼 357 克", 128.00, 'consu'),
        ("White porcelain cup", "白瓷茶杯", 39.00, 'consu'),
        ("Tea tasting, one hour", "品茶体验（一小时）", 88.00, 'service'),
    ):
        product = env['product.template'].create({
            'name': name,
            'list_price': price,
            'type': kind,
            'is_published': True,
            'invoice_policy': 'order',
            'taxes_id': [],
        })
        translated(product, name=chinese)


def carrier():
    """Have one way of delivery: free of charge and published."""
    env['delivery.carrier'].search([]).write({'website_published': False})
    product = env['product.product'].create({
        'name': "Free delivery", 'type': 'service', 'list_price': 0, 'taxes_id': [],
        'sale_ok': False, 'purchase_ok': False,
    })
    free = env['delivery.carrier'].create({
        'name': "Free delivery", 'delivery_type': 'fixed', 'fixed_price': 0,
        'product_id': product.id, 'website_published': True,
    })
    translated(product, name="包邮")
    translated(free, name="包邮")


company()
products()
carrier()
env.cr.commit()
