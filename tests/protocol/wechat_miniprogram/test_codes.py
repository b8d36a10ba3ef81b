# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import pytest

from tests.protocol.loader import load, load_vectors

codes = load('wechat_miniprogram').codes

VECTOR = next(
    vector for vector in load_vectors('wechat-platform')['vectors']
    if vector['name'] == 'wxacode_scene_validation'
)


@pytest.mark.parametrize(('scene', 'valid'), list(zip(
    VECTOR['inputs']['cases'], VECTOR['expected']['valid'], strict=True)))
def test_scenes_of_the_vector(scene, valid):
    assert codes.is_scene(scene) is valid


def test_keys_are_scenes_that_nobody_can_guess():
    keys = {codes.make_key() for _number in range(1000)}
    assert len(keys) == 1000
    assert all(codes.is_key(key) and codes.is_scene(key) and len(key) == 23 for key in keys)


@pytest.mark.parametrize('scene', [None, '', '~', 'id=5', '~' + 'a' * 21, '~' + 'a' * 23,
                                   'a' * 23, '~' + 'a' * 21 + '=', '~' + 'a' * 22 + '\n'])
def test_what_is_no_key(scene):
    assert not codes.is_key(scene)


@pytest.mark.parametrize(('path', 'valid'), [
    ('pages/index/index', True), ('index', True), ('pages/a-b_c.d', True), ('/pages/a', False),
    ('pages/a?b=1', False), ('pages/a#b', False), ('', False), (None, False), ('页面/a', False),
    ('pages/a b', False), ('a' * 1025, False), ('pages/a\n', False),
])
def test_pages(path, valid):
    assert codes.is_page(path) is valid


@pytest.mark.parametrize(('query', 'valid'), [
    ('', True), (None, True), ('id=5&a=%E4%B8%AD', True), ('a=中', False), ('a b', False),
    ('a' * 1024, True), ('a' * 1025, False), ('a="b"', False), ('a=1\n', False),
])
def test_queries(query, valid):
    assert codes.is_query(query) is valid


@pytest.mark.parametrize(('content', 'kind'), [
    (b'\x89PNG\r\n\x1a\n...', 'image/png'), (b'\xff\xd8\xff\xe0', 'image/jpeg'), (b'{"a":1}', None),
    (b'', None), (b'GIF89a', None),
])
def test_pictures_are_told_by_their_beginning(content, kind):
    assert codes.image_type(content) == kind
