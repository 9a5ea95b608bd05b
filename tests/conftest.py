"""What every test runs in: a home, a database and a plugins folder of its own.

FiftyOne reads its configuration and connects to its database when it is first imported, so all of this
is set in ``pytest_configure``, before any test module is collected.
"""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY))  # `tests.shared_data`; pytest's importlib mode leaves sys.path alone

from fo_pose_plugin.dataset.mongo_server import MongoServer  # noqa: E402
from fo_pose_plugin.errors import InstallationError  # noqa: E402
from tests.shared_data import fill_from_coco, require_shared_data  # noqa: E402

if TYPE_CHECKING:
    import fiftyone as fo

PLUGIN_LINK = "fo_pose_plugin"
MAX_THREADS = 4
# Ten minutes in one file: begun last, it would keep one process busy while the others have nothing left.
FIRST = "tests/tasks/test_scale.py"

sandbox_key = pytest.StashKey[Path]()
real_home_key = pytest.StashKey[Path]()


def pytest_configure(config: pytest.Config) -> None:
    """Build the sandbox and point this process and its children at it."""
    if config.getoption("numprocesses", None) and not hasattr(config, "workerinput"):
        return  # the tests run in processes of their own, each with a sandbox
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        # So a shell without job control starts what is in the background, and children inherit it.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    sandbox = Path(tempfile.mkdtemp(prefix="fo_pose_tests_"))
    # Exit handlers run last in, first out: FiftyOne's needs the database, which needs the folder.
    atexit.register(shutil.rmtree, sandbox, ignore_errors=True)
    config.stash[sandbox_key] = sandbox
    config.stash[real_home_key] = Path.home()
    _enter_sandbox(sandbox)
    try:
        MongoServer(sandbox / "db").use_for_fiftyone()
    except InstallationError as error:
        raise pytest.UsageError(str(error)) from error


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest; the order is otherwise that of the files' names."""
    items.sort(key=lambda item: item.path != REPOSITORY / FIRST)


def _enter_sandbox(sandbox: Path) -> None:
    for name in [name for name in os.environ if name.startswith(("FIFTYONE_", "FO_POSE_"))]:
        del os.environ[name]
    for folder in ("home", "plugins", "fo_pose"):
        (sandbox / folder).mkdir()
    (sandbox / "plugins" / PLUGIN_LINK).symlink_to(REPOSITORY, target_is_directory=True)
    os.environ.update(
        HOME=str(sandbox / "home"),
        FIFTYONE_DO_NOT_TRACK="true",
        FIFTYONE_PLUGINS_DIR=str(sandbox / "plugins"),
        FIFTYONE_CONFIG_PATH=str(sandbox / "fiftyone_config.json"),
        FIFTYONE_APP_CONFIG_PATH=str(sandbox / "app_config.json"),
        FO_POSE_HOME=str(sandbox / "fo_pose"),
    )
    # More threads than cores make small networks slower, and CI has two.
    beside_others = "PYTEST_XDIST_WORKER" in os.environ
    threads = 1 if beside_others else min(os.cpu_count() or 1, MAX_THREADS)
    os.environ.setdefault("OMP_NUM_THREADS", str(threads))
    # Threads that spin while they wait for each other stand in the way of whatever else runs here.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")


@pytest.fixture(scope="session")
def sandbox(pytestconfig: pytest.Config) -> Path:
    """The session's own folder, with the database, the home and the plugins in it."""
    return pytestconfig.stash[sandbox_key]


@pytest.fixture(scope="session")
def real_home(pytestconfig: pytest.Config) -> Path:
    """The user's home: where pip finds its settings, for tests that build an environment."""
    return pytestconfig.stash[real_home_key]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of the shared photos and weights; the test is skipped where it is absent."""
    return require_shared_data()


@pytest.fixture
def make_dataset() -> Iterator[Callable[..., fo.Dataset]]:
    """Make datasets, each under a name of its own; they are deleted after the test."""
    yield from _dataset_maker()


@pytest.fixture(scope="module")
def make_module_dataset() -> Iterator[Callable[..., fo.Dataset]]:
    """Like ``make_dataset``, but they live as long as the test module."""
    yield from _dataset_maker()


def _dataset_maker() -> Iterator[Callable[..., fo.Dataset]]:
    import fiftyone as fo

    made: list[fo.Dataset] = []

    def make(prefix: str = "test", **options: Any) -> fo.Dataset:
        # Persistent, since FiftyOne deletes others when a process that looks like the last one ends.
        options = {"persistent": True, **options}
        dataset = fo.Dataset(f"{prefix}-{uuid4().hex[:8]}", **options)
        made.append(dataset)
        return dataset

    yield make
    for dataset in made:
        if not dataset.deleted:
            dataset.delete()


@pytest.fixture
def coco_test_dataset(
    shared_data: Path, make_dataset: Callable[..., fo.Dataset]
) -> Callable[..., fo.Dataset]:
    """Make a dataset of the 4 photos of COCO val2017 (14 people); see ``fill_from_coco`` for its fields."""
    return _coco_factory(make_dataset, shared_data / "coco_test" / "test_coco.json")


@pytest.fixture
def coco_mini_dataset(
    shared_data: Path, make_dataset: Callable[..., fo.Dataset]
) -> Callable[..., fo.Dataset]:
    """Make a dataset of the 28 photos of COCO train2017 (147 people, 5 crowds)."""
    return _coco_factory(make_dataset, shared_data / "coco_mini" / "person_keypoints.json")


def _coco_factory(make_dataset: Callable[..., fo.Dataset], annotations: Path) -> Callable[..., fo.Dataset]:
    def make(limit: int | None = None, **options: Any) -> fo.Dataset:
        dataset = make_dataset(annotations.parent.name, **options)
        fill_from_coco(dataset, annotations, limit)
        return dataset

    return make
