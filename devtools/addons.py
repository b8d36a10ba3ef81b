# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The project's addons and what they depend on."""

import ast

from .paths import ROOT, addons, content_hash

# Not part of what a database holds once the addon is installed.
NOT_INSTALLED = {'tests', 'doc', '__pycache__'}


def manifest(addon):
    """Return the manifest of one of the project's addons as a dict."""
    return ast.literal_eval((ROOT / addon / '__manifest__.py').read_text(encoding='utf-8'))


def with_own_dependencies(names):
    """Return the named addons and those of the project that they stand on, sorted."""
    own = set(addons())
    found, todo = set(), list(names)
    while todo:
        name = todo.pop()
        if name in own and name not in found:
            found.add(name)
            todo += manifest(name).get('depends', [])
    return sorted(found)


def foreign_dependencies(names, source):
    """Return Odoo's modules that the named addons need, with all that these need, as a set.

    :param source: `odoo_source.Source`
    """
    found = set()
    todo = [dependency for name in with_own_dependencies(names)
            for dependency in manifest(name).get('depends', [])]
    while todo:
        name = todo.pop()
        described = None if name in found else source.manifest(name)
        if described is not None:
            found.add(name)
            todo += described.get('depends', ['base'])
    return found


def fingerprint(names):
    """Return a text that changes with any file of the addons that an installed database holds."""
    parts = []
    for name in sorted(names):
        for path in sorted((ROOT / name).rglob('*')):
            relative = path.relative_to(ROOT)
            if path.is_file() and not NOT_INSTALLED & set(relative.parts):
                parts += [str(relative), path]
    return content_hash(*parts)
