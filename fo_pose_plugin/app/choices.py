"""Inputs that many forms have: one of several values, and keypoints by group and name."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from fiftyone.operators import types

__all__ = ["Choice", "add_dropdown", "add_keypoint_names"]


class Choice(NamedTuple):
    """A value that can be chosen, what it is called, and what stands below that."""

    value: str
    label: str
    description: str | None = None


def add_dropdown(
    inputs: types.Object,
    name: str,
    label: str,
    choices: Iterable[str | Choice],
    *,
    default: str | None = None,
    description: str | None = None,
    required: bool = True,
) -> None:
    """Ask for one of several values.

    Args:
        inputs: The form.
        name: The parameter's.
        label: What stands above it.
        choices: The values; a plain text is its own label.
        default: What is chosen before anyone has; None for the first.
        description: What stands below it.
        required: Whether it may not be emptied.
    """
    view = types.DropdownView()
    for choice in choices:
        named = Choice(choice, choice) if isinstance(choice, str) else choice
        view.add_choice(named.value, label=named.label, description=named.description)
    values = view.values()
    inputs.enum(
        name,
        values,
        default=next(iter(values), None) if default is None else default,
        required=required,
        label=label,
        description=description,
        view=view,
    )


def add_keypoint_names(inputs: types.Object, names: Iterable[str], nothing_chosen: str) -> None:
    """Ask for keypoints, as ``keypoints``.

    Args:
        inputs: The form.
        names: The groups and keypoints there are.
        nothing_chosen: What happens where none is named, as in "none shows all".
    """
    view = types.AutocompleteView(multiple=True)
    for name in names:
        view.add_choice(name, label=name)
    inputs.list(
        "keypoints",
        types.String(),
        label="Keypoints",
        description=f"Groups (body, feet, face, hands) and names; {nothing_chosen}",
        view=view,
    )
