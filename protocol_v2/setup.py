"""Builds the compiled codec.  Everything else about the distribution is in pyproject.toml.

The environment variable ALPHAPULSE_BUILD_C decides: `require` fails the installation where it cannot be compiled,
`skip` does not try, and without it (or `auto`) a failed compilation leaves the Python implementation.
"""

import os
import sys
from glob import glob

from setuptools import Extension, setup

wanted = os.environ.get("ALPHAPULSE_BUILD_C") or "auto"
if wanted not in ("require", "skip", "auto"):
    sys.exit(f"ALPHAPULSE_BUILD_C={wanted!r}: use require, skip or auto")

extension = Extension(
    "protocol_v2._codec_c",
    sources=sorted(glob("_native/*.c")),
    depends=sorted(glob("_native/*.h")),
    optional=wanted != "require",
    extra_compile_args=[] if os.name == "nt" else ["-std=c11", "-O3", "-g0", "-fvisibility=hidden", "-fno-plt"],
)

setup(ext_modules=[] if wanted == "skip" else [extension])
