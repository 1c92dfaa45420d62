"""A faultless catalogue in Turtle, and the ways in which one statement of it can be wrong."""

from __future__ import annotations

import ontology

PREFIXES = "".join(f"@prefix {name}: <{iri}> .\n" for name, iri in ontology.PREFIXES.items() if name != "schema")
EU = "http://publications.europa.eu/resource/authority/"
GOOD = f"""
<k> a dcat:Catalog ; dcterms:title "Katalog"@sv, "Catalogue"@en ; dcterms:description "Data."@sv ;
    dcterms:publisher <p> ; dcterms:license <http://creativecommons.org/publicdomain/zero/1.0/> ;
    dcat:dataset <d> ; dcat:service <s> ; dcterms:issued "2026-01-01"^^xsd:date ;
    dcterms:modified "2026-01-02"^^xsd:date ; dcterms:language <{EU}language/SWE> ;
    foaf:homepage <https://granby.example/> ; dcterms:spatial <http://sws.geonames.org/2661886/> ;
    dcat:themeTaxonomy <{EU}data-theme> .
<p> a foaf:Agent ; foaf:name "Granby kommun"@sv ; dcterms:description "En kommun."@sv ;
    dcterms:identifier "2120009911" ; dcterms:type <http://purl.org/adms/publishertype/LocalAuthority> .
<c> a vcard:Organization ; vcard:fn "Öppna data" ; vcard:hasEmail <mailto:data@granby.example> ;
    vcard:hasTelephone <t> ; vcard:hasAddress <a> .
<d> a dcat:Dataset ; dcterms:title "Badplatser"@sv ; dcterms:description "Var man badar."@sv ;
    dcterms:publisher <p> ; dcat:contactPoint <c> ; dcat:keyword "bad"@sv ; dcat:theme <{EU}data-theme/ENVI> ;
    dcterms:issued "2026-01-01"^^xsd:date ; dcterms:conformsTo <spec/badplatser> ;
    dcterms:spatial <http://sws.geonames.org/2661886/> ; dcterms:temporal <time> ;
    dcterms:accessRights <{EU}access-right/PUBLIC> ; dcterms:accrualPeriodicity <{EU}frequency/ANNUAL> ;
    dcat:distribution <f> .
<time> dcat:startDate "2026"^^xsd:gYear .
<f> a dcat:Distribution ; dcterms:description "CSV"@sv ; dcat:accessURL <https://granby.example/bad.csv> ;
    dcterms:format "text/csv" ; dcatap:availability <{EU}planned-availability/AVAILABLE> ;
    dcterms:license <http://creativecommons.org/publicdomain/zero/1.0/> .
<s> a dcat:DataService ; dcterms:title "SPARQL"@en ; dcat:endpointURL <https://granby.example/sparql> ;
    dcat:endpointDescription <https://granby.example/sparql> ; dcterms:format "application/json" ;
    dcat:contactPoint <c> ; dcat:keyword "api"@en ; dcat:servesDataset <d> ;
    dcterms:license <http://creativecommons.org/licenses/by/4.0/> ; dcterms:accessRights <{EU}access-right/PUBLIC> .
"""
HVD = "dcatap:applicableLegislation <http://data.europa.eu/eli/reg_impl/2023/138/oj>"
CATEGORY = "dcatap:hvdCategory <http://data.europa.eu/bna/c_38933a65>"

# name: (what to replace, by what, the severity, a word of the message in English)
FAULTS = {
    "catalog-title": ('dcterms:title "Katalog"@sv, "Catalogue"@en ;', "", "Violation", "title is missing"),
    "catalog-description": ('dcterms:description "Data."@sv ;', "", "Violation", "description is missing"),
    "catalog-publisher": ("dcterms:publisher <p> ; dcterms:license", "dcterms:license", "Violation", "One publisher"),
    "catalog-license": (
        "dcterms:license <http://creativecommons.org/publicdomain/zero/1.0/> ;\n    dcat:dataset",
        "dcat:dataset",
        "Violation",
        "One licence",
    ),
    "catalog-dataset": ("dcat:dataset <d> ; ", "", "Violation", "no dataset"),
    "catalog-record": ("dcat:dataset <d>", "dcat:record <r> ; dcat:dataset <d>", "Violation", "records"),
    "catalog-issued": (
        'dcterms:issued "2026-01-01"^^xsd:date ;\n    dcterms:modified',
        "dcterms:modified",
        "Warning",
        "issue",
    ),
    "catalog-modified": ('dcterms:modified "2026-01-02"^^xsd:date ;', "", "Warning", "modification"),
    "catalog-language": (f"dcterms:language <{EU}language/SWE> ;", "", "Warning", "language is missing"),
    "catalog-language-code": (f"<{EU}language/SWE>", "<http://lexvo.org/id/iso639-3/swe>", "Violation", "language"),
    "catalog-homepage": ("foaf:homepage <https://granby.example/> ;", "", "Warning", "homepage is missing"),
    "catalog-homepage-letters": ("<https://granby.example/> ;", "<https://granby.example/å> ;", "Violation", "encoded"),
    "catalog-spatial": (
        f"dcterms:spatial <http://sws.geonames.org/2661886/> ;\n    dcat:themeTaxonomy <{EU}data-theme> .",
        f"dcat:themeTaxonomy <{EU}data-theme> .",
        "Warning",
        "spatial",
    ),
    "catalog-themes": (f";\n    dcat:themeTaxonomy <{EU}data-theme> .", ".", "Warning", "taxonomy"),
    "catalog-blank": ("<k> a dcat:Catalog", "[] a dcat:Catalog", "Violation", "blank"),
    "catalog-nested-parts": (
        "<k> a dcat:Catalog ;",
        "<k> a dcat:Catalog ; dcterms:hasPart [ dcterms:hasPart <k> ] ;",
        "Violation",
        "one level",
    ),
    "publisher-name": ('foaf:name "Granby kommun"@sv ;', "", "Violation", "name is missing"),
    "publisher-name-language": ('"Granby kommun"@sv', '"Granby kommun"', "Violation", "language"),
    "publisher-type": (
        "; dcterms:type <http://purl.org/adms/publishertype/LocalAuthority>",
        "",
        "Violation",
        "publisher type",
    ),
    "publisher-type-code": ("publishertype/LocalAuthority", "publishertype/Kommun", "Violation", "publisher type"),
    "publisher-description": ('dcterms:description "En kommun."@sv ;', "", "Warning", "description of the publisher"),
    "publisher-number": ('dcterms:identifier "2120009911" ;', "", "Warning", "organisation number"),
    "publisher-is-contact": (
        "dcat:contactPoint <c> ; dcat:keyword",
        "dcat:contactPoint <p> ; dcat:keyword",
        "Violation",
        "never share",
    ),
    "contact-type": ("<c> a vcard:Organization", "<c> a vcard:Kind", "Violation", "vcard:Individual"),
    "contact-name": ('vcard:fn "Öppna data" ;', "", "Violation", "contact's name"),
    "contact-email": ("vcard:hasEmail <mailto:data@granby.example> ;", "", "Violation", "e-mail address is missing"),
    "contact-email-form": ("<mailto:data@granby.example>", '"data@granby.example"', "Violation", "mailto"),
    "contact-telephone": ("vcard:hasTelephone <t> ;", "", "Info", "telephone"),
    "contact-blank": (
        "dcat:contactPoint <c> ; dcat:keyword",
        "dcat:contactPoint [] ; dcat:keyword",
        "Violation",
        "blank",
    ),
    "dataset-title": ('dcterms:title "Badplatser"@sv ;', "", "Violation", "title is missing"),
    "dataset-title-twice": ('"Badplatser"@sv', '"Badplatser"@sv, "Bad"@sv', "Violation", "once per language"),
    "dataset-title-untagged": ('"Badplatser"@sv', '"Badplatser"', "Violation", "language"),
    "dataset-title-long": (
        '"Badplatser"@sv',
        '"Alla badplatser i Granby som vi känner till just nu idag"@sv',
        "Info",
        "nine words",
    ),
    "dataset-description": ('dcterms:description "Var man badar."@sv ;', "", "Violation", "description is missing"),
    "dataset-publisher": (
        "dcterms:publisher <p> ; dcat:contactPoint",
        "dcat:contactPoint",
        "Violation",
        "One publisher",
    ),
    "dataset-publishers": (
        "dcterms:publisher <p> ; dcat:contactPoint",
        "dcterms:publisher <p>, <q> ; dcat:contactPoint",
        "Violation",
        "One publisher",
    ),
    "dataset-contact": ('dcat:contactPoint <c> ; dcat:keyword "bad"', 'dcat:keyword "bad"', "Warning", "contact point"),
    "dataset-keyword": ('dcat:keyword "bad"@sv ;', "", "Warning", "Keywords are missing"),
    "dataset-keyword-list": ('"bad"@sv', '"bad, sjö"@sv', "Warning", "commas"),
    "dataset-keyword-case": ('"bad"@sv', '"Bad"@sv', "Info", "lower case"),
    "dataset-theme": (f"dcat:theme <{EU}data-theme/ENVI> ;", "", "Warning", "theme is missing"),
    "dataset-theme-retired": ("data-theme/ENVI", "data-theme/OP_DATPRO", "Violation", "thirteen"),
    "dataset-issued": (
        'dcterms:issued "2026-01-01"^^xsd:date ; dcterms:conformsTo',
        "dcterms:conformsTo",
        "Warning",
        "issue",
    ),
    "dataset-issued-text": (
        '"2026-01-01"^^xsd:date ; dcterms:conformsTo',
        '"i våras" ; dcterms:conformsTo',
        "Violation",
        "issue",
    ),
    "dataset-conforms": ("dcterms:conformsTo <spec/badplatser> ;", "", "Warning", "conforms"),
    "dataset-temporal": ("dcterms:temporal <time> ;", "", "Warning", "temporal"),
    "dataset-spatial": (
        "dcterms:spatial <http://sws.geonames.org/2661886/> ; dcterms:temporal",
        "dcterms:temporal",
        "Warning",
        "spatial",
    ),
    "dataset-access": (
        f"dcterms:accessRights <{EU}access-right/PUBLIC> ; dcterms:accrual",
        "dcterms:accrual",
        "Warning",
        "Access rights are missing",
    ),
    "dataset-access-code": (
        "access-right/PUBLIC> ; dcterms:accrual",
        "access-right/SENSITIVE> ; dcterms:accrual",
        "Violation",
        "EU code",
    ),
    "dataset-frequency-code": ("frequency/ANNUAL", "frequency/YEARLY", "Violation", "frequency"),
    "dataset-license": (
        "dcat:distribution <f> .",
        "dcat:distribution <f> ; dcterms:license <l> .",
        "Warning",
        "not on the dataset",
    ),
    "dataset-distribution": ("dcat:distribution <f> .", "dcat:distribution <g> .", "Violation", "described dcat:Dist"),
    "dataset-blank": ("<d> a dcat:Dataset", "[] a dcat:Dataset", "Violation", "blank"),
    "high-value-category": ("dcat:distribution <f> .", f"dcat:distribution <f> ; {HVD} .", "Violation", "high-value"),
    "high-value-distribution": (
        "dcat:distribution <f> .",
        f"dcat:distribution <f> ; {HVD} ; {CATEGORY} .",
        "Warning",
        "marked with the legislation",
    ),
    "high-value-code": (
        "dcat:distribution <f> .",
        "dcat:distribution <f> ; dcatap:hvdCategory <h> .",
        "Violation",
        "EU categories",
    ),
    "high-value-service": (
        'dcterms:title "SPARQL"@en ;',
        f'dcterms:title "SPARQL"@en ; {HVD} ; {CATEGORY} .\n<s> ',
        "Violation",
        "documentation",
    ),
    "distribution-access-url": ("dcat:accessURL <https://granby.example/bad.csv> ;", "", "Violation", "One access URL"),
    "distribution-access-urls": (
        "<https://granby.example/bad.csv>",
        "<https://granby.example/a>, <https://b.example/>",
        "Violation",
        "One access URL",
    ),
    "distribution-access-letters": ("granby.example/bad.csv", "granby.example/båd.csv", "Violation", "encoded"),
    "distribution-format": ('dcterms:format "text/csv" ;', "", "Violation", "One format"),
    "distribution-formats": ('"text/csv"', '"text/csv", "application/json"', "Violation", "One format"),
    "distribution-format-word": ('"text/csv"', '"CSV"', "Violation", "media type"),
    "distribution-description": ('dcterms:description "CSV"@sv ;', "", "Warning", "description is missing"),
    "distribution-license": (
        ";\n    dcterms:license <http://creativecommons.org/publicdomain/zero/1.0/> .",
        ".",
        "Warning",
        "licence is missing",
    ),
    "distribution-license-https": (
        ";\n    dcterms:license <http://creativecommons.org/publicdomain/zero/1.0/> .",
        ";\n    dcterms:license <https://creativecommons.org/publicdomain/zero/1.0> .",
        "Violation",
        "begins with http",
    ),
    "distribution-availability": (
        f"dcatap:availability <{EU}planned-availability/AVAILABLE> ;",
        "",
        "Warning",
        "availability is missing",
    ),
    "distribution-availability-retired": (
        f"<{EU}planned-availability/AVAILABLE>",
        "<http://data.europa.eu/r5r/availability/stable>",
        "Violation",
        "availability",
    ),
    "distribution-size": (
        'dcterms:format "text/csv"',
        'dcat:byteSize "12 kB" ; dcterms:format "text/csv"',
        "Violation",
        "bytes",
    ),
    "distribution-status": (
        'dcterms:format "text/csv"',
        'adms:status <st> ; dcterms:format "text/csv"',
        "Violation",
        "status",
    ),
    "distribution-media-type": (
        'dcterms:format "text/csv"',
        'dcat:mediaType <m> ; dcterms:format "text/csv"',
        "Warning",
        "dcat:mediaType",
    ),
    "distribution-policy": (
        'dcterms:format "text/csv"',
        '<http://www.w3.org/ns/odrl/2/hasPolicy> <m> ; dcterms:format "text/csv"',
        "Warning",
        "odrl:hasPolicy",
    ),
    "distribution-compress": (
        'dcterms:format "text/csv"',
        'dcat:compressFormat <m> ; dcterms:format "text/csv"',
        "Warning",
        "compressFormat",
    ),
    "distribution-package": (
        'dcterms:format "text/csv"',
        'dcat:packageFormat <m> ; dcterms:format "text/csv"',
        "Warning",
        "packageFormat",
    ),
    "service-title": ('dcterms:title "SPARQL"@en ;', "", "Violation", "title is missing"),
    "service-endpoint": (
        "dcat:endpointURL <https://granby.example/sparql> ;",
        "",
        "Violation",
        "endpoint URL is missing",
    ),
    "service-format": ('dcterms:format "application/json" ;', "", "Violation", "One format"),
    "service-description": (
        "dcat:endpointDescription <https://granby.example/sparql> ;",
        "",
        "Warning",
        "endpoint description",
    ),
    "service-contact": ('dcat:contactPoint <c> ; dcat:keyword "api"', 'dcat:keyword "api"', "Warning", "contact point"),
    "service-keyword": ('dcat:keyword "api"@en ;', "", "Warning", "Keywords"),
    "service-license": ("dcterms:license <http://creativecommons.org/licenses/by/4.0/> ; ", "", "Warning", "licence"),
    "service-access": (f" ; dcterms:accessRights <{EU}access-right/PUBLIC> .\n", ".\n", "Warning", "Access rights"),
}

GOOD_SERIES = f"""
<x> a dcat:DatasetSeries ; dcterms:title "Reskontra"@sv ; dcterms:description "Alla år."@sv ;
    dcterms:publisher <p> ; dcat:contactPoint <c> ; dcat:keyword "faktura"@sv ; dcat:theme <{EU}data-theme/ECON> ;
    dcterms:conformsTo <spec/leverantorsreskontra> ; dcterms:issued "2026-01-01"^^xsd:date ;
    dcterms:spatial <http://sws.geonames.org/2661886/> ; dcterms:temporal <time> ;
    dcterms:accrualPeriodicity <{EU}frequency/ANNUAL> .
"""
SERIES_FAULTS = {
    "title": ('dcterms:title "Reskontra"@sv ;', "", "Violation", "title is missing"),
    "title-untagged": ('"Reskontra"@sv', '"Reskontra"', "Violation", "language"),
    "description": ('dcterms:description "Alla år."@sv ;', "", "Violation", "description is missing"),
    "publisher": ("dcterms:publisher <p> ;", "", "Violation", "One publisher"),
    "publishers": ("dcterms:publisher <p> ;", "dcterms:publisher <p>, <q> ;", "Violation", "One publisher"),
    "contact": ("dcat:contactPoint <c> ;", "", "Warning", "contact point"),
    "keyword": ('dcat:keyword "faktura"@sv ;', "", "Warning", "Keywords are missing"),
    "theme": (f"dcat:theme <{EU}data-theme/ECON> ;", "", "Warning", "theme is missing"),
    "theme-code": ("data-theme/ECON", "data-theme/EKONOMI", "Violation", "thirteen"),
    "conforms": ("dcterms:conformsTo <spec/leverantorsreskontra> ;", "", "Warning", "conforms"),
    "issued": ('dcterms:issued "2026-01-01"^^xsd:date ;', "", "Warning", "issue"),
    "spatial": ("dcterms:spatial <http://sws.geonames.org/2661886/> ;", "", "Warning", "spatial"),
    "temporal": ("dcterms:temporal <time> ;", "", "Warning", "temporal"),
    "frequency-code": ("frequency/ANNUAL", "frequency/ARLIGEN", "Violation", "frequency"),
    "blank": ("<x> a dcat:DatasetSeries", "[] a dcat:DatasetSeries", "Violation", "blank"),
    "nested": (
        "<x> a dcat:DatasetSeries ;",
        "<x> a dcat:DatasetSeries ; dcat:inSeries <y> ;",
        "Violation",
        "not in other",
    ),
}
# Further ways in which a value breaks the harvest rules, put into the faultless catalogue.
MORE_FAULTS = {
    "contact-address": (
        "vcard:hasTelephone <t> ; vcard:hasAddress <a> .",
        "vcard:hasTelephone <t> .",
        "Info",
        "address",
    ),
    "catalog-licenses": (
        "dcterms:license <http://creativecommons.org/publicdomain/zero/1.0/> ;\n    dcat:dataset",
        "dcterms:license <http://creativecommons.org/publicdomain/zero/1.0/>, "
        "<http://creativecommons.org/licenses/by/4.0/> ;\n    dcat:dataset",
        "Violation",
        "One licence",
    ),
    "catalog-title-untagged": ('"Katalog"@sv', '"Katalog"', "Violation", "language"),
    "publisher-types": (
        "publishertype/LocalAuthority>",
        "publishertype/LocalAuthority>, <http://purl.org/adms/publishertype/Company>",
        "Violation",
        "publisher type",
    ),
    "endpoint-letters": (
        "dcat:endpointURL <https://granby.example/sparql>",
        "dcat:endpointURL <https://granby.example/frågor>",
        "Violation",
        "encoded",
    ),
    "service-formats": ('"application/json" ;', '"application/json", "text/csv" ;', "Violation", "format"),
    "download-letters": (
        "dcat:accessURL <https://granby.example/bad.csv> ;",
        "dcat:accessURL <https://granby.example/bad.csv> ; dcat:downloadURL <https://granby.example/båd.csv> ;",
        "Violation",
        "encoded",
    ),
    "dataset-series-address": (
        "dcat:distribution <f> .",
        "dcat:distribution <f> ; dcat:inSeries <z> .",
        "Violation",
        "series",
    ),
}
