"""The commands of the README, for a machine that has Python 3.11, pip and git and nothing else.

    python3 dev.py demo [DIR]           all stages of the migration tool on a small legacy monorepo
    python3 dev.py test [pytest args]   the tests: all of them on all cores, or what pytest makes of the arguments
    python3 dev.py lint                 ruff, import contracts, mypy, pyright
    python3 dev.py types                mypy and pyright alone
    python3 dev.py docs                 the docs site, into build/site
    python3 dev.py setup                only make the environment

Owns the environment in `.venv`.  Standard library only, and must not import anything of this repository: it runs
before anything is installed.

How it works: the environment is made without a pip of its own and filled by the pip of the Python that started this
file (`pip --python`).  So it needs no ensurepip (Debian ships it apart), and a Python that refuses installs for the
whole system stays untouched.  A stamp in `.venv` remembers what was installed from which files; while it fits,
nothing is installed.  The exit code is that of the command.
"""

import hashlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

# Checked before anything that older versions cannot run; only the syntax of this file has to suit them.
if sys.version_info < (3, 11):  # noqa: UP036
    sys.exit("dev.py: Python 3.11 or newer is needed, this is {}.{}".format(*sys.version_info))

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
VENV_PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
STAMP = VENV / "dev-stamp.json"
REQUIREMENTS = {"dev": "requirements-dev.txt", "lint": "requirements-lint.txt", "docs": "requirements-docs.txt"}
PIP_WITH_PYTHON_OPTION = (22, 3)
USAGE_ERROR = 2
# All tests take minutes, so they share the cores, and one more runs while others wait for servers and processes; those
# start many, so not too many at once.  Who is done takes from the others: the longest tests take a minute.
EVERYTHING = ["-n", str(min(4, (os.cpu_count() or 1) + 1)), "--dist", "worksteal"]

TYPES = [["mypy"], ["pyright"]]
LINT = [["ruff", "check", "."], ["lint-imports"], *TYPES]


class SetupError(Exception):
    """The environment cannot be made: one line that says what to do."""


def main(arguments: list[str]) -> int:
    """Run one command; returns its exit code."""
    word, rest = (arguments[0], arguments[1:]) if arguments else ("", [])
    if word in ("-h", "--help", "help"):
        print((__doc__ or "").split("\n\n")[1])
        return 0
    try:
        if word == "setup" and not rest:
            prepare("dev")
            return 0
        if word == "demo":
            prepare("dev")
            return replace_process("tools.migrate", "demo", *absolute_paths(rest))
        if word == "test":
            prepare("dev")
            return replace_process("pytest", *(rest or EVERYTHING))
        if word in ("lint", "types") and not rest:
            prepare("dev", "lint")
            return run_all(LINT if word == "lint" else TYPES)
        if word == "docs" and not rest:
            prepare("dev", "docs")
            os.environ["NO_MKDOCS_2_WARNING"] = "1"  # its version is pinned
            return replace_process("mkdocs", "build", "--strict", "--quiet")
    except SetupError as error:
        print(f"dev.py: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    print(f"dev.py: what is {' '.join(arguments)!r}? Use demo, test, lint, types, docs or setup", file=sys.stderr)
    return USAGE_ERROR


def absolute_paths(arguments: list[str]) -> list[str]:
    """Commands run at the repository's root; a folder that the user names is meant from where the user is."""
    return [text if text.startswith("-") else str(Path(text).absolute()) for text in arguments]


def replace_process(module: str, *arguments: str) -> int:
    """Run a module of the environment in place of this process, so that signals and exit codes are its own."""
    command = [str(VENV_PYTHON), "-m", module, *arguments]
    os.chdir(ROOT)
    sys.stdout.flush()
    if os.name == "nt":
        return subprocess.call(command)
    os.execv(command[0], command)


def run_all(commands: list[list[str]]) -> int:
    """Run all beside each other, also after a failure: one run shows all there is to mend.  1 when any failed."""
    begun = []
    for name, *arguments in commands:
        command = [str(VENV_PYTHON.with_name(name)), *arguments]
        begun.append(
            (name, subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True))
        )
    failed = []
    for name, process in begun:
        output, _ = process.communicate()
        print(f"--- {name}\n{output}", end="", flush=True)
        if process.returncode != 0:
            failed.append(name)
    if failed:
        print(f"dev.py: failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def prepare(*groups: str) -> None:
    """Make sure that `.venv` holds what the groups name.  Raises SetupError."""
    stamp = read_stamp()
    wanted = {group: fingerprint(REQUIREMENTS[group]) for group in groups}
    missing = [group for group in groups if stamp.get(group) != wanted[group]]
    if not missing and VENV_PYTHON.exists():
        return
    print(f"dev.py: installing into {VENV} (the first time this takes up to a minute)", flush=True)
    pip = environment_with_pip()
    for group in groups:
        install(pip, REQUIREMENTS[group])
    STAMP.write_text(json.dumps({**read_stamp(), **wanted}), encoding="utf-8")


def read_stamp() -> dict[str, str]:
    try:
        stamp = json.loads(STAMP.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) else {}


def fingerprint(requirements: str) -> str:
    """A hash over all that decides what gets installed, and where: a moved checkout has dead editable paths."""
    digest = hashlib.sha256(f"{ROOT}\0{sys.version_info[:2]}".encode())
    text = (ROOT / requirements).read_text(encoding="utf-8")
    members = re.findall(r"^-e\s+(\S+)", text, re.MULTILINE)
    sources = [str(path.relative_to(ROOT)) for member in members for path in build_inputs(ROOT / member)]
    for name in [requirements, "constraints.txt", *(f"{member}/pyproject.toml" for member in members), *sources]:
        path = ROOT / name
        if not path.is_file():
            raise SetupError(f"{name} is missing; is this a whole checkout?")
        digest.update(name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def build_inputs(member: Path) -> list[Path]:
    """What an installation compiles: a change of it has to lead to a new build."""
    return [path for path in [member / "setup.py", *sorted(member.glob("**/_native/*.[ch]"))] if path.is_file()]


def environment_with_pip() -> list[str]:
    """Make `.venv` where it is missing or broken, and return the command line of a pip that installs into it."""
    usable = runs(VENV_PYTHON, "-c", f"import sys; sys.exit(sys.version_info[:2] != {sys.version_info[:2]!r})")
    outside = python_with_pip()
    if outside is not None:
        if not usable:
            make_venv("--without-pip")
        return [outside, "-m", "pip", "--python", str(VENV_PYTHON)]
    if not usable or not runs(VENV_PYTHON, "-m", "pip", "--version"):
        make_venv()
    return [str(VENV_PYTHON), "-m", "pip"]


def python_with_pip() -> str | None:
    """A Python whose pip can install into another environment: this one, or the one that this one was made from."""
    for python in dict.fromkeys([sys.executable, getattr(sys, "_base_executable", sys.executable)]):
        shown = subprocess.run([python, "-m", "pip", "--version"], capture_output=True, text=True, check=False)
        version = re.match(r"pip (\d+)\.(\d+)", shown.stdout)
        if version and (int(version[1]), int(version[2])) >= PIP_WITH_PYTHON_OPTION:
            return str(python)
    return None


def runs(python: Path, *arguments: str) -> bool:
    try:
        return subprocess.run([str(python), *arguments], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def make_venv(*options: str) -> None:
    command = [sys.executable, "-m", "venv", "--clear", *options, str(VENV)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        last = (done.stdout + done.stderr).strip().splitlines()[-1:] or ["no output"]
        if options:
            raise SetupError(f"cannot make {VENV}: {last[0].strip()}; is the folder writable, and venv installed?")
        raise SetupError(
            f"{sys.executable} has no pip of version 22.3 or newer, and venv could not supply one ({last[0].strip()}); "
            "install it (Debian: apt install python3-pip) and run the same command again"
        )


def install(pip: list[str], requirements: str) -> None:
    # Settings of the user's pip that would send the packages somewhere else than into the environment.
    redirecting = {"PIP_USER", "PIP_TARGET", "PIP_PREFIX", "PIP_REQUIRE_VIRTUALENV", "PYTHONHOME", "PYTHONPATH"}
    environment = {name: value for name, value in os.environ.items() if name not in redirecting}
    command = [*pip, "install", "--quiet", "--disable-pip-version-check", "-r", requirements]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**environment, "PIP_USER": "0"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        for line in done.stdout.strip().splitlines()[-8:]:
            print(f"    {line}", file=sys.stderr)
        raise SetupError(
            f"pip could not install {requirements} (its last lines are above); "
            "check the network or the package index settings, then run the same command again"
        )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
