"""Moves a folder as an editor does: asks a language server what else has to change (`workspace/willRenameFiles`).

    python tools/migrate/benchmarks/editor.py ROOT django/utils django/core/utils -- ty server

Owns the client's half of the protocol, as far as one question needs it: the server is started, told about the folder,
asked, and ended; its edits are applied.  Moving the files is the client's business, and done last.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

_PATIENCE = 60.0  # seconds in which a server may go on knowing nothing
_CAPABILITIES = {
    "workspace": {
        "fileOperations": {"willRename": True, "didRename": True},
        "workspaceEdit": {"documentChanges": True, "resourceOperations": ["rename", "create", "delete"]},
        "workspaceFolders": True,
        "configuration": True,
        "didChangeWatchedFiles": {"dynamicRegistration": True},
    },
    "window": {"workDoneProgress": True},
    "general": {"positionEncodings": ["utf-16"]},
}


class Server:
    """A language server at the other end of two pipes."""

    def __init__(self, command: list[str], root: Path) -> None:
        self.root = root
        self._process = subprocess.Popen(
            command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self._last = 0

    def send(self, **message: Any) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self._process.stdin is not None
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self._process.stdin.flush()

    def _receive(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        length = 0
        while line := self._process.stdout.readline().strip():
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        if not length:
            raise SystemExit("the server has ended")
        found: dict[str, Any] = json.loads(self._process.stdout.read(length))
        return found

    def ask(self, method: str, params: Any) -> Any:
        """The server's answer; what the server asks meanwhile gets the answer of a client without settings."""
        self._last += 1
        self.send(id=self._last, method=method, params=params)
        while True:
            message = self._receive()
            if "method" in message and "id" in message:
                asked = message.get("params") or {}
                empty = [None] * len(asked.get("items", ())) if message["method"] == "workspace/configuration" else None
                self.send(id=message["id"], result=empty)
            elif message.get("id") == self._last:
                if "error" in message:
                    raise SystemExit(f"{method}: {message['error']}")
                return message.get("result")

    def start(self) -> None:
        where = {"uri": self.root.as_uri(), "name": self.root.name}
        options = {"processId": os.getpid(), "rootUri": where["uri"], "workspaceFolders": [where]}
        self.ask("initialize", {**options, "capabilities": _CAPABILITIES})
        self.send(method="initialized", params={})

    def end(self) -> None:
        self.ask("shutdown", None)
        self.send(method="exit")
        self._process.communicate(timeout=30)


def edits_of(answer: Mapping[str, Any] | None) -> dict[Path, list[dict[str, Any]]]:
    """The edits of a WorkspaceEdit by file; renames of files, which are the client's own, left out."""
    found: dict[Path, list[dict[str, Any]]] = {}
    listed: list[tuple[str, Iterable[dict[str, Any]]]] = list(((answer or {}).get("changes") or {}).items())
    for change in (answer or {}).get("documentChanges") or ():
        if "textDocument" in change:
            listed.append((change["textDocument"]["uri"], change["edits"]))
    for uri, edits in listed:
        found.setdefault(Path(unquote(urlsplit(uri).path)), []).extend(edits)
    return found


def applied(text: str, edits: Iterable[Mapping[str, Any]]) -> str:
    """The text after these edits, whose columns count UTF-16 units."""
    starts = [0]
    for line in text.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))

    def offset(place: Mapping[str, int]) -> int:
        start = starts[min(place["line"], len(starts) - 1)]
        units = text[start:].partition("\n")[0].encode("utf-16-le")[: 2 * place["character"]]
        return start + len(units.decode("utf-16-le", "ignore"))

    spans = {(offset(e["range"]["start"]), offset(e["range"]["end"]), e["newText"]) for e in edits}
    for start, end, new in sorted(spans, reverse=True):
        text = text[:start] + new + text[end:]
    return text


def main(root: Path, source: str, target: str, command: list[str]) -> int:
    """Open a file of the package, ask until there is an answer, apply it, move."""
    server = Server(command, root)
    server.start()
    shown = root / source / "__init__.py"
    document = {"uri": shown.as_uri(), "languageId": "python", "version": 1, "text": shown.read_text(encoding="utf-8")}
    server.send(method="textDocument/didOpen", params={"textDocument": document})
    found = _answer(server, root / source, root / target)
    server.end()
    for path, edits in found.items():
        path.write_bytes(applied(path.read_bytes().decode(), edits).encode())
    (root / source).rename(root / target)
    print(f"{len(found)} files, {sum(map(len, found.values()))} edits")
    return 0


def _answer(server: Server, source: Path, target: Path) -> dict[Path, list[dict[str, Any]]]:
    """Some servers know folders, others only files; some say nothing until they have read the tree."""
    files = [p for p in sorted(source.rglob("*")) if p.suffix in (".py", ".pyi")]
    asked = [[(source, target)], [(p, target / p.relative_to(source)) for p in files]]
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        for pairs in asked:
            renames = [{"oldUri": old.as_uri(), "newUri": new.as_uri()} for old, new in pairs]
            found = edits_of(server.ask("workspace/willRenameFiles", {"files": renames}))
            if found:
                return found
        time.sleep(0.2)
    raise SystemExit("the server has nothing to change")


if __name__ == "__main__":
    where = sys.argv.index("--")
    sys.exit(main(Path(sys.argv[1]).resolve(), sys.argv[2], sys.argv[3], sys.argv[where + 1 :]))
