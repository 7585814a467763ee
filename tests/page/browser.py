# SPDX-License-Identifier: Apache-2.0
"""A real browser without a window, driven over the DevTools protocol through two pipes: no driver, no network, no port."""

import base64
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import time

NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")


def find():
    """The path of a browser, or None."""
    return next((path for path in map(shutil.which, NAMES) if path), None)


class Browser:
    def __init__(self, width=1280, height=900):
        self.folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        to_browser, self._write = os.pipe()
        self._read, from_browser = os.pipe()

        def connect():  # The browser reads commands from 3 and answers on 4.
            os.dup2(to_browser, 30)
            os.dup2(from_browser, 31)
            os.dup2(30, 3)
            os.dup2(31, 4)

        # Root has no sandbox, and a container little shared memory.
        self.process = subprocess.Popen(
            [find(), "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
             "--remote-debugging-pipe", f"--user-data-dir={self.folder.name}", f"--window-size={width},{height}",
             "--hide-scrollbars", "about:blank"],
            preexec_fn=connect, close_fds=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(to_browser)
        os.close(from_browser)
        self._received = b""
        self._number = 0
        self.errors = []    # exceptions, and what the console calls errors and warnings
        self.requests = []  # addresses that were asked for
        self._events = []
        target = self.command("Target.createTarget", url="about:blank")["targetId"]
        self._session = None
        self._session = self.command("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.command(domain + ".enable")
        self.resize(width, height)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._session = None
        try:
            self.command("Browser.close")
            self.process.wait(10)
        except (OSError, RuntimeError, subprocess.TimeoutExpired):
            self.process.kill()
            self.process.wait()
        os.close(self._read)
        os.close(self._write)
        self.folder.cleanup()

    def _message(self):
        while b"\0" not in self._received:
            data = os.read(self._read, 1 << 20)
            if not data:
                raise RuntimeError("the browser has ended")
            self._received += data
        text, self._received = self._received.split(b"\0", 1)
        return json.loads(text)

    def _note(self, event):
        name, values = event.get("method"), event.get("params", {})
        if name == "Runtime.exceptionThrown":
            details = values["exceptionDetails"]
            self.errors.append(details.get("exception", {}).get("description", details["text"]))
        elif name == "Runtime.consoleAPICalled" and values["type"] in ("error", "warning", "assert"):
            self.errors.append(" ".join(str(one.get("value", one.get("description"))) for one in values["args"]))
        elif name == "Log.entryAdded" and values["entry"]["level"] in ("error", "warning"):
            self.errors.append(values["entry"]["text"])
        elif name == "Network.requestWillBeSent":
            self.requests.append(values["request"]["url"])
        self._events.append(name)

    def command(self, method, **values):
        self._number += 1
        message = {"id": self._number, "method": method, "params": values}
        if getattr(self, "_session", None):
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._message()
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']['message']}")
                return answer["result"]
            self._note(answer)

    def open(self, path):
        """Seconds until the page has loaded and drawn itself."""
        self._events.clear()
        start = time.monotonic()
        self.command("Page.navigate", url=pathlib.Path(path).resolve().as_uri())
        while "Page.loadEventFired" not in self._events:
            self._note(self._message())
        self.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
        return time.monotonic() - start

    def evaluate(self, script):
        result = self.command("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            details = result["exceptionDetails"]
            raise RuntimeError(details.get("exception", {}).get("description", details["text"]) + "\nin " + script)
        return result["result"].get("value")

    def wait_for(self, condition):
        """Until an expression is true; ten seconds at most."""
        self.evaluate("new Promise((done, fail) => { const end = performance.now() + 10000; const look = () => "
                      f"({condition}) ? done() : performance.now() > end ? fail(new Error('it never came')) : setTimeout(look, 5); look(); }})")

    def working(self):
        """Seconds that tasks of the page have taken."""
        return next(one["value"] for one in self.command("Performance.getMetrics")["metrics"] if one["name"] == "TaskDuration")

    def settle(self):
        """Until what was asked for is drawn."""
        self.evaluate("new Promise(done => setTimeout(() => requestAnimationFrame(() => requestAnimationFrame(done)), 60))")

    def key(self, key, code=None, text=None):
        for kind in ("keyDown", "keyUp"):
            self.command("Input.dispatchKeyEvent", type=kind, key=key, code=code or key,
                         **({"text": text} if text and kind == "keyDown" else {}))
        self.settle()

    def mouse(self, kind, x, y):
        self.command("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left",
                     buttons=0 if kind == "mouseReleased" else 1, clickCount=1)

    def click(self, x, y):
        self.mouse("mousePressed", x, y)
        self.mouse("mouseReleased", x, y)
        self.settle()

    def place(self, selector):
        """x, y, width, height of an element, after scrolling to it."""
        box = self.evaluate(f"(() => {{ const e = document.querySelector({json.dumps(selector)}); "
                            "e.scrollIntoView({block: 'center'}); const b = e.getBoundingClientRect(); "
                            "return [b.x, b.y, b.width, b.height]; })()")
        self.settle()
        return box

    def prefer(self, scheme):
        self.command("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.settle()

    def resize(self, width, height, scale=1):
        self.command("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=scale, mobile=False)

    def screenshot(self, path, clip=None, whole=False):
        values = {"format": "png"}
        if whole:
            size = self.command("Page.getLayoutMetrics")["cssContentSize"]
            clip = [0, 0, size["width"], size["height"]]
            values["captureBeyondViewport"] = True
        if clip:
            values["clip"] = dict(zip(("x", "y", "width", "height"), clip), scale=1)
        pathlib.Path(path).write_bytes(base64.b64decode(self.command("Page.captureScreenshot", **values)["data"]))
