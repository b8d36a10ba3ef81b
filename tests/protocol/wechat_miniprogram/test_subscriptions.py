# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import json

import pytest

from tests.protocol.loader import load

subscriptions = load('wechat_miniprogram').subscriptions
CLIENT, EVENT, WINDOW = subscriptions.CLIENT, subscriptions.EVENT, subscriptions.WINDOW


def total(reports):
    """Return how many consents are counted of (side, seconds) or (side, seconds, number)."""
    pending, counted = {}, 0
    for index, (side, now, *number) in enumerate(reports):
        counted += subscriptions.count(pending, side, number[0] if number else str(index), now)
        pending = json.loads(json.dumps(pending))  # as the database keeps it
    return counted


@pytest.mark.parametrize(('reports', 'expected'), [
    # One tap, told by both in either order, or by one of them.
    ([(CLIENT, 0), (EVENT, 1)], 1), ([(EVENT, 0), (CLIENT, 1)], 1),
    ([(CLIENT, 0)], 1), ([(EVENT, 0)], 1),
    # Two taps.
    ([(CLIENT, 0), (CLIENT, 1), (EVENT, 2), (EVENT, 3)], 2),
    ([(CLIENT, 0), (EVENT, 1), (EVENT, 2), (CLIENT, 3)], 2),
    ([(EVENT, 0), (CLIENT, 1), (CLIENT, 2), (EVENT, 3)], 2),
    # One side lost one of them.
    ([(CLIENT, 0), (EVENT, 1), (CLIENT, 2)], 2), ([(EVENT, 0), (EVENT, 1), (CLIENT, 2)], 2),
    # Past the window a counterpart is another tap.
    ([(CLIENT, 0), (EVENT, WINDOW + 1)], 2), ([(CLIENT, 0), (EVENT, WINDOW)], 1),
    # The same report again, as Odoo handles it after a serialization failure.
    ([(CLIENT, 0, 'a'), (CLIENT, 1, 'a')], 1), ([(EVENT, 0, 'a'), (EVENT, 1, 'a')], 1),
    ([(CLIENT, 0, 'a'), (EVENT, 1, 'b'), (EVENT, 2, 'b'), (CLIENT, 3, 'a')], 1),
])
def test_one_tap_counts_once(reports, expected):
    assert total(reports) == expected


def test_a_client_that_reports_without_end_is_not_believed():
    assert total([(CLIENT, number) for number in range(100)]) == subscriptions.MAX_PENDING


@pytest.mark.parametrize(('code', 'expected'), [
    ('zh_CN', 'zh_CN'), ('zh_TW', 'zh_TW'), ('zh_HK', 'zh_HK'), ('en_US', 'en_US'),
    ('en_GB', 'en_US'), ('fr_FR', 'en_US'), ('zh_Hant', 'zh_TW'), ('zh_SG', 'zh_CN'),
    ('', 'zh_CN'), (None, 'zh_CN'), (False, 'zh_CN'),
])
def test_languages_of_the_card(code, expected):
    assert subscriptions.language(code) == expected


@pytest.mark.parametrize(('items', 'expected'), [
    ([{'keywordCode': 'enum_string2.DATA', 'enumValueList': ["客厅", "餐厅"]}],
     {'enum_string2': ["客厅", "餐厅"]}),
    ([{'keywordCode': 'enum1', 'enumValueList': [1]}], {'enum1': ['1']}),
    (None, {}), ([None], {}), ([{}], {}), ('x', {}), ([{'keywordCode': 'a'}], {'a': []}),
])
def test_values_of_a_list_are_read(items, expected):
    assert subscriptions.read_options(items) == expected
