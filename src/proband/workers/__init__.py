"""Work that goes out of this process: one seam for replicas, training by cell and simulation."""

from proband.workers.executor import Executor, Task, Worker, WorkerLost

__all__ = ["Executor", "Task", "Worker", "WorkerLost"]
