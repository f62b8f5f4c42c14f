"""Names put together: pure."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kmptui.domain.names import MOST_NAMES
from kmptui.errors import Finding
from kmptui.tui.dialogs.order.names_list import Names, by_name, lines

MESS = "shop.example.edu, www.shop.example.edu;shop.example.edu.\n\n*.example.edu\tB\u00fccher.example  x@y.example"


def test_a_pasted_mess_becomes_a_list_with_its_counts() -> None:
    names = Names().take(MESS)
    assert names.names == ("shop.example.edu", "www.shop.example.edu", "*.example.edu", "xn--bcher-kva.example")
    assert [problem.text for problem in names.problems] == ["x@y.example"]
    assert names.told == ("pasted 6", "1 double")


def test_a_second_paste_counts_what_was_there() -> None:
    names = Names().take("a.example b.example").take("b.example c.example")
    assert names.names == ("a.example", "b.example", "c.example")
    assert names.told == ("pasted 2", "1 double")


def test_another_name_can_be_first_and_names_can_go() -> None:
    names = Names().take("a.example b.example bad_one")
    assert names.first("b.example").names == ("b.example", "a.example")
    assert names.first("unknown.example") == names
    assert names.without("a.example").names == ("b.example",)
    assert names.without("bad_one").problems == ()


def test_more_names_than_an_order_takes_are_told() -> None:
    names = Names().take(" ".join(f"h{n}.example" for n in range(200)))
    names = names.take(" ".join(f"i{n}.example" for n in range(60)))
    assert len(names.names) == MOST_NAMES
    assert "260 names" in names.problems[0].text


def test_the_common_name_stands_first_then_what_is_wrong() -> None:
    names = Names().take("a.example b.example c.example d_d.example")
    hint = Finding("names", "b.example: soon over", names=("b.example",), hint=True)
    wrong = Finding("names", "c.example: DCV ended", names=("c.example",))
    drawn = lines(names, by_name((hint, wrong)), {})
    assert [(line.text, line.mark) for line in drawn] == [
        ("a.example", " "), ("d_d.example", "x"), ("c.example", "x"), ("b.example", "!"),
    ]  # fmt: skip
    assert drawn[0].common
    assert drawn[2].words == "DCV ended"


def test_the_gravest_finding_of_a_name_is_the_one_shown() -> None:
    hint = Finding("names", "a: hint", names=("a",), hint=True)
    grave = Finding("names", "a: wrong", names=("a",))
    assert by_name((hint, grave))["a"] is grave
    assert by_name((grave, hint))["a"] is grave


@given(st.lists(st.text(max_size=80), max_size=6))
def test_whatever_is_typed_names_stay_unique_and_lines_have_one_id_each(pieces: list[str]) -> None:
    names = Names()
    for piece in pieces:
        names = names.take(piece)
    assert len(set(names.names)) == len(names.names) <= MOST_NAMES
    texts = [line.text for line in lines(names, {}, {})]
    assert len(set(texts)) == len(texts)
