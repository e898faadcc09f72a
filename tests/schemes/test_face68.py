"""The 68 points of 300-W: order, mirror image, yardsticks."""

from cairn.schemes import scheme

FACE = scheme("face68")


def test_the_mirror_image_is_the_published_one():
    mirrored_pairs = {  # written out by hand from the 300-W figure, counted from 0
        **{0: 16, 1: 15, 2: 14, 3: 13, 4: 12, 5: 11, 6: 10, 7: 9, 8: 8},
        **{17: 26, 18: 25, 19: 24, 20: 23, 21: 22, 27: 27, 28: 28, 29: 29, 30: 30, 31: 35, 32: 34, 33: 33},
        **{36: 45, 37: 44, 38: 43, 39: 42, 40: 47, 41: 46, 48: 54, 49: 53, 50: 52, 51: 51, 55: 59, 56: 58, 57: 57},
        **{60: 64, 61: 63, 62: 62, 65: 67, 66: 66},
    }
    both = mirrored_pairs | {b: a for a, b in mirrored_pairs.items()}
    assert FACE.flip == tuple(both[i] for i in range(68))


def test_inter_ocular_is_between_the_outer_corners_and_comes_first():
    assert list(FACE.normalisers) == ["inter_ocular", "inter_pupil"]
    assert FACE.normalisers["inter_ocular"] == ((36,), (45,))
    assert FACE.normalisers["inter_pupil"] == ((36, 37, 38, 39, 40, 41), (42, 43, 44, 45, 46, 47))
    assert FACE.names[36] == "right_eye_outer_corner"
    assert FACE.names[45] == "left_eye_outer_corner"


def test_the_parts_hold_every_point_once():
    assert list(FACE.parts) == ["jaw", "right_brow", "left_brow", "nose", "right_eye", "left_eye", "mouth"]
    assert [i for group in FACE.parts.values() for i in group] == list(range(68))
