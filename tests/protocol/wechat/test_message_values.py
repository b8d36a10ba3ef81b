# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import pytest

from tests.protocol.loader import load, load_vectors

values = load('wechat').message_values

VECTOR = next(
    vector for vector in load_vectors('wechat-platform')['vectors']
    if vector['name'] == 'subscribe_message_value_limits'
)
CASES = [
    (*case, valid)
    for case, valid in zip(
        VECTOR['inputs']['cases'], VECTOR['expected']['valid'], strict=True)
]


@pytest.mark.parametrize(('field_type', 'value', 'valid'), CASES)
def test_limits_of_the_vector(field_type, value, valid):
    assert values.is_valid(field_type, value) is valid


@pytest.mark.parametrize(('field_type', 'value', 'valid'), [
    ('thing', '', False),
    ('number', '1' * 32, True),
    ('number', '1' * 33, False),
    ('number', '-1.5', True),
    ('number', '1.', False),
    ('number', '１２', False),
    ('amount', '-5', False),
    ('amount', 'CNY5', False),
    ('amount', '¥9.90', True),
    ('time', '24:00', False),
    ('time', '8:05:59', True),
    ('time', '2019-10-01 08:00~2019-10-01 10:00', True),
    ('time', '08:00 ~ 09:00 ~ 10:00', False),
    ('date', '2019.10.1', True),
    ('date', '2019-10/1', False),
    ('date', '2019-10-01 25:00', False),
    ('date', '2019年10月1日~2019年10月7日', True),
    ('letter', 'é', False),
    ('phone_number', '138 0013 8000', True),
    ('phone_number', '138abc', False),
    ('name', "张三\n", False),
    ('enum', "配送", True),
    (None, "a\nb" * 200, True),
    (None, '', False),
])
def test_further_limits(field_type, value, valid):
    assert values.is_valid(field_type, value) is valid


def test_a_value_of_a_list_must_be_one_of_it():
    assert values.is_valid('enum', "已发货", ["已发货", "已签收"])
    assert not values.is_valid('enum', "在路上", ["已发货", "已签收"])


@pytest.mark.parametrize(('key', 'field_type'), [
    ('thing1', 'thing'), ('character_string12', 'character_string'), ('phone_number3',
    'phone_number'), ('keyword1', None), ('first', None), ('thing', None), ('', None),
    ('nothing1', None),
])
def test_the_type_is_in_the_key(key, field_type):
    assert values.type_of(key) == field_type


def test_fields_are_parsed_with_their_labels_once_and_in_order():
    content = (
        "{{first.DATA}}\n订单号：{{character_string1.DATA}}\r\n金额: {{amount2.DATA}} 时间："
        "{{ time3.DATA }}\n{{first.DATA}}{{other}}"
    )
    assert values.parse_content(content) == [
        ('first', ''), ('character_string1', "订单号"), ('amount2', "金额"), ('time3', "时间"),
    ]
    assert values.parse_content(None) == []


def test_texts_are_cut_to_fit_and_numbers_are_not():
    assert values.fit('thing', " 一行\n两行 ") == "一行 两行"
    long = values.fit('thing', "字" * 30)
    assert long == "字" * 19 + '…' and values.is_valid('thing', long)
    assert values.fit('character_string', 'A' * 40) == 'A' * 40
    assert values.fit(None, "a\nb") == "a\nb"
    assert values.fit('thing', None) == ''


@pytest.mark.parametrize(('color', 'valid'), [
    ('#333333', True), ('#abcDEF', True), ('red', False), ('#333', False), ('', False),
    (None, False), ('#33333g', False),
])
def test_colors(color, valid):
    assert values.is_color(color) is valid
