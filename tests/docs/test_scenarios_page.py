"""The page on scenarios is as the program writes it, and shows every number that tests hold."""

from benchmarks.scenarios import CHECKS, PAGE, PEOPLE, catalogue, shown, written


def test_the_page_says_what_each_scenario_asks():
    page = PAGE.read_text(encoding="utf-8")
    assert page == written(page, catalogue=catalogue()), "python -m benchmarks.scenarios --write writes it anew"


def test_every_number_that_is_known_stands_on_the_page_and_ours_near_it():
    rows = [line.strip("| ").split(" | ") for line in PAGE.read_text(encoding="utf-8").splitlines()]
    ours = {(row[0].strip("`"), row[1], row[2]): row[4] for row in rows if len(row) == 5}
    known = [(one.scenario, one.what, one.known) for one in CHECKS]
    known += [("conditional-cooperation", f"people: {one.what}", one.value) for one in PEOPLE]
    for scenario, what, value in known:
        assert "outside" not in ours[scenario, what, shown(value)]
