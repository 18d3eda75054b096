"""paper-qa under the same lying writer: what of its lies is in the answers; called by `benchmarks.literature_answers`.

Run by the Python of an environment of its own (``pip install paper-qa``; `PYTHONPATH` has `src`, for the lies): papers
and questions as JSON on stdin, counts as JSON on stdout. Vectors are paper-qa's own counts of words ("sparse"), so
nothing is fetched.
"""

import asyncio
import json
import re
import sys
import time
from typing import Any

import numpy as np
from lmi import LLMModel, LLMResult
from paperqa import Docs, Settings
from paperqa.types import Doc, Text

from proband.models.lies import LIES, lie, truth

KEY = re.compile(r"pqac-[0-9a-f]{8}")
QUOTED = re.compile("\u201c([^\u201d]+)\u201d")


class Writer(LLMModel):
    """Sums an excerpt up by a sentence of it, and writes answers half of whose sentences are lies."""

    papers: dict[str, dict[str, Any]]
    rng: Any
    written: list[tuple[str, bool]] = []

    async def call_single(self, messages: Any, name: str | None = None, **kwargs: Any) -> LLMResult:
        """One reply."""
        asked = str(messages[-1].content)
        text = self._answer(asked) if name == "answer" else self._summary(asked)
        return LLMResult(model="scripted", text=text, name=name, prompt=messages, date="")

    def _summary(self, asked: str) -> str:
        text = asked.partition("---")[2].partition("---")[0].strip()
        sentences = [part for part in re.split(r"(?<=[.!?])\s+", text) if len(part.split()) > 6]
        return json.dumps({"summary": str(self.rng.choice(sentences or [text])), "relevance_score": 8})

    def _answer(self, asked: str) -> str:
        context = asked.partition("Context:")[2].partition("\n---")[0]
        keys = list(dict.fromkeys(KEY.findall(context)))
        blocks = [context.partition(key)[2].lstrip(": \n") for key in keys]
        spans = []
        for block in blocks:
            text, _, source = block.partition("\nFrom ")
            paper = next((p for p in self.papers.values() if p["title"] in source[:600]), None)
            known = paper or {"record": source[:20], "authors": ["Nobody"], "year": 2000, "venue": ""}
            spans.append({**known, "text": " ".join(text.split())})
        told = []
        for k in range(8):
            at = int(self.rng.integers(len(spans)))
            found = lie([*LIES][k], spans, at, self.rng) if self.rng.random() < 0.5 else None
            text, (number,) = found or truth(spans, at, self.rng)
            key = keys[number - 1] if number <= len(keys) else f"pqac-{number:08x}"
            self.written.append((text, found is not None))
            told.append(f"{text} ({key})")
        return " ".join(told)


async def main() -> None:
    """Add the papers, ask, count."""
    given = json.load(sys.stdin)
    papers = {paper["record"]: paper for paper in given["papers"]}
    settings = Settings(embedding="sparse")
    settings.answer.evidence_k = 12
    settings.answer.answer_max_sources = 12
    docs = Docs()
    begun = time.process_time()
    for k, paper in enumerate(papers.values()):
        who = f"{paper['authors'][0]} et al. {paper['title']}. {paper['venue']}, {paper['year']}."
        doc = Doc(docname=f"paper{k}", dockey=paper["record"], citation=who)
        await docs.aadd_texts(
            [Text(text=paper["abstract"], name=f"paper{k} pages 1-1", doc=doc)], doc, settings=settings
        )
    writer = Writer(name="scripted", papers=papers, rng=np.random.default_rng(1))
    counts = dict.fromkeys(
        ("lies", "lies printed", "true", "true printed", "quotations printed", "of them verbatim"), 0
    )
    abstracts = " ".join(paper["abstract"] for paper in papers.values())
    for question in given["questions"]:
        writer.written.clear()
        session = await docs.aquery(question, settings=settings, llm_model=writer, summary_llm_model=writer)
        answer = " ".join(session.answer.split())
        for text, is_lie in writer.written:
            which = "lies" if is_lie else "true"
            counts[which] += 1
            counts[f"{which} printed"] += " ".join(text.split()) in answer
        for quotation in QUOTED.findall(answer):
            counts["quotations printed"] += 1
            counts["of them verbatim"] += quotation in abstracts
    print(json.dumps({**counts, "cpu_s": round(time.process_time() - begun, 1)}))


if __name__ == "__main__":
    asyncio.run(main())
