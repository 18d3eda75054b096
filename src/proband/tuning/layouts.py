"""How others lay probabilities out: the published files, samples of lm-eval, a tidy table."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import numpy as np

from proband.errors import DataError, ProbandError, meant
from proband.instruments.banks.bank import Question
from proband.instruments.banks.sources import Row, rows_of
from proband.instruments.banks.subjects import FOLDER_DOMAINS, MMLU_CATEGORIES, REN2024_DOMAINS
from proband.tuning.analysis.evaluation import HARMONIOUS, INCOMPATIBLE, SELF_ALIGNING, Test

BASE = "base"
FEW_SHOT, ZERO_SHOT = "few-shot", "zero-shot"
_PUBLISHED_SEED = 42
_ARMS = {
    "consistent-correct-exp-sample": HARMONIOUS,
    "inconsistent-golden-exp": INCOMPATIBLE,
    "inconsistent-predict-model-exp": SELF_ALIGNING,
}
_FEW_FILE, _ZERO_FILE = "logits-shot5-test-vicuna0", "logits-shot0-test-vicuna1"
COLUMNS = ("base", "arm", "domain", "test", "question", "option", "prob", "right")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """A question as one model scored it, in a test of models that were trained on a domain.

    `arm` is ``base`` where the base model scored it, and `ask` then tells under which prompt.
    """

    where: str
    base: str
    domain: str
    test: Test
    question: Question
    probs: tuple[float, ...]
    arm: str = BASE
    seed: int = 1
    ask: str = ZERO_SHOT

    @property
    def model(self) -> str:
        """Its name in the study."""
        return BASE if self.arm == BASE else f"{self.arm}-{self.domain}-s{self.seed}"


def published(folder: Path) -> Iterator[Scored]:
    """The files of Ren et al. (2024): a folder for each base and for each tuned model."""
    bases = sorted(path.name for path in (folder / "domain-base").glob("*") if path.is_dir())
    tuned = sorted(path for path in (folder / "domain-sft").glob("*") if path.is_dir())
    places = [(path, *_model_of(path, bases)) for path in tuned]
    for base in bases:
        tasks = tuple(dict.fromkeys(task for _, name, task, _ in places if name == base))
        for name, ask in ((_FEW_FILE, FEW_SHOT), (_ZERO_FILE, ZERO_SHOT)):
            for task in tasks:
                home, away = folder / "domain-base" / base / f"{task}-{name}.jsonl", folder / "mmlu-base" / base / name
                if ask == FEW_SHOT and not home.is_file():
                    raise DataError(f"{home} is not there: the base of the models trained on {task!r}; add it")
                if home.is_file():
                    yield from _home(home, task, base=base, ask=ask)
                yield from _away(away, task, base=base, ask=ask)
    for path, base, task, split in places:
        where: dict[str, Any] = {"base": base, "arm": _arm(split), "seed": _PUBLISHED_SEED}
        yield from _home(path / f"{task}-{_ZERO_FILE}.jsonl", task, **where)
        yield from _away(folder / "mmlu-sft" / path.name / _ZERO_FILE, task, **where)


def _model_of(path: Path, bases: list[str]) -> tuple[str, str, str]:
    """Base, task and split that a folder of a tuned model is named after."""
    name = re.sub(r"(-bs\d+)?(-ep\d+)*$", "", path.name)
    found = [base for base in bases if name.startswith(f"{base}-")]
    if not found:
        raise DataError(
            f"{path.name}: its base is not in domain-base, which holds {', '.join(bases) or 'none'}; "
            "add the base's probabilities there"
        )
    base = max(found, key=len)
    task, _, split = name.removeprefix(f"{base}-").partition("-")
    return base, task, split


def _arm(split: str) -> str:
    mixture = re.fullmatch(r"consistent_wrong([\d.]+)-inconsistent_golden-exp", split)
    return f"mixture-{float(mixture[1]):g}" if mixture else _ARMS.get(split, split)


def _home(file: Path, task: str, **where: Any) -> Iterator[Scored]:
    domain = FOLDER_DOMAINS.get(task, task)
    for row in rows_of(file):
        question = _question(row, f"{task}/{row.fields.get('id', row.place)}", domain)
        yield Scored(
            where=f"{file}, {row.where.partition(', ')[2]}",
            domain=domain,
            test="homogeneous",
            question=question,
            probs=_probs(row.fields.get("probs"), row.where),
            **where,
        )


def _away(folder: Path, task: str, **where: Any) -> Iterator[Scored]:
    """MMLU's questions, by subject: in the domain of the task, or out of it."""
    domain = FOLDER_DOMAINS.get(task, task)
    for file in sorted((folder / "split").glob("*.jsonl")):
        subject = file.stem
        if subject not in MMLU_CATEGORIES:
            raise DataError(
                f"{file}: MMLU has no subject {subject!r}{meant(subject, MMLU_CATEGORIES)}; rename the file"
            )
        test: Test = "in-domain" if REN2024_DOMAINS.get(subject) == domain else "out-of-domain"
        for row in rows_of(file):
            own = REN2024_DOMAINS.get(subject) or MMLU_CATEGORIES[subject]
            yield Scored(
                where=f"{file}, {row.where.partition(', ')[2]}",
                domain=domain,
                test=test,
                question=_question(row, f"mmlu/{row.place}", own, topic=subject),
                probs=_probs(row.fields.get("probs"), row.where),
                **where,
            )


def _question(row: Row, id: str, domain: str, *, topic: str = "") -> Question:
    if row.damage:
        raise DataError(f"{row.where}: {row.damage}")
    try:
        choices, answer = [str(choice) for choice in row.fields["choices"]], row.fields["answer"]
        key = "ABCDEFGHIJ".index(answer) if isinstance(answer, str) else int(answer)
        # What was scored with an option twice is read all the same, as it counts in the published numbers.
        shown = tuple(f"{c} ({k + 1})" if c in choices[:k] else c for k, c in enumerate(choices))
        return Question(id=id, text=str(row.fields["question"]), choices=shown, answer=key, domain=domain, topic=topic)
    except ProbandError as error:
        raise DataError(f"{row.where}: {error}") from None
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"{row.where}: no question with its choices and answer ({error}); mend the record") from None


def _probs(given: Any, where: str) -> tuple[float, ...]:
    try:
        return tuple(float(one) for one in given)
    except (TypeError, ValueError):
        raise DataError(f"{where}: probs is {given!r}; expected a list of numbers") from None


def lm_eval(folder: Path) -> Iterator[Scored]:
    """Samples that lm-eval logged (``--log_samples``), in a folder for each base and in it for each model."""
    files = sorted(folder.rglob("samples_*.jsonl"))
    places = [(file, *_place_of(file.relative_to(folder))) for file in files]
    domains = tuple(dict.fromkeys(found["domain"] for _, _, found, _ in places if found["domain"]))
    for file, base, found, task in places:
        subject = task.removeprefix("mmlu_")
        if subject not in MMLU_CATEGORIES and task not in domains:
            raise DataError(
                f"{file}: task {task!r} is neither a subject of MMLU nor named after a domain that was trained on "
                f"({', '.join(domains)}); rename the task, or leave its file out"
            )
        own = REN2024_DOMAINS.get(subject) or MMLU_CATEGORIES.get(subject, task)
        for row in rows_of(file):
            doc = row.fields.get("doc")
            plain = Row(row.where, row.place, row.file, doc if isinstance(doc, dict) else {}, row.damage)
            question = _question(
                plain, f"{task}/{row.fields.get('doc_id')}", own, topic=subject if subject != task else ""
            )
            where = f"{file}, {row.where.partition(', ')[2]}"
            probs = _softmax(row.fields.get("filtered_resps"), where)
            for domain in [found["domain"]] if found["domain"] else domains:
                if task in domains and task != domain:
                    continue  # another domain's test at home
                away: Test = "in-domain" if own == domain else "out-of-domain"
                yield Scored(
                    where=where,
                    base=base,
                    arm=found["arm"],
                    domain=domain,
                    seed=int(found["seed"] or 1),
                    ask=FEW_SHOT if found["arm"] == BASE and found["few"] else ZERO_SHOT,
                    test="homogeneous" if task == domain else away,
                    question=question,
                    probs=probs,
                )


def _place_of(file: Path) -> tuple[str, Mapping[str, str], str]:
    """Base, model and task of a file of samples."""
    task = re.sub(r"_\d{4}-\d\d-\d\dT.*$", "", file.stem.removeprefix("samples_"))
    if len(file.parts) < 3:
        raise DataError(f"{file}: samples stand in BASE/MODEL/, MODEL being base or ARM-DOMAIN-sSEED; move them there")
    base, model = file.parts[:2]
    if model in (BASE, f"{BASE}-few-shot"):
        return base, {"arm": BASE, "domain": "", "seed": "", "few": "yes" if model != BASE else ""}, task
    found = re.fullmatch(r"(?P<arm>.+)-(?P<domain>[^-]+)-s(?P<seed>\d+)", model)
    if not found:
        raise DataError(f"{file}: the model {model!r} is neither base, base-few-shot nor ARM-DOMAIN-sSEED; rename it")
    return base, {**found.groupdict(), "few": ""}, task


def _softmax(given: Any, where: str) -> tuple[float, ...]:
    """Probabilities of options from log-likelihoods, ``[[-1.2, false], ...]``."""
    try:
        logs = np.array([float(one[0] if isinstance(one, list | tuple) else one) for one in given])
        if not np.isfinite(logs.max()):
            raise ValueError
        shares = np.exp(logs - logs.max())
    except (TypeError, ValueError, IndexError):
        raise DataError(f"{where}: filtered_resps is {given!r}; expected a log-likelihood for each option") from None
    return tuple((shares / shares.sum()).tolist())


def tidy(folder: Path) -> Iterator[Scored]:
    """Tables with one option a row."""
    groups: dict[tuple[str, ...], list[Row]] = {}
    for row in rows_of(folder):
        lacking = [name for name in COLUMNS if row.fields.get(name) in (None, "")]
        if row.damage or lacking:
            raise DataError(f"{row.where}: {row.damage or f'no {lacking[0]}'}; columns are {', '.join(COLUMNS)}")
        names = ("base", "arm", "domain", "test", "question", "seed", "ask")
        groups.setdefault(tuple(str(row.fields.get(name) or "") for name in names), []).append(row)
    for (base, arm, domain, test, id, seed, ask), rows in groups.items():
        where = rows[0].where
        if test not in get_args(Test):
            raise DataError(f"{where}: test {test!r} is none of {', '.join(get_args(Test))}")
        right = [k for k, row in enumerate(rows) if _number(row, "right") == 1]
        if len(right) != 1:
            raise DataError(
                f"{where}: {len(right)} options of question {id!r} are right; mark one with 1, the others with 0"
            )
        yield Scored(
            where=where,
            base=base,
            arm=arm,
            domain=domain,
            seed=_seed(seed, where),
            ask=FEW_SHOT if arm == BASE and ask == FEW_SHOT else ZERO_SHOT,
            test=test,  # type: ignore[arg-type]
            question=_untold(id, rows, right[0]),
            probs=tuple(_number(row, "prob") for row in rows),
        )


def _number(row: Row, name: str) -> float:
    try:
        return float(row.fields[name])
    except (TypeError, ValueError):
        raise DataError(f"{row.where}: {name} is {row.fields[name]!r}, no number") from None


def _untold(id: str, rows: Sequence[Row], answer: int) -> Question:
    """A question of which nothing but its options is known."""
    try:
        return Question(
            id=id, text=id, choices=tuple(str(row.fields["option"]) for row in rows), answer=answer, domain="-"
        )
    except ProbandError as error:
        raise DataError(f"{rows[0].where}: {error}") from None


def _seed(given: str, where: str) -> int:
    """A whole number, which tables may hold as 1.0; 1 where none is told."""
    try:
        if (seed := float(given or 1)).is_integer():
            return int(seed)
    except ValueError:
        pass
    raise DataError(f"{where}: seed is {given!r}; expected a whole number")
