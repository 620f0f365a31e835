"""The pipeline's page, and what the ladders promise."""

from __future__ import annotations

from pathlib import Path

from controller.dataplane.pipeline import Table, Variant, ipv4_priority, ipv6_priority, mac_priority, page

PAGE = Path(__file__).parents[2] / "docs" / "pipeline.md"


def test_the_page_on_the_pipeline_is_up_to_date() -> None:
    assert PAGE.read_text() == page(), "run: python -m controller.dataplane.pipeline > docs/pipeline.md"


def test_no_two_families_share_a_rung_and_longer_prefixes_stand_higher() -> None:
    ladders = [
        [mac_priority(n) for n in range(49)],
        [ipv4_priority(n, variant) for n in range(33) for variant in Variant],
        [ipv6_priority(n, variant) for n in range(129) for variant in Variant],
    ]
    rungs = [rung for ladder in ladders for rung in ladder]
    assert rungs == sorted(set(rungs))


def test_tables_are_numbered_in_the_order_in_which_packets_meet_them() -> None:
    assert [table.value for table in Table] == list(range(len(Table)))
