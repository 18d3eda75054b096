"""Runs that are kept on a disk which machines share, and written on this machine's own: with a table of mounts."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from proband.designs.studies import Study
from proband.errors import RunLocked, StoreError
from proband.runs import Budget, carry_out
from proband.runs.run import Run
from proband.store import scratch
from proband.store.directory import RunDirectory, refuse_shared
from proband.store.mounts import file_system, is_network, mounted
from proband.store.scratch import LEASE, refuse_leased, written_here
from tests.runs.parting import kept

ENGINE = "scripted:uniform"
OWN = [("/", "ext4")]


@pytest.fixture
def study(survey):
    return Study(survey, ENGINE)


@pytest.fixture
def home(tmp_path):
    (tmp_path / "home").mkdir()
    return tmp_path / "home" / "run"


@pytest.fixture
def mounts(tmp_path):
    return [*OWN, (str(tmp_path / "home"), "nfs4")]


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/data/x", "lustre"),
        ("/data", "lustre"),
        ("/database/x", "ext4"),
        ("/data/own/run", "xfs"),
        ("/mnt/a b/run", "cifs"),
        ("/", "ext4"),
    ],
)
def test_the_longest_folder_that_a_path_begins_with_tells_its_file_system(path, kind):
    mounts = [("/", "rootfs"), ("/", "ext4"), ("/data/own", "xfs"), ("/data", "lustre"), ("/mnt/a b", "cifs")]
    assert file_system(path, mounts) == kind


def test_a_link_is_followed(tmp_path):
    (tmp_path / "far").mkdir()
    (tmp_path / "near").symlink_to(tmp_path / "far")
    assert file_system(tmp_path / "near" / "run", [*OWN, (str(tmp_path / "far"), "beegfs")]) == "beegfs"


@pytest.mark.parametrize("kind", ["nfs", "nfs4", "lustre", "cifs", "smb3", "gpfs", "fuse.sshfs", "beegfs", "ceph"])
def test_what_machines_share_is_known(kind):
    assert is_network(kind)
    with pytest.raises(StoreError, match=f"lies on {kind}.*--scratch FOLDER"):
        refuse_shared(Path("/far/run"), [*OWN, ("/far", kind)])


@pytest.mark.parametrize(
    "kind", ["ext4", "xfs", "btrfs", "zfs", "tmpfs", "overlay", "apfs", "ntfs", "fuseblk", "9p", ""]
)
def test_what_one_machine_has_is_written(kind):
    refuse_shared(Path("/far/run"), [*OWN, ("/far", kind)])


def test_here_something_is_mounted_and_tests_run_on_a_disk_of_this_machine(tmp_path):
    assert mounted()
    assert not is_network(file_system(tmp_path))


def test_a_run_on_this_machines_disk_is_written_where_it_is_kept(tmp_path):
    with written_here(tmp_path / "run", mounts=OWN) as work:
        assert work == tmp_path / "run"


def test_a_run_on_a_network_is_written_here_and_copied(study, home, mounts, tmp_path):
    with written_here(home, tmp_path / "own", mounts=mounts) as work:
        assert work.is_relative_to(tmp_path / "own")
        carry_out(study, work)
        assert [path.name for path in home.iterdir()] == [LEASE]
    assert kept(Run(home)) == kept(carry_out(study, tmp_path / "whole"))
    assert not list((tmp_path / "own").iterdir())
    assert not (home / LEASE).exists()


def test_the_folder_is_that_of_the_job_by_default(home, mounts, tmp_path, monkeypatch):
    monkeypatch.setenv("SLURM_TMPDIR", str(tmp_path / "job"))
    with written_here(home, mounts=mounts) as work:
        assert work.parent == tmp_path / "job"


def test_it_goes_on_from_what_is_kept(study, home, mounts, tmp_path):
    with written_here(home, tmp_path / "own", mounts=mounts) as work:
        carry_out(study, work, budget=Budget(trials=5))
    assert Run(home).state == "unfinished"
    with written_here(home, tmp_path / "other", mounts=mounts) as work:
        assert sum(Run(work).dispositions().values()) == 5
        carry_out(study, work)
    assert kept(Run(home)) == kept(carry_out(study, tmp_path / "whole"))


def test_what_was_answered_is_copied_also_after_an_error(study, home, mounts, tmp_path):
    def interrupted():
        with written_here(home, tmp_path / "own", mounts=mounts) as work:
            carry_out(study, work, budget=Budget(trials=5))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert sum(Run(home).dispositions().values()) == 5


def test_a_run_that_was_complete_and_goes_on_is_not_complete_meanwhile(study, home, mounts, tmp_path):
    with written_here(home, tmp_path / "own", mounts=mounts) as work:
        run = carry_out(study, work)
    with written_here(home, tmp_path / "own", mounts=mounts) as work:
        Run(work).directory.reopen()
    assert not Run(home).is_complete
    assert not (home / "responses.parquet").exists()
    assert run.path == work


KILLED = """
import os, sys
from tests.runs.killed_parts import STUDY
from proband.runs import Budget, carry_out
from proband.store.scratch import written_here
with written_here(sys.argv[1], sys.argv[2]) as work:
    carry_out(STUDY, work, budget=Budget(trials=7))
    os._exit(9)
"""


@pytest.mark.parametrize("is_disk_there", [True, False])
def test_a_run_that_was_killed_goes_on_from_its_own_disk_or_from_what_is_kept(home, tmp_path, is_disk_there):
    from tests.runs.killed_parts import STUDY

    own, other = tmp_path / "own", tmp_path / "other"
    words = [sys.executable, "-c", KILLED, str(home), str(own)]
    assert subprocess.run(words, cwd=Path(__file__).parents[2], check=False).returncode == 9
    with written_here(home, own if is_disk_there else other) as work:
        there = sum(Run(work).dispositions().values()) if (work / "journal.sqlite").exists() else 0
        assert there == (7 if is_disk_there else 0)
        carry_out(STUDY, work)
    assert kept(Run(home)) == kept(carry_out(STUDY, tmp_path / "whole"))


def test_a_journal_is_copied_now_and_then_while_it_is_written(study, home, tmp_path, monkeypatch):
    monkeypatch.setattr(scratch, "EVERY_S", 0.01)
    with written_here(home, tmp_path / "own") as work:
        carry_out(study, work, budget=Budget(trials=5))
        for _ in range(1000):
            if (home / "journal.sqlite").exists() and sum(Run(home).dispositions().values()) == 5:
                break
            scratch.time.sleep(0.02)
        else:
            pytest.fail("nothing was copied")


def test_what_others_write_where_it_is_kept_meanwhile_stays(study, home, tmp_path):
    (home / "slurm").mkdir(parents=True)
    with (home / "slurm" / "gather.log").open("w") as log, written_here(home, tmp_path / "own") as work:
        print("begun", file=log, flush=True)
        carry_out(study, work)
        print("ended", file=log, flush=True)
        (home / "notes.txt").write_text("of a person")
    assert (home / "slurm" / "gather.log").read_text() == "begun\nended\n"
    assert (home / "notes.txt").read_text() == "of a person"
    assert Run(home).is_complete


@pytest.mark.parametrize("has_ended", [False, True])
def test_a_run_that_another_machine_took_over_meanwhile_is_not_overwritten(study, home, tmp_path, has_ended):
    def silent_meanwhile():
        with written_here(home, tmp_path / "own") as work:
            carry_out(study, work, budget=Budget(trials=2))
            (home / LEASE).unlink()  # after two minutes without a sign of life
            if has_ended:
                carry_out(study, home)
            else:
                (home / LEASE).write_text(json.dumps({"host": "node7", "process": 1, "folder": "/tmp", "job": ""}))

    with pytest.raises(RunLocked, match="another process took this run over"):
        silent_meanwhile()
    (work,) = (tmp_path / "own").iterdir()
    assert RunDirectory(home).is_there is has_ended
    assert (home / LEASE).exists() is not has_ended
    assert not has_ended or Run(home).is_complete
    assert sum(Run(work).dispositions().values()) == 2


def test_a_second_process_is_refused(home, tmp_path):
    with written_here(home, tmp_path / "own"):
        with pytest.raises(RunLocked, match="another process of this machine"), written_here(home, tmp_path / "own"):
            pass
        with pytest.raises(RunLocked, match="is being written by a process on"):
            refuse_leased(home)


def test_a_process_of_another_machine_holds_it_for_as_long_as_it_lives(home, monkeypatch):
    home.mkdir()
    (home / LEASE).write_text(json.dumps({"host": "node7", "process": 1, "folder": "/tmp", "job": "12"}))
    with pytest.raises(RunLocked, match="on node7"):
        refuse_leased(home)
    monkeypatch.setenv("SLURM_JOB_ID", "12")  # queued again after its node died
    refuse_leased(home)
    monkeypatch.delenv("SLURM_JOB_ID")
    os.utime(home / LEASE, (0, 0))
    refuse_leased(home)


def test_a_scratch_on_a_network_is_refused(home, tmp_path):
    mounts = [("/", "nfs4")]
    with pytest.raises(StoreError, match="give --scratch a"), written_here(home, tmp_path / "own", mounts=mounts):
        pass


def test_nobody_else_can_look_into_it_or_have_put_it_there(home, tmp_path):
    with written_here(home, tmp_path / "own") as work:
        assert work.stat().st_mode & 0o777 == 0o700
    (tmp_path / "elsewhere").mkdir()
    work.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StoreError, match="is somebody else's"), written_here(home, tmp_path / "own"):
        pass


def test_where_it_cannot_be_copied_nothing_is_lost(study, home, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    def filled():
        with written_here(home, tmp_path / "own") as work:
            carry_out(study, work)
            monkeypatch.setattr(scratch, "_copy", full)  # a full disk cannot be had here without filling one

    with pytest.raises(StoreError, match="nothing is lost, it is in"):
        filled()
    monkeypatch.undo()
    with written_here(home, tmp_path / "own") as work:
        assert Run(work).is_complete
    assert Run(home).is_complete
