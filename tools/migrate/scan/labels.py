"""Labels of Django's applications where nothing but a label can stand: in migrations, and where a model is asked for.

A label is the last part of an application's name.  As long as that part stays, so does the label, and with it every
migration that names it, however deep the application goes.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping

from .flows import last_name

_RELATIONS = ("ForeignKey", "OneToOneField", "ManyToManyField")
_LISTS = {"dependencies", "run_before", "replaces"}
_ASKED = {"get_model", "get_app_config", "get_registered_model"}


def is_label(node: ast.AST, parents: Mapping[ast.AST, ast.AST]) -> bool:
    """`dependencies = [("shop", "0001_initial")]` of a migration, `apps.get_model("shop", "Item")`, relations."""
    parent = parents.get(node)
    if isinstance(node, ast.Constant) and str(node.value).count(".") == 1:  # `ForeignKey("shop.item")`
        call = parents.get(parent) if isinstance(parent, ast.keyword) and parent.arg == "to" else parent
        return isinstance(call, ast.Call) and last_name(call.func).endswith(_RELATIONS)
    if isinstance(parent, ast.Call):
        return isinstance(parent.func, ast.Attribute) and parent.func.attr in _ASKED and parent.args[:1] == [node]
    if not isinstance(parent, ast.Tuple) or parent.elts[:1] != [node] or len(parent.elts) != 2:
        return False
    above = parents.get(parent)
    while isinstance(above, ast.List | ast.Tuple | ast.BinOp):
        above = parents.get(above)
    if not isinstance(above, ast.Assign) or not any(last_name(target) in _LISTS for target in above.targets):
        return False
    holder = parents.get(above)
    return isinstance(holder, ast.ClassDef) and any(last_name(base) == "Migration" for base in holder.bases)
