"""What the docstrings below the fields of a class say."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Iterator
from functools import cache


@cache
def field_docs(kind: type) -> dict[str, str]:
    """The docstring below each field of a class, empty where it has none; all on one line."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(kind)))
    except (OSError, TypeError):  # where the sources are not shipped
        return {}
    found: dict[str, str] = {}
    for field, text in _fields(tree.body[0]):
        found[field] = " ".join(text.replace("``", "`").split())
    return found


def _fields(tree: ast.stmt) -> Iterator[tuple[str, str]]:
    body = tree.body if isinstance(tree, ast.ClassDef) else []
    for at, one in enumerate(body):
        if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name):
            below = body[at + 1] if at + 1 < len(body) else None
            value = below.value if isinstance(below, ast.Expr) else None
            text = value.value if isinstance(value, ast.Constant) else ""
            yield one.target.id, text if isinstance(text, str) else ""
