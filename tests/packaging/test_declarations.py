"""What stands in two places is equal, and nothing that belongs to one machine is committed."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from fo_pose_plugin.tasks.environment import requirements

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

REPOSITORY = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
LOCKS = ("requirements.lock", "tools/bootstrap.lock")
# With them pip cannot install OpenMMLab, or overwrites the cv2 that is there.
NEVER = {"chumpy", "xtcocotools", "opencv-python", "mmpose", "mmdet", "mmcv", "mmcv-lite", "mmengine"}


def locked(path: str) -> dict[str, list[Requirement]]:
    found: dict[str, list[Requirement]] = {}
    for line in (REPOSITORY / path).read_text(encoding="utf-8").splitlines():
        if line and not line.startswith((" ", "#")):
            requirement = Requirement(line.removesuffix("\\").strip())
            found.setdefault(canonicalize_name(requirement.name), []).append(requirement)
    return found


def tracked_files() -> list[str]:
    if not (REPOSITORY / ".git").exists():
        pytest.skip("not a git checkout: there is no list of committed files")
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    return [name for name in listed.stdout.split("\0") if name and (REPOSITORY / name).is_file()]


def test_pins_are_those_of_pyproject():
    assert list(requirements.OPENMMLAB) == PROJECT["dependency-groups"]["openmmlab"]
    assert list(requirements.HARMLESS) == PROJECT["project"]["dependencies"]
    extras = PROJECT["project"]["optional-dependencies"]
    assert {extra: list(lines) for extra, lines in requirements.EXTRAS.items()} == extras
    dev = {line for line in PROJECT["dependency-groups"]["dev"] if isinstance(line, str)}
    assert {line for lines in extras.values() for line in lines} <= dev


def test_requirements_txt_is_what_fiftyones_installer_can_take():
    from fiftyone.core.utils import ensure_requirements, load_requirements

    path = REPOSITORY / "requirements.txt"
    lines = load_requirements(str(path))
    assert set(lines) <= set(requirements.HARMLESS)
    assert not NEVER & {Requirement(line).name for line in lines}
    ensure_requirements(str(path), error_level=0)  # raises unless this environment fulfils each


def test_requirements_txt_and_fiftyone_bring_every_harmless_package():
    from importlib.metadata import requires

    from fiftyone.core.utils import load_requirements

    brought = [Requirement(line) for line in requires("fiftyone") or []]
    with_fiftyone = {canonicalize_name(r.name) for r in brought if "extra" not in str(r.marker or "")}
    listed = {Requirement(line).name for line in load_requirements(str(REPOSITORY / "requirements.txt"))}
    needed = {requirements.package_name(line) for line in requirements.HARMLESS}
    assert needed - with_fiftyone - listed == {"fiftyone"}


def test_lock_fulfils_pyproject():
    pinned = locked("requirements.lock")
    groups = PROJECT["dependency-groups"]
    wanted = [*PROJECT["project"]["dependencies"], *groups["openmmlab"]]
    wanted += [line for line in groups["dev"] if isinstance(line, str)]
    for requirement in map(Requirement, wanted):
        versions = [next(iter(r.specifier)).version for r in pinned[canonicalize_name(requirement.name)]]
        assert versions, requirement
        assert all(requirement.specifier.contains(version) for version in versions), requirement
    assert not {"chumpy", "xtcocotools", "opencv-python", "fiftyone-db"} & set(pinned)
    assert str(locked("tools/bootstrap.lock")["uv"][0]) == groups["bootstrap"][0]


@pytest.mark.parametrize("path", LOCKS)
def test_lock_has_hashes_and_no_addresses(path):
    text = (REPOSITORY / path).read_text(encoding="utf-8")
    assert "://" not in text
    for block in re.split(r"\n(?=[^ #\n])", text):
        head, _, hashes = block.partition("\n")
        assert "==" in head, head
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", hashes), head


def test_no_registry_address_is_committed():
    # Written apart, so that this file does not find itself.
    patterns = (
        "--(extra-)?index" + "-url",
        "/sim" + "ple[/\"' ]",
        '"reso' + 'lved": *"http',
        "regis" + 'try *= *"http',
    )
    for name in tracked_files():
        if name.endswith((".png", ".jpg", ".svg", ".ico")):
            continue
        text = (REPOSITORY / name).read_text(encoding="utf-8", errors="replace")
        for pattern in patterns:
            assert not re.search(pattern, text), f"{name}: {pattern}"


def test_no_file_or_package_hides_one_of_the_standard_library():
    """Run by path, cli.py has its own directory on sys.path until it takes it off."""
    names = {path.stem for path in (REPOSITORY / "fo_pose_plugin").iterdir()}
    assert not names & set(sys.stdlib_module_names)


def test_licence_is_the_full_apache_text():
    text = (REPOSITORY / "LICENSE").read_text(encoding="utf-8")
    assert "Apache License" in text
    assert "END OF TERMS AND CONDITIONS" in text


def test_the_makefile_names_each_command_once_and_says_what_it_does():
    text = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    targets = re.findall(r"^([a-z-]+):(.*)$", text, re.MULTILINE)
    names = [name for name, _ in targets]
    phony = re.search(r"^\.PHONY:((?:.*\\\n)*.*)$", text, re.MULTILINE)
    assert len(set(names)) == len(names)
    assert phony is not None
    assert phony[1].replace("\\\n", " ").split() == names
    # What others only need is in no list.
    assert [name for name, rest in targets if "##" not in rest] == ["system-packages"]
    pages = [*REPOSITORY.glob("*.md"), *REPOSITORY.glob("docs/*.md")]
    documents = "".join(page.read_text(encoding="utf-8") for page in pages)
    assert set(re.findall(r"`make ([a-z-]+)", documents)) <= set(names)
