# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Databases: templates prepared once with Odoo's modules, copies of them that are thrown away."""

import contextlib
import os
import secrets
import shutil
import time

from . import addons, postgres, servers
from .console import say, step
from .paths import DEV, content_hash, lock

DATA = DEV / 'data'
# Each stands on the one before it and has more of Odoo's modules.
LEVELS = {
    'base': ('base_setup', 'mail', 'portal', 'web'),
    'sale': ('payment', 'sale'),
    'shop': ('website_sale',),
    'till': ('pos_online_payment',),
}
# Levels without what Odoo installs by itself where two modules meet: stock behind the shop, say.
LEAN_LEVELS = {'till'}
TEMPLATE = 'tpl_'
LANGUAGES = 'en_US,zh_CN'  # the first one is the default


def data_dir(name):
    """Return Odoo's data folder for a database: file store and sessions."""
    return DATA / name


def level_for(names, source):
    """Return the smallest template that has all of Odoo's modules that the addons need."""
    needed = addons.foreign_dependencies(names, source)
    has = set()
    for level, modules in LEVELS.items():
        has |= _closure(modules, source)
        if needed <= has:
            return level
    return level


def _closure(modules, source):
    found, todo = set(), list(modules)
    while todo:
        name = todo.pop()
        described = None if name in found else source.manifest(name)
        if described is not None:
            found.add(name)
            todo += described.get('depends', ['base'])
    return found


def ensure_template(level, source):
    """Return the name of the template database of a level, made if it is not there yet."""
    names = list(LEVELS)
    index = names.index(level)
    parent_level = names[index - 1] if index else None
    parent = ensure_template(parent_level, source) if parent_level else None
    key = content_hash(source.identity, parent or '', LANGUAGES, *LEVELS[level])
    modules = ','.join(LEVELS[level])

    def fill(name):
        lean = ['--skip-auto-install'] if level in LEAN_LEVELS else []
        servers.run_odoo(source, name, f'template-{level}', [
            '-i', modules, f'--load-language={LANGUAGES}', '--stop-after-init', *lean])

    return ensure(f'{TEMPLATE}{level}_{key}', parent, fill,
                  f'preparing a database with {", ".join(LEVELS[level])}',
                  lambda: servers.loading_progress(f'template-{level}'))


def ensure_installed(names, source):
    """Return the name of a template database with these addons of the project installed.

    There is a web shop in it, and whatever else of Odoo's the addons need.
    """
    level = max('shop', level_for(names, source), key=list(LEVELS).index)
    parent = ensure_template(level, source)
    key = content_hash(parent, ','.join(names), addons.fingerprint(names))

    def fill(name):
        servers.run_odoo(source, name, 'template-addons', [
            '-i', ','.join(names), '--stop-after-init'])

    return ensure(f'{TEMPLATE}addons_{key}', parent, fill,
                  f'installing {", ".join(names)}',
                  lambda: servers.loading_progress('template-addons'))


def ensure(name, parent, fill, title, progress=None):
    """Return `name` after making that database from `parent` by `fill(name)` if it is not there.

    Older ones of its kind (same name but for the key at its end) are dropped.
    """
    if exists(name):
        return name
    kind = name.rpartition('_')[0]
    with lock(f'database-{kind}', lambda: say(f'▸ waiting for another ./dev: {title} …')):
        if exists(name):
            return name
        with step(title, progress, every=10):
            part = f'part_{name}'
            drop(part)
            create(part, parent)
            fill(part)
            _rename(part, name)
        for other in names_like(f'{kind}_%'):
            # One level's name must not be the beginning of another's.
            if other != name and other.rpartition('_')[0] == kind:
                with contextlib.suppress(Exception):
                    drop(other, force=False)
    return name


def names_like(pattern):
    """Return the names of the databases that match an SQL LIKE pattern."""
    with contextlib.closing(postgres.connect()) as connection, connection.cursor() as cursor:
        cursor.execute('SELECT datname FROM pg_database WHERE datname LIKE %s', (pattern,))
        return [row[0] for row in cursor.fetchall()]


def exists(name):
    """Tell whether the database is there."""
    return bool(names_like(name.replace('_', r'\_')))


def create(name, template=None):
    """Create a database, empty or as a copy of a template with its file store."""
    with contextlib.closing(postgres.connect()) as connection, connection.cursor() as cursor:
        if template is None:
            cursor.execute(f'CREATE DATABASE "{name}" ENCODING \'unicode\' TEMPLATE template0')
        else:
            fast = ' STRATEGY FILE_COPY' if connection.server_version >= 150000 else ''
            cursor.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"{fast}')
    if template:
        files = data_dir(template) / 'filestore' / template
        if files.is_dir():
            # Files of the store are named after their content and never changed: link them.
            shutil.copytree(files, data_dir(name) / 'filestore' / name, copy_function=os.link)


def drop(name, force=True):
    """Drop a database and its data folder, if they are there."""
    with contextlib.closing(postgres.connect()) as connection, connection.cursor() as cursor:
        cursor.execute(f'DROP DATABASE IF EXISTS "{name}"' + (' WITH (FORCE)' if force else ''))
    shutil.rmtree(data_dir(name), ignore_errors=True)
    for path in (DEV / 'conf').glob(f'*-{name}.conf'):
        path.unlink(missing_ok=True)


def _rename(old, new):
    with contextlib.closing(postgres.connect()) as connection, connection.cursor() as cursor:
        files = data_dir(old) / 'filestore' / old
        if files.is_dir():
            target = data_dir(new) / 'filestore' / new
            shutil.rmtree(data_dir(new), ignore_errors=True)
            target.parent.mkdir(parents=True)
            files.rename(target)
        shutil.rmtree(data_dir(old), ignore_errors=True)
        cursor.execute(f'ALTER DATABASE "{old}" RENAME TO "{new}"')


@contextlib.contextmanager
def copy_of(template, purpose):
    """Have a throw-away copy of a template for the time of the block; gives its name."""
    name = f'tmp_{purpose}_{os.getpid()}_{secrets.token_hex(3)}'
    create(name, template)
    try:
        yield name
    finally:
        drop(name)


def clean_up():
    """Drop what runs that were killed have left. Only for who uses the server alone."""
    for name in names_like(r'tmp\_%') + names_like(r'part\_%'):
        drop(name)
    known = set(names_like('%'))
    if DATA.is_dir():
        for folder in DATA.iterdir():
            if folder.name not in known:
                shutil.rmtree(folder, ignore_errors=True)
    _forget_old_files()


def _forget_old_files():
    """Delete logs and other small files that nobody will read any more."""
    limit = time.time() - 2 * 86400
    for folder in ('log', 'conf', 'ports'):
        for path in (DEV / folder).glob('*'):
            with contextlib.suppress(OSError):
                if path.stat().st_mtime < limit:
                    path.unlink()


def running():
    """Have PostgreSQL running, cleaned of leftovers, for the time of a with block."""
    return postgres.running(on_first=clean_up)
