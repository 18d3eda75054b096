"""A study over two hosts equals one process byte for byte, whatever is killed or pulled out meanwhile."""

import os
import signal
import time

import psutil
import pytest

pytest.importorskip("ray", reason="Ray is not installed: the extra `cluster`")

from proband.models.local.engine import LocalEngine
from proband.runs import Run, collect
from tests.models.fleets import model
from tests.models.local.small_models import save_checkpoint
from tests.runs.pieced_study import make_small, study
from tests.workers.clusters import TwoHosts, can_lay

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not can_lay(), reason="no network namespaces here: they need root and iproute2"),
]


@pytest.fixture
def hosts():
    two = TwoHosts()
    try:
        two.lay()
        two.start()
        yield two
    finally:
        two.close()


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return save_checkpoint(tmp_path_factory.mktemp("small"), max_position_embeddings=1000)


@pytest.fixture(scope="module")
def whole(checkpoint, tmp_path_factory):
    """The table of the same study in one process."""
    with pytest.MonkeyPatch.context() as patch:
        make_small(patch.setattr)
        return table(collect(study(100), model(checkpoint), tmp_path_factory.mktemp("whole")))


def table(run):
    assert run.is_complete
    return (run.path / "responses.parquet").read_bytes()


def of_host(hosts, k):
    """Every process of a host but the one that only waits."""
    return psutil.Process(hosts.nodes[k].pid).children(recursive=True)


def kill_a_worker(hosts, workers):
    os.kill(workers[0], signal.SIGKILL)


def kill_a_host(hosts, workers):
    for process in of_host(hosts, 1):
        process.kill()


def pull_the_cable(hosts, workers):
    hosts.pull()


@pytest.mark.parametrize("fault", [None, kill_a_worker, kill_a_host, pull_the_cable])
def test_a_study_over_two_hosts_equals_one_process(fault, hosts, checkpoint, whole, tmp_path):
    program = hosts.run("-m", "tests.workers.ray_study", str(tmp_path), str(checkpoint), hosts.address, "4", "100")
    workers = [int(pid) for pid in program.stdout.readline().split()]
    assert len(workers) == 4
    there = {process.pid for process in of_host(hosts, 1)}
    assert len(there & set(workers)) == 2
    began = time.monotonic()
    if fault:
        fault(hosts, workers)
    said, progress = program.communicate(timeout=240)
    lost = {None: 0, kill_a_worker: 1, kill_a_host: 2, pull_the_cable: 2}[fault]
    assert said == f"complete, {lost} lost\nclosed\n", progress[-2000:]
    print(f"{fault}: {time.monotonic() - began:.1f} s")
    assert table(Run(tmp_path)) == whole


def test_a_head_that_is_gone_ends_the_run_clearly_and_the_run_goes_on_elsewhere(
    hosts, checkpoint, tmp_path, monkeypatch
):
    program = hosts.run("-m", "tests.workers.ray_study", str(tmp_path), str(checkpoint), hosts.address, "4", "400")
    assert len(program.stdout.readline().split()) == 4
    for process in of_host(hosts, 0):
        if process.name() == "gcs_server":
            process.kill()
    said, _ = program.communicate(timeout=120)
    assert f"the head of the Ray at {hosts.address} has not answered for" in said
    assert said.endswith("closed\n")
    make_small(monkeypatch.setattr)
    n = len(Run(tmp_path).responses())
    assert 40 <= n < 2400
    engine = LocalEngine(checkpoint, address="small")
    run = collect(study(400), engine, tmp_path)
    assert table(run) == table(collect(study(400), engine, tmp_path / "whole"))
