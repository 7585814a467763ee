# SPDX-License-Identifier: Apache-2.0
"""What tests of pages share: pages are made by the command and opened in a real browser without a window, and after every
test nothing has complained or asked for the network."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

from browser import Browser, find

TILEMESH = os.environ["TILEMESH"]
FOLDER = tempfile.TemporaryDirectory()


def tilemesh(*arguments, codes=(0,)):
    ran = subprocess.run([TILEMESH, *map(str, arguments)], capture_output=True, text=True)
    if ran.returncode not in codes:
        raise RuntimeError(f"tilemesh {arguments}: exit code {ran.returncode}\n{ran.stderr}")


def made(name, *arguments, codes=(0,)):
    """The page and the result of `tilemesh run`, made once."""
    page, result = pathlib.Path(FOLDER.name, name + ".html"), pathlib.Path(FOLDER.name, name + ".json")
    if not page.exists():
        tilemesh("run", *arguments, "--report", page, "--json", result, "--quiet", codes=codes)
    return page, json.loads(result.read_text())


def attention():
    return made("attention", "multi_user_decode_validation")


class PageCase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.browser = Browser()

    @classmethod
    def tearDownClass(cls):
        cls.browser.__exit__()

    def open(self, page, scheme="light"):
        b = self.browser
        b.errors.clear()
        b.requests.clear()
        b.resize(1280, 900)
        b.prefer(scheme)
        seconds = b.open(page)
        b.wait_for("document.documentElement.dataset.drawn === 'true'")
        return seconds

    def tearDown(self):
        self.assertEqual(self.browser.errors, [])
        foreign = [url for url in self.browser.requests if not url.startswith(("file:///", "data:"))]
        self.assertEqual(foreign, [])

    def js(self, script):
        return self.browser.evaluate(script)

    def window(self):
        return self.js("document.getElementById('window-text').textContent")

    def drawn(self, figure):
        """What a chart shows, as something that changes when it does."""
        return self.js(f"(() => {{ const e = document.querySelector('{figure} svg, {figure} canvas'); "
                       "return e.tagName === 'svg' ? e.outerHTML : e.toDataURL(); })()")


def main():
    if not find():
        print("no Chromium here (Debian: chromium-headless-shell, tools/setup --checks installs it)", file=sys.stderr)
        sys.exit(77)
    unittest.main()
