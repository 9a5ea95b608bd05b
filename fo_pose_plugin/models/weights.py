"""Reads checkpoints without running anything that is in them.

A ``.pth`` file is a pickle, and a pickle can call any function. Here torch's ``weights_only`` reader is
used, which calls nothing but what it is told, and it is told little more than numpy's arrays: the rest
of what an mmengine training checkpoint refers to is replaced by stand-ins that do nothing.
"""

from __future__ import annotations

import hashlib
import pickle
import re
import struct
import threading
import warnings
import zipfile
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from fo_pose_plugin.errors import CheckpointError

if TYPE_CHECKING:
    import torch
    from torch import Tensor

__all__ = ["load_into", "load_state_dict", "sha256_of"]

# torch keeps one list of allowed names for the process.
_LOCK = threading.Lock()
_CHUNK_BYTES = 1 << 20
_SHOWN_KEYS = 4
_SHOWN_CHARS = 120
_NUMPY_KINDS = "?bhilqBHILQefdSU"
# Whatever torch's readers raise on bytes that are no checkpoint.
_UNREADABLE = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    ImportError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    pickle.PickleError,
    struct.error,
    zipfile.BadZipFile,
)


def sha256_of(path: str | Path) -> str:
    """Hash a file, however large.

    Returns:
        64 hexadecimal digits.

    Raises:
        CheckpointError: If it cannot be read.
    """
    with _opened(Path(path)) as file:
        return _sha256(file)


def load_state_dict(path: str | Path) -> dict[str, Tensor]:
    """Read a checkpoint's tensors, on the CPU.

    Args:
        path: A published file (``{"meta", "state_dict"}``), an mmengine training checkpoint, or a bare
            state dict; as torch has written them since 1.0, in either format.

    Returns:
        Tensors by name, without the ``module.`` that parallel training puts before every name.

    Raises:
        CheckpointError: If the file is missing, unreadable, damaged, no checkpoint, or wants to run
            code when it is loaded. Nothing of it is ever run.
    """
    with _opened(Path(path)) as file:
        return _state_dict(file, Path(path))


def load_into(model: torch.nn.Module, path: str | Path, *, sha256: str | None = None) -> None:
    """Load a checkpoint into a model; every weight must be there and fit.

    Args:
        model: Its weights are overwritten. After an error it must not be used: some of them may be.
        path: As for `load_state_dict`.
        sha256: What the file must hash to; None skips that.

    Raises:
        CheckpointError: As `load_state_dict`; if the file is not the expected one; or if its keys or
            shapes are not the model's, saying which.
    """
    path = Path(path)
    # One open file for both: what is hashed is what is loaded.
    with _opened(path) as file:
        if sha256 is not None:
            actual = _sha256(file)
            if actual != sha256.lower():
                raise CheckpointError(
                    f"{path} is not the file that was registered: its sha256 is {actual}, expected {sha256}. "
                    "Put the original file back, or register the model again with this one"
                )
            file.seek(0)
        state = _state_dict(file, path)
    _load_strictly(model, state, path)


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    """Open a checkpoint; what goes wrong then or later while it is read becomes a CheckpointError."""
    if path.is_dir():
        raise CheckpointError(f"{path} is a directory, expected a checkpoint file (.pth)")
    try:
        with path.open("rb") as file:
            yield file
    except FileNotFoundError as error:
        raise CheckpointError(f"there is no checkpoint {path}: give the path of a .pth file") from error
    except OSError as error:
        raise CheckpointError(f"the checkpoint {path} cannot be read: {error.strerror or error}") from error


def _sha256(file: IO[bytes]) -> str:
    digest = hashlib.sha256()
    while chunk := file.read(_CHUNK_BYTES):
        digest.update(chunk)
    return digest.hexdigest()


def _state_dict(file: IO[bytes], path: Path) -> dict[str, Tensor]:
    import torch

    if not file.read(1):
        raise CheckpointError(f"the checkpoint {path} is empty (0 bytes): download or copy it again")
    file.seek(0)
    try:
        # torch warns of pickles that it may not understand; whether it does, it says below.
        with _LOCK, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with torch.serialization.safe_globals(_allowed_globals()):
                content = torch.load(file, map_location="cpu", weights_only=True)
    except _UNREADABLE as error:
        raise CheckpointError(f"the checkpoint {path} {_reason(error)}") from error
    if isinstance(content, Mapping) and isinstance(content.get("state_dict"), Mapping):
        content = content["state_dict"]
    if not isinstance(content, Mapping) or not content:
        raise CheckpointError(f"{path} holds no weights: expected a state dict, got {type(content).__name__}")
    for key, value in content.items():
        if not isinstance(key, str) or not isinstance(value, torch.Tensor):
            raise CheckpointError(
                f"{path} holds no weights: expected tensors by name, got {type(value).__name__} at {key!r}"
            )
    return _without_module(content)


def _reason(error: BaseException) -> str:
    message = str(error)
    # torch's words for what is not on the list; the rest of its message advises to trust the file.
    wanted = re.search(r"(?:GLOBAL|but got <class|unrecognized function) '?([\w.]+)", message)
    if wanted:
        return (
            f"is refused: it asks for {wanted[1]}, and only plain weights are read. Nothing of it was run. "
            "Export the model's state dict and use that file"
        )
    if "TorchScript" in message:
        return "is a TorchScript program, expected weights (a state dict)"
    message = message.rpartition("WeightsUnpickler error:")[2].strip() or type(error).__name__
    cause = re.split(r"\n|\. ", message)[0][:_SHOWN_CHARS]
    return f"is damaged, or no checkpoint that torch can read safely ({cause}): download or copy it again"


def _without_module(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    prefix = "module."
    strip = all(key.startswith(prefix) for key in state)
    plain = OrderedDict((key.removeprefix(prefix) if strip else key, value) for key, value in state.items())
    # Modules read their own version from here, to convert what older ones wrote.
    metadata = getattr(state, "_metadata", None)
    if isinstance(metadata, Mapping):
        plain._metadata = {  # type: ignore[attr-defined]
            key.removeprefix("module").removeprefix(".") if strip else key: value
            for key, value in metadata.items()
        }
    return plain


def _load_strictly(model: torch.nn.Module, state: dict[str, Tensor], path: Path) -> None:
    try:
        keys = model.load_state_dict(state, strict=False)
    except RuntimeError as error:
        shaped = re.findall(
            r"size mismatch for (\S+): .*?\[([\d, ]*)\]\) from checkpoint.*?\[([\d, ]*)\]\)", str(error)
        )
        if not shaped:
            raise CheckpointError(f"the weights in {path} cannot be loaded: {error}") from error
        listed = [f"{key} is ({theirs}) in the file, ({ours}) in the model" for key, theirs, ours in shaped]
        raise CheckpointError(_of_another_model(path, {"of another shape": listed})) from error
    # Not weights: constants of the input that the config states too, and a counter used in training.
    unexpected = [key for key in keys.unexpected_keys if not key.startswith("data_preprocessor.")]
    missing = [key for key in keys.missing_keys if not key.endswith("num_batches_tracked")]
    if missing or unexpected:
        differing = {"missing": missing, "not in the model": unexpected}
        raise CheckpointError(_of_another_model(path, differing))


def _of_another_model(path: Path, differing: Mapping[str, Sequence[str]]) -> str:
    parts = []
    for what, keys in differing.items():
        if keys:
            shown = ", ".join(keys[:_SHOWN_KEYS])
            more = f" and {len(keys) - _SHOWN_KEYS} more" if len(keys) > _SHOWN_KEYS else ""
            parts.append(f"{len(keys)} {what}: {shown}{more}")
    differences = "; ".join(parts)
    return (
        f"the weights in {path} are of another model: {differences}. Use the file that belongs to the config"
    )


class _Nothing:
    """Takes the place of a class whose content is not needed."""

    def __init__(self, *_args: object) -> None:
        pass

    def __setstate__(self, _state: object) -> None:
        pass


def _no_getattr(*_args: object) -> None:
    """Take the place of ``getattr``, with which a pickle could reach any function."""


def _allowed_globals() -> list[Any]:
    """List what a training checkpoint names beyond torch's own, each as (object, name in the file).

    Numpy moved its module between 1 and 2; pickles hold the name of the numpy that wrote them.
    """
    import numpy as np
    import torch

    reconstruct = np.zeros(0).__reduce__()[0]
    scalar = np.float64(0).__reduce__()[0]
    allowed: list[Any] = [np.ndarray, np.dtype]
    for module in ("numpy._core.multiarray", "numpy.core.multiarray"):
        allowed += [(reconstruct, f"{module}._reconstruct"), (scalar, f"{module}.scalar")]
    allowed += {type(np.dtype(kind)) for kind in _NUMPY_KINDS}
    allowed += [
        (_no_getattr, "builtins.getattr"),
        (_no_getattr, "__builtin__.getattr"),
        (_Nothing, "mmengine.logging.history_buffer.HistoryBuffer"),
    ]
    # What is listed is afterwards unlisted: leave alone what the user has listed.
    listed = torch.serialization.get_safe_globals()
    return [entry for entry in allowed if entry not in listed]
