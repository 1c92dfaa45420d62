"""Reads CSVW metadata documents into table groups: checked, normalised, inherited properties brought down.

Metadata Vocabulary for Tabular Data. What the Recommendation calls an error raises CsvwError; what it calls a warning
goes to `warnings` and its default holds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import ontology
from loaders.csvw import properties as check
from loaders.csvw.context import CONTEXT, expand_name, is_language
from loaders.csvw.datatype_metadata import read_datatype
from loaders.csvw.model import Column, Common, Dialect, ForeignKey, Schema, Table, TableGroup
from loaders.csvw.notes import normalise_value
from loaders.csvw.problems import CsvwError
from loaders.csvw.resources import normalise_url
from loaders.csvw.terms import encode_illegal, is_iri, resolve

Load = Callable[[str], Any]

_INHERITED = (*check.INHERITED, "datatype", "null")
_TABLE_PROPERTIES = frozenset(
    {"dialect", "notes", "suppressOutput", "tableDirection", "tableSchema", "transformations", "url", *_INHERITED}
)
_GROUP_PROPERTIES = (_TABLE_PROPERTIES - {"url", "suppressOutput"}) | {"tables"}
_SCHEMA_PROPERTIES = frozenset({"columns", "foreignKeys", "primaryKey", "rowTitles", *_INHERITED})
_COLUMN_PROPERTIES = frozenset({"name", "suppressOutput", "titles", "virtual", *_INHERITED})
_KEYWORDS = frozenset({"@id", "@type", "@context"})


class MetadataReader:
    """Reads one metadata document; `load` fetches the JSON of schemas and dialects that it refers to."""

    def __init__(self, base: str, *, load: Load | None = None, strict: bool = True) -> None:
        self.base = base
        self.language = "und"
        self.warnings: list[str] = []
        self.strict = strict
        self._load = load
        self._document: Any = None

    def warn(self, message: str) -> None:
        """Keep a warning of the Recommendation."""
        self.warnings.append(message)

    def read(self, document: Any) -> TableGroup:
        """Return the table group that the document describes; a lone table is put in a group (6.2)."""
        if not isinstance(document, dict):
            raise CsvwError("a metadata document is a JSON object")
        location = self.base
        self._document = document
        self._context(document)
        if "tables" in document:
            group = self._group(document)
        elif "url" in document or not self.strict:
            group = TableGroup([self._table(document, {})])
        else:
            raise CsvwError("the document has neither tables nor url")
        group.language, group.base, group.location = self.language, self.base, location
        return group

    def _context(self, document: Mapping[str, Any]) -> None:
        """Metadata Vocabulary 5.2: the context is the CSVW one, perhaps with @base and @language."""
        if "@context" not in document and not self.strict:
            return
        context = document.get("@context")
        if context == CONTEXT:
            return
        if not isinstance(context, list) or not 1 <= len(context) <= 2 or context[0] != CONTEXT:
            raise CsvwError(f"@context must be {CONTEXT}")
        local = context[1] if len(context) == 2 else {}
        if not isinstance(local, dict) or not set(local) <= {"@base", "@language"}:
            raise CsvwError("@context may add nothing but @base and @language")
        if "@language" in local:
            if is_language(local["@language"]):
                self.language = local["@language"]
            else:
                self.warn("@language is no language tag")
        if "@base" in local:
            if not isinstance(local["@base"], str):
                raise CsvwError("@base must be a URL")
            self.base = resolve(self.base, local["@base"])

    def _group(self, source: Mapping[str, Any]) -> TableGroup:
        check.check_type(source, "TableGroup")
        inherited = self._inherited(source, {})
        for name in ("dialect", "tableDirection", "tableSchema", "transformations"):
            if name in source:
                inherited[name] = source[name]
        tables = source["tables"]
        if not isinstance(tables, list):
            self.warn("tables is no array")
            tables = []
        objects = [table for table in tables if isinstance(table, dict)]
        if len(objects) != len(tables):
            self.warn("tables holds something that is no table description")
        if not objects:
            raise CsvwError("tables must hold at least one table description")
        common, _ = self._common(source, _GROUP_PROPERTIES)
        return TableGroup(
            [self._table(table, inherited) for table in objects],
            id=self._id(source),
            notes=self._notes(source),
            common=common,
            dialect=self._dialect(source),
        )

    def _table(self, source: Mapping[str, Any], group: Mapping[str, Any]) -> Table:
        check.check_type(source, "Table")
        url = source.get("url")
        if not isinstance(url, str) and (self.strict or "url" in source):
            raise CsvwError("a table description must have a url")
        address = normalise_url(encode_illegal(resolve(self.base, url))) if isinstance(url, str) else ""
        if self.strict and not is_iri(address):
            raise CsvwError("the url of a table is no address")
        inherited = self._inherited(source, group)
        direction = check.one_of("ltr", "rtl", "auto")
        group_direction = check.take(group, "tableDirection", direction, self.warn, "auto")
        common, annotations = self._common(source, _TABLE_PROPERTIES)
        schema_source = source.get("tableSchema", group.get("tableSchema"))
        has_schema = "tableSchema" in source or "tableSchema" in group
        schema = self._schema(schema_source, inherited) if has_schema else Schema(aboutUrl=inherited.get("aboutUrl"))
        return Table(
            url=address,
            id=self._id(source),
            schema=schema,
            dialect=self._dialect(source if "dialect" in source else group),
            notes=self._notes(source),
            suppressOutput=check.take(source, "suppressOutput", check.boolean, self.warn, False),
            tableDirection=check.take(source, "tableDirection", direction, self.warn, group_direction),
            transformations=self._transformations(source if "transformations" in source else group),
            common=common,
            annotations=annotations,
            inherited=inherited,
        )

    def _schema(self, source: Any, inherited: Mapping[str, Any]) -> Schema:
        described, reader = self._object(source, "tableSchema")
        schema = reader.schema(described, inherited, self)
        schema.described = schema.described or not isinstance(source, dict | str)
        return schema

    def schema(self, source: Mapping[str, Any], inherited: Mapping[str, Any], owner: MetadataReader) -> Schema:
        """Return the schema of a schema description, with the properties it inherits."""
        check.check_type(source, "Schema")
        inherited = self._inherited(source, inherited)
        common, _ = self._common(source, _SCHEMA_PROPERTIES)
        schema = Schema(id=self._id(source), common=common, aboutUrl=inherited.get("aboutUrl"), inherited=inherited)
        schema.columns = self._columns(source.get("columns", []), inherited)
        schema.described = "columns" in source
        names = {column.name for column in schema.columns if column.declared}
        if "primaryKey" in source:
            schema.primaryKey = self._column_names(source, "primaryKey", names)
        if "rowTitles" in source:
            schema.rowTitles = self._column_names(source, "rowTitles", names)
        schema.foreignKeys = self._foreign_keys(source.get("foreignKeys", []), names)
        if owner is not self:
            owner.warnings.extend(self.warnings)
        return schema

    def _columns(self, source: Any, inherited: Mapping[str, Any]) -> list[Column]:
        if not isinstance(source, list):
            # Metadata Vocabulary 5.1.1: what is no array counts as an empty one.
            self.warn("columns is no array")
            source = []
        objects = [column for column in source if isinstance(column, dict)]
        if len(objects) != len(source):
            self.warn("columns holds something that is no column description")
        columns = [self._column(column, number, inherited) for number, column in enumerate(objects, 1)]
        # 5.5: the `name` properties must differ; two columns may share a title, but a published column is found by it.
        names = [column.name for column in columns if column.declared or not self.strict]
        if len(set(names)) != len(names):
            raise CsvwError("two columns have the same name")
        if len({column.name for column in columns}) != len(columns):
            self.warn("two columns have the same title, and one of them no name")
        virtual = [column.virtual for column in columns]
        if virtual != sorted(virtual):
            raise CsvwError("a virtual column stands before one that is not")
        return columns

    def _column(self, source: Mapping[str, Any], number: int, inherited: Mapping[str, Any]) -> Column:
        check.check_type(source, "Column")
        titles = {}
        if "titles" in source:
            titles = check.natural_language(source["titles"], self.language, "titles", self.warn)
        name = check.take(source, "name", check.column_name, self.warn)
        values = self._inherited(source, inherited)
        common, annotations = self._common(source, _COLUMN_PROPERTIES)
        column = Column(
            name=name or self._title_name(titles) or f"_col.{number}",
            number=number,
            titles=titles,
            virtual=check.take(source, "virtual", check.boolean, self.warn, False),
            suppress=check.take(source, "suppressOutput", check.boolean, self.warn, False),
            id=self._id(source),
            declared=name is not None,
            common=common,
            annotations=annotations,
        )
        for key in _INHERITED:
            if key in values:
                setattr(column, key, values[key])
        return column

    def _title_name(self, titles: Mapping[str, list[str]]) -> str | None:
        """Metadata Vocabulary 5.6: without a name, the first title in the default language is it, encoded."""
        for tag in (self.language, "und"):
            if titles.get(tag):
                return title_name(titles[tag][0])
        return None

    def _inherited(self, source: Mapping[str, Any], outer: Mapping[str, Any]) -> dict[str, Any]:
        """Metadata Vocabulary 5.7: the nearest description that has a property wins."""
        values = dict(outer)
        for name, test in check.INHERITED.items():
            if name in source:
                value = check.take(source, name, test, self.warn, check.Invalid)
                if value is not check.Invalid:
                    values[name] = value
        if "null" in source:
            nulls = check.nulls(source["null"], self.warn)
            values["null"] = values.get("null", ("",)) if nulls is None else nulls
        if "datatype" in source:
            datatype = read_datatype(source["datatype"], self.warn, self.language, self.base)
            if datatype is not None:
                values["datatype"] = replace(datatype, id=resolve(self.base, datatype.id)) if datatype.id else datatype
        return values

    def _column_names(self, source: Mapping[str, Any], key: str, names: set[str]) -> tuple[str, ...]:
        references: tuple[str, ...] = check.take(source, key, check.column_reference, self.warn, ())
        if not set(references) <= names:
            self.warn(f"{key} names a column that the schema has not")
            return ()
        return references

    def _foreign_keys(self, source: Any, names: set[str]) -> list[ForeignKey]:
        if not isinstance(source, list):
            self.warn("foreignKeys is no array")
            return []
        keys = []
        for item in source:
            if not isinstance(item, dict):
                self.warn("foreignKeys holds something that is no foreign key definition")
                continue
            keys.append(self._foreign_key(item, names))
        return keys

    def _foreign_key(self, source: Mapping[str, Any], names: set[str]) -> ForeignKey:
        """Metadata Vocabulary 5.5.2.1: nothing but the properties named there, and existing columns."""
        reference = source.get("reference")
        if not isinstance(reference, dict):
            self.warn("reference is no object")
            reference = {}
        if not set(source) <= {"columnReference", "reference"} or not (
            set(reference) <= {"resource", "schemaReference", "columnReference"}
        ):
            raise CsvwError("a foreign key has a property that it may not have")
        columns = check.take(source, "columnReference", check.column_reference, self.warn, ())
        referenced = check.take(reference, "columnReference", check.column_reference, self.warn, ())
        if not columns or not set(columns) <= names:
            raise CsvwError("a foreign key's columnReference names a column that the schema has not")
        resource = check.take(reference, "resource", check.string, self.warn)
        schema = check.take(reference, "schemaReference", check.string, self.warn)
        if not referenced or (resource is None) == (schema is None):
            raise CsvwError("a foreign key must refer to columns of either a resource or a schemaReference")
        return ForeignKey(
            columns,
            resolve(self.base, resource) if resource is not None else None,
            resolve(self.base, schema) if schema is not None else None,
            referenced,
        )

    def _transformations(self, source: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        items = source.get("transformations", [])
        if not isinstance(items, list):
            self.warn("transformations is no array")
            return []
        known = frozenset({"url", "scriptFormat", "targetFormat", "source", "titles"})
        kept: list[Mapping[str, Any]] = []
        for item in items:
            if not isinstance(item, dict):
                self.warn("transformations holds something that is no transformation definition")
                continue
            # The Recommendation says Template, its own vocabulary Transformation.
            check.check_type(item, "Transformation" if item.get("@type") == "Transformation" else "Template")
            check.check_id(item.get("@id", ""), self.warn)
            required = ("url", "scriptFormat", "targetFormat")
            if not all(name in item for name in required):
                raise CsvwError("a transformation must have url, scriptFormat and targetFormat")
            if not all(isinstance(item[name], str) for name in required):
                # Metadata Vocabulary 5.1.2: a link that is no string counts as an empty one.
                self.warn("a transformation has a link that is no string")
            if item.get("source") not in (None, "json", "rdf"):
                self.warn("the source of a transformation is neither json nor rdf")
                item = {name: value for name, value in item.items() if name != "source"}
            if "titles" in item:
                check.natural_language(item["titles"], self.language, "titles", self.warn)
            self._common(item, known)
            kept.append(item)
        return kept

    def _dialect(self, source: Mapping[str, Any]) -> Dialect | None:
        if "dialect" not in source:
            return None
        described, reader = self._object(source["dialect"], "dialect")
        if reader is self and "@context" in described:
            raise CsvwError("@context may stand at the top of a document only")
        return check.read_dialect(described, self.warn)

    def _object(self, value: Any, name: str) -> tuple[Mapping[str, Any], MetadataReader]:
        """Metadata Vocabulary 5.1.5: an object property is an object, or the URL of one."""
        if isinstance(value, dict):
            return value, self
        if not isinstance(value, str):
            self.warn(f"{name} is neither an object nor a URL")
            return {}, self
        url = resolve(self.base, value)
        if self._load is None:
            raise CsvwError(f"{name} refers to another document, which cannot be loaded here")
        document = self._load(url)
        if not isinstance(document, dict):
            raise CsvwError(f"{name} refers to a document that is no JSON object")
        reader = MetadataReader(url, load=self._load, strict=False)
        reader._context(document)
        reader._document = {"@id": url, **document}
        return reader._document, reader

    def _id(self, source: Mapping[str, Any]) -> str:
        if "@id" not in source:
            return ""
        return normalise_url(encode_illegal(resolve(self.base, check.check_id(source["@id"], self.warn))))

    def _notes(self, source: Mapping[str, Any]) -> list[Any]:
        notes = source.get("notes", [])
        notes = [notes] if isinstance(notes, dict) else notes
        if not isinstance(notes, list):
            self.warn("notes is no array")
            return []
        return [normalise_value(note, self.language, self.base, self.warn) for note in notes]

    def _common(self, source: Mapping[str, Any], known: frozenset[str]) -> tuple[Common, dict[str, Any]]:
        """Sort out common properties (5.8), our own annotations, and what is neither (a warning)."""
        common: Common = {}
        annotations: dict[str, Any] = {}
        for name, value in source.items():
            if name == "@context" and source is not self._document:
                # Metadata Vocabulary A: only the whole document has a context.
                raise CsvwError("@context may stand at the top of a document only")
            if name in known or name in _KEYWORDS:
                continue
            if name.startswith(ontology.CSVW_EXTENSION):
                annotations[name.removeprefix(ontology.CSVW_EXTENSION)] = value
            elif ":" in name and expand_name(name):
                common[name] = normalise_value(value, self.language, self.base, self.warn)
            else:
                self.warn("a property is neither defined by CSVW nor a common property")
        return common, annotations


def title_name(title: str) -> str:
    """Return the title as a variable name of RFC 6570 2.3: letters, digits, `_` and `.`, all else encoded.

    >>> title_name("Datum - yyyy.MM")
    'Datum%20%2D%20yyyy.MM'
    """
    return quote(title, safe="").replace("-", "%2D").replace("~", "%7E")


def read_group(document: Any, base: str, *, load: Load | None = None) -> tuple[TableGroup, list[str]]:
    """Return the table group of a metadata document and the warnings met; raise CsvwError when it is invalid."""
    reader = MetadataReader(base, load=load)
    return reader.read(document), reader.warnings


def read_table(document: Mapping[str, Any], base: str, *, load: Load | None = None) -> Table:
    """Return the one table that the document describes; raise CsvwError when it is invalid or describes several.

    More lenient than read_group: a specification's table has no url of its own, and @context may be left out. What
    the Recommendation only warns about is in the table's `warnings` (rule csvw.warning).
    """
    reader = MetadataReader(base, load=load, strict=False)
    group = reader.read(dict(document))
    if len(group.tables) != 1:
        raise CsvwError("the document describes several tables")
    table = group.tables[0]
    if table.dialect is None:
        table.dialect = group.dialect
    table.warnings = reader.warnings
    return table
