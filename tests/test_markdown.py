"""What is code and what is prose: as CommonMark says, at the right places."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.authoring.markdown import fences, headings, mask_all, mask_code, mask_maths


@pytest.mark.parametrize(
    ("text", "prose"),
    [
        ("a `b` c", "a c"),
        ("a ``b ` c`` d", "a d"),
        ("a `b\nc` d", "a d"),
        ("a ` b\n\nc ` d", "a ` b c ` d"),  # a span ends with its paragraph
        ("- a ` b\n- c ` d", "- a ` b - c ` d"),  # and with its item
        (r"a \` b `c`", r"a \` b"),  # an escaped mark opens nothing
        ("> a `b`\n> `c` d", "> a > d"),
        ("- a `b`\n  `c` d\n\n  `e` f", "- a d f"),
        ("1. a\n\n   ```\n   b\n   ```\n\n   c", "1. a c"),
        ("# a `b` #", "# a #"),
        ("| a `b` | c |\n|---|---|\n| `d` | e |", "| a | c | |---|---| | | e |"),
        ("[a `b`](c) ![d `e`](f)", "[a ](c) ![d `e`](f)"),
        ("**a `b`**", "**a **"),
        ("a\n\n    b = 1\n\nc", "a c"),  # indented code
        ("a\n    b", "a b"),  # a paragraph that goes on
        ("```\na\n```\nb", "b"),
        ("````\n```\na\n````\nb", "b"),
        ("~~~ x\na\n```\n~~~\nb", "b"),
        ("a\n```\nb", "a"),  # never closed: code to the end
        ("a <!-- b\nc --> d", "a d"),
        ("<!-- a\n\nb --> c\n\nd", "c d"),
        ("<details>\na\n\nb `c`\n\n</details>", "<details> a b </details>"),
        ("`<!--` a `-->`", "a"),
        ("\tx = 1", ""),
        ("-\ta\t`b` c", "- a c"),
        ("", ""),
    ],
)  # fmt: skip
def test_code_is_blanked_and_prose_is_not(text: str, prose: str) -> None:
    masked = mask_code(text)
    assert masked.split() == prose.split()
    assert [len(line) for line in masked.split("\n")] == [len(line) for line in text.split("\n")]


def test_a_mask_leaves_what_it_does_not_blank_where_it_was() -> None:
    text = "> - a `b`\n>   c $d$ <e f='g'>h</e> {{ i.j }} [k](l) `m`\n"
    for mask in (mask_code, mask_maths, mask_all):
        masked = mask(text)
        assert all(m in (t, " ") for m, t in zip(masked, text, strict=True))
    assert mask_all(text).split() == [">", "-", "a", ">", "c", "h", "[k]"]


@given(st.text(alphabet="a `\n>-<!#\t\\$~1.", max_size=40))
def test_a_mask_keeps_length_and_lines_whatever_it_reads(text: str) -> None:
    for mask in (mask_code, mask_maths, mask_all):
        masked = mask(text)
        assert [len(line) for line in masked.split("\n")] == [len(x) for x in text.split("\n")]


def test_headings_of_both_kinds_and_of_no_code() -> None:
    text = "# A `b`\n\n```\n# c\n```\n\nD\n===\n\n> ## E ##\n\n<!--\n# f\n-->\n\n#g\n\n    # h\n"
    assert headings(text) == [(0, 1, "A `b`"), (6, 1, "D"), (9, 2, "E")]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a\n```{code-cell} ipython3\nb\n```\nc", [(1, 4, "{code-cell} ipython3", True)]),
        ("```\na", [(0, 2, "", False)]),
        ("```", [(0, 1, "", False)]),
        ("````\n```\na\n```", [(0, 4, "", False)]),
        ("~~~\na\n~~~~~  \n```x\n```", [(0, 3, "", True), (3, 5, "x", True)]),
        ("- a\n\n  ```\n  b\n  ```\n", [(2, 5, "", True)]),
        ("> ```\n> a\n> ```\n", [(0, 3, "", True)]),
        ("a ``` b", []),
        ("    ```\n    a", []),
    ],
)
def test_fences(text: str, found: list[tuple[int, int, str, bool]]) -> None:
    assert fences(text) == found
