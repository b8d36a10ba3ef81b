# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Turn a database with all addons into a small Chinese shop. Read by `odoo shell`."""

import base64
import io

from PIL import Image, ImageDraw, ImageFilter

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


# === PICTURES === #

SIZE = 800


def picture(draw):
    """Return a drawn picture as Odoo stores it.

    :param draw: function that draws on a canvas of `SIZE` pixels and returns nothing.
    """
    # A soft light from above, so that what stands in it does not look cut out.
    light = Image.linear_gradient('L').resize((SIZE, SIZE))
    image = Image.composite(Image.new('RGB', light.size, '#dcd6c6'),
                            Image.new('RGB', light.size, '#f3f0e8'), light)
    shadow = Image.new('L', light.size, 0)
    ImageDraw.Draw(shadow).ellipse((180, 610, 620, 680), fill=110)
    shadow = shadow.filter(ImageFilter.GaussianBlur(22))
    image.paste('#6f6a5c', (0, 0), shadow)
    draw(ImageDraw.Draw(image))
    stream = io.BytesIO()
    image.save(stream, 'JPEG', quality=88)
    return base64.b64encode(stream.getvalue())


def tea_tin(canvas):
    """Draw a green tin with a leaf on its label."""
    canvas.rounded_rectangle((260, 230, 540, 650), 26, fill='#2f6b4c')
    canvas.rounded_rectangle((250, 170, 550, 260), 20, fill='#275a40')
    canvas.rectangle((260, 340, 540, 560), fill='#f0ead8')
    leaf(canvas, 400, 450, 80, '#4f8f5f')


def tea_cake(canvas):
    """Draw a round pressed cake of dark tea with its wrapper's seal."""
    canvas.ellipse((190, 330, 610, 660), fill='#3d2a1e')
    canvas.ellipse((190, 290, 610, 620), fill='#5b402d')
    canvas.ellipse((235, 325, 565, 585), fill='#6b4c36')
    canvas.ellipse((340, 405, 460, 505), fill='#a63d2a')
    leaf(canvas, 400, 455, 38, '#f0e2c8')


def cup(canvas):
    """Draw a white cup on its saucer."""
    canvas.ellipse((200, 570, 600, 670), fill='#eeebe2')
    canvas.chord((260, 180, 540, 640), 0, 180, fill='#ffffff')
    canvas.ellipse((260, 370, 540, 450), fill='#e3dfd2')
    canvas.ellipse((278, 382, 522, 444), fill='#b98a3c')


def leaves(canvas):
    """Draw three leaves in a bowl."""
    for x, y, size in ((330, 330, 90), (470, 340, 90), (400, 260, 110)):
        leaf(canvas, x, y, size, '#4f8f5f')
    canvas.chord((200, 200, 600, 660), 0, 180, fill='#7d5a3c')
    canvas.ellipse((200, 395, 600, 465), fill='#5b402d')


def leaf(canvas, x, y, size, colour):
    """Draw a pointed leaf around a point."""
    points = [(x, y - size), (x + size * .55, y - size * .1), (x + size * .3, y + size * .6),
              (x, y + size), (x - size * .3, y + size * .6), (x - size * .55, y - size * .1)]
    canvas.polygon(points, fill=colour)
    canvas.line((x, y - size * .8, x, y + size), fill='#f3f0e8', width=max(2, int(size / 22)))


# === RECORDS === #

def products():
    """Put goods and a service on sale."""
    for name, chinese, price, kind, draw, about, about_chinese in (
        ("Longjing green tea, 50 g", "龙井绿茶 50 克", 9.90, 'consu', tea_tin,
         "Spring harvest from the hills around West Lake, pan-fired by hand.",
         "西湖群山春茶，手工炒制，清香回甘。"),
        ("Pu'er tea cake, 357 g", "普洱茶饼 357 克", 128.00, 'consu', tea_cake,
         "Ripe Pu'er of old trees, pressed in 2019.",
         "古树熟普，2019年压制，醇厚顺滑。"),
        ("White porcelain cup", "白瓷茶杯", 39.00, 'consu', cup,
         "Thin white porcelain, 120 ml.", "薄胎白瓷，容量120毫升。"),
        ("Tea tasting, one hour", "品茶体验（一小时）", 88.00, 'service', leaves,
         "Four teas and the stories behind them, in our tea house.",
         "到店品鉴四款好茶，听听它们的故事。"),
    ):
        product = env['product.template'].create({
            'name': name,
            'list_price': price,
            'type': kind,
            'is_published': True,
            'invoice_policy': 'order',
            'taxes_id': [],
            'description_ecommerce': f'<p>{about}</p>',
            'image_1920': picture(draw),
        })
        translated(product, name=chinese)
        product.update_field_translations(
            'description_ecommerce', {'zh_CN': {about: about_chinese}})


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
