# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import base64
import io
import struct
import zipfile
import zlib
from urllib.parse import urlsplit

import requests
from PIL import Image, features

from odoo.tests import HOST, tagged
from odoo.tools.image import base64_to_image

from .people_common import AVATAR, QLOGO, USER_INFO, PeopleCommon


@tagged('post_install', '-at_install')
class TestAvatar(PeopleCommon):

    def take(self, data, **kwargs):
        """Upload a picture that is taken.

        :return: its address
        """
        response = self.upload(data, **kwargs)
        self.assertEqual(response.status_code, 200, response.text)
        self.assertEqual(set(response.json()), {'avatarUrl'})
        return response.json()['avatarUrl']

    def refuse(self, data, status, word='bad_request', **kwargs):
        """Upload something that is refused."""
        response = self.upload(data, **kwargs)
        self.assertEqual(response.status_code, status, response.text)
        error = response.json()['error']
        self.assertEqual(error['data']['context']['code'], word)
        self.assertTrue(error['data']['name'].startswith('odoo.addons.wechat'))
        self.assertFalse(self.user.image_1920)
        return error

    def fetch(self, url):
        """Fetch an address as an image component does: without any cookie."""
        parts = urlsplit(url)
        self.env.flush_all()
        with self.allow_requests(all_requests=True):
            return requests.get(
                f'http://{HOST}:{self.http_port()}{parts.path}?{parts.query}', timeout=30,
            )

    def stored(self):
        """Return the picture that the contact has."""
        self.user.invalidate_recordset()
        return base64_to_image(self.user.image_1920)

    def formats(self):
        """Return the formats that are taken; Pillow can be built without WebP."""
        return ['JPEG', 'PNG', 'GIF', *(['WEBP'] if features.check('webp') else [])]

    # === WHAT IS TAKEN === #

    def test_picture_is_the_contacts_and_loads_without_a_cookie(self):
        url = self.take(self.picture(color=(200, 30, 30)))
        base = self.env['ir.config_parameter'].get_param('web.base.url')
        self.assertTrue(url.startswith(f'{base}/'), url)
        self.assertEqual(self.stored().size, (40, 30))
        response = self.fetch(url)
        self.assertEqual(response.status_code, 200)
        shown = Image.open(io.BytesIO(response.content)).convert('RGB')
        self.assertGreater(shown.getpixel((20, 15))[0], 150, "It is not the picture")

    def test_address_without_its_token_shows_nothing_of_the_picture(self):
        url = self.take(self.picture(color=(200, 30, 30)))
        for changed in (url.partition('?')[0], url.replace('access_token=', 'access_token=0')):
            shown = Image.open(io.BytesIO(self.fetch(changed).content)).convert('RGB')
            self.assertNotEqual(shown.size, (40, 30))

    def test_address_is_that_of_user_info(self):
        url = self.take(self.picture())
        answer = self.call_route(USER_INFO, nickName="Anna")
        self.assertEqual(urlsplit(answer['avatarUrl']).path, urlsplit(url).path)

    def test_all_kinds_of_pictures_are_taken(self):
        for file_format in self.formats():
            with self.subTest(file_format=file_format):
                self.take(self.picture(file_format=file_format), filename='avatar.txt')
                self.assertEqual(self.stored().size, (40, 30))

    def test_transparent_picture_stays_transparent(self):
        self.take(self.picture(color=(200, 30, 30, 0), file_format='PNG'))
        self.assertEqual(self.stored().mode, 'RGBA')

    def test_large_picture_is_made_smaller(self):
        self.take(self.picture(size=(3000, 1500)))
        self.assertEqual(self.stored().size, (1024, 512))

    def test_picture_is_turned_as_the_camera_was_held_and_the_place_is_gone(self):
        exif = Image.Exif()
        exif[0x0112] = 6
        exif[0x010f] = "Camera of Anna"
        exif.get_ifd(0x8825)[2] = (39.0, 54.0, 20.0)
        data = self.picture(size=(40, 30), exif=exif.tobytes())
        self.assertIn(b'Camera of Anna', data)
        self.take(data)
        self.assertEqual(self.stored().size, (30, 40))
        self.assertFalse(self.stored().getexif())

    def test_address_of_WeChat_at_a_later_login_does_not_hide_the_picture(self):
        self.take(self.picture())
        self.authenticate_phone(user_info={'nickName': "A", 'avatarUrl': QLOGO})
        answer = self.call_route(USER_INFO, self.authenticate_phone()['session_id'], nickName="A")
        self.assertIn('/web/image/', answer['avatarUrl'])

    def test_address_of_WeChat_that_the_person_chooses_replaces_the_picture(self):
        self.take(self.picture())
        self.assertEqual(self.call_route(USER_INFO, avatarUrl=QLOGO)['avatarUrl'], QLOGO)

    # === POLYGLOTS === #

    def assertOnlyPixels(self, marker):
        for name in ('image_1920', 'image_512', 'image_128'):
            self.user.invalidate_recordset()
            self.assertNotIn(marker, base64.b64decode(self.user[name]))

    def test_script_behind_a_picture_does_not_come_along(self):
        for file_format in self.formats():
            with self.subTest(file_format=file_format):
                marker = b'<script>alert(1)</script>'
                data = self.picture(file_format=file_format) + marker
                self.fetch(self.take(data))
                self.assertOnlyPixels(marker)

    def test_script_in_a_comment_does_not_come_along(self):
        marker = b'<?php system($_GET[0]); ?>'
        self.take(self.picture(comment=marker))
        self.assertOnlyPixels(marker)
        chunk = b'tEXt' + b'Comment\x00' + marker
        png = self.picture(file_format='PNG')
        crc = struct.pack('>I', zlib.crc32(chunk))
        text = struct.pack('>I', len(chunk) - 4) + chunk + crc
        self.take(png[:33] + text + png[33:])
        self.assertOnlyPixels(marker)

    def test_archive_behind_a_picture_does_not_come_along(self):
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, 'w') as archive:
            archive.writestr('payload-of-the-archive', 'x')
        self.take(self.picture() + stream.getvalue())
        self.assertOnlyPixels(b'payload-of-the-archive')

    # === WHAT IS REFUSED === #

    def test_what_is_no_picture_is_refused_whatever_it_is_called(self):
        for data in (
            b'', b'text', b'<html><script>alert(1)</script></html>', b'%PDF-1.4',
            b'<svg xmlns="http://www.w3.org/2000/svg"><script/></svg>',
            b'GIF89a/*<svg/onload=alert(1)>*/=1;', b'\x89PNG\r\n\x1a\n', b'RIFF0000WEBPVP8 ',
            self.picture(file_format='BMP'), self.picture(file_format='TIFF'),
            self.picture(file_format='ICO'),
        ):
            with self.subTest(data=data[:40]):
                self.refuse(data, 415)

    def test_file_that_is_too_large_is_refused(self):
        self.refuse(self.picture() + bytes(5 * 1024 * 1024), 413)

    def test_body_far_beyond_the_limit_is_not_read(self):
        response = self.upload(bytes(6 * 1024 * 1024))
        self.assertEqual(response.status_code, 413)

    def test_picture_with_too_many_pixels_is_refused_however_small_its_file(self):
        bomb = self.picture(size=(6000, 6000), color=(0, 0, 0), file_format='PNG')
        self.assertLess(len(bomb), 200_000)
        error = self.refuse(bomb, 413)
        self.assertIn("pixels", error['data']['message'])

    def test_missing_file_is_refused(self):
        self.refuse(self.picture(), 400, name='image')

    def test_pages_of_other_sites_are_refused(self):
        for origin in ('https://evil.example', 'null', 'http://127.0.0.1.evil.example', 'x',
                       f'http://{HOST}:1', f'ftp://{HOST}:{self.http_port()}'):
            with self.subTest(origin=origin):
                self.refuse(self.picture(), 403, headers={'Origin': origin})

    def test_pages_of_the_own_site_are_not(self):
        self.take(self.picture(), headers={'Origin': f'http://{HOST}:{self.http_port()}'})
        base = self.env['ir.config_parameter'].get_param('web.base.url')
        self.take(self.picture(), headers={'Origin': base})

    def test_nobody_logged_in_is_refused(self):
        response = self.raw('POST', AVATAR, files={'file': ('a.jpg', self.picture())})
        self.assertEqual(response.status_code, 401)
        self.assertEqual(response.json()['error']['code'], 100)

    def test_user_without_an_identity_is_not_linked(self):
        user = self.create_user('customer', password='a long password')
        session = self.authenticate('customer', 'a long password')
        response = self.upload(self.picture(), session_id=session.sid)
        self.assertEqual(response.status_code, 400)
        self.assertEqual(response.json()['error']['data']['context']['code'], 'not_linked')
        self.assertFalse(user.image_1920)

    def test_get_is_not_answered(self):
        self.assertEqual(self.raw('GET', AVATAR).status_code, 405)
