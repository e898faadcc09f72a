"""Mirror images and sides of the face and hand schemes, against tables written out from their sources."""

import numpy as np
import pytest

from cairn.geometry.procrustes import generalised
from cairn.schemes import recognise, scheme


def swapped(k, *runs):
    """The permutation of those pairs of runs, each (first, last, its mirror image's first); the rest stays."""
    flip = list(range(k))
    for first, last, other in runs:
        for i in range(first, last + 1):
            j = other - (i - first)
            flip[i], flip[j] = j, i
    return tuple(flip)


def pairs(k, *both):
    flip = list(range(k))
    for a, b in both:
        flip[a], flip[b] = b, a
    return tuple(flip)


# from MMPose's dataset tables (configs/_base_/datasets/aflw.py, cofw.py, wflw.py, lapa.py)
_BROWS_AND_CONTOUR = ((0, 15, 32), (33, 37, 46), (38, 41, 50))
PUBLISHED = {
    "face5": pairs(5, (0, 1), (3, 4)),
    "face19": swapped(19, (0, 2, 5), (6, 8, 11), (12, 12, 14), (15, 15, 17)),
    "face29": pairs(
        *(29, (0, 1), (2, 3), (4, 6), (5, 7), (8, 9), (10, 11)),
        *((12, 14), (13, 15), (16, 17), (18, 19), (22, 23)),
    ),
    "face98": swapped(
        *(98, *_BROWS_AND_CONTOUR, (55, 56, 59), (60, 64, 72), (65, 67, 75)),
        *((76, 78, 82), (83, 84, 87), (88, 89, 92), (93, 93, 95), (96, 96, 97)),
    ),
    "face106": swapped(
        *(106, *_BROWS_AND_CONTOUR, (55, 59, 65), (66, 70, 79), (71, 73, 82), (74, 74, 83)),
        *((84, 86, 90), (91, 92, 95), (96, 97, 100), (101, 101, 103), (104, 104, 105)),
    ),
    "hand21": tuple(range(21)),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_mirror_image_is_the_published_one(name):
    assert scheme(name).flip == PUBLISHED[name]


def test_the_mirror_image_of_189_points_is_the_templates_own():
    """Some rows of the ``sym`` column of webmorphR's FRL template."""
    flip = scheme("face189").flip
    for a, b in (
        *((0, 1), (2, 10), (3, 17), (6, 14), (9, 11), (18, 27), (22, 23), (28, 33), (34, 43), (44, 49), (50, 56)),
        *((54, 60), (61, 66), (65, 70), (71, 82), (76, 77), (83, 86), (87, 93), (94, 98), (100, 102), (104, 108)),
        *((109, 112), (115, 120), (125, 133), (134, 144), (145, 157), (158, 161), (164, 167), (170, 172)),
        *((176, 178), (179, 182), (180, 181), (183, 184), (185, 187), (55, 55), (90, 90), (129, 129), (151, 151)),
    ):
        assert (flip[a], flip[b]) == (b, a)
    assert sum(i == j for i, j in enumerate(flip)) == 11


def test_51_points_are_the_68_without_the_jaw():
    whole, inner = scheme("face68"), scheme("face51")
    assert inner.names == whole.names[17:]
    assert [tuple(whole.names[i + 17] for i in e) for e in inner.edges] == [
        tuple(whole.names[i] for i in e) for e in whole.edges if min(e) >= 17
    ]
    assert inner.normalisers["inter_ocular"] == ((19,), (28,))


@pytest.mark.parametrize("name", ["face19", "face29", "face51", "face98", "face106", "face189"])
def test_inter_ocular_is_between_the_outer_corners_of_the_eyes(name):
    found = scheme(name)
    (right,), (left,) = found.normalisers["inter_ocular"]
    assert (found.names[right], found.names[left]) == ("right_eye_outer_corner", "left_eye_outer_corner")


def test_each_part_of_the_large_schemes_holds_every_point_once():
    for name in ("face98", "face106", "face189"):
        found = scheme(name)
        assert sorted(i for part in found.parts.values() for i in part) == list(range(len(found)))


@pytest.mark.parametrize("k", [5, 19, 21, 29, 51, 98, 106, 189])
def test_points_without_names_are_not_guessed(k):
    assert recognise(k=k) is None
    assert recognise([f"p{i}" for i in range(k)]) is None


def test_names_of_a_scheme_are_recognised():
    for name in ("face5", "face98", "face189", "hand21"):
        assert recognise(scheme(name).names).name == name


def test_the_london_faces_are_mirrored_onto_themselves_and_lie_as_the_names_say(shared_data):
    files = sorted((shared_data / "london189").glob("*.tem"))
    if not files:
        pytest.skip("london189 is not here")
    from cairn.formats import read

    data = read(shared_data / "london189")
    assert data.skeleton.name == "face189"  # by its lines
    shapes = data.landmarks.points
    mean = generalised(shapes).mean
    found = scheme("face189")
    mirrored = mean[list(found.flip)] * (-1, 1)
    assert np.abs(mirrored - mean).max() < 0.02 * np.ptp(mean[:, 0])
    place = dict(zip(found.names, mean, strict=True))
    for side, sign in (("right", -1), ("left", 1)):
        own = [n for n in found.names if n.startswith(side)]
        assert all(sign * place[n][0] > 0 for n in own)  # the viewer's left has the subject's right
        outward = [sign * place[f"{side}_eye_{n}"][0] for n in ("inner_corner", "upper_middle", "outer_corner")]
        assert outward == sorted(outward)
    down = ["head_top", "hairline_middle", "nose_base", "upper_lip_middle", "lower_lip_middle", "chin"]
    heights = [place[n][1] for n in down]
    assert heights == sorted(heights)
    for lid in ("upper", "lower"):
        assert (place[f"right_eye_{lid}_middle"][1] < place["right_pupil"][1]) == (lid == "upper")
