# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A real browser for tests: headless Chromium by its DevTools protocol."""

import base64
import contextlib
import itertools
import json
import shutil
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path

import websocket

PROGRAMS = ('chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable')


def program():
    """Return the path of a browser, None if there is none on this machine."""
    return next(filter(None, map(shutil.which, PROGRAMS)), None)


# What Chromium says of a page that went away while it was asked.
PAGE_GONE = ('navigated or closed', 'context was destroyed', 'Cannot find context')


class Navigated(AssertionError):
    """The page went away while it was asked; the next one may answer."""


class Browser:
    """One page of a browser without a window. A context manager."""

    def __init__(self, width=1000, height=800, language='zh-CN'):
        self.size = (width, height)
        self.language = language
        self.problems = []  # what the page complained about in its console

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            folder = stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True))
            self.process = subprocess.Popen(
                [program(), '--headless', '--no-sandbox', '--disable-gpu', '--no-first-run',
                 '--disable-background-networking', '--disable-dev-shm-usage',
                 '--remote-debugging-port=0', '--remote-allow-origins=*',
                 f'--user-data-dir={folder}', f'--lang={self.language}',
                 f'--window-size={self.size[0]},{self.size[1]}', 'about:blank'],
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            stack.callback(self.process.wait)
            stack.callback(self.process.kill)
            port = self._wait_for_port(Path(folder) / 'DevToolsActivePort')
            with urllib.request.urlopen(f'http://127.0.0.1:{port}/json/list', timeout=10) as answer:
                page = next(item for item in json.load(answer) if item['type'] == 'page')
            self.socket = websocket.create_connection(page['webSocketDebuggerUrl'], timeout=30)
            stack.callback(self.socket.close)
            self.numbers = itertools.count(1)
            for domain in ('Page', 'Runtime', 'Log', 'Network'):
                self.send(f'{domain}.enable')
            # No dialog of the operating system, which nobody could close.
            self.send('Page.setInterceptFileChooserDialog', enabled=True)
            width, height = self.size
            self.send('Emulation.setDeviceMetricsOverride', width=width, height=height,
                      deviceScaleFactor=2, mobile=False)
            self.stack = stack.pop_all()
        return self

    def __exit__(self, *exception):
        self.stack.close()

    def _wait_for_port(self, file):
        end = time.monotonic() + 30
        while time.monotonic() < end:
            with contextlib.suppress(OSError, IndexError):
                return int(file.read_text().splitlines()[0])
            time.sleep(0.05)
        raise AssertionError('the browser did not start')

    def send(self, method, **parameters):
        """Call the browser; returns its answer. Complaints that come meanwhile are kept."""
        number = next(self.numbers)
        self.socket.send(json.dumps({'id': number, 'method': method, 'params': parameters}))
        while True:
            message = json.loads(self.socket.recv())
            if message.get('id') == number:
                error = message.get('error')
                if error and any(words in error['message'] for words in PAGE_GONE):
                    raise Navigated(error)
                assert not error, error
                return message['result']
            self._note(message)

    def _note(self, message):
        parameters = message.get('params', {})
        if message.get('method') == 'Runtime.exceptionThrown':
            details = parameters['exceptionDetails']
            self.problems.append(details.get('exception', {}).get('description', details['text']))
        elif message.get('method') == 'Log.entryAdded':
            entry = parameters['entry']
            if entry['level'] == 'error':
                self.problems.append(f'{entry["text"]} {entry.get("url", "")}')

    def run(self, script):
        """Return the value of a JavaScript expression on the page."""
        answer = self.send('Runtime.evaluate', expression=script, returnByValue=True,
                           awaitPromise=True)
        assert 'exceptionDetails' not in answer, answer['exceptionDetails']
        return answer['result'].get('value')

    def open(self, url):
        """Go to an address and wait until it is loaded."""
        self.send('Page.navigate', url=url)
        self.wait("document.readyState === 'complete' && location.href !== 'about:blank'")

    def wait(self, condition, seconds=20):
        """Wait until a JavaScript expression is true."""
        end = time.monotonic() + seconds
        while not self._is_true(condition):
            assert time.monotonic() < end, (
                f'not within {seconds} s: {condition}\n{self.run("document.body.innerText")}\n'
                f'{self.problems}')
            time.sleep(0.05)

    def _is_true(self, condition):
        """Tell whether an expression is true; on a page that is being loaded, nothing is."""
        with contextlib.suppress(Navigated):
            return self.run(f'Boolean(document.body && ({condition}))')
        return False

    def click(self, selector, text=''):
        """Click, with the mouse, on the part of the page that a selector and a text name."""
        find = (f'[...document.querySelectorAll({json.dumps(selector)})].find((item) => '
                f'item.checkVisibility() && item.textContent.includes({json.dumps(text)}))')
        self.wait(find)
        x, y = self.run(
            f"(() => {{ const item = {find}; item.scrollIntoView({{block: 'center'}});"
            'const box = item.getBoundingClientRect();'
            'return [box.x + box.width / 2, box.y + box.height / 2]; })()')
        for kind in ('mousePressed', 'mouseReleased'):
            self.send('Input.dispatchMouseEvent', type=kind, x=x, y=y, button='left', clickCount=1)

    def write(self, text):
        """Write where the cursor is."""
        self.send('Input.insertText', text=text)

    def press(self, key):
        """Press a key."""
        codes = {'Enter': 13, 'Tab': 9}
        for kind in ('rawKeyDown', 'keyUp'):
            self.send('Input.dispatchKeyEvent', type=kind, key=key, code=key,
                      windowsVirtualKeyCode=codes[key])

    def choose_file(self, selector, path):
        """Put a file into a file input, as the dialog of the browser does."""
        self.wait(f'document.querySelector({json.dumps(selector)})')
        document = self.send('DOM.getDocument')['root']['nodeId']
        node = self.send('DOM.querySelector', nodeId=document, selector=selector)['nodeId']
        self.send('DOM.setFileInputFiles', nodeId=node, files=[str(path)])

    def screenshot(self, path, selector=None):
        """Write a picture of the page, or of a part of it, as PNG."""
        clip = {}
        if selector:
            box = self.run(f'document.querySelector({json.dumps(selector)})'
                           '.getBoundingClientRect().toJSON()')
            clip = {'clip': {**{key: box[key] for key in ('x', 'y', 'width', 'height')},
                             'scale': 1}}
        answer = self.send('Page.captureScreenshot', format='png', **clip)
        Path(path).write_bytes(base64.b64decode(answer['data']))
