"""A headless Chromium for tests of pages, driven over two pipes: no driver program, no port, no package.

Owns one browser process with one page.  `Page.run` evaluates JavaScript and gives its value; what the page writes to
its console, and every exception in it, is kept in `Page.problems`.  Keys and clicks go in as a person's would.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
OPTIONS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage", "--hide-scrollbars",
    "--remote-debugging-pipe",
)  # fmt: skip


def executable() -> str | None:
    """The browser that this machine has, if it has one."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


class Page:
    def __init__(self, process: subprocess.Popen[bytes], write: int, read: int) -> None:
        self._process, self._write, self._read = process, write, read
        self._number, self._rest, self._session = 0, b"", ""
        self.problems: list[str] = []
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self._call(f"{domain}.enable")

    def open(self, path: Path, *, width: int = 1280, height: int = 900, dark: bool = False) -> None:
        """Load a file and wait until its scripts have run."""
        self._call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._call("Emulation.setEmulatedMedia", features=[scheme])
        self._call("Page.navigate", url=path.resolve().as_uri())
        self.wait("document.readyState === 'complete' && location.protocol === 'file:'")

    def run(self, code: str) -> Any:
        """The value of an expression, in the page.  Raises AssertionError for an exception there."""
        answer = self._call("Runtime.evaluate", expression=code, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def wait(self, condition: str, seconds: float = 20) -> None:
        end = time.monotonic() + seconds
        while not self.run(f"Boolean({condition})"):
            assert time.monotonic() < end, f"never true: {condition}"
            time.sleep(0.02)

    def click(self, query: str) -> None:
        """A click of the mouse in the middle of the first element that `query` finds."""
        # What comes into view may be laid out only then, and push the element on: so more than once.
        place = self.run(
            "(async () => { const frame = () => new Promise(requestAnimationFrame);"
            f" const n = document.querySelector({json.dumps(query)});"
            " for (let i = 0; i < 3; i += 1) { n.scrollIntoView({block: 'center'}); await frame(); await frame(); }"
            " const r = n.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]; })()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self._call(
                "Input.dispatchMouseEvent", type=kind, x=place[0], y=place[1], button="left", buttons=1, clickCount=1
            )

    def press(self, key: str, text: str = "") -> None:
        """A key of the keyboard, where the focus is."""
        codes = {"Enter": 13, "Tab": 9, " ": 32}
        event: dict[str, Any] = {"key": key, "windowsVirtualKeyCode": codes.get(key, ord(key[0].upper()))}
        text = text or ("\r" if key == "Enter" else key if len(key) == 1 else "")
        self._call("Input.dispatchKeyEvent", type="keyDown", text=text, **event)
        self._call("Input.dispatchKeyEvent", type="keyUp", **event)

    def choose(self, query: str, value: str) -> None:
        """Set a field as a person would, and let the page hear of it."""
        self.run(
            f"(() => {{ const n = document.querySelector({json.dumps(query)}); n.value = {json.dumps(value)};"
            " n.dispatchEvent(new Event('input', {bubbles: true}));"
            " n.dispatchEvent(new Event('change', {bubbles: true})); })()"
        )

    def accessible(self) -> list[tuple[str, str]]:
        """(role, name) of everything that a screen reader is told of."""
        self._call("Accessibility.enable")
        nodes = self._call("Accessibility.getFullAXTree")["nodes"]
        shown = (n for n in nodes if not n.get("ignored"))
        return [(str(n["role"]["value"]), str(n.get("name", {}).get("value", ""))) for n in shown]

    def screenshot(self, place: Path, *, whole: bool = False) -> None:
        answer = self._call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        place.write_bytes(base64.b64decode(answer["data"]))

    def _call(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._number:
                assert "error" not in answer, (method, answer["error"])
                return answer["result"]  # type: ignore[no-any-return]
            self._hear(answer.get("method", ""), answer.get("params", {}))

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            part = os.read(self._read, 1 << 16)
            assert part, "the browser is gone"
            self._rest += part
        line, _, self._rest = self._rest.partition(b"\0")
        return json.loads(line)  # type: ignore[no-any-return]

    def _hear(self, method: str, parameters: dict[str, Any]) -> None:
        if method == "Runtime.consoleAPICalled":
            self.problems.append(str([a.get("value") for a in parameters["args"]]))
        elif method == "Runtime.exceptionThrown":
            self.problems.append(str(parameters["exceptionDetails"]))
        elif method == "Log.entryAdded":
            self.problems.append(str(parameters["entry"]["text"]))


@contextlib.contextmanager
def page() -> Iterator[Page]:
    """A browser with an empty page; it is gone afterwards, with all that it wrote."""
    found = executable()
    assert found is not None, "there is no browser; ask `executable` first"
    with tempfile.TemporaryDirectory(prefix="browser-", ignore_cleanup_errors=True) as profile:
        their_read, our_write = os.pipe()
        our_read, their_write = os.pipe()
        # The browser reads from 3 and writes to 4, and nothing else may have these numbers in it.
        shell = f'exec "$0" "$@" 3<&{their_read} 4>&{their_write}'
        command = ["bash", "-c", shell, found, *OPTIONS, f"--user-data-dir={profile}", "about:blank"]
        process = subprocess.Popen(
            command, pass_fds=(their_read, their_write), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        os.close(their_read)
        os.close(their_write)
        try:
            yield Page(process, our_write, our_read)
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            os.close(our_write)
            os.close(our_read)
