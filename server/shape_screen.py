"""Settles constraints of shapes by the forms that a graph's subjects come in, so that a store is asked the rest only.

Nearly every graph keeps nearly every constraint, and the survey of a graph (`server.survey`) already knows in which
forms its subjects come: how many values of a property, of which kind. What that settles need not be loaded into a store
and asked there, which took longer than everything else that is checked. A constraint counts as settled only when no
subject can break it; everything else, and everything in doubt, is left to the queries of `server.shape_sparql`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from server.shape_model import Constraint, Shape
from server.shape_sparql import WITH_FORMS
from server.survey import BLANK, IRI, NAMING, TYPE, Forms

_SUBCLASS = "<http://www.w3.org/2000/01/rdf-schema#subClassOf>"
_XSD = "http://www.w3.org/2001/XMLSchema#"
_STRING = f"<{_XSD}string>"
# Constraints of one property that a store with no other properties than those of the shapes answers like a whole one.
_OF_ONE_PROPERTY = frozenset(
    """MinCount MaxCount Datatype NodeKind Class HasValue In LanguageIn UniqueLang Pattern MinLength MaxLength
    MinInclusive MinExclusive MaxInclusive MaxExclusive""".split()
)
# Of these, what only values that are there can break, so that things without any need not be looked at.
_OF_VALUES = _OF_ONE_PROPERTY - {"MinCount", "HasValue", "Class"}
Kinds = list[list[str]]
"""The kinds of a property's values, for each form of the focus nodes."""


def classes_asked_for(shapes: Iterable[Shape]) -> Iterator[str]:
    """Yield the classes, in angle brackets, whose members decide a constraint of a property."""
    for shape in shapes:
        for constraint in (one for inner in shape.properties for one in inner.constraints):
            if constraint.component == "Class":
                yield constraint.value


def unsettled(shapes: Iterable[Shape], forms: Forms) -> list[Shape]:
    """Return the shapes with nothing but the constraints that the forms leave open; none when all is well."""
    properties = {name for form in forms.counts for name in form[::2]}
    if not forms.whole or _SUBCLASS in properties:
        return list(shapes)
    left = (_left(shape, forms) for shape in shapes)
    return [shape for shape in left if shape.constraints or shape.properties]


def _left(shape: Shape, forms: Forms) -> Shape:
    if shape.path is not None or any(kind != "targetClass" for kind, _ in shape.targets):
        return shape
    wanted = {term for _, term in shape.targets}
    focus = [pairs for form in forms.counts if not wanted.isdisjoint(_classes(pairs := _pairs(form)))]
    open_ = []
    for inner in shape.properties:
        if inner.path is None or not inner.path.property or inner.properties:
            open_.append(inner)
            continue
        name = f"<{inner.path.property}>"
        kinds = [[kind for property, kind in pairs if property == name] for pairs in focus]
        constraints = [one for one in inner.constraints if not _settled(one, name, kinds, forms)]
        if constraints:
            open_.append(replace(inner, constraints=constraints))
    return replace(shape, properties=open_)


def _pairs(form: tuple[str, ...]) -> list[tuple[str, str]]:
    return list(zip(form[::2], form[1::2], strict=True))


def _classes(pairs: Iterable[tuple[str, str]]) -> set[str]:
    return {kind for property, kind in pairs if property == TYPE}


def _settled(constraint: Constraint, name: str, forms: Kinds, known: Forms) -> bool:
    """Tell whether no focus node breaks a constraint of a property, by the kinds of its values."""
    if name == TYPE:
        return False  # the kind of rdf:type is its class
    kinds = {kind for form in forms for kind in form}
    match constraint.component:
        case "MinCount":
            return all(len(form) >= constraint.value for form in forms)
        case "MaxCount":
            return all(len(form) <= constraint.value for form in forms)
        case "NodeKind":
            return _of_kind(constraint.value.strip("<>").rpartition("#")[2], kinds)
        case "Datatype":
            wanted = "" if constraint.value == _STRING else f"^^{constraint.value}"
            # A literal is of its datatype only when its text is (SHACL 4.1.2), where its text can be told.
            doubt = constraint.value in WITH_FORMS and (name, wanted) in known.doubtful
            return kinds <= {wanted} and not doubt
        case "UniqueLang":
            languages = [[kind for kind in form if kind.startswith("@")] for form in forms]
            return all(len(form) == len(set(form)) for form in languages)
        case "Class":
            members = known.members.get(constraint.value, set())
            return kinds <= {IRI} and known.uses.get(name, {}).keys() <= members
    return False


def _of_kind(wanted: str, kinds: set[str]) -> bool:
    if wanted == "IRI":
        return kinds <= {IRI}
    return wanted == "Literal" and kinds.isdisjoint((IRI, BLANK))


@dataclass(frozen=True, slots=True)
class Needed:
    """The triples that decide constraints: those of some properties, and the classes of what they are said of.

    `of_named` says that all of them are about things with a name or a code.
    """

    properties: frozenset[str]
    classes: frozenset[str]
    of_named: bool

    def __call__(self, line: str) -> bool:
        """Tell whether a canonical line is one of them."""
        _, property, value = line.split(" ", 2)
        return property in self.properties or (property == TYPE and value[:-3] in self.classes)


def lines_needed(shapes: Iterable[Shape]) -> Needed | None:
    """Return which triples decide the constraints of shapes, None when any triple may."""
    properties, classes, values_only = set[str](), set[str](), True
    for shape in shapes:
        if shape.constraints or shape.path is not None or any(kind != "targetClass" for kind, _ in shape.targets):
            return None
        classes.update(term for _, term in shape.targets)
        for inner in shape.properties:
            if inner.path is None or not inner.path.property or inner.properties:
                return None
            if any(one.component not in _OF_ONE_PROPERTY for one in inner.constraints):
                return None
            properties.add(f"<{inner.path.property}>")
            classes.update(one.value for one in inner.constraints if one.component == "Class")
            values_only &= all(one.component in _OF_VALUES for one in inner.constraints)
    if TYPE in properties:
        return None
    return Needed(frozenset(properties), frozenset(classes), values_only and properties <= NAMING)
