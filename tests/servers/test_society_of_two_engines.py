"""A society in which some agents are the embedded model, and others a model behind a real server."""

import pytest

from proband import Study, carry_out
from proband.designs.studies import study_from_dict
from proband.runs import Budget, Run
from tests.servers.running import MODEL

pytestmark = pytest.mark.servers

STUDY = {
    "title": "models at two addresses",
    "seed": 1,
    "society": {
        "use": "models-only", "societies": 1, "agents": 4, "rounds": 2, "seen": 2, "engines": ["here", "served"],
        "writing": {"temperature": 0.0, "max_tokens": 200},
    },
}  # fmt: skip


def test_each_agent_is_answered_by_the_engine_of_its_column_and_a_run_that_stopped_goes_on(server, tmp_path):
    addresses = {"here": "smollm2", "served": f"openai:{server[1]}#{MODEL}"}
    study = study_from_dict(STUDY | {"engine": addresses})
    assert isinstance(study, Study)
    first = carry_out(study, tmp_path / "run", budget=Budget(trials=6))
    assert not first.is_complete
    before = first.responses()
    run = carry_out(study, tmp_path / "run")
    assert run.is_complete
    after = run.responses()
    assert {place: after[place] for place in before} == before
    by = {}
    for response in after.values():
        number = int(response.place.subject.split(".")[1])
        by.setdefault(number % 2, set()).add(response.engine)
    here, served = by[0], by[1]
    assert len(here) == len(served) == 1
    assert here != served
    assert run.dispositions().get("failed", 0) == 0
    said = [row for row in Run(tmp_path / "run").table().iter_rows(named=True) if row["item"] == "say"]
    assert {int(row["subject"].split(".")[1]) % 2 for row in said} == {0, 1}
