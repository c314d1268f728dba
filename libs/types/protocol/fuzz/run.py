"""Fuzzing of the compiled codec under AddressSanitizer and UndefinedBehaviorSanitizer, guided by coverage.

    python libs/types/protocol/fuzz/run.py --seconds 60              from the seeds that the codec makes itself
    python libs/types/protocol/fuzz/run.py --seconds 1800 --work DIR  goes on with those in DIR
    python libs/types/protocol/fuzz/run.py --coverage                what the corpus covers of each C file (llvm-cov)

Owns the builds (the extension and `harness.c`, with clang), the seeds, and the summary.  Must not know what an input
does; that is `target.py`.  Everything is written below --work (build/fuzz), nothing into the package: the package is
seen there through links, with the instrumented extension instead of the usual one.

Exit code: 0 clean, 1 a defect was found (the input is kept, and named), 2 it cannot run here (no clang, no library of
the interpreter).
"""

from __future__ import annotations

import argparse
import os
import random
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]
ROOT = PACKAGE.parent.parent.parent
TARGET = "libs.types.protocol.fuzz.target"
FLAGS = ["-std=c11", "-g", "-O1", "-fno-omit-frame-pointer"]
# Objects that a freed one is kept for hide that it was used afterwards.
NO_REUSE = ["-DKEPT_VIEWS=1", "-DKEPT_MESSAGES=1"]
SANITIZE = ["-fsanitize=address,undefined", "-fno-sanitize-recover=undefined"]
COVERAGE = ["-fprofile-instr-generate", "-fcoverage-mapping"]
SEEDS_EACH = 12
SEED_SIZE = 700


class CannotRun(Exception):
    """Something is missing on this machine; the text says what, and how to get it."""


def main(arguments: list[str]) -> int:
    options = parser().parse_args(arguments)
    work = options.work.resolve()
    try:
        clang = tool("clang")
        corpus = seeds(work / "corpus")
        if options.coverage:
            return coverage(clang, work, corpus)
        harness, site = build(clang, work, "fuzz", [*SANITIZE, *NO_REUSE], ["-fsanitize=fuzzer-no-link"])
        return fuzz(harness, site, work, corpus, options.seconds, options.jobs)
    except CannotRun as error:
        print(f"fuzz: {error}", file=sys.stderr)
        return 2


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(description="Fuzz the compiled codec.")
    made.add_argument("--seconds", type=int, default=60, help="how long (60)")
    made.add_argument("--work", type=Path, default=ROOT / "build" / "fuzz", help="where to build and keep inputs")
    made.add_argument("--jobs", type=int, default=1, help="processes that share the corpus (1)")
    made.add_argument("--coverage", action="store_true", help="replay the corpus and show what it covers")
    return made


def tool(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise CannotRun(f"{name} is missing; on Debian: apt-get install clang libclang-rt-14-dev llvm")
    return found


def seeds(corpus: Path) -> Path:
    """Inputs to begin with: for every entry some random ones, longer and shorter, of bytes that decide for the usual.

    The feed turns any bytes into well made messages and values, so nothing more is needed than that every entry and
    every class is met once.
    """
    corpus.mkdir(parents=True, exist_ok=True)
    if any(corpus.iterdir()):
        return corpus
    draw = random.Random(1)
    for entry in range(16):
        for index in range(SEEDS_EACH):
            body = bytes(draw.choice((0, 128, draw.randrange(256))) for _ in range(draw.randrange(20, SEED_SIZE)))
            (corpus / f"seed-{entry:02}-{index:02}").write_bytes(bytes((entry, index)) + body)
    return corpus


def build(clang: str, work: Path, name: str, flags: list[str], guide: list[str]) -> tuple[Path, Path]:
    """The harness, and the folder that has the package with an extension of the same build; `guide` is for that."""
    site = work / name / "site"
    linked = site / PACKAGE.name
    shutil.rmtree(site, ignore_errors=True)
    linked.mkdir(parents=True)
    for entry in PACKAGE.iterdir():
        if not entry.name.startswith("_codec_c.") and entry.name != "__pycache__":
            (linked / entry.name).symlink_to(entry)
    suffix = sysconfig.get_config_var("EXT_SUFFIX")
    include = f"-I{sysconfig.get_path('include')}"
    sources = sorted(map(str, (PACKAGE / "_native").glob("*.c")))
    compile_with(clang, [*FLAGS, *flags, *guide, "-fPIC", "-shared", "-fvisibility=hidden", include,
                         *sources, "-o", str(linked / f"_codec_c{suffix}")])  # fmt: skip
    harness = work / name / "harness"
    compile_with(clang, [*FLAGS, *flags, "-fsanitize=fuzzer", include, str(Path(__file__).with_name("harness.c")),
                         *library(), "-rdynamic", "-o", str(harness)])  # fmt: skip
    return harness, site


def library() -> list[str]:
    """How to link the interpreter."""
    version = f"{sysconfig.get_config_var('LDVERSION')}"
    for folder in (sysconfig.get_config_var("LIBDIR"), sysconfig.get_config_var("LIBPL")):
        if folder and any(Path(folder).glob(f"libpython{version}.*")):
            return [f"-L{folder}", f"-Wl,-rpath,{folder}", f"-lpython{version}", "-ldl", "-lm", "-lpthread", "-lutil"]
    raise CannotRun(f"the library of this interpreter (libpython{version}) is not there; on Debian: "
                    "apt-get install python3-dev")  # fmt: skip


def compile_with(clang: str, arguments: list[str]) -> None:
    done = subprocess.run([clang, *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        if "libclang_rt" in done.stderr:
            raise CannotRun("clang has no sanitizer runtimes; on Debian: apt-get install libclang-rt-14-dev")
        raise SystemExit(f"fuzz: clang failed:\n{done.stderr}")


def environment(site: Path) -> dict[str, str]:
    return {**os.environ, "FUZZ_PYTHON": sys.executable, "FUZZ_TARGET": TARGET, "PYTHONPATH": str(site),
            "PYTHONMALLOC": "malloc", "PYTHONHASHSEED": "0", "ALPHAPULSE_CODEC": "c",
            "PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}  # fmt: skip


def fuzz(harness: Path, site: Path, work: Path, corpus: Path, seconds: int, jobs: int) -> int:
    """Run libFuzzer; the summary is its last words."""
    findings = work / "findings"
    findings.mkdir(exist_ok=True)
    command = [str(harness), str(corpus), f"-max_total_time={seconds}", "-max_len=4096", "-timeout=20",
               "-rss_limit_mb=3000", "-print_final_stats=1", f"-artifact_prefix={findings}/"]  # fmt: skip
    logs = [work / f"log-{index}.txt" for index in range(jobs)]
    runs = [
        subprocess.Popen(command, env=environment(site), stdout=log.open("wb"), stderr=subprocess.STDOUT)
        for log in logs
    ]
    failed = False
    for run, log in zip(runs, logs, strict=True):
        failed |= run.wait() != 0
        text = log.read_text(errors="replace")
        if run.returncode != 0:
            print("\n".join(line for line in text.splitlines()[-80:] if len(line) < 3000))
        print(summary(text))
    print(f"corpus: {sum(1 for _ in corpus.iterdir())} inputs in {corpus}")
    print("fuzz: a defect; repeat it with the input named above" if failed else "fuzz: clean")
    return 1 if failed else 0


def summary(text: str) -> str:
    """Executions, their rate, coverage and growth of memory, from the log of one run."""
    stats = dict(re.findall(r"stat::(\w+):\s+(\d+)", text))
    states = re.findall(r"#(\d+)\s+\w+\s+cov: (\d+) ft: (\d+) corp: (\S+) .*?rss: (\d+)Mb", text)
    if not states:
        return "fuzz: no run"
    last = states[-1]
    units, rate = stats.get("number_of_executed_units", last[0]), stats.get("average_exec_per_sec", "?")
    return (
        f"executions: {units}, {rate} a second; coverage: {last[1]} edges, {last[2]} features; "
        f"inputs kept: {last[3]}; memory: {states[0][4]} to {last[4]} MB"
    )


def coverage(clang: str, work: Path, corpus: Path) -> int:
    """Replay the corpus on a build that counts lines and branches, and print the table of llvm-cov."""
    profdata, cov = tool("llvm-profdata"), tool("llvm-cov")
    harness, site = build(clang, work, "coverage", COVERAGE, [])
    raw = work / "coverage" / "raw"
    environ = {**environment(site), "LLVM_PROFILE_FILE": f"{raw}-%m"}
    for old in raw.parent.glob("raw-*"):
        old.unlink()
    done = subprocess.run([str(harness), "-runs=0", str(corpus)], env=environ, capture_output=True, check=False)
    if done.returncode != 0:
        print(done.stderr.decode(errors="replace")[-3000:])
        return 1
    data = work / "coverage" / "data"
    subprocess.run([profdata, "merge", "-o", str(data), *found(raw.parent, "raw-*")], check=True)
    (extension,) = (site / PACKAGE.name).glob("_codec_c.*")
    report = [cov, "report", str(extension), f"-instr-profile={data}", "-ignore-filename-regex=/include/python"]
    return subprocess.run(report, check=False).returncode


def found(folder: Path, pattern: str) -> list[str]:
    return sorted(map(str, folder.glob(pattern)))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
