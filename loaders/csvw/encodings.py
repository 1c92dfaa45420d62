"""The encodings that CSVW may name: those of the Encoding Standard, by the names that it gives them.

Metadata Vocabulary 5.9 (encoding) and Tabular Data Model 8. The standard reads `iso-8859-1` and `us-ascii` as
windows-1252, as browsers do, and other old names as the larger sets that took their place.
"""

from __future__ import annotations

import codecs
from collections.abc import Mapping

# Encoding Standard 4.2: labels that Python does not know, or knows as a smaller or another set.
_LABELS: Mapping[str, tuple[str, ...]] = {
    "utf-8": ("unicode-1-1-utf-8", "unicode11utf8", "unicode20utf8", "x-unicode20utf8", "utf8"),
    "utf-16-le": ("utf-16", "utf-16le", "csunicode", "iso-10646-ucs-2", "ucs-2", "unicode", "unicodefeff"),
    "utf-16-be": ("utf-16be", "unicodefffe"),
    "cp1252": (
        "ansi_x3.4-1968", "ascii", "cp1252", "cp819", "csisolatin1", "ibm819", "iso-8859-1", "iso-ir-100", "iso8859-1",
        "iso88591", "iso_8859-1", "iso_8859-1:1987", "l1", "latin1", "us-ascii", "windows-1252", "x-cp1252",
    ),
    "cp1254": ("csisolatin5", "iso-8859-9", "iso-ir-148", "iso8859-9", "iso88599", "iso_8859-9", "iso_8859-9:1989",
               "l5", "latin5", "windows-1254", "x-cp1254"),
    "cp874": ("dos-874", "iso-8859-11", "iso8859-11", "iso885911", "tis-620", "windows-874"),
    "iso8859-8": ("csiso88598i", "iso-8859-8-i", "logical", "csiso88598e", "iso-8859-8-e", "visual"),
    "iso8859-6": ("csiso88596e", "csiso88596i", "iso-8859-6-e", "iso-8859-6-i"),
    "cp1250": ("x-cp1250",), "cp1251": ("x-cp1251",), "cp1253": ("x-cp1253",), "cp1255": ("x-cp1255",),
    "cp1256": ("x-cp1256",), "cp1257": ("x-cp1257",), "cp1258": ("x-cp1258",),
    "koi8-r": ("cskoi8r", "koi", "koi8", "koi8_r"), "koi8-u": ("koi8-ru",),
    "mac-roman": ("csmacintosh", "mac", "macintosh", "x-mac-roman"),
    "mac-cyrillic": ("x-mac-cyrillic", "x-mac-ukrainian"),
    "gb18030": ("chinese", "csgb2312", "csiso58gb231280", "gb2312", "gb_2312", "gb_2312-80", "gbk", "iso-ir-58",
                "x-gbk"),
    "big5hkscs": ("big5", "big5-hkscs", "cn-big5", "csbig5", "x-x-big5"),
    "cp932": ("csshiftjis", "ms_kanji", "shift-jis", "shift_jis", "sjis", "windows-31j", "x-sjis"),
    "euc-jp": ("cseucpkdfmtjapanese", "x-euc-jp"),
    "cp949": ("cseuckr", "csksc56011987", "euc-kr", "iso-ir-149", "korean", "ks_c_5601-1987", "ks_c_5601-1989",
              "ksc5601", "ksc_5601", "windows-949"),
}  # fmt: skip
_CODECS = {label: codec for codec, labels in _LABELS.items() for label in labels}
_MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xfe\xff", "utf-16-be"), (b"\xff\xfe", "utf-16-le"))
# What Python calls encodings and are none of text.
_NO_TEXT = frozenset(
    "base64 bz2 hex quopri rot13 uu zlib idna punycode undefined unicodeescape rawunicodeescape".split()
)


def codec_name(label: str) -> str | None:
    """Return the name by which Python decodes what a label means; None when it means no encoding of text.

    >>> codec_name("ISO-8859-1"), codec_name("utf8"), codec_name("x-okänd")
    ('cp1252', 'utf-8', None)
    """
    label = label.strip().lower()
    found = _CODECS.get(label)
    if found is not None:
        return found
    try:
        name = codecs.lookup(label).name
    except (LookupError, ValueError):
        return None
    return None if name.replace("-", "").replace("_", "") in _NO_TEXT else name


def marked(beginning: bytes) -> str | None:
    """Return the encoding that a byte order mark tells, which goes before every other word (Encoding Standard 6).

    >>> marked("a".encode("utf-8-sig")), marked(b"a")
    ('utf-8-sig', None)
    """
    return next((name for mark, name in _MARKS if beginning.startswith(mark)), None)


def is_unicode(codec: str) -> bool:
    """Tell whether the encoding is one of Unicode, whose text is never normalised (csv2rdf 4.2)."""
    return codec.startswith(("utf", "gb18030"))
