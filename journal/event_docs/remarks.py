"""Remarks: what the source says of classes and their parts, in docstrings and in the comments behind annotations."""

import ast
import inspect
from functools import cache
from textwrap import dedent
from typing import cast


@cache
def part_remarks(of: type) -> dict[str, str]:
    """Part → the comment behind its annotation, for those that have one. Raises OSError when the source is not at hand."""
    source = dedent(inspect.getsource(of))
    lines = source.splitlines()
    declared = cast("ast.ClassDef", ast.parse(source).body[0])
    found = {}
    for node in declared.body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            behind = lines[(node.end_lineno or node.lineno) - 1].encode()[node.end_col_offset :].decode()
            _, mark, remark = behind.partition("#")
            if mark:
                found[node.target.id] = remark.strip()
    return found


def class_remark(of: type) -> str:
    """The first paragraph of a class's own docstring, in one line. Raises TypeError when it has none."""
    if not vars(of).get("__doc__"):
        raise TypeError(f"{of.__qualname__} says in no docstring what happened.")
    return " ".join(str(inspect.getdoc(of)).partition("\n\n")[0].split())
