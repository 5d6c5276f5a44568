"""What keeps somebody from reading a page, as axe-core finds it, in a light and in a dark theme.

Whether a text can be told from its ground takes axe seconds a page. It is decided by colours, size
and weight alone: so of all texts that have them alike, one is looked at, and once in all pages.
"""

from __future__ import annotations

from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

GRAVE = ("serious", "critical")
PHONE, DESK = 390, 1280  # more has to scroll on the one; the sidebar stands open on the other
COLOURS = ("color-contrast", "link-in-text-block")  # the rules whose verdict a theme can change

# Every prediction is committed, and stays open to changes; told before the book's script runs.
COMMITTED = """
const real = Storage.prototype.getItem;
Storage.prototype.getItem = function (key) {
  return key.startsWith("ctl:") ? '{"said": "1 to 2", "seen": false}' : real.call(this, key);
};
Storage.prototype.setItem = () => {};
"""
UNFOLD = """
for (const fold of document.querySelectorAll("details")) {
  fold.removeAttribute("name");
  fold.open = true;
}
"""
STILL = "*, ::before, ::after { animation: none !important; transition: none !important; }"
# Marks the first text of each kind that is not in `seen`, and returns the new kinds.
MARK = """(seen) => {
  const known = new Set(seen), found = [], grounds = new Map([[null, ""]]);
  const ground = (one) => { // what lies behind a text, up to the page
    if (!grounds.has(one)) {
      const {backgroundColor, backgroundImage, opacity} = getComputedStyle(one);
      const own = [backgroundColor, backgroundImage, opacity].join();
      const clear = own === "rgba(0, 0, 0, 0),none,1";
      grounds.set(one, ground(one.parentElement) + (clear ? "" : `/${own}`));
    }
    return grounds.get(one);
  };
  for (const one of document.body.querySelectorAll("*")) {
    delete one.dataset.kind;
    const field = one.matches("button, input, select, textarea");
    const words = (node) => node.nodeType === Node.TEXT_NODE && node.data.trim();
    if (!field && ![...one.childNodes].some(words)) continue;
    if (!one.checkVisibility({visibilityProperty: true})) continue;
    const style = getComputedStyle(one), around = getComputedStyle(one.parentElement);
    const kind = [
      style.color, style.fontSize, style.fontWeight, style.textShadow, ground(one),
      ...(one.matches("a") ? ["a", around.color, style.textDecorationLine] : []),
    ].join();
    if (known.has(kind)) continue;
    known.add(kind);
    found.push(kind);
    one.dataset.kind = "new";
  }
  return found;
}"""
ONLY_MARKED = """axe.configure({rules: [
  {id: "color-contrast", selector: "[data-kind]"},
  {id: "link-in-text-block", selector: "a[href][data-kind]"},
]})"""
RUN = "how => axe.run(document, how).then(found => found.violations)"


def unfolded(page: Page) -> None:
    """Open every fold of a page, and end what moves: half-shown colours are nobody's."""
    page.add_style_tag(content=STILL)
    page.evaluate(UNFOLD)


def barriers(page: Page, seen: dict[str, set[str]]) -> list[str]:
    """What axe finds grave on the page as it stands, a line each.

    seen: theme -> the kinds of text that need not be looked at again; those of this page are added.
    """
    page.evaluate(Axe().axe_script)
    page.evaluate(ONLY_MARKED)
    page.set_viewport_size({"width": PHONE, "height": 900})
    found = _run(page, rules={rule: {"enabled": False} for rule in COLOURS})
    page.set_viewport_size({"width": DESK, "height": 900})
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        new = page.evaluate(MARK, sorted(seen.setdefault(theme, set())))
        seen[theme].update(new)
        if new:
            found += [f"{theme}: {line}" for line in _run(page, runOnly=COLOURS)]
    return found


def _run(page: Page, **how: Any) -> list[str]:
    violations = page.evaluate(RUN, {"preload": False, "resultTypes": ["violations"], **how})
    return [
        f"{one['id']}: {node['html'][:200]} ({node['failureSummary']})"
        for one in violations
        if one["impact"] in GRAVE
        for node in one["nodes"][:3]
    ]
