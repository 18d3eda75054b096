"""The same as processes, on actors of Ray: nothing is lost with one, and no cluster is used that anybody could."""

import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import wait
from pathlib import Path

import pytest

pytest.importorskip("ray", reason="Ray is not installed: the extra `cluster`")
pytestmark = [
    pytest.mark.slow,
    # Ray's own, of its start and of the end of its threads.
    pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::ResourceWarning", "ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

from proband.addresses import open_engine  # noqa: E402
from proband.addresses.opening import check_address, held, lasting  # noqa: E402
from proband.errors import EngineError  # noqa: E402
from proband.runs import collect, plan  # noqa: E402
from proband.workers import Task, WorkerLost, ray_connection, rays  # noqa: E402
from proband.workers.executor import started  # noqa: E402
from proband.workers.processes import cores  # noqa: E402
from proband.workers.ray_connection import Connection, connected, disconnect  # noqa: E402
from proband.workers.rays import Rays, Share  # noqa: E402
from tests.models.fleets import fleet, model, model_fleet  # noqa: E402
from tests.models.local.small_models import save_checkpoint  # noqa: E402
from tests.runs.pieced_study import make_small, study  # noqa: E402
from tests.workers.clusters import head  # noqa: E402

HERE = "tests.workers.tasks"
STATE = Task(f"{HERE}:stateful", ("hello",))
LOCAL = Connection(address="local")


def task(name, *arguments):
    return Task(f"{HERE}:{name}", arguments)


@pytest.fixture(scope="module", autouse=True)
def _cluster():
    """One for all tests here."""
    connected(LOCAL)
    yield
    disconnect(LOCAL)


def actors():
    return Rays(LOCAL, Share(cpus=0.5))


def table(run):
    assert run.is_complete
    return (run.path / "responses.parquet").read_bytes()


def test_tasks_are_done_with_what_each_actor_was_set_up_with():
    with started(actors(), STATE, 2) as pool:
        pool.settle()
        assert len({worker.told["pid"] for worker in pool.workers}) == 2
        assert all(socket.gethostname() in worker.name for worker in pool.workers)
        assert pool.submit(task("said", "you")).result() == "hello you"
        with pytest.raises(KeyError, match="missing"):
            pool.submit(task("raising", "missing")).result()
        assert pool.submit(task("squared", 3)).result() == 9


def test_a_set_up_that_fails_is_told_at_once():
    with (
        started(actors(), task("refusing", "model"), 2) as pool,
        pytest.raises(EngineError, match="ValueError: no model here"),
    ):
        pool.settle()


def test_tasks_of_a_killed_actor_go_to_others_and_a_fresh_one_is_started():
    with started(actors(), STATE, 2) as pool:
        pool.settle()
        first = pool.workers[0].told["pid"]
        futures = [pool.submit(task("slow", 0.3)) for _ in range(6)]
        os.kill(first, signal.SIGKILL)
        assert first not in {future.result() for future in futures}
        pool.settle()
        assert (len(pool.workers), pool.n_lost) == (2, 1)


def test_a_task_that_takes_three_actors_with_it_fails_and_the_others_are_done():
    with started(actors(), None, 2) as pool:
        poison = pool.submit(task("killing"))
        others = [pool.submit(task("squared", k)) for k in range(10)]
        with pytest.raises(WorkerLost, match="3 workers ended while they were at it"):
            poison.result()
        assert [future.result() for future in others] == [k * k for k in range(10)]


def test_an_actor_that_is_silent_is_given_up_within_twenty_seconds():
    with started(actors(), STATE, 2) as pool:
        pool.settle()
        silent = pool.workers[0].told["pid"]
        os.kill(silent, signal.SIGSTOP)
        began = time.monotonic()
        futures = [pool.submit(task("slow", 0.1)) for _ in range(6)]
        assert silent not in {future.result() for future in futures}
        assert pool.n_lost == 1
        assert time.monotonic() - began < 40  # twenty on a machine that does nothing else
        os.kill(silent, signal.SIGKILL)


def test_more_workers_than_there_is_room_for_are_refused_with_how_many_fit():
    with Rays(LOCAL) as pool, pytest.raises(EngineError, match=rf"has room for {cores()} workers of 1 CPU on its 1"):
        pool.start(None, cores() + 1)
    with Rays(LOCAL, Share(cpus=0, resources={"fast": 1})) as pool, pytest.raises(EngineError, match="room for 0"):
        pool.start(None, 1)


def test_an_actor_that_ray_does_not_make_is_said_at_once():
    with (
        started(Rays(LOCAL, Share(cpus=0.1, resources={"CPU": 1.0})), None, 1) as pool,
        pytest.raises(EngineError, match=r"could not be made .*num_cpus"),
    ):
        pool.settle()


def test_a_worker_that_runs_something_else_is_refused_by_name(monkeypatch):
    monkeypatch.setattr(rays, "versions", lambda: {"Python": "3.99.0"})
    with (
        started(actors(), None, 1) as pool,
        pytest.raises(
            EngineError, match=rf"process \d+ on {socket.gethostname()}, \S+\) runs Python 3\.11.* Python 3\.99"
        ),
    ):
        pool.settle()


def test_a_run_on_ray_equals_one_process(survey, tmp_path):
    alone = collect(survey, "scripted:uniform?seed=1", tmp_path / "alone")
    both = collect(survey, "ray:local?replicas=2&engine=scripted:uniform?seed=1", tmp_path / "both")
    assert table(both) == table(alone)
    assert both.manifest["fingerprint"][""]["replicas"] == "2 actors of Ray"
    token = [
        line for line in Path("/proc/self/environ").read_bytes().split(b"\0") if line.startswith(b"RAY_AUTH_TOKEN")
    ]
    assert not token
    assert "RAY_AUTH_TOKEN" not in os.environ


def test_a_killed_actor_costs_no_answer_and_changes_none(tmp_path, monkeypatch):
    make_small(monkeypatch.setattr)
    checkpoint = save_checkpoint(tmp_path / "small", max_position_embeddings=1000)
    whole = collect(study(), model(checkpoint), tmp_path / "whole")
    engine = model_fleet(checkpoint, executor=actors())
    done = []

    def watch(tally):
        if not done and tally.done >= tally.total / 3:
            done.append(engine.executor.workers[0].name)
            os.kill(int(done[0].partition("process ")[2].split()[0]), signal.SIGKILL)

    run = collect(study(), engine, tmp_path / "killed", watch=watch)
    assert done
    assert engine.executor.n_lost == 1
    assert table(run) == table(whole)
    engine.close()


def test_a_trial_that_ends_its_actor_fails_and_all_others_are_answered(tmp_path):
    engine = fleet("Poisonous", executor=actors())
    run = collect(study(4, 2), engine, tmp_path)
    engine.close()
    assert run.dispositions() == {"valid": 6, "failed": 2}


def test_plans_need_no_cluster():
    assert plan(study(), "ray:nowhere:1?replicas=9&engine=scripted:uniform").trials == 72


def test_what_this_program_does_at_sigterm_stays_what_it_is():
    program = (
        "import signal\n"
        "from proband.workers.ray_connection import Connection, connected, disconnect\n"
        "signal.signal(signal.SIGTERM, mine := lambda number, frame: None)\n"
        "connected(local := Connection(address='local'))\n"
        "print('kept', signal.getsignal(signal.SIGTERM) is mine)\n"
        "disconnect(local)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=120)
    assert "kept True" in done.stdout, done.stderr


def test_the_token_of_a_cluster_that_is_begun_here_is_written_nowhere():
    import ray

    with started(actors(), None, 1) as pool:
        token = pool.submit(task("variable", "RAY_AUTH_TOKEN")).result()
        assert len(token) == 64
        session = Path(ray._private.worker.global_worker.node.get_session_dir_path())
        files = [path for path in session.rglob("*") if path.is_file()]
        assert files
        assert not [path for path in files if token.encode() in path.read_bytes()]


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("ray:local?replicas=2", "must read ray:HOST:PORT"),
        ("ray:local?replicas=0&engine=smollm2", "replicas must be at least 1"),
        ("ray:local?replicas=two&engine=smollm2", "replicas is 'two', not a whole number"),
        ("ray:somewhere?engine=smollm2", "is no Ray; write ray:HOST:PORT"),
        ("ray:local?engine=human:folder", "human:folder cannot be copied, because people answer once"),
        ("ray:local?engine=smolm2", "did you mean 'smollm2'"),
        ("ray:local?copies=2&engine=smollm2", "takes no option 'copies'"),
        ("ray:local?resources=fast&engine=smollm2", "resources must read NAME:AMOUNT"),
        ("ray:local?resources=CPU:1&engine=smollm2", "write cpus=1, not resources=CPU:1"),
        ("ray:local?resources=a:nan&engine=smollm2", "resources must read NAME:AMOUNT"),
        ("ray:local?cpus=nan&engine=smollm2", "cpus and gpus at least 0"),
        ("ray:local?cpus=0&engine=smollm2", "must take something"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_begun(address, message):
    for look in (check_address, open_engine):
        with pytest.raises(EngineError, match=message):
            look(address)


def test_the_address_is_that_of_what_it_holds():
    address = "ray:10.0.0.1:6379?replicas=8&gpus=1&engine=hf:ORG/M+anna?dtype=bfloat16&chunk_tokens=64"
    assert held(address) == "hf:ORG/M+anna?dtype=bfloat16&chunk_tokens=64"
    assert lasting(address) == "hf:ORG/M+anna?dtype=bfloat16"


def test_a_cluster_that_is_not_there_is_said_at_once():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(EngineError, match=f"nobody answers at 127.0.0.1:{port}"):
        ray_connection._join(ray_connection._ray(), Connection(address=f"127.0.0.1:{port}"))


def test_one_process_is_connected_to_one_ray():
    with (
        Rays(Connection(address="127.0.0.1:1")) as pool,
        pytest.raises(EngineError, match=r"connected to .* \(local\)"),
    ):
        pool.start(None, 1)


def test_winding_down_finishes_what_is_out(tmp_path):
    with started(actors(), None, 1) as pool:
        pool.settle()
        futures = [pool.submit(task("started", str(tmp_path), 0.5)) for _ in range(4)]
        while not list(tmp_path.iterdir()):
            time.sleep(0.01)
        pool.wind_down()
        wait(futures)
        assert [future.cancelled() for future in futures] == [False, False, True, True]


OTHER = """
import sys
from proband.errors import EngineError
from proband.workers import Task
from proband.workers.executor import started
from proband.workers.ray_connection import Connection
from proband.workers.rays import Rays
try:
    with started(Rays(Connection(address=sys.argv[1], is_insecure=sys.argv[2] == "1")), None, 1) as pool:
        print(pool.submit(Task("tests.workers.tasks:squared", (7,))).result())
except EngineError as error:
    print(error)
"""


def use(address, insecure, **variables):
    """A program of its own that uses a cluster; what it printed."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RAY_AUTH")}
    done = subprocess.run(
        [sys.executable, "-c", OTHER, address, insecure],
        env={**environment, "HOME": "/nonexistent", **variables},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    return done.stdout + done.stderr[-2000:]


@pytest.mark.parametrize("mode", ["disabled", "token"])
def test_a_cluster_that_asks_for_no_token_is_refused_and_one_that_does_wants_its_own(mode):
    with head(mode, "one" * 20) as address:
        if mode == "disabled":
            assert "asks nobody for a token" in use(address, "0")
            assert "accept that with insecure=1" in use(address, "0")
            assert "49" in use(address, "1")
        else:
            assert "49" in use(address, "0", RAY_AUTH_TOKEN="one" * 20)
            assert "asks for a token; put it into the environment as RAY_AUTH_TOKEN" in use(address, "0")
            wrong = use(address, "0", RAY_AUTH_TOKEN="two" * 20)
            assert "cannot be used" in wrong
            assert "two" * 20 not in wrong


def test_code_can_be_sent_to_workers():
    code = OTHER.replace("is_insecure=", "sends_code=").replace(":squared", ":where").replace("(7,)", "()")
    done = subprocess.run([sys.executable, "-c", code, "local", "1"], capture_output=True, text=True, timeout=120)
    assert "py_modules_files" in done.stdout
