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
    parser.add_argument('--address-file', help="write the sandbox's address into this file")
    options = parser.parse_args()
    port = options.port
    try:
        server = Server(options.host, port)
        port = options.backup_port
        backup = Server(options.host, port, main=server)
    except OSError as error:
        print(f"Cannot listen on {options.host}:{port}: {error}", file=sys.stderr)
        return 1
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_arguments: server.stop())
    if options.address_file:
        # Written whole, then renamed: a reader never sees half an address.
        temporary = f'{options.address_file}.{os.getpid()}'
        with open(temporary, 'w', encoding='utf-8') as file:
            file.write(server.address + '\n')
        os.replace(temporary, options.address_file)
    print(server.address)
    print(f"Backup host: {backup.address}", flush=True)
    threading.Thread(target=backup.run, daemon=True).start()
    try:
        server.run()
    finally:
        server.server_close()
        backup.shutdown()
        backup.server_close()
    return 0


if __name__ == '__main__':
    sys.exit(main())
