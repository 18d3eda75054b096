"""vLLM's own offline run of requests: a program for vLLM's interpreter, which imports nothing of Proband.

``python servers_offline.py REQUESTS MODEL BLOCK_SIZE``, where a line of REQUESTS is ``{"messages": ..., "max_tokens":
n}`` or ``{"prompts": [[token, ...], ...], "ids": [...]}``. Prints one line of JSON: seconds and tokens of the written
and of the scored ones, without loading the model and without the first few of each.
"""

import json
import sys
import time
from pathlib import Path


def main() -> None:
    """Run all that is written, then all that is scored."""
    from vllm import LLM, SamplingParams

    requests = [json.loads(line) for line in Path(sys.argv[1]).read_text(encoding="utf-8").splitlines()]
    model = LLM(
        model=sys.argv[2], dtype="float32", max_model_len=2048, enforce_eager=True, block_size=int(sys.argv[3]),
        enable_prefix_caching=True, max_logprobs=128,
    )  # fmt: skip
    written = [request for request in requests if "messages" in request]
    scored = [request for request in requests if "prompts" in request]
    found = {}
    if written:
        how = [SamplingParams(temperature=0.0, max_tokens=request["max_tokens"]) for request in written]
        talks = [request["messages"] for request in written]
        model.chat(talks[:2], how[:2], use_tqdm=False)
        start = time.perf_counter()
        replies = model.chat(talks[2:], how[2:], use_tqdm=False)
        found["written"] = measured(replies, time.perf_counter() - start)
    if scored:
        pairs = [(prompt, request["ids"]) for request in scored for prompt in request["prompts"]]
        how = [step(SamplingParams, ids) for _, ids in pairs]
        prompts = [{"prompt_token_ids": prompt} for prompt, _ in pairs]
        model.generate(prompts[:2], how[:2], use_tqdm=False)
        start = time.perf_counter()
        replies = model.generate(prompts[2:], how[2:], use_tqdm=False)
        found["scored"] = measured(replies, time.perf_counter() - start)
    print(json.dumps(found))


def step(params: type, ids: list[int]) -> object:
    """One more token, with the log-probabilities of some ids, as a walk asks for it."""
    how = {"temperature": 0.0, "max_tokens": 1, "logprobs": 1, "ignore_eos": True}
    try:
        return params(**how, logprob_token_ids=ids)
    except TypeError:  # as older versions do
        return params(**how)


def measured(replies: list, seconds: float) -> dict[str, float]:
    """Seconds, tokens of prompts and of replies."""
    asked = sum(len(reply.prompt_token_ids) for reply in replies)
    given = sum(len(reply.outputs[0].token_ids) for reply in replies)
    return {"seconds": seconds, "prompt_tokens": asked, "reply_tokens": given}


if __name__ == "__main__":
    main()
