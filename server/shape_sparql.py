"""Compile SHACL core into SPARQL: one query for each constraint, giving every focus node and value that breaks it.

This module makes text and nothing else. The queries are written from shapes, so they cannot be files in `queries/`;
their meaning is that of SHACL sections 2 to 4, whose definitions each function follows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from server.shape_model import Constraint, Path, Qualified, Shape, ShapeError

_TYPE = "<http://www.w3.org/1999/02/22-rdf-syntax-ns#type>"
_SUBCLASS = "<http://www.w3.org/2000/01/rdf-schema#subClassOf>"
_XSD = "http://www.w3.org/2001/XMLSchema#"
_RDF_LANGUAGE = "<http://www.w3.org/1999/02/22-rdf-syntax-ns#langString>"
# Datatypes whose lexical forms the evaluator can tell: an ill-typed literal breaks sh:datatype (SHACL 4.1.2).
WITH_FORMS = frozenset(
    f"<{_XSD}{name}>" for name in ("date", "dateTime", "time", "boolean", "integer", "decimal", "double", "float")
)
_MOST_DISTINCT = 8
_KINDS = {
    "IRI": "isIRI({0})",
    "BlankNode": "isBlank({0})",
    "Literal": "isLiteral({0})",
    "BlankNodeOrIRI": "!isLiteral({0})",
    "BlankNodeOrLiteral": "!isIRI({0})",
    "IRIOrLiteral": "!isBlank({0})",
}
_COMPARISONS = {"MinExclusive": ">", "MinInclusive": ">=", "MaxExclusive": "<", "MaxInclusive": "<="}
_OF_VALUES = frozenset(
    """Class Datatype NodeKind MinExclusive MinInclusive MaxExclusive MaxInclusive MinLength MaxLength Pattern
    LanguageIn In Not And Or Xone Node""".split()
)


# Of these, what the value alone decides, so that one scan of a property answers for all of them.
_OF_VALUES_ALONE = _OF_VALUES - {"Class", "Not", "And", "Or", "Xone", "Node"}


@dataclass(frozen=True, slots=True)
class Check:
    """One constraint as a query that selects ?node and, where there is one, ?value and ?path.

    `screen` is a quicker question over the property alone, whoever has it: when it is false, nothing breaks the
    constraint and the query need not be asked. Several checks share one.
    """

    shape: Shape
    constraint: Constraint
    sparql: str
    screen: str = ""


def checks(shapes: list[Shape], subclasses: bool = False) -> list[Check]:
    """Return every constraint of the shapes as a query.

    `subclasses` says that the data holds rdfs:subClassOf, so that instances of subclasses count; without
    any, asking for them only costs time. Raises ShapeError for a constraint that cannot be written.
    """
    return [check for shape in shapes for check in _Compiler(subclasses).checks(shape)]


class _Compiler:
    """Makes the queries of one shape; variables are numbered as they are needed."""

    def __init__(self, subclasses: bool) -> None:
        self._type = f"{_TYPE}/{_SUBCLASS}*" if subclasses else _TYPE
        self._made = 0

    def checks(self, shape: Shape) -> Iterator[Check]:
        if shape.targets:
            yield from self._checks(shape, self._target(shape), "?focus")

    def _new(self) -> str:
        self._made += 1
        return f"?v{self._made}"

    def _target(self, shape: Shape) -> str:
        parts = []
        for kind, term in shape.targets:
            match kind:
                case "targetClass":
                    parts.append(f"?focus {self._type} {term} .")
                case "targetNode":
                    parts.append(f"VALUES ?focus {{ {term} }}")
                case "targetSubjectsOf":
                    parts.append(f"?focus {term} {self._new()} .")
                case _:
                    parts.append(f"{self._new()} {term} ?focus .")
        return parts[0] if len(parts) == 1 else " UNION ".join(f"{{ {part} }}" for part in parts)

    def _checks(self, shape: Shape, pattern: str, focus: str) -> Iterator[Check]:
        """Yield the checks of a shape whose focus nodes the pattern binds to a variable."""
        value, reached = focus, pattern
        if shape.path is not None:
            value = self._new()
            reached = f"{pattern} {focus} {shape.path.text} {value} ."
        for constraint in shape.constraints:
            query = self._query(shape, constraint, pattern, reached, focus, value)
            yield Check(shape, constraint, query, self._screen(shape, constraint))
        for inner in shape.properties:
            yield from self._checks(inner, reached, value)

    def _screen(self, shape: Shape, constraint: Constraint) -> str:
        """Return a question that is false when no subject at all breaks the constraint; "" when none is quicker."""
        if shape.path is None or not shape.path.property:
            return ""
        scan = f"?s {shape.path.text} ?o ."
        if constraint.component in _OF_VALUES_ALONE:
            alone = [one for one in shape.constraints if one.component in _OF_VALUES_ALONE]
            return f"ASK {{ {scan} FILTER({_either([self._value_fails(one, '?o') for one in alone])}) }}"
        if constraint.component == "Class":
            return f"ASK {{ {{ SELECT DISTINCT ?o {{ {scan} }} }} FILTER({self._value_fails(constraint, '?o')}) }}"
        if constraint.component == "MaxCount" and constraint.value >= 1:
            counts = f"SELECT (COUNT(*) AS ?all) (COUNT(DISTINCT ?s) AS ?subjects) {{ {scan} }}"
            return f"ASK {{ {{ {counts} }} FILTER(?all > ?subjects) }}"
        return ""

    def _query(self, shape: Shape, constraint: Constraint, pattern: str, reached: str, focus: str, value: str) -> str:
        select = f"SELECT DISTINCT ({focus} AS ?node)"
        match constraint.component:
            case name if name in _OF_VALUES:
                broken = self._value_fails(constraint, value)
                return f"{select} ({value} AS ?value) WHERE {{ {reached} FILTER({broken}) }}"
            case "Closed":
                allowed = ", ".join(constraint.value)
                outside = f"FILTER(?path NOT IN ({allowed}))" if allowed else ""
                return f"{select} ?path ?value WHERE {{ {pattern} {focus} ?path ?value . {outside} }}"
            case "MaxCount" if constraint.value >= 1:
                return (
                    f"SELECT ({focus} AS ?node) WHERE {{ {reached} }} "
                    f"GROUP BY {focus} HAVING(COUNT(DISTINCT {value}) > {constraint.value})"
                )
            case "Disjoint":
                return f"{select} ({value} AS ?value) WHERE {{ {reached} {focus} {constraint.value} {value} . }}"
            case "Equals":
                return self._equals(shape, constraint, pattern, reached, focus, value)
            case "LessThan" | "LessThanOrEquals":
                other = self._new()
                sign = "<" if constraint.component == "LessThan" else "<="
                return (
                    f"{select} ({value} AS ?value) WHERE {{ {reached} {focus} {constraint.value} {other} . "
                    f"FILTER(!COALESCE({value} {sign} {other}, false)) }}"
                )
            case _:
                return f"{select} WHERE {{ {pattern} FILTER({self._set_fails(shape, constraint, focus)}) }}"

    def _equals(self, shape: Shape, constraint: Constraint, pattern: str, reached: str, focus: str, value: str) -> str:
        path = shape.path.text if shape.path else ""
        back = f"{focus} {path} {value} ." if path else f"FILTER(sameTerm({focus}, {value}))"
        return (
            f"SELECT DISTINCT ({focus} AS ?node) ({value} AS ?value) WHERE {{ "
            f"{{ {reached} FILTER NOT EXISTS {{ {focus} {constraint.value} {value} . }} }} UNION "
            f"{{ {pattern} {focus} {constraint.value} {value} . FILTER NOT EXISTS {{ {back} }} }} }}"
        )

    def _set_fails(self, shape: Shape, constraint: Constraint, focus: str) -> str:
        """Return an expression that is true when the value nodes together break a constraint (SHACL 4.2, 4.5, 4.7)."""
        path, wanted = shape.path, constraint.value
        if path is None:
            if constraint.component == "HasValue":
                return f"!sameTerm({focus}, {wanted})"
            raise ShapeError(f"{shape.id}: sh:{constraint.component} needs a property.")
        match constraint.component:
            case "MinCount":
                return f"!({self._has(focus, path, wanted)})"
            case "MaxCount":
                return self._has(focus, path, wanted + 1)
            case "HasValue":
                return f"NOT EXISTS {{ {focus} {path.text} {wanted} . }}"
            case "UniqueLang":
                one, two = self._new(), self._new()
                return (
                    f"EXISTS {{ {focus} {path.text} {one}, {two} . "
                    f'FILTER(!sameTerm({one}, {two}) && lang({one}) != "" && lang({one}) = lang({two})) }}'
                )
            case "QualifiedMinCount":
                return f"!({self._has(focus, path, wanted.number, wanted)})"
            case "QualifiedMaxCount":
                return self._has(focus, path, wanted.number + 1, wanted)
        return self._pairs_fail(path, constraint, focus)

    def _pairs_fail(self, path: Path, constraint: Constraint, focus: str) -> str:
        """Return an expression that is true when the values break a comparison with another property (SHACL 4.5)."""
        one, two, other = self._new(), self._new(), constraint.value
        match constraint.component:
            case "Disjoint":
                return f"EXISTS {{ {focus} {path.text} {one} . {focus} {other} {one} . }}"
            case "Equals":
                return (
                    f"EXISTS {{ {focus} {path.text} {one} . FILTER NOT EXISTS {{ {focus} {other} {one} . }} }} || "
                    f"EXISTS {{ {focus} {other} {two} . FILTER NOT EXISTS {{ {focus} {path.text} {two} . }} }}"
                )
            case "LessThan" | "LessThanOrEquals":
                sign = "<" if constraint.component == "LessThan" else "<="
                return (
                    f"EXISTS {{ {focus} {path.text} {one} . {focus} {other} {two} . "
                    f"FILTER(!COALESCE({one} {sign} {two}, false)) }}"
                )
        raise ShapeError(f"sh:{constraint.component} cannot be checked.")

    def _has(self, focus: str, path: Path, number: int, qualified: Qualified | None = None) -> str:
        """Return an expression that is true when a node has at least so many different (fitting) values."""
        if number == 0:
            return "true"
        if number > _MOST_DISTINCT:
            raise ShapeError(f"Counts above {_MOST_DISTINCT} cannot be checked.")
        values = [self._new() for _ in range(number)]
        conditions = [f"!sameTerm({one}, {two})" for one, two in combinations(values, 2)]
        if qualified:
            for value in values:
                conditions.append(f"!({self._fails(qualified.shape, value)})")
                conditions += [self._fails(sibling, value) for sibling in qualified.siblings]
        listed = " ".join(f"{focus} {path.text} {value} ." for value in values)
        return f"EXISTS {{ {listed} {_filter(conditions)} }}"

    def _fails(self, shape: Shape, node: str) -> str:
        """Return an expression that is true when a node does not conform to a shape (SHACL 3.4)."""
        parts = []
        if shape.path is None:
            parts += [self._fails_as_focus(shape, constraint, node) for constraint in shape.constraints]
            parts += [self._fails(inner, node) for inner in shape.properties]
        else:
            value = self._new()
            of_values = [self._value_fails(one, value) for one in shape.constraints if one.component in _OF_VALUES]
            of_values += [self._fails(inner, value) for inner in shape.properties]
            if of_values:
                parts.append(f"EXISTS {{ {node} {shape.path.text} {value} . FILTER({_either(of_values)}) }}")
            parts += [
                self._set_fails(shape, constraint, node)
                for constraint in shape.constraints
                if constraint.component not in _OF_VALUES
            ]
        return _either(parts)

    def _fails_as_focus(self, shape: Shape, constraint: Constraint, node: str) -> str:
        if constraint.component in _OF_VALUES:
            return self._value_fails(constraint, node)
        if constraint.component == "Closed":
            predicate, value = self._new(), self._new()
            allowed = ", ".join(constraint.value)
            outside = f"FILTER({predicate} NOT IN ({allowed}))" if allowed else ""
            return f"EXISTS {{ {node} {predicate} {value} . {outside} }}"
        return self._set_fails(shape, constraint, node)

    def _value_fails(self, constraint: Constraint, node: str) -> str:
        """Return an expression, true or false and never an error, that is true when one value breaks a constraint."""
        wanted: Any = constraint.value
        match constraint.component:
            case "Class":
                return f"NOT EXISTS {{ {node} {self._type} {wanted} . }}"
            case "Datatype":
                return _datatype_fails(wanted, node)
            case "NodeKind":
                return f"!({_KINDS[wanted.strip('<>').rpartition('#')[2]].format(node)})"
            case "MinLength" | "MaxLength":
                sign = ">=" if constraint.component == "MinLength" else "<="
                return f"!COALESCE(STRLEN(STR({node})) {sign} {wanted}, false)"
            case "Pattern":
                pattern, flags = (_quoted(part) for part in wanted)
                return f"!COALESCE(REGEX(STR({node}), {pattern}, {flags}), false)"
            case "LanguageIn":
                fits = _either([f"langMatches(lang({node}), {tag})" for tag in wanted])
                return f"!COALESCE({fits}, false)"
            case "In":
                return f"!({_either([f'sameTerm({node}, {term})' for term in wanted])})"
            case "Not":
                return f"!({self._fails(wanted, node)})"
            case "Node":
                return self._fails(wanted, node)
            case "And":
                return _either([self._fails(shape, node) for shape in wanted])
            case "Or":
                return " && ".join(f"({self._fails(shape, node)})" for shape in wanted) or "true"
            case "Xone":
                fitting = " + ".join(f"IF({self._fails(shape, node)}, 0, 1)" for shape in wanted) or "0"
                return f"({fitting}) != 1"
        return f"!COALESCE({node} {_COMPARISONS[constraint.component]} {wanted}, false)"


def _datatype_fails(datatype: str, node: str) -> str:
    if datatype == _RDF_LANGUAGE:
        return f'!COALESCE(lang({node}) != "", false)'
    typed = f"!COALESCE(datatype({node}) = {datatype}, false)"
    # Casting a well-formed value to its own datatype gives a value; an ill-typed literal gives an error.
    return f"{typed} || !COALESCE(isLiteral({datatype}({node})), false)" if datatype in WITH_FORMS else typed


def _either(parts: list[str]) -> str:
    return " || ".join(f"({part})" for part in parts) if parts else "false"


def _filter(conditions: list[str]) -> str:
    return f"FILTER({' && '.join(f'({condition})' for condition in conditions)})" if conditions else ""


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r")
    return f'"{escaped}"'
