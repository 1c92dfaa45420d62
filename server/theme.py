"""The colours of the pages, computed from the one accent colour of site.toml so that every text on them can be read.

Each step of the theme has the lightness that Designsystemet gives it; hue and strength come from the accent. Contrast
(WCAG 2.1, 1.4.3) depends on luminance alone, so the pairs hold for every accent; `faint_pairs` proves it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

DEFAULT_ACCENT = "#0b6e5f"
LEAST_CONTRAST = 4.5
"""The least contrast of text (WCAG 2.1, 1.4.3)."""

# Luminance of each step, by colour scheme. The base colours are the accent itself: see _base.
_STEPS = {
    "light": {
        "background-default": 1.0, "background-tinted": 0.90, "surface-default": 1.0, "surface-tinted": 0.81,
        "surface-hover": 0.70, "surface-active": 0.59, "border-subtle": 0.50, "border-default": 0.19,
        "border-strong": 0.105, "text-subtle": 0.105, "text-default": 0.025,
    },
    "dark": {
        "background-default": 0.009, "background-tinted": 0.014, "surface-default": 0.021, "surface-tinted": 0.027,
        "surface-hover": 0.036, "surface-active": 0.056, "border-subtle": 0.08, "border-default": 0.22,
        "border-strong": 0.42, "text-subtle": 0.42, "text-default": 0.84,
    },
}  # fmt: skip
_GROUNDS = ("background-default", "background-tinted", "surface-default", "surface-tinted")
_COLOUR = re.compile(r"#([0-9a-f]{6}|[0-9a-f]{3})\Z", re.IGNORECASE)

Rgb = tuple[float, float, float]


def is_colour(text: object) -> bool:
    """Tell whether this is a colour as site.toml takes it.

    >>> is_colour("#0b4f8a"), is_colour("#fa0"), is_colour("blue"), is_colour(7)
    (True, True, False, False)
    """
    return isinstance(text, str) and _COLOUR.match(text) is not None


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours, from 1 to 21 (WCAG 2.1, contrast ratio).

    >>> round(contrast("#000000", "#ffffff"), 1)
    21.0
    """
    low, high = sorted((_luminance(_rgb(one)), _luminance(_rgb(other))))
    return (high + 0.05) / (low + 0.05)


def theme(accent: str) -> dict[str, dict[str, str]]:
    """Return the accent colours by colour scheme and step; raises ValueError for what is no colour."""
    if not is_colour(accent):
        raise ValueError(f"{accent!r} is no colour such as {DEFAULT_ACCENT}.")
    chosen = _rgb(accent)
    made = {}
    for scheme, steps in _STEPS.items():
        colours = {name: _hex(_at(chosen, luminance)) for name, luminance in steps.items()}
        made[scheme] = colours | _base(chosen, scheme)
    return made


def faint_pairs(colours: dict[str, dict[str, str]]) -> Iterator[tuple[str, str, str, float]]:
    """Yield (scheme, text, ground, contrast) of every pair of text and ground that is under 4.5:1."""
    for scheme, steps in colours.items():
        pairs = [(text, ground) for text in ("text-subtle", "text-default") for ground in _GROUNDS]
        pairs += [("base-contrast-default", f"base-{state}") for state in ("default", "hover", "active")]
        for text, ground in pairs:
            found = contrast(steps[text], steps[ground])
            if found < LEAST_CONTRAST:
                yield scheme, text, ground, found


def stylesheet(accent: str) -> str:
    """Return the custom properties of the accent as CSS, for light and dark."""
    light, dark = (_properties(steps) for steps in theme(accent).values())
    return f':root{{{light}}}@media (prefers-color-scheme:dark){{[data-color-scheme="auto"]{{{dark}}}}}\n'


def _properties(steps: dict[str, str]) -> str:
    return ";".join(f"--ds-color-accent-{name}:{colour}" for name, colour in steps.items())


def _base(chosen: Rgb, scheme: str) -> dict[str, str]:
    """Return the colour of buttons, which in light mode is the accent itself, and of the text on them."""
    luminance = _luminance(chosen)
    if scheme == "dark":
        luminance = max(luminance, 0.26)
    # Black or white, whichever is clearer: one of them has always more than 4.5 (they meet at 4.58).
    dark_text = (luminance + 0.05) / 0.05 > 1.05 / (luminance + 0.05)
    steps = (1.0, 1.25, 1.5) if dark_text else (1.0, 0.72, 0.5)
    shades = [min(luminance * step, 0.95) for step in steps]
    named = dict(zip(("base-default", "base-hover", "base-active"), shades, strict=True))
    found = {name: _hex(_at(chosen, shade)) for name, shade in named.items()}
    if scheme == "light":
        found["base-default"] = _hex(chosen)
    return found | {"base-contrast-default": "#000000" if dark_text else "#ffffff"}


def _at(chosen: Rgb, luminance: float) -> Rgb:
    """Return the colour of the same hue with a luminance, mixed with white or scaled towards black."""
    own = _luminance(chosen)
    low, high = 0.0, 1.0
    white = luminance > own
    for _ in range(24):
        middle = (low + high) / 2
        if (_luminance(_mixed(chosen, middle, white)) < luminance) == white:
            low = middle
        else:
            high = middle
    return _mixed(chosen, (low + high) / 2, white)


def _mixed(chosen: Rgb, share: float, white: bool) -> Rgb:
    red, green, blue = (part + (1 - part) * share if white else part * (1 - share) for part in chosen)
    return red, green, blue


def _luminance(colour: Rgb) -> float:
    """Return the relative luminance (WCAG 2.1) of a colour whose parts go from 0 to 1."""
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _rgb(text: str) -> Rgb:
    digits = text.removeprefix("#")
    if len(digits) == 3:
        digits = "".join(digit * 2 for digit in digits)
    red, green, blue = (int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4))
    return red, green, blue


def _hex(colour: Rgb) -> str:
    return "#" + "".join(f"{math.floor(part * 255 + 0.5):02x}" for part in colour)
