"""What of this machine is left for this process: cores and memory, by the narrowest of the limits that the system sets; devices."""

from __future__ import annotations

import os
from collections.abc import Iterator
from math import ceil
from pathlib import Path

from untaught.core.errors import BadInput, unknown

GROUPS = Path("/sys/fs/cgroup")
OWN = Path("/proc/self/cgroup")


def cores() -> int:
    """The cores that this process may use: those it is bound to, and no more than its container may fill."""
    try:
        bound = len(os.sched_getaffinity(0))
    except AttributeError:
        bound = os.cpu_count() or 1
    quotas = [quota for folder in _groups("cpu") if (quota := _quota(folder)) is not None]
    return max(1, min([bound, *(ceil(quota) for quota in quotas)]))


def resolve_device(device: str) -> str:
    """ "auto" as what there is; `BadInput` for a device that is not there."""
    import torch

    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if device == "auto":
        return "cuda" if count else "cpu"
    kind, _, index = device.partition(":")
    if kind == "cpu" and not index:
        return device
    if kind != "cuda" or not (index == "" or index.isdigit()):
        raise unknown("device", device, ["auto", "cpu", "cuda"])
    if int(index or 0) >= count:
        raise BadInput(f"The device '{device}' is not there: torch sees {count} CUDA devices. Use --device cpu.")
    return device


def free_memory(device: str = "cpu") -> float | None:
    """Bytes that can still be had on the device, or None where the system does not say.

    Of the CPU's: what the system can hand out, what the containers of this process leave, and what is left of the process's own
    limit of addresses (`ulimit -v`).
    """
    if device.startswith("cuda"):
        import torch

        return float(torch.cuda.mem_get_info(device)[0])
    left = [_available(), _addresses(), *map(_unused, _groups("memory"))]
    known = [bytes for bytes in left if bytes is not None]
    return max(0.0, min(known)) if known else None


def _groups(kind: str) -> Iterator[Path]:
    """The folders of the control groups that this process is in, from its own to the outermost, of both versions."""
    try:
        lines = OWN.read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and kind not in controllers.split(","):
            continue
        root = GROUPS / controllers if controllers else GROUPS
        if controllers and not root.is_dir():
            root = GROUPS / kind
        inner = Path(path.lstrip("/"))
        for part in (inner, *inner.parents):  # in a container its own group may be mounted at the root
            yield root / part


def _number(path: Path) -> float | None:
    try:
        return float(path.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return None


def _quota(folder: Path) -> float | None:
    """Cores' worth of time that a control group may take."""
    try:
        limit, period = (folder / "cpu.max").read_text().split()
        return None if limit == "max" else float(limit) / float(period)
    except (OSError, ValueError):
        limited, every = _number(folder / "cpu.cfs_quota_us"), _number(folder / "cpu.cfs_period_us")
        return limited / every if limited and every and limited > 0 else None


def _unused(folder: Path) -> float | None:
    """Bytes that a control group may still take; files that were read lately can be forgotten, and count as free."""
    for limit, used, forgettable in (
        ("memory.max", "memory.current", "inactive_file"),
        ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
    ):
        most, now = _number(folder / limit), _number(folder / used)
        if most is not None and now is not None:
            return most - now + (_line(folder / "memory.stat", forgettable) or 0.0)
    return None


def _available() -> float | None:
    found = _line(Path("/proc/meminfo"), "MemAvailable:")
    if found is not None:
        return 1024 * found
    try:
        return float(os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    except (ValueError, OSError, AttributeError):
        return None


def _addresses() -> float | None:
    try:
        import resource
    except ImportError:
        return None
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    taken = _line(Path("/proc/self/status"), "VmSize:")
    return None if limit == resource.RLIM_INFINITY or taken is None else limit - 1024 * taken


def _line(path: Path, name: str) -> float | None:
    """The number after a name in a file of such lines."""
    try:
        with open(path) as lines:
            return next((float(line.split()[1]) for line in lines if line.startswith(f"{name}")), None)
    except (OSError, ValueError, IndexError):
        return None


def held_memory(device: str = "cpu") -> tuple[float, float] | None:
    """Bytes that this process holds now, and at most until now, on that device; None where the system does not tell."""
    if device.startswith("cuda"):
        import torch

        return float(torch.cuda.memory_allocated(device)), float(torch.cuda.max_memory_allocated(device))
    now, most = (_line(Path("/proc/self/status"), name) for name in ("VmRSS:", "VmHWM:"))
    return None if now is None or most is None else (1024 * now, 1024 * most)
