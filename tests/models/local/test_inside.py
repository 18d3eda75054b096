"""Models changed inside: what an address says is what is done, to this engine alone, in scoring and in writing."""

import copy
import re
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from typer.testing import CliRunner

from proband.addresses import open_engine
from proband.addresses.opening import address_beside, check_address
from proband.cli.main import app
from proband.errors import EngineError
from proband.models.local.inside import read_contrast
from proband.records import Message, Place, Reply, Request, Trial
from tests.models.local.small_models import save_checkpoint

TEXT, ENDS = "The boats come in at dawn,", (" and we wait.", " and I sing.", " never")
CONTRAST = """toward = ["We sing.", "We dance.", "I shout out.", "All come in."]
away = ["I sit.", "I read.", "I am off.", "None."]
"""


def scored(text=TEXT):
    requests = [Request(messages=(Message("user", text),), continuations=(end,), is_raw=True) for end in ENDS]
    return [
        Trial(
            place=Place(subject="s", item=f"i{k}"),
            request=request,
            reply=Reply(form="choice", method="option_text", options=request.continuations, order=(0,)),
        )
        for k, request in enumerate(requests)
    ]


def written():
    request = Request(messages=(Message("user", TEXT),), max_tokens=6, is_raw=True)
    return Trial(place=Place(subject="s", item="w"), request=request, reply=Reply(form="text", method="written"))


def log_probs(engine, trials=None):
    found = {trial.place.item: completion.log_probs[0] for trial, completion in engine.answer(trials or scored())}
    return [found[name] for name in sorted(found)]


@pytest.fixture(scope="module", params=["llama", "gpt2"])
def folder(request, tmp_path_factory):
    made = save_checkpoint(tmp_path_factory.mktemp(request.param), request.param)
    (made / "contrast.toml").write_text(CONTRAST)
    return made


@pytest.fixture
def opened(folder):
    torch.set_num_threads(1)
    engines = []

    def open_(query=""):
        engines.append(open_engine(f"hf:{folder}" + query.format(folder=folder)))
        return engines[-1]

    yield open_
    for engine in engines:
        engine.close()


def reference(engine, change):
    """The plain model of transformers, changed by hand; log-probabilities of the same regions, and a greedy text."""
    model = copy.deepcopy(engine._base._model)
    layers = model.model.layers if hasattr(model, "model") else model.transformer.h
    change(layers)
    found = []
    head, *wholes = engine.template.tokenize([TEXT, *(TEXT + end for end in ENDS)])
    with torch.inference_mode():
        for whole in wholes:
            rows = model(torch.tensor([whole])).logits[0].log_softmax(-1)
            found.append(sum(float(rows[k - 1, whole[k]]) for k in range(len(head), len(whole))))
        ids = list(head)
        for _ in range(6):
            ids.append(int(model(torch.tensor([ids])).logits[0, -1].argmax()))
    return found, engine.template.decode(ids[len(head) :])


def steering(engine, folder, layer, dose):
    """Adds the difference of mean states, found text by text, behind a layer."""

    def change(layers):
        states = []
        handle = layers[layer].register_forward_hook(
            lambda _, __, out: states.append((out[0] if isinstance(out, tuple) else out)[0, 1:].mean(0))
        )
        sides = read_contrast(folder / "contrast.toml")
        model = engine._base._model
        own = model.model.layers if hasattr(model, "model") else model.transformer.h
        kept = own[layer]
        own[layer] = layers[layer]
        with torch.inference_mode():
            for side in sides:
                for ids in engine.template.tokenize_as_words(side):
                    model(torch.tensor([list(ids)]))
        own[layer] = kept
        handle.remove()
        vector = torch.stack(states[: len(sides[0])]).mean(0) - torch.stack(states[len(sides[0]) :]).mean(0)
        layers[layer].register_forward_hook(
            lambda _, __, out: (out[0] + dose * vector, *out[1:]) if isinstance(out, tuple) else out + dose * vector
        )

    return change


def silencing(head):
    """Sets to 0 what goes into the projection of the first layer from one head of eight numbers."""

    def change(layers):
        attention = getattr(layers[0], "self_attn", None) or layers[0].attn
        weight = (getattr(attention, "o_proj", None) or attention.c_proj).weight
        with torch.no_grad():
            part = weight.T if hasattr(attention, "o_proj") else weight
            part[8 * head : 8 * head + 8] = 0

    return change


@pytest.mark.parametrize("what", ["steer", "ablate"])
def test_packed_prompts_and_writing_are_those_of_a_plain_model_changed_by_hand(opened, folder, what):
    engine = opened({"steer": "?steer={folder}/contrast.toml&layer=1&dose=3", "ablate": "?ablate=0.2"}[what])
    change = steering(engine, folder, 1, 3) if what == "steer" else silencing(2)
    expected, text = reference(engine, change)
    assert log_probs(engine) == pytest.approx(expected, abs=1e-4)
    assert log_probs(opened()) != pytest.approx(expected, abs=1e-3)  # it does change something
    [(_, completion)] = engine.answer([written()])
    assert completion.text == text


@pytest.mark.parametrize("query", ["?steer={folder}/contrast.toml&layer=1&dose=0", "?noise=0", "?mask=0"])
def test_at_degree_0_it_is_the_unchanged_model(opened, query):
    changed, plain = opened(query), opened()
    assert log_probs(changed) == log_probs(plain)
    assert changed.fingerprint()["weights"] == plain.fingerprint()["weights"]


@pytest.mark.parametrize("query", ["?noise=0.1", "?mask=0.3", "?ablate=0.0,1.*"])
def test_a_change_is_the_same_at_every_start_and_nobody_else_notices(opened, query):
    plain = opened()
    before = log_probs(plain)
    changed = opened(query)
    found = log_probs(changed)
    assert found == pytest.approx(log_probs(opened(query)), abs=1e-5)
    assert found != pytest.approx(before, abs=1e-3)
    assert log_probs(plain) == before
    plainly = [
        changed.passes.run_plain(whole, len(head))
        for head, whole in (changed.template.tokenize([TEXT, TEXT + end]) for end in ENDS)
    ]
    assert found == pytest.approx(plainly, abs=1e-4)


def test_the_address_and_the_fingerprint_say_what_was_changed(opened, folder):
    engine = opened("?noise=0.1&device=cpu&ablate=0.1")
    assert engine.address == f"hf:{folder}?noise=0.1&ablate=0.1&noise_seed=1"
    assert engine.fingerprint()["inside"] == "noise=0.1&ablate=0.1&noise_seed=1"
    assert engine.fingerprint()["weights"].endswith("~noise=0.1&ablate=0.1&noise_seed=1")
    assert "changed inside" in engine.note
    steered = opened("?steer={folder}/contrast.toml&layer=0&dose=2").fingerprint()["inside"]
    assert re.match(r"steer=sha256:[0-9a-f]{16}&layer=0&dose=2$", steered)
    assert (
        address_beside("smollm2?steer=contrast.toml&layer=1", folder) == f"smollm2?steer={folder}/contrast.toml&layer=1"
    )


def test_a_ready_vector_steers_and_one_of_another_model_is_refused(opened, folder):
    torch.manual_seed(1)
    save_file({"vector": torch.randn(32)}, folder / "ready.safetensors")
    save_file({"vector": torch.randn(576)}, folder / "other.safetensors")
    assert log_probs(opened("?steer={folder}/ready.safetensors&layer=0&dose=2")) != log_probs(opened())
    with pytest.raises(EngineError, match=r"other.safetensors holds .*576.* are 32 numbers: it is of another model"):
        opened("?steer={folder}/other.safetensors&layer=0")


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("?ablate=2.0", "has layers 0 to 1 with heads 0 to 3, and ablate names 2.0"),
        ("?ablate=1.4", "ablate names 1.4"),
        ("?ablate=all", "write LAYER.HEAD"),
        ("?steer={folder}/contrast.toml&layer=7", "has layers 0 to 1, and layer=7 is steered"),
    ],
)
def test_what_the_model_does_not_have_is_refused_when_it_is_opened(opened, query, message):
    with pytest.raises(EngineError, match=message):
        opened(query)


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("noise=-1", "noise is at least 0"),
        ("mask=1.5", "mask a share"),
        ("layer=3", "steering takes a file and a layer"),
        ("steer=nowhere.toml&layer=3", "there is no file nowhere.toml to steer by"),
        ("steer={bad}&layer=3", "away has 1 texts; write 4 or more"),
        ("steer={odd}&layer=3", "no key 'model'; there are toward, away, about"),
    ],
)
def test_what_no_model_could_be_asked_is_refused_without_loading_one(tmp_path, query, message):
    (tmp_path / "bad.toml").write_text(CONTRAST.split("away")[0] + 'away = ["One."]\n')
    (tmp_path / "odd.toml").write_text('toward = []\naway = []\nmodel = "x"\n')
    with pytest.raises(EngineError, match=message):
        check_address(f"smollm2?{query}".format(bad=tmp_path / "bad.toml", odd=tmp_path / "odd.toml"))


def test_a_contrast_that_lies_beside_a_study_file_is_found_by_check():
    example = Path(__file__).parents[3] / "examples" / "inside.toml"
    done = CliRunner().invoke(app, ["check", str(example)])
    assert done.exit_code == 0, done.output
