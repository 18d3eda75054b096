"""What engines write for the arms that need it, a stage for each purpose."""

from collections.abc import Mapping, Sequence
from typing import Any, get_args

from proband.errors import DesignError
from proband.instruments.banks.bank import Bank
from proband.runs.stages import Stages
from proband.tuning.interventions.arms import Arm
from proband.tuning.interventions.composing import wanted_texts
from proband.tuning.interventions.explanations import Explanations, texts_from
from proband.tuning.interventions.pools import no_question, sort_questions
from proband.tuning.interventions.texts import Purpose, Source, Texts
from proband.tuning.probing.beliefs import Beliefs


def written_texts(
    stages: Stages,
    bank: Bank,
    beliefs: Beliefs,
    arms: Sequence[Arm],
    *,
    engines: Mapping[Source, str | None],
    threshold: float,
    design: Mapping[str, Any],
) -> tuple[Texts, ...]:
    """What engines write for the arms that need it; bank, beliefs, arms and threshold as for `build_sets`.

    Parameters
    ----------
    engines : mapping of {"own", "other"} to str or None
        Address of the model itself and of another one.
    design : mapping
        Settings of `Explanations`: seed, is_raw.

    Raises
    ------
    DesignError
        If an arm needs another engine's texts and there is none.
    DataError
        If a pool of a domain is empty.
    """
    pools = sort_questions(bank, beliefs, threshold=threshold)
    for domain in bank.domains:  # before anything is written
        part = pools.of(bank, domain)
        for pool, ids in (("known", part.known), ("unknown", part.unknown)):
            if not ids and any(pool in arm.pools for arm in arms):
                raise no_question(domain, pool, part)
    found: list[Texts] = []
    for source in get_args(Source):
        for purpose in get_args(Purpose):
            answers = wanted_texts(bank, beliefs, pools, arms, purpose=purpose, source=source)
            if not answers:
                continue
            engine = engines.get(source)
            if engine is None:
                raise DesignError(
                    f"an arm needs {purpose}s by another engine; name it (--writer, or sets.writer in a study file)"
                )
            asked = Explanations(bank=bank, answers=answers, purpose=purpose, model=source, **design)
            run = stages.collected(f"{source}-{purpose}s", asked, {"": engine})
            found.append(texts_from(run, asked, source=source))
    return tuple(found)
