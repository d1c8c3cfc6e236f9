# SPDX-License-Identifier: Apache-2.0
"""Mutants of Verilog text: small mistakes, one at a time, each at a node of slang's syntax tree.

A mutant's name survives edits elsewhere in the file: it is made of the statement that the mistake is in, and not of
line numbers.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from pyslang.parsing import Token
from pyslang.syntax import SyntaxTree

Node: TypeAlias = Any
"""A node of the syntax tree; its classes depend on the kind."""

SWAPS = {
    "&&": ("||",),
    "||": ("&&",),
    "&": ("|",),
    "|": ("&",),
    "^": ("~^",),
    "~^": ("^",),
    "==": ("!=",),
    "!=": ("==",),
    "<": ("<=", ">="),
    "<=": ("<", ">"),
    ">": (">=", "<="),
    ">=": (">", "<"),
    "+": ("-",),
    "-": ("+",),
    "<<": (">>",),
    ">>": ("<<",),
    ">>>": (">>",),
}
"""Operators that one is mistaken for."""

ORDERED = {"-", "<<", ">>", ">>>"}
"""Operators whose operands cannot be exchanged."""

ASSIGNMENTS = {"AssignmentExpression", "NonblockingAssignmentExpression"}

STATEMENTS = {
    "ExpressionStatement",
    "ContinuousAssign",
    "DataDeclaration",
    "NetDeclaration",
    "ParameterDeclaration",
    "ParameterDeclarationStatement",
    "ConditionalPredicate",
    "NamedPortConnection",
    "NamedParamAssignment",
    "ImplicitAnsiPort",
    "StandardCaseItem",
    "CaseStatement",
}
"""What a mutant's name is made of: the innermost of these around it."""

SKIPPED = {"AttributeInstance", "NamedBlockClause", "EventControlWithExpression", "ImplicitEventControl"}
"""Attributes are for synthesis; an edge or a sensitivity list that is wrong is no small mistake."""

CHECK = re.compile(r"check(_\d+)?")
"""Blocks that refuse parameters. tests/gen/test_parameters.py tries both sides of each bound."""


SAME_WIDTHS = (
    (re.compile(r"(\w+) > 2 \? \$clog2\(\1\) : 1\b"), r"\1 > 1 ? $clog2(\1) : 1"),
    (re.compile(r"(\w+) >= 1 \? \$clog2\(\1\) : 0\b"), r"\1 > 1 ? $clog2(\1) : 0"),
)
"""Bits of a number, written in another way: $clog2(2) is 1, and $clog2(1) is 0."""


@dataclass(frozen=True)
class Mutant:
    """A text with one mistake.

    Attributes:
        file: name of the source file, a module's.
        operator: kind of the mistake.
        name: stays the same while the statement around the mistake does.
        line: of the mistake, from 1. old, new: what stands there, and what takes its place.
        begin, end: bytes of the text that are replaced.
    """

    file: str
    operator: str
    name: str
    line: int
    old: str
    new: str
    begin: int
    end: int

    @property
    def block(self) -> str:
        """The module that the mistake is in."""
        return self.file.removesuffix(".v")

    def applied(self, text: str) -> str:
        """The source with the mistake; all lines keep their numbers."""
        data = text.encode()
        lines = data[self.begin : self.end].count(b"\n") - self.new.count("\n")
        return (data[: self.begin] + self.new.encode() + b"\n" * lines + data[self.end :]).decode()


@dataclass(frozen=True)
class _Place:
    """Where a mistake is put: its operator, the bytes and what takes their place; the statement that names it."""

    operator: str
    begin: int
    end: int
    new: str
    statement: Node
    scope: str


def code_of(text: str) -> str:
    """A text without comments and layout: what a tool sees of it."""
    return re.sub(r"\s+", " ", re.sub(r"//[^\n]*|/\*.*?\*/", " ", text, flags=re.DOTALL)).strip()


def mutants_of(file: str, text: str) -> list[Mutant]:
    """All mutants of a source, in the order of the text; those of the same resulting text are one."""
    data = text.encode()
    tree = SyntaxTree.fromText(text)
    seen: set[bytes] = set()
    names: Counter[str] = Counter()
    found = []
    for place in _Finder(data).places(tree.root):
        changed = data[: place.begin] + place.new.encode() + data[place.end :]
        if changed in seen or changed == data or _usual_widths(changed.decode()) == text:
            continue
        seen.add(changed)
        first, last = _range(place.statement)
        around = code_of(data[first:last].decode())
        ahead = code_of(data[first : place.begin].decode())
        old = data[place.begin : place.end].decode()
        key = "\0".join((place.scope, around, ahead, code_of(old), place.new))
        digest = hashlib.sha256(key.encode()).hexdigest()[:8]
        name = f"{file.removesuffix('.v')}/{place.operator}/{digest}"
        names[name] += 1
        if names[name] > 1:
            name += f"-{names[name]}"
        line = data[: place.begin].count(b"\n") + 1
        found.append(Mutant(file, place.operator, name, line, code_of(old), place.new, place.begin, place.end))
    return found


def _usual_widths(text: str) -> str:
    for pattern, usual in SAME_WIDTHS:
        text = pattern.sub(usual, text)
    return text


def _range(node: Node) -> tuple[int, int]:
    return node.sourceRange.start.offset, node.sourceRange.end.offset


class _Finder:
    """Walks the tree; keeps the statement and the named blocks that it is in."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def text(self, node: Node) -> str:
        begin, end = _range(node)
        return self.data[begin:end].decode()

    def places(self, root: Node) -> Iterator[_Place]:
        yield from self._walk(root, root, "")

    def _walk(self, node: Node, statement: Node, scope: str) -> Iterator[_Place]:
        kind = node.kind.name
        if kind in SKIPPED or self._is_left_out(node, kind):
            return
        if kind in STATEMENTS:
            statement = node
        if kind == "GenerateBlock" and node.beginName is not None:
            scope += f"/{node.beginName.name.rawText}"
        if kind == "HierarchicalInstance" and node.decl is not None:
            scope += f"/{node.decl.name.rawText}"
        for operator, begin, end, new in self._at(node, kind):
            yield _Place(operator, begin, end, new, statement, scope)
        for child in self._children(node, kind):
            if not isinstance(child, Token):
                yield from self._walk(child, statement, scope)

    def _is_left_out(self, node: Node, kind: str) -> bool:
        """Checks of parameters, and names that only simulators read."""
        if kind == "IfGenerate":
            label = getattr(node.block, "beginName", None)
            return label is not None and CHECK.fullmatch(label.name.rawText) is not None
        return kind == "Declarator" and bool(node.name.rawText.startswith("unused_"))

    def _children(self, node: Node, kind: str) -> list[Node]:
        if kind == "LoopGenerate":  # another step may never end
            return [node.stopExpr, node.block]
        if kind == "VariableDimension":
            return []
        if kind in ASSIGNMENTS:  # its target is found wrong by whatever reads it
            return [node.left, node.right]
        if kind == "Declarator" and node.parent is not None and node.parent.kind.name == "ParameterDeclaration":
            literal = node.initializer is not None and node.initializer.expr.kind.name == "IntegerLiteralExpression"
            if literal and self._in_header(node):  # a default that whoever instantiates the block sets
                return []
        return list(node)

    @staticmethod
    def _in_header(node: Node) -> bool:
        return bool(node.parent.parent is not None and node.parent.parent.kind.name == "ParameterPortList")

    def _at(self, node: Node, kind: str) -> Iterator[tuple[str, int, int, str]]:
        begin, end = _range(node)
        if kind in ASSIGNMENTS:
            yield from self._assignment(node)
        elif type(node).__name__ == "BinaryExpressionSyntax":
            yield from self._binary(node, kind)
        elif type(node).__name__ == "PrefixUnaryExpressionSyntax":
            sign = node.operatorToken.rawText
            if sign in {"!", "~", "-"}:
                yield "inversion", begin, end, self.text(node.operand)
            elif sign in {"|", "&"}:
                yield "operator", begin, end, f"{'&' if sign == '|' else '|'}{self.text(node.operand)}"
        elif kind == "ConditionalPredicate":
            yield "negation", begin, end, f"!({self.text(node)})"
            if node.parent.kind.name == "ConditionalStatement":
                yield "condition", begin, end, "1'b1"
        elif kind == "ConditionalExpression":
            left, right = self.text(node.left), self.text(node.right)
            yield "choice", begin, end, f"({left})"
            yield "choice", begin, end, f"({right})"
        elif kind == "IfGenerate":
            first, last = _range(node.condition)
            yield "negation", first, last, f"!({self.text(node.condition)})"
        elif kind == "IntegerLiteralExpression":
            yield from self._literal(node)
        elif kind == "IntegerVectorExpression":
            yield from self._vector(node)
        elif kind == "ConcatenationExpression":
            parts = [part for part in node.expressions if not isinstance(part, Token)]
            if len(parts) > 1 and self.text(parts[0]) != self.text(parts[1]):
                swapped = [parts[1], parts[0], *parts[2:]]
                yield "order", begin, end, "{" + ", ".join(map(self.text, swapped)) + "}"
        elif kind in {"AscendingRangeSelect", "DescendingRangeSelect"}:
            first, last = _range(node.left)
            yield "select", first, last, f"({self.text(node.left)}) + 1"
        elif kind == "BitSelect" and node.expr.kind.name != "IntegerLiteralExpression":
            first, last = _range(node.expr)
            yield "select", first, last, f"({self.text(node.expr)}) + 1"
        elif kind == "VariableDimension":
            yield from self._dimension(node)
        elif kind == "ExpressionStatement" and node.expr.kind.name in ASSIGNMENTS:
            yield "dropped", begin, end, ";"
        elif kind == "NamedPortConnection":
            name = node.name.rawText
            if node.expr is not None and name != "clk" and node.expr.kind.name != "IntegerVectorExpression":
                first, last = _range(node.expr)
                yield "tied", first, last, "1'b0"
        elif kind == "EqualsValueClause" and self._is_net(node):
            yield from self._stuck(node.expr)

    @staticmethod
    def _is_net(node: Node) -> bool:
        return bool(node.parent.parent is not None and node.parent.parent.kind.name == "NetDeclaration")

    def _assignment(self, node: Node) -> Iterator[tuple[str, int, int, str]]:
        if node.parent.kind.name in {"ContinuousAssign", "ExpressionStatement"}:
            yield from self._stuck(node.right)

    def _stuck(self, value: Node) -> Iterator[tuple[str, int, int, str]]:
        """The lowest bit always 0, always 1; of a constant nothing new comes of it."""
        if value.kind.name in {
            "IntegerVectorExpression",
            "IntegerLiteralExpression",
            "MultipleConcatenationExpression",
        }:
            return
        begin, end = _range(value)
        yield "stuck", begin, end, f"({self.text(value)}) & ~1"
        yield "stuck", begin, end, f"({self.text(value)}) | 1"

    def _binary(self, node: Node, kind: str) -> Iterator[tuple[str, int, int, str]]:
        begin, end = _range(node)
        sign = node.operatorToken.rawText
        left, right = self.text(node.left), self.text(node.right)
        token = node.operatorToken.location.offset
        for other in SWAPS.get(sign, ()):
            yield "operator", token, token + len(sign), other
        if sign in {"&&", "||"}:
            yield "term", begin, end, f"({left})"
            yield "term", begin, end, f"({right})"
        if sign in ORDERED and left != right:
            yield "order", begin, end, f"({right}) {sign} ({left})"

    def _literal(self, node: Node) -> Iterator[tuple[str, int, int, str]]:
        begin, end = _range(node)
        value = int(self.text(node).replace("_", ""))
        yield "constant", begin, end, str(value + 1)
        if value:
            yield "constant", begin, end, str(value - 1)

    def _vector(self, node: Node) -> Iterator[tuple[str, int, int, str]]:
        begin, end = _range(node)
        matched = re.fullmatch(r"(\d+)\s*'(s?)([bdhoBDHO])\s*([0-9a-fA-F_]+)", self.text(node))
        if matched is None:
            return
        width, signed, base, digits = matched.groups()
        radix = {"b": 2, "o": 8, "d": 10, "h": 16}[base.lower()]
        value = int(digits.replace("_", ""), radix)
        for step in (1, -1):
            other = (value + step) % (1 << int(width))
            yield "constant", begin, end, f"{width}'{signed}d{other}"

    def _dimension(self, node: Node) -> Iterator[tuple[str, int, int, str]]:
        """A register or wire one bit, or a memory one word, too small."""
        declared: Node = node
        while declared is not None and declared.kind.name not in STATEMENTS:
            declared = declared.parent
        selector = getattr(node.specifier, "selector", None)
        if declared is None or declared.kind.name not in {"DataDeclaration", "NetDeclaration"} or selector is None:
            return
        if selector.kind.name != "SimpleRangeSelect":
            return
        wide = selector.left if self.text(selector.right) == "0" else selector.right
        begin, end = _range(wide)
        yield "narrow", begin, end, f"{self.text(wide)} - 1"
