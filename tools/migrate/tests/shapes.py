"""Moves of every shape, as small repositories: for `test_shapes`.

Each has a program, `main.py`, that uses the old names and prints one line; `names` are old and new module names that
must be one object while the shims stand; `roots` is what is on the path (after the move, where that differs, `later`).
"""

# ruff: noqa: E501 - one file on each line

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Shape:
    moves: tuple[tuple[str, ...], ...]  # from, to, and further lines of the table
    files: Mapping[str, str]
    names: tuple[tuple[str, str], ...]
    roots: tuple[str, ...] = (".",)
    later: tuple[str, ...] = ()
    symbols: tuple[tuple[str, str], ...] = ()
    kept: tuple[str, ...] = ()  # old names that go on being importable after cleanup

    def plan(self, name: str) -> str:
        roots = ", ".join(f'"{r}"' for r in self.roots)
        text = f'[migration]\nname = "{name}"\nimport-roots = [{roots}]\n'
        for source, target, *more in self.moves:
            text += f'[[move]]\nfrom = "{source}"\nto = "{target}"\n' + "".join(f"{line}\n" for line in more)
        for source, target in self.symbols:
            text += f'[[symbol]]\nfrom = "{source}"\nto = "{target}"\n'
        return text


_ALPHA = {
    "alpha/__init__.py": "from .core import value\nfrom . import tools\n",
    "alpha/core.py": "KIND = 'core'\n\n\nclass Thing:\n    size = 2\n\n\ndef value():\n    return Thing.size\n",
    "alpha/tools.py": "from alpha.core import Thing\n\n\ndef use():\n    return Thing.__name__, __name__.count('tools')\n",
}
_USE_ALPHA = (
    "import alpha\nimport alpha.tools\nfrom alpha import core as c\nfrom alpha.core import Thing\n"
    "print(alpha.value(), alpha.tools.use(), c.KIND, Thing.size, c.Thing is Thing)\n"
)

SHAPES: dict[str, Shape] = {
    "top-level package, to another parent": Shape(
        (("alpha", "beta.gamma"),), {**_ALPHA, "main.py": _USE_ALPHA}, (("alpha.core", "beta.gamma.core"),)
    ),
    "top-level package, renamed": Shape(
        (("alpha", "omega"),), {**_ALPHA, "main.py": _USE_ALPHA}, (("alpha", "omega"), ("alpha.tools", "omega.tools"))
    ),
    "sub-package": Shape(
        (("top.alpha", "top.deep.beta"),),
        {
            "top/__init__.py": "from .alpha import value\n",
            **{f"top/{p}": t.replace("from alpha", "from top.alpha") for p, t in _ALPHA.items()},
            "main.py": "import top\nimport top.alpha.core\nfrom top.alpha import tools\nprint(top.value(), "
            "top.alpha.core.KIND, tools.use(), top.alpha.value())\n",
        },
        (("top.alpha", "top.deep.beta"), ("top.alpha.core", "top.deep.beta.core")),
        kept=("top",),
    ),
    "single module at the top": Shape(
        (("helpers", "lib.text.helpers"),),
        {
            "helpers.py": "import os\n\n\ndef up(text):\n    return text.upper()\n",
            "main.py": "import helpers\nfrom helpers import up\nprint(helpers.up('a'), up('b'))\n",
        },
        (("helpers", "lib.text.helpers"),),
    ),
    "single module out of a package, with another last name": Shape(
        (("pkg.text", "base.strings"),),
        {
            "pkg/__init__.py": "",
            "pkg/text.py": "from . import other\n\n\ndef clean(word):\n    return word.strip() + other.END\n",
            "pkg/other.py": "END = '.'\n",
            "base/__init__.py": "",
            "main.py": "import pkg.text\nfrom pkg import text\nprint(pkg.text.clean(' a '), text.clean('b'))\n",
        },
        (("pkg.text", "base.strings"),),
        kept=("pkg", "pkg.other"),
    ),
    "module to package": Shape(
        (("helpers", "lib.helpers", 'to-path = "lib/helpers/__init__.py"'),),
        {
            "helpers.py": "from pathlib import Path\n\n\ndef name():\n    return Path(__file__).suffix, __name__ > ''\n\n\n"
            "if __name__ == '__main__':\n    print('run', name())\n",
            "lib/__init__.py": "",
            "main.py": "import subprocess, sys\nimport helpers\nran = subprocess.run([sys.executable, '-m', 'helpers'], "
            "capture_output=True, text=True)\nprint(helpers.name(), ran.stdout)\n",
        },
        (("helpers", "lib.helpers"),),
    ),
    "several packages into one": Shape(
        (("alpha", "all.alpha"), ("beta", "all.beta"), ("gamma", "all.extra.gamma")),
        {
            **_ALPHA,
            "beta/__init__.py": "import alpha.core\nfrom gamma import G\n\nB = alpha.core.KIND + G\n",
            "gamma.py": "G = 'g'\n",
            "main.py": _USE_ALPHA + "import beta\nfrom gamma import G\nprint(beta.B, G)\n",
        },
        (("alpha.core", "all.alpha.core"), ("beta", "all.beta"), ("gamma", "all.extra.gamma")),
    ),
    "several packages merge into one": Shape(
        (("alpha", "union"), ("beta.extra", "union.extra"), ("beta.more", "union.deep.more")),
        {
            **_ALPHA,
            "beta/__init__.py": "from .extra import E\n",
            "beta/extra.py": "from alpha.core import KIND\n\nE = KIND + 'e'\n",
            "beta/more.py": "from .extra import E\nfrom . import extra\n\nM = E + extra.E\n",
            "main.py": _USE_ALPHA + "import beta.more\nfrom beta import E, extra\nprint(beta.more.M, E, extra.E)\n",
        },
        (("alpha.core", "union.core"), ("beta.extra", "union.extra"), ("beta.more", "union.deep.more")),
        kept=("beta",),
    ),
    "one package splits in two": Shape(
        (("alpha", "left"), ("alpha.tools", "right.tools")),
        {**_ALPHA, "main.py": _USE_ALPHA},
        (("alpha.core", "left.core"), ("alpha.tools", "right.tools")),
    ),
    "one package splits in two and goes": Shape(
        (("alpha.core", "left.core"), ("alpha.tools", "right.tools")),
        {
            **_ALPHA,
            "alpha/__init__.py": "",
            "main.py": "import alpha.core, alpha.tools\nfrom alpha.core import Thing\n"
            "print(alpha.core.value(), alpha.tools.use(), Thing.size)\n",
        },
        (("alpha.core", "left.core"), ("alpha.tools", "right.tools")),
        kept=("alpha",),
    ),
    "into a namespace that others share": Shape(
        (("alpha", "space.alpha"),),
        {
            **_ALPHA,
            "space/other/__init__.py": "O = 'o'\n",
            "main.py": _USE_ALPHA + "import space.other\nprint(space.other.O)\n",
        },
        (("alpha.core", "space.alpha.core"),),
    ),
    "out of a namespace": Shape(
        (("space.alpha", "alpha"),),
        {
            **{f"space/{p}": t.replace("from alpha", "from space.alpha") for p, t in _ALPHA.items()},
            "space/other/__init__.py": "import space.alpha.core\n\nO = space.alpha.core.KIND\n",
            "main.py": "import space.alpha.tools\nimport space.other\nfrom space.alpha import core\n"
            "print(space.alpha.value(), space.alpha.tools.use(), space.other.O, core.KIND)\n",
        },
        (("space.alpha.core", "alpha.core"),),
        kept=("space.other",),
    ),
    "from one source root to another": Shape(
        (("alpha", "beta.alpha", 'to-path = "two/src/beta/alpha"'),),
        {
            **{f"one/src/{p}": t for p, t in _ALPHA.items()},
            "two/src/beta/__init__.py": "",
            "main.py": _USE_ALPHA,
        },
        (("alpha.core", "beta.alpha.core"),),
        roots=("one/src", "two/src"),
    ),
    "inside a src layout": Shape(
        (("alpha", "acme.alpha"),),
        {
            **{f"src/{p}": t for p, t in _ALPHA.items()},
            "pyproject.toml": '[project]\nname = "alpha"\nversion = "1"\n\n[tool.setuptools.packages.find]\n'
            'where = ["src"]\n',
            "main.py": _USE_ALPHA,
        },
        (("alpha.core", "acme.alpha.core"),),
        roots=("src",),
    ),
    "between distributions that share a namespace": Shape(
        (("space.one", "space.three.one", 'to-path = "libs/three/src/space/three/one"'),),
        {
            "libs/one/src/space/one/__init__.py": "from .part import P\n",
            "libs/one/src/space/one/part.py": "P = 'p'\n",
            "libs/two/src/space/two/__init__.py": "from space.one import P\n\nT = P + 't'\n",
            "libs/three/src/space/three/__init__.py": "THREE = 3\n",
            "main.py": "import space.one.part, space.two\nfrom space.one import P\nimport space.three\n"
            "print(space.one.part.P, space.two.T, P, space.three.THREE)\n",
        },
        (("space.one", "space.three.one"), ("space.one.part", "space.three.one.part")),
        roots=("libs/one/src", "libs/two/src", "libs/three/src"),
        kept=("space.two",),
    ),
    "a name that has another home": Shape(
        (("alpha", "beta"),),
        {
            **_ALPHA,
            "shapes/__init__.py": "class Thing:\n    size = 2\n",
            "main.py": "from alpha.core import KIND, Thing\nimport alpha.core\nimport alpha\n"
            "print(KIND, Thing.size, alpha.core.Thing.size, alpha.value())\n",
        },
        (("alpha.core", "beta.core"),),
        symbols=(("alpha.core.Thing", "shapes.Thing"),),
    ),
}
