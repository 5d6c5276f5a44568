"""What Sphinx must be told: a formula is MathML, an anchor is what JupyterLab makes of a heading.

MathML needs no script and no font from anywhere, and browsers read it out. The formulas of this
course are a line or two; for matrices and commutative diagrams MathJax would be the better choice.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from docutils import nodes
from latex2mathml.converter import convert

if TYPE_CHECKING:
    from sphinx.application import Sphinx

_SCROLLS = re.compile(r'<pre(?=[\s>])(?![^>]*tabindex)|<div class="table-wrapper[^"]*"')
_HEADING = 'role="heading"'
_BARE = re.compile(r"(\\math[a-z]+) ([A-Za-z])")  # \mathbb E, which latex2mathml takes otherwise
_CLOSING = (")", "]", "}", "|", "!")


def settings(title: str) -> dict[str, Any]:
    """The configuration of Sphinx, which has no conf.py here."""
    return {
        "project": title,
        "author": f"The authors of {title}",
        "copyright": f"the authors of {title}, CC BY 4.0",
        "extensions": ["myst_nb", __name__],
        "source_suffix": {".md": "myst-nb", ".ipynb": "myst-nb"},
        "root_doc": "index",
        "language": "en",
        "nb_execution_mode": "off",
        "nb_ipywidgets_js": {},  # no page holds a live widget, so that none asks for its scripts
        "nb_merge_streams": True,
        "myst_enable_extensions": ["dollarmath"],
        "myst_dmath_double_inline": True,
        "myst_heading_anchors": 3,
        "myst_heading_slug_func": f"{__name__}.anchor",
        "html_theme": "furo",
        "html_title": title,
        "html_math_renderer": "mathml",
        "html_static_path": ["_own"],
        "html_css_files": ["book.css"],
        "html_extra_path": ["_extra"],
        "html_copy_source": False,
        "html_show_sphinx": False,
        "html_show_search_summary": False,  # it reads pages, which a browser forbids in a folder
        "exclude_patterns": ["_own", "_extra"],
        "highlight_language": "ipython3",
    }


def anchor(heading: str) -> str:
    """The anchor that JupyterLab gives to a heading, which links in lessons are written for."""
    return heading.replace(" ", "-")


def mathml(tex: str, *, block: bool) -> str:
    """A formula as MathML that reads in every browser as TeX would set it.

    Browsers set no space round the name of a function ("ln 2" would be "ln2"), take the second of
    two signs for a difference, and ignore what is said of a letter's alphabet: ValueError where the
    letter itself is not of it.
    """
    tex = _BARE.sub(r"\1{\2}", tex)
    made = ElementTree.fromstring(convert(tex, display="block" if block else "inline"))
    for part in made.iter():
        part.tag = part.tag.rpartition("}")[2]  # HTML knows what <math> is without a namespace
        if part.text == "\u221e":
            part.tag = "mi"  # infinity is no operator, which would stand apart from its sign
        if part.get("mathvariant", "normal") not in ("normal", "italic"):
            raise ValueError(f"a formula has letters that browsers do not show as meant: {tex}")
    for row in [part for part in made.iter() if part.tag in ("math", "mrow", "mstyle")]:
        _space(row)
    return ElementTree.tostring(made, encoding="unicode")


def _space(row: ElementTree.Element) -> None:
    """Put thin spaces round the names of functions in `row`, and mark the signs of numbers."""
    parts: list[ElementTree.Element] = []
    for part in row:
        last = parts[-1] if parts else part
        apart = {last.tag, part.tag}.isdisjoint({"mo", "mspace"})
        if parts and apart and (_is_name(last) or _is_name(part)):
            parts.append(ElementTree.Element("mspace", {"width": "0.167em"}))
        elif last.tag == "mo" and last.text not in _CLOSING and part.text in ("+", "\u2212"):
            part.set("form", "prefix")
        parts.append(part)
    row[:] = parts


def _is_name(part: ElementTree.Element) -> bool:
    """Whether it is the name of a function, with or without an index."""
    base = part[0] if part.tag in ("msub", "msup", "msubsup") else part
    return base.tag == "mi" and len(base.text or "") > 1


def setup(app: Sphinx) -> dict[str, Any]:
    """Make this module an extension of Sphinx: a renderer of formulas, called mathml."""

    def inline(writer: Any, node: nodes.math) -> None:
        writer.body.append(mathml(node.astext(), block=False))
        raise nodes.SkipNode

    def block(writer: Any, node: nodes.math_block) -> None:
        tall = mathml(node.astext(), block=True)
        writer.body.append(f'<div class="math" tabindex="0">{tall}</div>')
        raise nodes.SkipNode

    def reachable(
        app: Sphinx, name: str, template: str, context: dict[str, Any], tree: Any
    ) -> None:
        """Code and tables are wider than a telephone: they scroll, also for who has no mouse.

        And the headings of the sidebar have a level, without which no screen reader lists them.
        """
        if "body" in context:
            context["body"] = _SCROLLS.sub(r'\g<0> tabindex="0"', context["body"])
        sidebar = context.get("furo_navigation_tree", "")
        context["furo_navigation_tree"] = sidebar.replace(_HEADING, f'{_HEADING} aria-level="2"')

    app.add_html_math_renderer("mathml", (inline, None), (block, None))
    app.connect("html-page-context", reachable, priority=900)  # when furo has made its sidebar
    return {"parallel_read_safe": True, "parallel_write_safe": True}
