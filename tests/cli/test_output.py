"""Tables on standard output."""

from __future__ import annotations

import pytest

from kmptui.cli import output


def test_one_huge_text_does_not_make_every_line_huge(capsys: pytest.CaptureFixture[str]) -> None:
    output.table(["id", "name"], [(1, "x\x1b" * 500_000), *((at, "www.example.com") for at in range(300))])
    told = capsys.readouterr().out.splitlines()
    assert len(told) == 302
    assert max(map(len, told)) < 2_000
    assert told[1].endswith("…")
