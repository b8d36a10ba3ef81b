# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""`python -m sandbox`: start, say where, serve until SIGTERM or Ctrl-C."""

import argparse
import os
import signal
import sys
import threading

from .server import Server


def main():
    """:return: exit status"""
    parser = argparse.ArgumentParser(prog='python -m sandbox', description=__doc__)
    parser.add_argument('--host', default='127.0.0.1', help="address to listen on")
    parser.add_argument('--port', type=int, default=0, help="port to listen on (0: a free one)")
    parser.add_argument(
        '--backup-port', type=int, default=0, help="port of the backup host (0: a free one)",
    )
    parser.add_argument(
        '--tls-port', type=int, default=0, help="port of the TLS address (0: a free one)",
    )
    parser.add_argument('--address-file', help="write the sandbox's address into this file")
    parser.add_argument(
        '--ca-file', help="write the certificate that the TLS address is trusted by into this file",
    )
    options = parser.parse_args()
    port = options.port
    try:
        server = Server(options.host, port)
        port = options.backup_port
        backup = Server(options.host, port, main=server, role='backup')
        port = options.tls_port
        secure = Server(options.host, port, main=server, role='tls')
    except OSError as error:
        print(f"Cannot listen on {options.host}:{port}: {error}", file=sys.stderr)
        return 1
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_arguments: server.stop())
    if options.ca_file:
        _write(options.ca_file, server.sandbox.world.authority.certificate)
    if options.address_file:
        _write(options.address_file, server.address + '\n')
    print(server.address)
    print(f"Backup host: {backup.address}")
    print(f"TLS: {secure.address}", flush=True)
    others = (backup, secure)
    for other in others:
        threading.Thread(target=other.run, daemon=True).start()
    try:
        server.run()
    finally:
        server.server_close()
        for other in others:
            other.shutdown()
            other.server_close()
    return 0


def _write(path, text):
    # Written whole, then renamed: a reader never sees half of it.
    temporary = f'{path}.{os.getpid()}'
    with open(temporary, 'w', encoding='utf-8') as file:
        file.write(text)
    os.replace(temporary, path)


if __name__ == '__main__':
    sys.exit(main())
