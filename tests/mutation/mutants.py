"""Every small change of a source that a test should notice, in a fixed order and with a name that lasts.

Made from the syntax tree, never from the text: comparisons, arithmetic, constants, logic, masks, statements
left out, branches taken always or never, rows of tables. A mutant that compiles to the same code as
the source, or as another mutant, is left out, and so is one that could only crash.
"""

import ast
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from types import CodeType
from typing import Any, NamedTuple

_COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.Gt),
    ast.LtE: (ast.Lt, ast.GtE),
    ast.Gt: (ast.GtE, ast.Lt),
    ast.GtE: (ast.Gt, ast.LtE),
    ast.Eq: (ast.NotEq, ast.LtE, ast.GtE),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
_ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
}
_MASKS: dict[type[ast.operator], type[ast.operator]] = {
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.BitXor: ast.BitOr,
}
_SIDES = {"min": "max", "max": "min"}
#: Not code that runs for the machine.
_UNTOUCHED = {
    "decorator_list",
    "annotation",
    "returns",
    "args",
    "handlers",
    "type_params",
    "ops",
    "op",
    "ctx",
}


class Mutant(NamedTuple):
    """One change. `code`, `nth` and `change` name it whatever its line number is."""

    file: str  #: path from the root of the project
    line: int  #: of the statement
    kind: str  #: class of the change
    code: str  #: first line of the statement, without indent and comment
    nth: int  #: which of the lines of this text in the file, from 1
    change: str  #: before and after
    number: int  #: in the order of the file
    in_function: bool  #: not run on import

    def __str__(self) -> str:
        return f"{Path(self.file).name}:{self.line} {self.change}"


class _Site(NamedTuple):
    """Where in the tree, what goes there instead, and how the change is called."""

    owner: Any
    field: str
    at: int | None  #: place in a list
    new: ast.AST | None  #: None takes the element out of its list
    statement: ast.stmt
    kind: str
    change: str


class Source:
    """A file as a tree, and its mutants."""

    def __init__(self, file: str, text: str) -> None:
        self.file = file
        self.lines = text.splitlines()
        self.tree = ast.parse(text)
        self._sites = list(_Walk(self.tree).sites())

    def code(self) -> CodeType:
        """The file as it is, compiled."""
        return self._compiled()

    def mutants(self) -> list[Mutant]:
        """All changes, in the order of the file, twins included."""
        texts = [line.split("  #")[0].strip() for line in self.lines]
        changes = Counter[tuple[int, str]]()
        functions = [node for node in ast.walk(self.tree) if isinstance(node, ast.FunctionDef)]
        found = []
        for number, site in enumerate(self._sites):
            line = site.statement.lineno
            changes[line, site.change] += 1
            again = changes[line, site.change]
            change = site.change if again == 1 else f"{site.change} (no. {again})"
            text = texts[line - 1]
            nth = texts[:line].count(text)
            inside = any(function.lineno < line <= (function.end_lineno or 0) for function in functions)
            found.append(Mutant(self.file, line, site.kind, text, nth, change, number, inside))
        return found

    def distinct(self, mutants: list[Mutant]) -> list[Mutant]:
        """Those that compile, to something else than the source and than all before them."""
        seen = {_essence(self.code())}
        kept = []
        for mutant in mutants:
            try:
                essence = _essence(self.mutated(mutant))
            except (SyntaxError, ValueError):
                continue
            if essence not in seen:
                seen.add(essence)
                kept.append(mutant)
        return kept

    def mutated(self, mutant: Mutant) -> CodeType:
        """The file with that one change, compiled. Raises SyntaxError for a change that is no program."""
        site = self._sites[mutant.number]
        if site.at is None:
            old = getattr(site.owner, site.field)
            setattr(site.owner, site.field, site.new)
        else:
            elements = getattr(site.owner, site.field)
            old = list(elements)
            elements[site.at : site.at + 1] = [] if site.new is None else [site.new]
        try:
            return self._compiled()
        finally:
            if site.at is None:
                setattr(site.owner, site.field, old)
            else:
                getattr(site.owner, site.field)[:] = old

    def _compiled(self) -> CodeType:
        return compile(ast.fix_missing_locations(self.tree), self.file, "exec", dont_inherit=True)


def _essence(code: CodeType) -> tuple[Any, ...]:
    """What a code object does, without the places in the source."""
    constants = tuple(
        _essence(value) if isinstance(value, CodeType) else (type(value).__name__, repr(value))
        for value in code.co_consts
    )
    return code.co_code, constants, code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars


class _Walk:
    """Goes through a tree in the order of the source and yields the sites."""

    def __init__(self, tree: ast.Module) -> None:
        self._tree = tree
        self._index_names = _names_only_used_as_index(tree)
        self._assigned: set[str] = set()  # names that have a value already, in this function
        self._divisors = {  # zero would only crash
            node.right
            for node in ast.walk(tree)
            if isinstance(node, ast.BinOp) and isinstance(node.op, ast.FloorDiv | ast.Mod)
        }

    def sites(self) -> Iterator[_Site]:
        yield from self._block(self._tree, "body", is_module=True)

    def _block(
        self, owner: Any, field: str, is_module: bool = False, is_body: bool = False
    ) -> Iterator[_Site]:
        """Statements of one list; `is_body`: of a function, whose last return may not go."""
        statements: list[ast.stmt] = getattr(owner, field)
        for at, statement in enumerate(statements):
            if isinstance(statement, ast.Import | ast.ImportFrom | ast.Global | ast.Assert):
                continue
            if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
                continue  # docstring
            is_last = is_body and at == len(statements) - 1
            if not is_module and self._may_go(statement, is_last):
                yield _Site(
                    owner, field, at, ast.copy_location(ast.Pass(), statement), statement, "drop", "dropped"
                )
            if isinstance(statement, ast.FunctionDef):
                self._assigned = {
                    argument.arg for argument in ast.walk(statement.args) if isinstance(argument, ast.arg)
                }
                yield from self._block(statement, "body", is_body=True)
                continue
            if isinstance(statement, ast.ClassDef | ast.Try):
                yield from self._block(statement, "body", is_module=is_module)
                continue
            if is_module and isinstance(statement, ast.Assign):
                yield from self._table(statement)
            yield from self._statement(statement)

    def _statement(self, statement: ast.stmt) -> Iterator[_Site]:
        if isinstance(statement, ast.If):
            for taken, word in ((1, "always"), (0, "never")):
                constant = ast.copy_location(ast.Constant(taken), statement.test)
                yield _Site(statement, "test", None, constant, statement, "branch", word)
        elif isinstance(statement, ast.While):
            constant = ast.copy_location(ast.Constant(0), statement.test)
            yield _Site(statement, "test", None, constant, statement, "branch", "never")
        elif isinstance(statement, ast.AugAssign):
            yield from self._augmented(statement)
        for field, value in ast.iter_fields(statement):
            if field in ("body", "orelse"):
                yield from self._block(statement, field)
            elif field not in _UNTOUCHED and isinstance(value, ast.expr):
                yield from self._expression(statement, field, None, value, statement)
        self._assigned |= _names_given(statement)

    def _augmented(self, statement: ast.AugAssign) -> Iterator[_Site]:
        text = ast.unparse(statement)
        for table, kind in ((_ARITHMETIC, "arithmetic"), (_MASKS, "mask")):
            if type(statement.op) in table:
                swapped = table[type(statement.op)]()
                changed = ast.AugAssign(statement.target, swapped, statement.value)
                yield _Site(
                    statement, "op", None, swapped, statement, kind, f"{text} -> {ast.unparse(changed)}"
                )

    def _expression(
        self, owner: Any, field: str, at: int | None, node: ast.expr, statement: ast.stmt
    ) -> Iterator[_Site]:
        for kind, new in self._changes(node, statement):
            change = f"{ast.unparse(node)} -> {ast.unparse(new)}"
            yield _Site(owner, field, at, ast.copy_location(new, node), statement, kind, change)
        for inner, value in ast.iter_fields(node):
            if inner in _UNTOUCHED and not isinstance(node, ast.Call):
                continue
            if isinstance(value, ast.expr):
                yield from self._expression(node, inner, None, value, statement)
            elif isinstance(value, list):
                for number, element in enumerate(value):
                    if isinstance(element, ast.expr):
                        yield from self._expression(node, inner, number, element, statement)

    def _changes(self, node: ast.expr, statement: ast.stmt) -> Iterator[tuple[str, ast.expr]]:
        if isinstance(node, ast.Compare):
            for at, operator in enumerate(node.ops):
                for swapped in _COMPARISONS[type(operator)]:
                    yield (
                        "compare",
                        ast.Compare(
                            node.left, [*node.ops[:at], swapped(), *node.ops[at + 1 :]], node.comparators
                        ),
                    )
        elif isinstance(node, ast.BinOp):
            for table, kind in ((_ARITHMETIC, "arithmetic"), (_MASKS, "mask")):
                if type(node.op) in table:
                    yield kind, ast.BinOp(node.left, table[type(node.op)](), node.right)
        elif isinstance(node, ast.BoolOp):
            yield "logic", ast.BoolOp(ast.And() if isinstance(node.op, ast.Or) else ast.Or(), node.values)
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not | ast.USub | ast.Invert):
            yield ("logic" if isinstance(node.op, ast.Not) else "arithmetic"), node.operand
        elif isinstance(node, ast.IfExp):
            yield "branch", node.body
            yield "branch", node.orelse
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _SIDES:
            name = ast.copy_location(ast.Name(_SIDES[node.func.id], ast.Load()), node.func)
            yield "side", ast.Call(name, node.args, node.keywords)
        elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
            yield "constant", ast.Constant(not node.value)
        elif isinstance(node, ast.Constant) and isinstance(node.value, int):
            for value in self._constants(node.value, statement):
                if value or node not in self._divisors:
                    yield "constant", ast.Constant(value)

    def _constants(self, value: int, statement: ast.stmt) -> list[int]:
        if _names_given(statement) & self._index_names:
            return [value + 1]  # the name of a word: any other number that is free would do as well
        others = [value + 1, value - 1, 2 * value, 0]
        return [other for other in dict.fromkeys(others) if other != value and other >= 0]

    def _table(self, statement: ast.Assign) -> Iterator[_Site]:
        """Rows left out, and each cell replaced by the next other one of its column."""
        table = statement.value
        if not isinstance(table, ast.Tuple | ast.List) or len(table.elts) < 2:
            return
        for at, row in enumerate(table.elts):
            yield _Site(table, "elts", at, None, _at(row, statement), "row", f"{ast.unparse(row)} dropped")
        cells = [row.elts if isinstance(row, ast.Tuple) else [row] for row in table.elts]
        for number, row in enumerate(table.elts):
            for column, cell in enumerate(cells[number]):
                following = [line[column] for line in cells[number:] + cells[:number] if column < len(line)]
                other = next((each for each in following if ast.unparse(each) != ast.unparse(cell)), None)
                if other is None:
                    continue
                owner, at = (row, column) if isinstance(row, ast.Tuple) else (table, number)
                change = f"{ast.unparse(cell)} -> {ast.unparse(other)}"
                yield _Site(owner, "elts", at, other, _at(row, statement), "row", change)

    def _may_go(self, statement: ast.stmt, is_last: bool) -> bool:
        """Whether the program can run without this statement at all."""
        if isinstance(statement, ast.AugAssign | ast.Break | ast.Continue):
            return True
        if isinstance(statement, ast.Return):
            return not is_last
        if isinstance(statement, ast.Expr):
            return isinstance(statement.value, ast.Call)
        # A name that has no value yet would only crash.
        return isinstance(statement, ast.Assign) and _names_given(statement) <= self._assigned


def _at(row: ast.expr, statement: ast.stmt) -> ast.stmt:
    """A stand-in that gives the line of a row within its statement."""
    return ast.copy_location(ast.Pass(), row) if row.lineno != statement.lineno else statement


def _names_given(statement: ast.AST) -> set[str]:
    """Names that this statement gives a value to, itself or within."""
    return {
        node.id
        for node in ast.walk(statement)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }


def _names_only_used_as_index(tree: ast.Module) -> set[str]:
    """Names of a module that stand for places alone, as in `s[COUNTS]` and `s[PULL + at]`."""
    given = {
        name
        for statement in tree.body
        if isinstance(statement, ast.Assign)
        for name in _names_given(statement)
    }
    places: Counter[str] = Counter()
    uses: Counter[str] = Counter()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            uses[node.id] += 1
        if isinstance(node, ast.Subscript):
            index = node.slice
            for part in (index.left, index.right) if isinstance(index, ast.BinOp) else (index,):
                if isinstance(part, ast.Name):
                    places[part.id] += 1
    return {name for name in given if uses[name] == places[name]}


def marked(text: str, file: str, mark: str) -> CodeType:
    """The file with `mark[line] = 1` before each statement within its functions: what a run has reached."""
    tree = ast.parse(text)

    def add(owner: Any, field: str) -> None:
        block: list[ast.stmt] = []
        for statement in getattr(owner, field):
            if not (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)):
                note = ast.parse(f"{mark}[{statement.lineno}] = 1").body[0]
                block.append(note)
            block.append(statement)
        setattr(owner, field, block)

    _each_block(tree, add, within=False)
    return compile(ast.fix_missing_locations(tree), file, "exec", dont_inherit=True)


def _each_block(node: ast.AST, do: Callable[[Any, str], None], within: bool) -> None:
    for child in ast.iter_child_nodes(node):
        _each_block(child, do, within or isinstance(child, ast.FunctionDef))
    if within:
        for field in ("body", "orelse", "finalbody"):
            if isinstance(getattr(node, field, None), list):
                do(node, field)
