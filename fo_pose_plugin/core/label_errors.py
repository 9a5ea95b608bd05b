"""Human labels held against a model's heatmaps: what a person annotated that the evidence speaks against.

Coordinate spaces: points are image_px, heatmaps heatmap_px. Source of the idea and of the kinds of errors:
Schwarz et al., arXiv 2409.03887.

For each annotated point the heatmaps of its own keypoint, of its mirror image and of the same keypoint in the
crops of the others are read where it lies. A heatmap's *share* at a point is its highest value within the
keypoint's OKS tolerance, 2 x sigma x sqrt(area), of its own peak. Strength is what the better explanation has
ahead of the annotated one, from 0 to 1, times how far the model agrees with the rest of the person: where it
does not understand somebody, it is no witness.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import numpy as np
import numpy.typing as npt

from fo_pose_plugin.core.evaluated_people import Truth
from fo_pose_plugin.core.label_evidence import LEAST_BOX_IOU, PersonEvidence, overlap, pair_by_box
from fo_pose_plugin.core.skeleton import Skeleton
from fo_pose_plugin.errors import InputError

__all__ = ["KINDS", "LEAST_STRENGTH", "ErrorKind", "LabelError", "describe_error", "find_image_errors"]

Float64: TypeAlias = npt.NDArray[np.float64]
ErrorKind: TypeAlias = Literal[
    "swapped_person",
    "swapped_arms",
    "swapped_legs",
    "swapped_between_people",
    "wrong_position",
    "missing_keypoint",
    "wrong_visibility",
    "missing_person",
]

KINDS: tuple[ErrorKind, ...] = get_args(ErrorKind)
# A share below this says no more than that there is nothing; it keeps ratios finite.
NOTHING = 0.05
# A peak below this part of the codec's scale is no witness of where a keypoint is.
WITNESS = 0.35
# The annotated point is contradicted where it has less than this share of the peak.
CONTRADICTED = 0.35
# COCO's annotators differ by one tolerance at times; half as much again is an error.
OFF_TOLERANCES = 1.5
SEEN, UNSEEN = 0.8, 0.05
LEAST_PERSON_SCORE = 0.5
LEAST_STRENGTH = 0.4
# Two people side by side share much of their evidence.
LEAST_EXCHANGE = 0.6
# Below this arms or legs are not said to be swapped; their strength is less yet, where trust is.
LEAST_SWAP = 0.3
# Fewer annotated keypoints say too little of whether the model understands the person.
LEAST_KEYPOINTS = 3

_LIMBS: tuple[tuple[ErrorKind, re.Pattern[str]], ...] = (
    ("swapped_arms", re.compile(r"shoulder|elbow|wrist|hand|thumb|finger|pinky|index")),
    ("swapped_legs", re.compile(r"hip|knee|ankle|toe|heel|foot")),
)


@dataclass(frozen=True, slots=True, eq=False)
class LabelError:
    """What may be wrong with a label, and what would be right.

    Args:
        kind: What it is.
        strength: From 0 to 1.
        truth_id: The label that is in doubt; None for a person who is missing.
        prediction_id: The prediction that speaks against it.
        keypoints: Indices of the keypoints that it is about; empty for a person.
        fixed_px: (len(keypoints), 2) where they should be, image px.
        fixed_visible: What ``visible`` should be there; None leaves it.
        other_id: The other label, of two people whose keypoints are exchanged.
    """

    kind: ErrorKind
    strength: float
    truth_id: str | None
    prediction_id: str
    keypoints: tuple[int, ...] = ()
    fixed_px: tuple[tuple[float, float], ...] = ()
    fixed_visible: int | None = None
    other_id: str | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise InputError(f"kind is {self.kind!r}, expected one of {', '.join(KINDS)}")


@dataclass(frozen=True, slots=True, eq=False)
class _Pair:
    """A label and its witness."""

    truth: Truth
    evidence: PersonEvidence
    tolerances_px: Float64
    own: Float64
    mirrored: Float64

    @property
    def annotated(self) -> npt.NDArray[np.bool_]:
        return self.truth.visible > 0

    @property
    def witnessed(self) -> npt.NDArray[np.bool_]:
        """(K,) annotated, and with a peak that says something."""
        return self.annotated & (self.evidence.peaks >= WITNESS)


def find_image_errors(
    truths: Sequence[Truth],
    people: Sequence[PersonEvidence],
    skeleton: Skeleton,
    oks_sigmas: Sequence[float],
    image_size_wh: tuple[int, int],
    least_strength: float = LEAST_STRENGTH,
) -> list[LabelError]:
    """Hold the labels of one image against its heatmaps.

    Args:
        truths: The labels, crowds and people without keypoints too.
        people: The predictions.
        skeleton: The K keypoints of both.
        oks_sigmas: K.
        image_size_wh: A keypoint that would lie outside is not missing.
        least_strength: What is weaker is left out.

    Returns:
        What is found, the strongest first; each keypoint of a person is in one finding at most.
    """
    matched = pair_by_box(truths, people)
    sigmas = np.asarray(oks_sigmas, np.float64)
    pairs = [_pair(truths[i], people[j], skeleton, sigmas) for i, j in matched.items()]
    exchanged = list(_exchanged(pairs))
    taken = {(error.truth_id, k) for error in exchanged for k in error.keypoints}
    found = [*exchanged]
    for pair in pairs:
        free = np.array([(pair.truth.label_id, k) not in taken for k in range(len(skeleton))])
        found += _of_person(pair, [p for p in pairs if p is not pair], free, skeleton, image_size_wh)
    alone = [person for j, person in enumerate(people) if j not in matched.values()]
    found += _missing_people(truths, [people[j] for j in matched.values()], alone)
    return sorted((e for e in found if e.strength >= least_strength), key=lambda e: -e.strength)


def _pair(truth: Truth, evidence: PersonEvidence, skeleton: Skeleton, sigmas: Float64) -> _Pair:
    tolerances = 2 * sigmas * math.sqrt(max(truth.area_px, 1.0))
    points = np.where((truth.visible > 0)[:, None], truth.points_px, np.nan)
    shares = evidence.shares(points, tolerances)
    flipped = np.array(skeleton.flip_indices)
    own = np.diagonal(shares).copy()
    # Keypoint k's heatmap where its mirror image was annotated.
    mirrored = shares[np.arange(len(flipped)), flipped]
    return _Pair(truth, evidence, tolerances, own, mirrored)


def _of_person(
    pair: _Pair,
    others: Sequence[_Pair],
    free: npt.NDArray[np.bool_],
    skeleton: Skeleton,
    image_size_wh: tuple[int, int],
) -> Iterator[LabelError]:
    """Find the errors within one label."""
    if int(pair.witnessed.sum()) < LEAST_KEYPOINTS:
        return
    swapped = _swapped(pair, free, skeleton)
    for error in swapped:
        free[list(error.keypoints)] = False
    explained = np.where(free, pair.own, np.maximum(pair.own, pair.mirrored))
    for error in (
        *swapped,
        *_off(pair, others, free),
        *_unlabelled(pair, others, free, image_size_wh),
        *_visibility(pair, free),
    ):
        rest = pair.witnessed.copy()
        rest[list(error.keypoints)] &= error.kind.startswith("swapped")
        trust = float(np.average(explained[rest], weights=pair.evidence.peaks[rest])) if rest.any() else 0.0
        yield LabelError(
            error.kind,
            error.strength * trust,
            error.truth_id,
            error.prediction_id,
            error.keypoints,
            error.fixed_px,
            error.fixed_visible,
        )


def _lead(better: Float64, annotated: Float64) -> float:
    """What one explanation has ahead of another, 0 to 1: one less the geometric mean of their ratios."""
    ratios = np.log(NOTHING + annotated) - np.log(NOTHING + better)
    return float(1 - np.exp(ratios.mean())) if len(ratios) else 0.0


def _swapped(pair: _Pair, free: npt.NDArray[np.bool_], skeleton: Skeleton) -> list[LabelError]:
    """Find left and right exchanged: of the person where arms and legs agree, or of either."""
    flipped = np.array(skeleton.flip_indices)
    usable = (
        pair.witnessed & pair.witnessed[flipped] & free & free[flipped] & (flipped != np.arange(len(flipped)))
    )
    limbs = {
        kind: np.array([bool(pattern.search(name.lower())) for name in skeleton.keypoint_names]) & usable
        for kind, pattern in _LIMBS
    }
    leads = {kind: _lead(pair.mirrored[limb], pair.own[limb]) for kind, limb in limbs.items() if limb.any()}
    if len(leads) == len(_LIMBS) and min(leads.values()) > 0:
        whole = _lead(pair.mirrored[usable], pair.own[usable])
        if whole >= LEAST_SWAP and max(leads.values()) - min(leads.values()) < 0.5:
            return [_swap("swapped_person", whole, pair, flipped != np.arange(len(flipped)), flipped)]
    return [
        _swap(kind, lead, pair, limbs[kind], flipped) for kind, lead in leads.items() if lead >= LEAST_SWAP
    ]


def _swap(
    kind: ErrorKind,
    strength: float,
    pair: _Pair,
    keypoints: npt.NDArray[np.bool_],
    flipped: npt.NDArray[np.intp],
) -> LabelError:
    chosen = np.flatnonzero(keypoints & pair.annotated & pair.annotated[flipped])
    fixed = tuple((float(x), float(y)) for x, y in pair.truth.points_px[flipped[chosen]])
    return LabelError(
        kind, strength, pair.truth.label_id, pair.evidence.label_id, tuple(chosen.tolist()), fixed
    )


def _off(pair: _Pair, others: Sequence[_Pair], free: npt.NDArray[np.bool_]) -> Iterator[LabelError]:
    """Find points with nothing where they are, while the model is sure of another place."""
    distances = np.hypot(*(pair.evidence.points_px - pair.truth.points_px).T) / pair.tolerances_px
    for k in np.flatnonzero(pair.witnessed & free & (distances > OFF_TOLERANCES) & (pair.own < CONTRADICTED)):
        if _is_anothers(pair, others, int(k)):
            continue  # the model has taken a neighbour's
        strength = _lead(np.ones(1), pair.own[[k]]) * min(1.0, pair.evidence.peaks[k])
        yield _single("wrong_position", float(strength), pair, int(k))


def _is_anothers(pair: _Pair, others: Sequence[_Pair], k: int) -> bool:
    """Whether the model's place of a keypoint is that of the same, or the mirrored, keypoint of another."""
    point = pair.evidence.points_px[k]
    return any(
        other.annotated[k]
        and math.dist(other.truth.points_px[k], point) < OFF_TOLERANCES * other.tolerances_px[k]
        for other in others
    )


def _unlabelled(
    pair: _Pair, others: Sequence[_Pair], free: npt.NDArray[np.bool_], image_size_wh: tuple[int, int]
) -> Iterator[LabelError]:
    """Find keypoints that nobody annotated, of which the model is sure."""
    inside = np.all((pair.evidence.points_px >= 0) & (pair.evidence.points_px < image_size_wh), axis=1)
    for k in np.flatnonzero(~pair.annotated & free & inside & (pair.evidence.peaks >= SEEN)):
        if not _is_anothers(pair, others, int(k)):
            yield _single(
                "missing_keypoint", min(1.0, float(pair.evidence.peaks[k])), pair, int(k), visible=2
            )


def _visibility(pair: _Pair, free: npt.NDArray[np.bool_]) -> Iterator[LabelError]:
    """Find keypoints that are marked as hidden and plainly seen, or as seen where the model sees nothing."""
    peaks = pair.evidence.peaks
    for k in np.flatnonzero(free & (pair.truth.visible == 1) & (peaks >= SEEN) & (pair.own >= SEEN)):
        yield _single(
            "wrong_visibility", float(min(1.0, peaks[k])) * 0.5, pair, int(k), visible=2, moved=False
        )
    for k in np.flatnonzero(free & (pair.truth.visible == 2) & (peaks <= UNSEEN)):
        yield _single("wrong_visibility", 0.5 * (1 - float(peaks[k])), pair, int(k), visible=1, moved=False)


def _single(
    kind: ErrorKind, strength: float, pair: _Pair, k: int, *, visible: int | None = None, moved: bool = True
) -> LabelError:
    x, y = (pair.evidence.points_px if moved else pair.truth.points_px)[k]
    return LabelError(
        kind, strength, pair.truth.label_id, pair.evidence.label_id, (k,), ((float(x), float(y)),), visible
    )


def _exchanged(pairs: Sequence[_Pair]) -> Iterator[LabelError]:
    """Find keypoints that two people have of each other."""
    for index, first in enumerate(pairs):
        for second in pairs[index + 1 :]:
            both = first.witnessed & second.witnessed
            if not both.any():
                continue
            apart = np.hypot(*(first.truth.points_px - second.truth.points_px).T)
            both &= apart > OFF_TOLERANCES * np.maximum(first.tolerances_px, second.tolerances_px)
            theirs = _crosswise(first, second), _crosswise(second, first)
            lead = [
                _lead(np.array([theirs[0][k], theirs[1][k]]), np.array([first.own[k], second.own[k]]))
                if both[k] and min(theirs[0][k], theirs[1][k]) > CONTRADICTED
                else 0.0
                for k in range(len(both))
            ]
            chosen = [k for k, value in enumerate(lead) if value >= LEAST_EXCHANGE]
            strength = float(np.mean([lead[k] for k in chosen])) if chosen else 0.0
            for own, other in ((first, second), (second, first)) if chosen else ():
                yield LabelError(
                    "swapped_between_people",
                    strength,
                    own.truth.label_id,
                    own.evidence.label_id,
                    tuple(chosen),
                    tuple((float(x), float(y)) for x, y in other.truth.points_px[chosen]),
                    other_id=other.truth.label_id,
                )


def _crosswise(pair: _Pair, other: _Pair) -> Float64:
    """Read a person's heatmaps where the other one's keypoints were annotated, (K,)."""
    points = np.where(other.annotated[:, None], other.truth.points_px, np.nan)
    read: Float64 = np.diagonal(pair.evidence.shares(points, pair.tolerances_px)).copy()
    return read


def _missing_people(
    truths: Sequence[Truth], paired: Sequence[PersonEvidence], alone: Sequence[PersonEvidence]
) -> Iterator[LabelError]:
    """Find predictions that no label has, crowds and people without keypoints included."""
    for person in alone:
        known = [truth.bbox_xywh for truth in truths] + [one.bbox_xywh for one in paired]
        if person.score < LEAST_PERSON_SCORE or any(
            overlap(person.bbox_xywh, box) > LEAST_BOX_IOU for box in known
        ):
            continue
        found = np.flatnonzero(person.peaks >= WITNESS)
        points = tuple((float(x), float(y)) for x, y in person.points_px[found])
        yield LabelError(
            "missing_person", min(1.0, person.score), None, person.label_id, tuple(found.tolist()), points, 2
        )


_WORDS: dict[ErrorKind, str] = {
    "swapped_person": "left and right look exchanged",
    "swapped_arms": "left and right arm look exchanged",
    "swapped_legs": "left and right leg look exchanged",
    "swapped_between_people": "{names}: looks exchanged with another person's",
    "wrong_position": "{names}: nothing speaks for this place, the model is sure of another",
    "missing_keypoint": "{names}: not annotated, and the model is sure of it",
    "missing_person": "a person whom nobody annotated",
}
MOST_NAMES = 3


def describe_error(error: LabelError, keypoint_names: Sequence[str]) -> str:
    """Say what may be wrong, for someone who corrects labels."""
    names = [keypoint_names[k].replace("_", " ") for k in error.keypoints]
    told = ", ".join(names[:MOST_NAMES]) + (
        f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    )
    if error.kind == "wrong_visibility":
        marked = "hidden, but plainly seen" if error.fixed_visible == 2 else "seen, but nothing is"
        return f"{told}: marked as {marked}"
    return _WORDS[error.kind].format(names=told)
