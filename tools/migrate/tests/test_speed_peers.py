"""What is timed beside the tool: the clock, the half of an editor's protocol, and what other tools did to a tree."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tools.migrate.benchmarks import clock, editor, peers, speed
from tools.migrate.benchmarks.clock import Failed, measure

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="measures with /proc")

# A language server that knows one file and asks the client for its settings first.  Columns count UTF-16 units, so the
# emoji in front takes two.
SERVER = """
import json, sys

def receive():
    length = 0
    while line := sys.stdin.buffer.readline().strip():
        length = int(line.split(b":")[1])
    return json.loads(sys.stdin.buffer.read(length))

def send(**message):
    body = json.dumps(message).encode()
    sys.stdout.buffer.write(b"Content-Length: %d\\r\\n\\r\\n%s" % (len(body), body))
    sys.stdout.buffer.flush()

while True:
    message = receive()
    if message["method"] == "exit":
        break
    result = None
    if message["method"] == "initialize":
        root = message["params"]["rootUri"]
    if message["method"] == "workspace/willRenameFiles":
        send(id="s1", method="workspace/configuration", params={"items": [{}, {}]})
        assert receive() == {"jsonrpc": "2.0", "id": "s1", "result": [None, None]}
        (pair,) = message["params"]["files"]
        assert pair["oldUri"] == root + "/pkg" and pair["newUri"] == root + "/lib/pkg"
        place = {"start": {"line": 1, "character": 13}, "end": {"line": 1, "character": 16}}
        edit = {"range": place, "newText": "lib.pkg"}
        changes = {"textDocument": {"uri": root + "/a%20b.py"}, "edits": [edit]}
        result = {"documentChanges": [changes, {"kind": "rename"}]}
    if "id" in message:
        send(id=message["id"], result=result)
"""


def test_an_editor_asks_applies_and_moves(tmp_path: Path) -> None:
    root, server = tmp_path / "tree", tmp_path / "server.py"
    (root / "pkg").mkdir(parents=True)
    (root / "lib").mkdir()
    (root / "pkg" / "__init__.py").write_text("")
    (root / "a b.py").write_text("# first\n'\U0001f600'; import pkg\n", encoding="utf-8")
    server.write_text(SERVER)
    text = (root / "a b.py").read_text(encoding="utf-8")
    moved = text.replace("import pkg", "import lib.pkg")
    assert editor.main(root, "pkg", "lib/pkg", [sys.executable, str(server)]) == 0
    assert (root / "a b.py").read_text(encoding="utf-8") == moved
    assert (root / "lib/pkg/__init__.py").is_file() and not (root / "pkg").exists()


def test_the_clock_counts_the_memory_and_the_work_of_children(tmp_path: Path) -> None:
    child = "data = bytearray(b'x' * 60_000_000); import time; time.sleep(0.4)"
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    cost = measure([sys.executable, "-c", code], cwd=tmp_path)
    assert 60 < cost.memory < 200 and cost.wall > 0.4 and 0 < cost.cpu < cost.wall + 1


def test_a_command_that_fails_or_hangs_is_told(tmp_path: Path) -> None:
    with pytest.raises(Failed, match=r"exit 3\nsaid"):
        measure([sys.executable, "-c", "print('said'); raise SystemExit(3)"], cwd=tmp_path)
    start = time.perf_counter()
    with pytest.raises(Failed, match="not done in 1 s"):
        measure(["sh", "-c", "sleep 60 & wait"], cwd=tmp_path, timeout=1)
    assert time.perf_counter() - start < 20


def test_a_command_that_ends_well_when_its_children_are_ended_was_late(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def children_first(pid: int) -> None:
        for child in list(clock._family(pid))[1:]:
            os.kill(child, 9)

    monkeypatch.setattr(clock, "_end", children_first)
    with pytest.raises(Failed, match="not done in 1 s"):
        measure(["sh", "-c", "sleep 60 & wait; exit 0"], cwd=tmp_path, timeout=1)


@pytest.fixture
def job(tmp_path: Path) -> peers.Job:
    root = tmp_path / "tree"
    old, _ = speed.generate(root, 60, 6)
    speed.repository(root)
    return peers.Job(root, old, "shared.base.wire", tmp_path)


@pytest.mark.skipif(shutil.which("sed") is None, reason="needs sed")
def test_what_a_peer_did_is_counted(job: peers.Job) -> None:
    assert peers.outcome(job.root, job.old, "HEAD") == (0, 24)  # in each of six: two imports, a string, a use
    result = peers.run("replacing text (git grep, sed)", job)
    assert (result.failed, result.changed, result.left) == ("", 6, 0)
    assert "from shared.base.wire.part_0 import Part0" in (job.root / "apps/app_0/module_0.py").read_text()


def test_rope_moves_the_tree(job: peers.Job) -> None:
    result = peers.run("rope MoveModule", job)
    assert not result.failed and result.changed == 6
    assert (job.root / "shared/base/wire/part_0.py").is_file()


def test_a_peer_that_is_not_here_is_a_row_that_says_so(job: peers.Job, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(peers.PEERS, "nobody", peers._server("no-such-server"))
    (_, _, row) = peers.table([peers.run("nobody", job)])
    assert row == "| nobody | no-such-server is not installed | | | | |"
    assert not subprocess.run(
        ["git", "-C", str(job.root), "status", "--porcelain"], capture_output=True, check=True
    ).stdout


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("sed") is None, reason="needs sed")
def test_the_program_times_peers_on_trees_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = "replacing text (git grep, sed)"
    monkeypatch.setattr(peers, "PEERS", {text: peers.PEERS[text]})
    old, _ = speed.generate(tmp_path / "given", 40, 4)
    names = ["--from", old, "--to", "shared.base.wire"]
    assert speed.main(["--peers", "--folder", str(tmp_path / "given"), *names, "--jobs", "1"]) == 0
    rows = [[c.strip() for c in line.split("|")[1:-1]] for line in capsys.readouterr().out.splitlines()[-2:]]
    ours, theirs = rows
    assert ours[0] == "migrate, stages 1 to 4" and int(ours[-2]) >= 4
    assert (theirs[0], *theirs[-2:]) == (text, "4", "0")
