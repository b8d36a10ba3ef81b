# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""`./dev i18n`: the terms of the addons as Odoo exports them, and their Chinese translation."""

import contextlib
import io
import re

import polib

from . import addons, databases, odoo_source, servers
from .console import Failure, say
from .paths import DEV, ROOT
from .paths import addons as all_addons

LANGUAGE = 'zh_CN'
# Lines of the header that change with every export.
VOLATILE = ('POT-Creation-Date', 'PO-Revision-Date')


def main(arguments):
    """Export the terms of addons (all if none is named) and merge them into zh_CN.po.

    :return: exit status.
    """
    names = [argument.strip('/') for argument in arguments] or all_addons()
    unknown = set(names) - set(all_addons())
    if unknown:
        raise Failure(f'There is no addon {", ".join(sorted(unknown))}.')
    source = odoo_source.ensure()
    with databases.running():
        # All of them are installed, as when the terms are checked: Odoo exports a field that
        # another addon gives to a model as a term of the model's addon.
        template = databases.ensure_installed(all_addons(), source)
        with databases.copy_of(template, 'i18n') as database:
            for name in names:
                _update(name, _export(source, database, name))
    return 0


def exported(names):
    """Return the terms of addons as Odoo exports them now: {addon: polib.POFile}.

    Kept in `.dev/terms`, so that it costs time only after a change of an addon.
    """
    folder = DEV / 'terms'
    folder.mkdir(exist_ok=True)
    key = addons.fingerprint(names)
    paths = {name: folder / f'{name}-{key}.pot' for name in names}
    if not all(path.exists() for path in paths.values()):
        source = odoo_source.ensure()
        with databases.running():
            template = databases.ensure_installed(names, source)
            with databases.copy_of(template, 'terms') as database:
                for name in names:
                    for old in folder.glob(f'{name}-????????????.pot'):
                        old.unlink()
                    paths[name].write_text(_export(source, database, name), encoding='utf-8')
    return {name: polib.pofile(str(path)) for name, path in paths.items()}


def _export(source, database, name):
    """Return the .pot of an installed addon as text, as Odoo's own command writes it."""
    target = DEV / f'{database}-{name}.pot'
    try:
        servers.run_odoo(source, database, f'i18n-{database}', [
            '-d', database, '-l', 'pot', '-o', str(target), name], subcommand='i18n export')
        return target.read_text(encoding='utf-8')
    finally:
        with contextlib.suppress(OSError):
            target.unlink()
        servers.log_path(f'i18n-{database}').unlink(missing_ok=True)


def _update(name, text):
    folder = ROOT / name / 'i18n'
    folder.mkdir(exist_ok=True)
    template = polib.pofile(text)
    path = folder / f'{name}.pot'
    if not path.exists() or _comparable(path.read_text(encoding='utf-8')) != _comparable(text):
        path.write_text(text, encoding='utf-8')
    path = folder / f'{LANGUAGE}.po'
    old = polib.pofile(str(path)) if path.exists() else polib.POFile()
    new = _merge(template, old)
    if not path.exists() or _comparable(str(old)) != _comparable(str(new)):
        new.save(str(path))
    missing = [entry.msgid for entry in new if not entry.msgstr]
    say(f'{name}: {len(new)} terms, {len(missing)} without translation')
    for msgid in missing:
        say(f'    {msgid!r}')


def _comparable(text):
    return [line for line in io.StringIO(text)
            if not any(line.lstrip('"').startswith(word) for word in VOLATILE)]


def _merge(template, old):
    """Return the template with the translations that the old file has."""
    known = {entry.msgid: entry for entry in old}
    new = polib.POFile(wrapwidth=78)
    new.header = template.header
    new.metadata = {
        **template.metadata,
        'Language': LANGUAGE,
        'Plural-Forms': 'nplurals=1; plural=0;',
        'PO-Revision-Date': old.metadata.get(
            'PO-Revision-Date', template.metadata['POT-Creation-Date']),
        'Last-Translator': '',
        'Language-Team': '',
    }
    for entry in template:
        before = known.get(entry.msgid)
        entry.msgstr = before.msgstr if before and 'fuzzy' not in before.flags else ''
        entry.flags = [flag for flag in entry.flags if flag != 'fuzzy']
        new.append(entry)
    return new


def problems(name, template):
    """Tell what is wrong with the translations of an addon.

    :param template: polib.POFile of what Odoo exports now; None: not known.
    :return: list of texts, one per problem.
    """
    found = []
    folder = ROOT / name / 'i18n'
    pot_path, po_path = folder / f'{name}.pot', folder / f'{LANGUAGE}.po'
    if not pot_path.exists() or not po_path.exists():
        return [f'{name}/i18n: {name}.pot and {LANGUAGE}.po must be there (./dev i18n {name})']
    pot, po = polib.pofile(str(pot_path)), polib.pofile(str(po_path))
    terms = {entry.msgid for entry in pot}
    if template is not None:
        now = {entry.msgid for entry in template}
        found += [f'{pot_path.relative_to(ROOT)}: {what}: {msgid!r} (./dev i18n {name})'
                  for what, msgids in (('not there yet', now - terms), ('gone', terms - now))
                  for msgid in sorted(msgids)]
    where = po_path.relative_to(ROOT)
    translated = {entry.msgid for entry in po if not entry.obsolete}
    found += [f'{where}: not there: {msgid!r}' for msgid in sorted(terms - translated)]
    found += [f'{where}: not a term any more: {msgid!r}' for msgid in sorted(translated - terms)]
    for entry in po:
        line = f'{where}:{entry.linenum}'
        if entry.obsolete:
            found.append(f'{line}: obsolete: {entry.msgid!r}')
        elif entry.fuzzy or not entry.msgstr:
            found.append(f'{line}: fuzzy or empty: {entry.msgid!r}')
        elif _placeholders(entry.msgid) != _placeholders(entry.msgstr):
            found.append(f'{line}: its placeholders differ: {entry.msgid!r}')
    return found


def _placeholders(text):
    return sorted(re.findall(r'%\(\w+\)[sdrf]|%[sd]', text))
