"""CVAT XML: skeletons, points, tracks."""

import numpy as np
import pytest
from hypothesis import given, settings

from cairn.dataset import Dataset
from cairn.errors import InputError
from cairn.formats import read, write
from cairn.images import Source
from cairn.landmarks import Landmarks
from cairn.skeleton import Skeleton
from tests.formats.conftest import labelled, pictures_of, same_points, save_blank, several

# as CVAT's documentation shows it
HEAD = """<?xml version="1.0" encoding="utf-8"?>
<annotations><version>1.1</version>
<meta><task><id>1</id><name>t</name><size>3</size><mode>annotation</mode><labels>
  <label><name>nose</name><type>points</type><attributes></attributes><parent>face</parent></label>
  <label><name>ear</name><type>points</type><attributes></attributes><parent>face</parent></label>
  <label><name>face</name><type>skeleton</type><attributes></attributes><svg>
    &lt;line x1="1" y1="1" x2="2" y2="2" data-type="edge" data-node-from="1" data-node-to="2"&gt;&lt;/line&gt;
    &lt;circle cx="1" cy="1" data-type="element node" data-node-id="1" data-label-name="ear"&gt;&lt;/circle&gt;
    &lt;circle cx="2" cy="2" data-type="element node" data-node-id="2" data-label-name="nose"&gt;&lt;/circle&gt;
  </svg></label>
</labels></task></meta>"""


def put(folder, body, name="annotations.xml", head="<annotations>"):
    path = folder / name
    path.write_text(f"{head}{body}</annotations>")
    return path


def image(body, name="a.png"):
    return f'<image id="0" name="{name}" width="20" height="30">{body}</image>'


def element(label, points="1.50,2.50", outside=0, occluded=0):
    return f'<points label="{label}" outside="{outside}" occluded="{occluded}" points="{points}"></points>'


def skeleton(*elements, more=""):
    return f'<skeleton label="face" source="manual" z_order="0"{more}>{"".join(elements)}</skeleton>'


def test_a_skeleton_with_hidden_and_absent_elements(folder):
    body = image(skeleton(element("ear", "0.50,0.50", occluded=1), element("nose", "9.00,9.00", outside=1)))
    found = read(put(folder, body + image("", "b.png"), head=HEAD))
    assert found.skeleton.names == ("nose", "ear")  # in the order of the head
    assert found.skeleton.edges == ((1, 0),)
    assert found.landmarks.visibility.tolist() == [[3, 1]]
    assert np.isnan(found.landmarks.points[0, 0]).all()
    assert found.landmarks.points[0, 1].tolist() == [0, 0]  # half a pixel from the edge is the centre of the first
    assert len(found.images) == 2
    assert found.columns["label"].tolist() == ["face"]


def test_the_point_lies_on_the_pixel_that_was_clicked(folder):
    import cv2

    pixels = np.zeros((30, 20), np.uint8)
    pixels[22, 4] = 255  # its middle is 4.5, 22.5 on the canvas
    cv2.imwrite(str(folder / "dot.png"), pixels)
    found = read(put(folder, image(skeleton(element("n", "4.50,22.50")), "dot.png")))
    x, y = found.landmarks.points[0, 0].astype(int)
    assert found.images[0].rgb()[y, x].tolist() == [255, 255, 255]


def test_the_example_of_cvats_documentation(tmp_path):
    # cvat-ai/cvat (MIT), site/content/en/docs/manual/advanced/xml_format.md, without its outlines
    save_blank(tmp_path / "filename000.jpg", 1600, 1200)
    body = """<image id="0" name="filename000.jpg" width="1600" height="1200">
    <box label="plate" xtl="797.33" ytl="870.92" xbr="965.52" ybr="928.94" occluded="0" z_order="4">
    </box>
    <polyline label="traffic_line" points="462.10,0.00;126.80,1200.00" occluded="0" z_order="3">
    </polyline>
    <points label="wheel" points="574.90,939.48;1170.16,907.90;1130.69,445.26;600.16,459.48" occluded="0" z_order="5">
    </points>
    <tag label="good_frame" source="manual">
    </tag>
  </image>"""
    found = read(put(tmp_path, body))
    assert found.columns["label"].tolist() == ["wheel", "plate"]
    assert found.landmarks.labelled.tolist() == [[True] * 4, [False] * 4]
    np.testing.assert_allclose(found.landmarks.points[0, 0], [574.4, 938.98])
    np.testing.assert_allclose(found.landmarks.boxes[1], [796.83, 870.42, 965.02, 928.44])


def test_an_example_of_datumaro(tmp_path):
    # openvinotoolkit/datumaro (MIT), tests/assets/cvat_dataset/for_images/train.xml, in excerpt
    save_blank(tmp_path / "img1.jpg", 10, 10)
    body = """<image height="10" id="1" name="img1.jpg" width="10">
    <points label="label2" points="1,2;3,4;5,6" z_order="2"/>
    <skeleton label="skeleton" occluded="0" source="manual" points="" rotation="0.00" z_order="0">
      <points label="1" occluded="0" source="manual" outside="0" points="3,3" z_order="0">
      </points>
      <points label="2" occluded="0" source="manual" outside="0" points="4,4" z_order="0">
      </points>
      <points label="3" occluded="0" source="manual" outside="1" points="5,5" z_order="0">
      </points>
      <points label="4" occluded="0" source="manual" outside="0" points="6,6" z_order="0">
      </points>
    </skeleton>
  </image>"""
    found = read(put(tmp_path, body))
    assert found.skeleton.names == ("1", "2", "3", "4", "label2_0", "label2_1", "label2_2")
    row = found.columns["label"].tolist().index("skeleton")
    assert found.landmarks.visibility[row].tolist() == [2, 2, 3, 2, 0, 0, 0]
    assert found.landmarks.points[row, 3].tolist() == [5.5, 5.5]


def points(label, where, more=""):
    return f'<points label="{label}" occluded="0" points="{where}" z_order="0"{more}></points>'


def box(left, top, right, bottom, more=""):
    return f'<box label="face" occluded="0" xtl="{left}" ytl="{top}" xbr="{right}" ybr="{bottom}"{more}></box>'


def test_a_shape_of_several_points_is_an_object(folder):
    body = image(points("face", "1,1;2,2;3,3") + points("face", "4,4;5,5;6,6", ' group_id="2"') + box(0, 0, 9, 9))
    marks = read(put(folder, body)).landmarks
    assert marks.skeleton.names == ("0", "1", "2")
    assert marks.points[1, 2].tolist() == [5.5, 5.5]


def test_points_with_labels_are_put_together_by_their_groups(folder):
    of = ' group_id="{}"'.format
    body = image(
        points("eye", "1,1", of(1)) + points("eye", "2,2", of(2)) + points("ear", "3,3", of(2)) + box(0, 0, 8, 8, of(2))
    )
    found = read(put(folder, body))
    assert found.skeleton.names == ("eye", "ear")
    boxes = {tuple(b) for b in found.landmarks.boxes.tolist()}
    assert boxes == {(0.5, 0.5, 0.5, 0.5), (-0.5, -0.5, 7.5, 7.5)}


def test_points_without_groups_belong_to_the_box_around_them(folder):
    body = image(
        points("eye", "1,1") + points("eye", "11,11") + points("ear", "12,12") + box(0, 0, 5, 5) + box(10, 10, 15, 15)
    )
    marks = read(put(folder, body)).landmarks
    np.testing.assert_array_equal(marks.points, [[[0.5, 0.5], [np.nan] * 2], [[10.5, 10.5], [11.5, 11.5]]])


def test_points_that_nothing_puts_together_are_one_object_and_twice_is_refused(folder):
    assert len(read(put(folder, image(points("eye", "1,1") + points("ear", "2,2"))))) == 1
    with pytest.raises(InputError, match=r"'a\.png': the point 'eye' stands twice and nothing says"):
        read(put(folder, image(points("eye", "1,1") + points("ear", "2,2") + points("eye", "3,3"))))
    with pytest.raises(InputError, match=r"'eye' stands twice in the group '1'"):
        read(put(folder, image(points("eye", "1,1", ' group_id="1"') * 2)))


def test_points_of_a_single_kind_are_objects(folder):
    assert len(read(put(folder, image(points("cell", "1,1") + points("cell", "2,2"))))) == 2


def test_a_track_is_an_object_in_each_of_its_frames(folder):
    for i in range(3):
        save_blank(folder / "images" / f"frame_{i:06d}.png", 9, 9)
    shapes = "".join(
        f'<skeleton frame="{i}" keyframe="{int(i != 1)}">{element("nose", f"{i}.5,1.5")}{element("ear")}</skeleton>'
        for i in range(3)
    )
    end = '<points frame="2" outside="1" occluded="0" keyframe="1" points="1,1"></points>'
    found = read(put(folder, f'<track id="4" label="object">{shapes}</track><track id="5" label="nose">{end}</track>'))
    assert found.landmarks.track_id.tolist() == [4, 4, 4]
    assert found.landmarks.points[:, 0, 0].tolist() == [0, 1, 2]
    assert found.columns["keyframe"].tolist() == [1, 0, 1]


def test_frames_of_the_video_itself(folder):
    (folder / "run.mp4").write_bytes(b"video")
    meta = "<meta><source>run.mp4</source></meta>"
    track = f'<track id="0" label="m"><skeleton frame="7" keyframe="1">{element("nose")}</skeleton></track>'
    found = read(put(folder, meta + track))
    assert list(found.images.sources) == [Source(str(folder / "run.mp4"), frame=7)]


@settings(max_examples=25, deadline=None)
@given(rows=several)
def test_reading_what_was_written_gives_the_same(shared_folder, rows):
    data = labelled(shared_folder, np.array([p for _, p in rows]), [i for i, _ in rows], names=("u", "w", 'v<">&'))
    assert write(data, shared_folder / "points.xml", format="cvat") == []
    back = read(shared_folder / "points.xml")
    assert back.skeleton.names == data.skeleton.names
    same_points(back, data)
    assert back.landmarks.visibility is None


def test_edges_marks_boxes_splits_and_columns_come_back(folder):
    marks = Landmarks(
        Skeleton(("a", 'b"', "c"), edges=((0, 1), (1, 2))),
        [[[1, 2], [3, 4], [np.nan] * 2], [[5, 6], [np.nan] * 2, [7, 8]]],
        [[0, 0, 9, 9], [5, 6, 7, 8]],
        [1, 1],
        visibility=[[2, 1, 3], [2, 0, 2]],
    )
    columns = {"label": np.array(["cat", "dog"]), "age": np.array([3, 4])}
    split = np.array(["train", "val", ""])
    data = Dataset(pictures_of(folder), marks, columns=columns, split=split, split_by="out.xml")
    assert write(data, folder / "out.xml", format="cvat") == []
    back = read(folder / "out.xml")
    assert back.equals(data)


def test_the_pictures_of_a_project_stand_in_folders_of_their_subsets(folder):
    save_blank(folder / "images" / "train" / "d.png", 5, 5)
    body = image(skeleton(element("n")), "d.png").replace("<image", '<image subset="train"')
    assert read(put(folder, body)).split.tolist() == ["train"]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (image(box(0, 0, 1, 1)), "no points in it"),
        (image(skeleton(element("n", "1"))), r"'a\.png': '1' is no point; expected x,y"),
        (image(skeleton(element("n", "1,1;2,2"))), r"'n' has 2 points; expected one"),
        (image(skeleton(element("n", "1,x"))), r"'x' is not a number"),
        (image(skeleton(element("n", "1,1e300"))), r"'1e300' is no coordinate"),
        (image(skeleton(element("n"), element("n"))), r"'n' of a skeleton has no name or stands twice"),
        (image(skeleton(element("n")), "zz.png"), r"there is no picture 'zz\.png'"),
        (image(skeleton(element("n")), "../a.png"), r"leaves the folder"),
        (f'<track id="0"><skeleton frame="x">{element("n")}</skeleton></track>', r"track 1, frame 'x': expected"),
        (f'<track id="0"><skeleton frame="1">{element("n")}</skeleton></track>', r"no picture 'frame_000001'"),
    ],
)
def test_a_damaged_file_is_refused(folder, body, message):
    with pytest.raises(InputError, match=message) as error:
        read(put(folder, body))
    assert "annotations.xml" in str(error.value)


def test_what_a_file_cannot_carry_is_said(folder):
    data = labelled(folder, np.ones((1, 2, 2)), [0], names=("apex", "base"))
    marks = Landmarks(**{**data.landmarks.__dict__, "confidence": [[0.5, 0.5]]})
    assert any("confidence" in s for s in write(marks, folder / "out.xml", images=data.images, format="cvat"))
