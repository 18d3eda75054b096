"""What analyses of single batteries read of a run: which battery it is, how much of it, in which contexts."""

from proband.batteries.battery import Setting
from proband.runs.run import Run


def of_battery(run: Run, name: str) -> str | None:
    """Why a run cannot be looked at as one of this battery; None where it can."""
    if (run.manifest.get("design") or {}).get("battery") != name:
        return f"this is no run of the battery {name!r}"
    return None if run.dispositions() else "nothing was answered yet"


def setting_of(run: Run) -> Setting:
    """How much of its battery a run asks, so that its generated items can be made again."""
    return Setting(**run.manifest["design"]["battery_setting"])
