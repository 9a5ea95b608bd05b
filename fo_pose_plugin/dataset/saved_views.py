"""Views that a task saves: they never take the place of a view that someone else has saved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fo_pose_plugin.errors import InputError

if TYPE_CHECKING:
    import fiftyone as fo

__all__ = ["check_view_name", "save_own_view"]


def save_own_view(dataset: fo.Dataset, name: str, view: fo.DatasetView, description: str) -> str:
    """Save a view, in the place of one of that name and the same description.

    Returns:
        The view's name in the App's address.

    Raises:
        InputError: If it cannot be a view's name, or another view bears it.
    """
    slug = check_view_name(name)
    dataset.reload()  # views that another process has saved
    for other in dataset.list_saved_views():
        own = other == name and dataset.get_saved_view_info(other).get("description") == description
        if not own and check_view_name(other) == slug:
            raise InputError(f"there is a saved view {other!r} already: choose another name")
    dataset.save_view(name, view, description=description, overwrite=True)
    return slug


def check_view_name(name: str) -> str:
    """Give the address of a saved view of that name.

    Raises:
        InputError: If it has none, because it holds neither letters nor digits.
    """
    from fiftyone.core.utils import to_slug

    try:
        slug: str = to_slug(name)
    except ValueError as error:
        raise InputError(f"{name!r} cannot be a view's name: {error}") from error
    return slug
