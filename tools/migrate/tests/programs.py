"""Random programs that run, for `test_programs`: a moving package under every name, in every scope, next to lookalikes.

A program binds a few names (`shop`, which moves; `acme` and `store`, which the new name is made of; `cart` and others)
by imports, assignments, loops, classes and parameters, in nested scopes, and notes what it reads through them.  Most of
what it reads is a stand-in with the same attributes, so only right scoping gives the right value.  What fails, such as
a name that is not bound yet, is noted by its type.
"""

from __future__ import annotations

from hypothesis import strategies as st

NAMES = ("shop", "acme", "store", "models", "cart", "x")
HEAD = """\
import contextlib
import types


class E(Exception):
    pass


N = types.SimpleNamespace(
    VERSION="n", LIMIT=0, total=len, models=types.SimpleNamespace(Item=types.SimpleNamespace(price="np")),
    cart=types.SimpleNamespace(LIMIT="nl", total=len), Item=types.SimpleNamespace(price="ni"),
)
NOTES = []
note = NOTES.append
"""
_IMPORTS = (
    "import shop",
    "import shop.models",
    "import shop.cart, shop.models  # both",
    "import shop as {n}",
    "import shop.cart as {n}",
    "import shop, shopping",
    "import shopping as {n}",
    "from shop import models",
    "from shop import (\n{i}    cart as {n},  # one\n{i}    VERSION,\n{i})",
    "from shop.cart import LIMIT, total as {n}",
    "from shop.models import Item as {n}",
    "from my import shop",
    "from my import shop as {n}; import shop_extras",
)
_BINDINGS = (
    "{n} = N",
    "{n}, other = N, 1",
    "{n}: object = N",
    "for {n} in [N]: pass",
    "with contextlib.nullcontext(N) as {n}: pass",
    "def {n}(shop=N): return shop.VERSION",
    "class {n}: VERSION = 'c'; shop = N",
    "if ({n} := N): pass",
    "try: raise E(N)\n{i}except E as {n}: pass",
    "[{n} for {n} in [N]]",
    "match N:\n{i}    case {n}: pass",
)
_READS = (
    "{n}.VERSION",
    "{n}.models.Item.price",
    "{n}.cart.LIMIT",
    "{n}.cart.total([])",
    "{n}.Item.price",
    "{n}.price",
    "[{n}.VERSION for {n} in [N]]",
    "(lambda {n}, y={n}: ({n}.VERSION, y.VERSION))(N)",
    "f'{{{n}.VERSION!r:>4}} {{[{n}.cart.LIMIT]}} {n}'",
    "({n} . models\n{i}    .Item.price)",
    "'shop' in globals()",
    "N.{n}.VERSION",
    "dict({n}=1)",
    "VERSION",
    "LIMIT",
    "shop.shop.VERSION",
    "(1 if {n} else 2)",
)


@st.composite
def _statements(draw: st.DrawFn, indent: str, depth: int, kind: str) -> list[str]:
    out: list[str] = []
    for _ in range(draw(st.integers(1, 5))):
        out += draw(_statement(indent, depth, kind))
    return out


@st.composite
def _statement(draw: st.DrawFn, indent: str, depth: int, kind: str) -> list[str]:
    name, step = draw(st.sampled_from(NAMES)), "    "
    forms = ["import", "import", "binding", "read", "read", "read"] + (["block"] * 3 if depth else [])
    match draw(st.sampled_from(forms)):
        case "import":
            return [indent + draw(st.sampled_from(_IMPORTS)).format(n=name, i=indent)]
        case "binding":
            return [indent + draw(st.sampled_from(_BINDINGS)).format(n=name, i=indent)]
        case "read":
            read = draw(st.sampled_from(_READS)).format(n=name, i=indent + step)
            return [
                f"{indent}try:", f"{indent}{step}note({read})",
                f"{indent}except Exception as e: note(type(e).__name__)",
            ]  # fmt: skip
    number = draw(st.integers(0, 99))
    inner = indent + step
    body = draw(_statements(inner, depth - 1, kind))
    match draw(st.sampled_from(["def", "def", "class", "if", "else", "try", "global"])):
        case "def":
            parameter = draw(st.sampled_from(["", name, f"{name}=N", f"*{name}", "p=shop"]))
            given = "N" if parameter == name else ""
            if parameter == "p=shop":
                parameter = "p=N"
            head = f"{indent}def f{number}({parameter}):"
            call = f"{indent}try: f{number}({given})\n{indent}except Exception as e: note(type(e).__name__)"
            return [head, *body, call]
        case "class":
            return [f"{indent}class C{number}:", *body]
        case "if":
            return [f"{indent}if NOTES is not None:", *body]
        case "else":
            return [f"{indent}if NOTES is None:", f"{inner}pass", f"{indent}else:", *body]
        case "try":
            return [f"{indent}try:", *body, f"{indent}finally:", f"{inner}pass"]
        case _:
            outer = [f"{inner}global {name}", *body]
            call = f"{indent}try: g{number}()\n{indent}except Exception as e: note(type(e).__name__)"
            return [f"{indent}def g{number}():", *outer, call]


@st.composite
def programs(draw: st.DrawFn) -> str:
    """The source of a program; running it fills `NOTES`."""
    lines = draw(_statements("", 2, "module"))
    if draw(st.booleans()):
        lines.insert(0, "from __future__ import annotations")
        text = "\n".join([lines[0], HEAD, *lines[1:]])
    else:
        text = "\n".join([HEAD, *lines])
    if draw(st.integers(0, 4)) == 0:
        text = text.replace("\n", "\r\n")
    return text + draw(st.sampled_from(["", "\n", "\n\n# shop.cart\n"]))
