"""On which file system a folder lies: SQLite's log and its locks need one of this machine alone."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

Mounts = Sequence[tuple[str, str]]  # folder and type, in the order of mounting
_TABLE = Path("/proc/self/mounts")
_NETWORK = frozenset(
    {
        *("acfs", "afpfs", "afs", "beegfs", "beegfs_nodev", "ceph", "cephfs", "cifs", "coda", "davfs", "fhgfs"),
        *("gfs", "gfs2", "glusterfs", "gpfs", "lustre", "ncpfs", "nfs", "nfs3", "nfs4", "ocfs2", "orangefs"),
        *("panfs", "pvfs2", "shfs", "smb2", "smb3", "smbfs", "sshfs", "webdav", "wekafs"),
    }
)
# Kinds behind FUSE, which are called fuse.KIND.
_BEHIND_FUSE = frozenset(
    {
        *("afs", "beegfs", "ceph", "ceph-fuse", "cephfs", "cvmfs2", "davfs", "davfs2", "dcache", "gcsfuse"),
        *("glusterfs", "goofys", "juicefs", "lustre", "mfs", "moosefs", "objectivefs", "orangefs", "portal"),
        *("quobyte", "rclone", "rclonefs", "s3fs", "seaweedfs", "sshfs", "weka"),
    }
)


def mounted() -> Mounts:
    """What is mounted on this machine; empty where nothing tells."""
    try:
        lines = _TABLE.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return tuple(_asked())
    fields = (line.split(" ") for line in lines)
    return tuple((_unescaped(found[1]), found[2]) for found in fields if len(found) > 2)


def _asked() -> Iterator[tuple[str, str]]:
    """As the operating system tells, where it has no table to read."""
    try:
        import psutil
    except ImportError:
        return
    yield from ((found.mountpoint, found.fstype) for found in psutil.disk_partitions(all=True))


def _unescaped(text: str) -> str:
    """A folder as the table writes it, where blanks are octal numbers."""
    for code, character in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        text = text.replace(code, character)
    return text


def file_system(path: str | Path, mounts: Mounts | None = None) -> str:
    """Type of the file system that a path lies on, or would lie on; empty where nothing tells.

    Parameters
    ----------
    path : path
        A file or folder, there or not; links are followed.
    mounts : sequence of (str, str), optional
        Folders and types, a later one over an earlier; default what is mounted here.
    """
    whole = os.path.realpath(path)
    best, found = -1, ""
    for folder, kind in mounted() if mounts is None else mounts:
        top = folder.rstrip("/")
        if (whole == top or whole.startswith(f"{top}/")) and len(top) >= best:
            best, found = len(top), kind
    return found.lower()


def is_network(kind: str) -> bool:
    """Whether files of a file system are shared with other machines."""
    return kind.removeprefix("fuse.") in _BEHIND_FUSE if kind.startswith("fuse.") else kind in _NETWORK
