"""What to do where a device's memory does not suffice, be it a GPU's or the machine's own."""

from __future__ import annotations

__all__ = ["free_memory", "lacks_memory", "way_out"]

# torch has a class of its own for GPUs only; on a CPU its allocator raises a plain RuntimeError.
CPU_ALLOCATOR = "DefaultCPUAllocator"


def lacks_memory(error: BaseException) -> bool:
    """Tell whether an error says that memory was exhausted.

    Args:
        error: What a network, or what was done around it, raised.
    """
    import torch

    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    return isinstance(error, RuntimeError) and CPU_ALLOCATOR in str(error)


def free_memory() -> None:
    """Give back what torch keeps of a GPU's memory for later; a CPU's needs nothing."""
    import torch

    torch.cuda.empty_cache()


def way_out(device: str) -> str:
    """Say what a person can do where not even one person or image fits.

    Args:
        device: e.g. ``cpu`` or ``cuda:0``.
    """
    return "take a smaller model" if device.startswith("cpu") else "use device='cpu'"
