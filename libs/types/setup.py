"""Builds the compiled codec.  Everything else about the distribution is in pyproject.toml.

The environment variable ALPHAPULSE_BUILD_C decides: `require` fails the installation where it cannot be compiled,
`skip` does not try, and without it (or `auto`) a failed compilation leaves the Python implementation.  A wheel of that
alone is named for any platform, so that no installer takes it for the compiled one.
"""

import os
import sys
from glob import glob
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.bdist_wheel import bdist_wheel

wanted = os.environ.get("ALPHAPULSE_BUILD_C") or "auto"
if wanted not in ("require", "skip", "auto"):
    sys.exit(f"ALPHAPULSE_BUILD_C={wanted!r}: use require, skip or auto")

# Functions begin at a cache line: without it, any change of one function moves the others, and with them the figures by
# some percent.
FLAGS = ["-std=c11", "-O3", "-g0", "-fvisibility=hidden", "-fno-plt", "-falign-functions=64"]

extension = Extension(
    "libs.types.protocol._codec_c",
    sources=sorted(glob("protocol/_native/*.c")),
    depends=sorted(glob("protocol/_native/*.h")),
    optional=wanted != "require",
    extra_compile_args=[] if os.name == "nt" else FLAGS,
)


class Wheel(bdist_wheel):
    """Compiles before it decides what the wheel is for; the name tells what has really been built."""

    def run(self) -> None:
        self.run_command("build_ext")
        if not any(Path(file).exists() for file in self.get_finalized_command("build_ext").get_outputs()):
            self.distribution.ext_modules = []
            self.root_is_pure = True
        super().run()


setup(ext_modules=[] if wanted == "skip" else [extension], cmdclass={"bdist_wheel": Wheel})
