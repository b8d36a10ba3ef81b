# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Load an addon's ``protocol`` package without Odoo.

Importing ``wechat_payment.protocol`` by its folder would run the addon's ``__init__``, which
imports Odoo. The package is therefore registered under a name of its own, ``<addon>_protocol``.
"""

import importlib.util
import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VECTORS = Path(__file__).resolve().parent / 'vectors'


def load(addon):
    """Return the ``protocol`` package of an addon as the module ``<addon>_protocol``.

    :param str addon: The addon's folder name.
    :return: The package; its modules are imported as ``<addon>_protocol.<module>``.
    :rtype: module
    """
    name = f'{addon}_protocol'
    if name not in sys.modules:
        folder = ROOT / addon / 'protocol'
        spec = importlib.util.spec_from_file_location(
            name, folder / '__init__.py', submodule_search_locations=[str(folder)],
        )
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return sys.modules[name]


def load_vectors(name):
    """Return the worked vectors of one protocol document.

    :param str name: ``wechat-pay`` or ``wechat-platform``.
    :return: The whole file; ``vectors`` is a list of {name, family, inputs, expected}.
    :rtype: dict
    """
    return json.loads((VECTORS / f'{name}.json').read_text(encoding='utf-8'))
