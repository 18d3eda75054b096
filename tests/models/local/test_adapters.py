"""An adapter on a shared base answers as the merged checkpoint does, and as if it were alone."""

import json
import shutil
import threading
import warnings
import weakref

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

from proband.errors import EngineError
from proband.models.local.adapters import CONFIG, WEIGHTS, check_adapter, load_adapter, save_adapter
from proband.models.local.engine import LocalEngine
from tests.models.local.small_models import save_checkpoint
from tests.models.local.test_engine import survey, write


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return save_checkpoint(tmp_path_factory.mktemp("base"))


def adapter_by_peft(base, into, seed=1, **settings):
    """An adapter as PEFT saves it, with weights that change every answer, and its base with it merged in."""
    torch.manual_seed(seed)
    config = LoraConfig(task_type="CAUSAL_LM", r=4, lora_alpha=8, target_modules="all-linear", **settings)
    with warnings.catch_warnings():
        # PEFT asks transformers by a name that is going away, and turns GPT-2's layers round aloud.
        warnings.simplefilter("ignore")
        model = get_peft_model(AutoModelForCausalLM.from_pretrained(base), config)
    with torch.no_grad():
        for name, weights in model.named_parameters():
            if "lora_B" in name:
                weights.normal_(std=0.2)
    model.save_pretrained(into)
    merged = shutil.copytree(base, f"{into}-merged")
    model.merge_and_unload().save_pretrained(merged)
    return into, merged


@pytest.fixture(scope="module")
def adapters(base, tmp_path_factory):
    folder = tmp_path_factory.mktemp("adapters")
    return [adapter_by_peft(base, folder / name, seed)[0] for seed, name in enumerate(("anna", "ben"))]


def told(engine, trials):
    """Everything that an engine says, to the last bit."""
    return {trial.id: (done.log_probs, done.text) for trial, done in engine.answer(trials)}


ASKED = [*survey(2, 3), *survey(1, 2, closes=True), write("Why?"), write("And then?", temperature=1.0)]


@pytest.mark.parametrize("kind", ["llama", "gpt2", "gemma2", "bloom"])
def test_it_answers_as_the_merged_checkpoint_does(kind, tmp_path):
    base = save_checkpoint(tmp_path / kind, kind)
    adapter, merged = adapter_by_peft(base, tmp_path / "anna")
    found, wanted = (dict(one.answer(survey())) for one in (LocalEngine(base, adapter=adapter), LocalEngine(merged)))
    plain = dict(LocalEngine(base).answer(survey()))
    for trial, completion in found.items():
        assert completion.log_probs == pytest.approx(wanted[trial].log_probs, abs=1e-3)
        assert completion.log_probs != pytest.approx(plain[trial].log_probs, abs=1e-2)


def test_scaling_by_the_root_of_the_rank_is_followed(base, tmp_path):
    adapter, merged = adapter_by_peft(base, tmp_path / "anna", use_rslora=True)
    found, wanted = (dict(one.answer(survey())) for one in (LocalEngine(base, adapter=adapter), LocalEngine(merged)))
    for trial, completion in found.items():
        assert completion.log_probs == pytest.approx(wanted[trial].log_probs, abs=1e-3)


def test_answers_are_those_of_a_lone_load_to_the_last_bit_whatever_was_asked_before(base, adapters):
    # So few that whole passes meet packed layers, which are shared.
    how = {"chunk_tokens": 16}
    alone = {}
    for adapter in (None, *adapters):
        engine = LocalEngine(base, adapter=adapter, **how)
        alone[adapter] = told(engine, ASKED)
        engine.close()
        del engine
    assert len({str(found) for found in alone.values()}) == 3
    together = {adapter: LocalEngine(base, adapter=adapter, **how) for adapter in (*adapters, None)}
    for adapter in (adapters[1], None, adapters[0], adapters[1], adapters[0], None):
        assert told(together[adapter], ASKED) == alone[adapter]


def test_engines_of_one_base_may_be_asked_at_the_same_time(base, adapters):
    engines = [LocalEngine(base, adapter=adapter) for adapter in (None, *adapters)]
    wanted = [told(engine, ASKED) for engine in engines]
    found = [[] for _ in engines]

    def ask(k):
        for _ in range(3):
            found[k].append(told(engines[k], ASKED))

    threads = [threading.Thread(target=ask, args=(k,)) for k in range(len(engines))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [[answers] * 3 for answers in wanted]


def test_the_base_is_in_memory_once_and_gone_when_the_last_engine_is_closed(base, adapters):
    engines = [LocalEngine(base, adapter=adapter) for adapter in (None, *adapters)]
    for engine in engines:
        list(engine.answer(survey()))
    layers = [engine.passes.model.get_output_embeddings().weight for engine in engines]
    assert len({layer.data_ptr() for layer in layers}) == 1
    assert len({id(engine.template) for engine in engines}) == 1
    kept = weakref.ref(engines[0]._base)
    del layers
    for engine in engines[:2]:
        engine.close()
    assert kept() is not None
    engines[2].close()
    assert kept() is None


def test_a_base_that_is_saved_again_is_loaded_again(base, tmp_path):
    folder = shutil.copytree(base, tmp_path / "base")
    before = LocalEngine(folder)
    model = AutoModelForCausalLM.from_pretrained(folder)
    with torch.no_grad():
        model.lm_head.weight.mul_(2)
    model.save_pretrained(folder)
    assert LocalEngine(folder).fingerprint()["weights"] != before.fingerprint()["weights"]


def test_base_and_adapter_are_in_the_fingerprint_and_the_address(base, adapters):
    plain, anna, ben = (LocalEngine(base, adapter=adapter) for adapter in (None, *adapters))
    assert "adapter" not in plain.fingerprint()
    weights = plain.fingerprint()["weights"]
    for engine in (anna, ben):
        assert engine.fingerprint()["weights"] == f"{weights}+{engine.fingerprint()['adapter']}"
    assert anna.fingerprint()["adapter"] != ben.fingerprint()["adapter"]
    assert anna.address == f"hf:{base}+{adapters[0]}"
    assert "does not say by hash which base" in anna.note


def kept_by_us(adapters, base_weights, into):
    """The first adapter as training saves it."""
    into.mkdir()
    settings = json.loads((adapters[0] / CONFIG).read_text())
    save_adapter(into, load_file(adapters[0] / WEIGHTS), settings, base="hf:somewhere", base_weights=base_weights)
    return into


def test_an_adapter_of_a_base_with_other_weights_is_refused_and_both_are_named(base, adapters, tmp_path):
    adapter = kept_by_us(adapters, f"files-sha256:{'0' * 64}", tmp_path / "kept")
    message = (
        r"kept was trained on hf:somewhere \(files-sha256:000000000000\), and hf:.* is another base \(files-sha256:"
    )
    with pytest.raises(EngineError, match=message):
        LocalEngine(base, adapter=adapter)


def test_an_adapter_that_does_not_fit_its_base_is_refused(adapters, tmp_path):
    narrow = save_checkpoint(tmp_path / "narrow", intermediate_size=40)
    with pytest.raises(
        EngineError, match=r"to model\.layers.*, where .*narrow has .*: it is an adapter of another base"
    ):
        LocalEngine(narrow, adapter=adapters[0])
    with pytest.raises(EngineError, match="no such layer: it is an adapter of another base"):
        LocalEngine(save_checkpoint(tmp_path / "gpt2", "gpt2"), adapter=adapters[0])


def cut(folder):
    (folder / WEIGHTS).write_bytes((folder / WEIGHTS).read_bytes()[:-100])


def overwrite(folder):
    data = bytearray((folder / WEIGHTS).read_bytes())
    data[-50] ^= 1
    (folder / WEIGHTS).write_bytes(data)


def rescale(folder):
    settings = json.loads((folder / CONFIG).read_text())
    (folder / CONFIG).write_text(json.dumps(settings | {"lora_alpha": 16}))


def write_half_a_config(folder):
    (folder / CONFIG).write_text('{"r": ')


@pytest.mark.parametrize("damage", [cut, overwrite, rescale, write_half_a_config])
def test_a_damaged_adapter_is_refused(base, adapters, tmp_path, damage):
    adapter = kept_by_us(adapters, "", tmp_path / "kept")
    load_adapter(adapter)
    damage(adapter)
    with pytest.raises(EngineError, match=r"kept/adapter_\w+\.\w+ is damaged \(.*\); train the adapter again"):
        LocalEngine(base, adapter=adapter)


@pytest.mark.parametrize("missing", [CONFIG, WEIGHTS])
def test_a_missing_file_of_an_adapter_is_named(adapters, tmp_path, missing):
    folder = shutil.copytree(adapters[0], tmp_path / "copy")
    (folder / missing).unlink()
    with pytest.raises(EngineError, match=f"copy holds no {missing}; give the folder of an adapter"):
        check_adapter(folder)


def test_adapters_that_are_more_than_a_product_are_refused_with_the_way_out(base, adapters, tmp_path):
    adapter, _ = adapter_by_peft(base, tmp_path / "dora", use_dora=True)
    with pytest.raises(EngineError, match=r"says use_dora = True\); merge it into its base"):
        load_adapter(adapter)
    folder = shutil.copytree(adapters[0], tmp_path / "more")
    tensors = load_file(folder / WEIGHTS)
    save_file(tensors | {"base_model.model.lm_head.weight": torch.ones(2)}, folder / WEIGHTS)
    with pytest.raises(EngineError, match=r"it holds 'base_model\.model\.lm_head\.weight'"):
        load_adapter(folder)


@pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing:FutureWarning")
def test_what_is_kept_here_opens_with_peft(base, adapters, tmp_path):
    adapter = kept_by_us(adapters, "", tmp_path / "kept")
    ids = torch.tensor([[5, 6, 7, 8]])
    mine = LocalEngine(base, adapter=adapter)
    with torch.inference_mode():
        wanted = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base), adapter)(ids).logits
        assert torch.allclose(mine.passes.model(ids).logits, wanted, atol=1e-4)
