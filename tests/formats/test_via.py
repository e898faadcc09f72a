"""VGG Image Annotator: regions as JSON and CSV."""

import json

import numpy as np
import pytest
from hypothesis import given, settings

from cairn.dataset import Dataset
from cairn.errors import InputError
from cairn.formats import read, sniff, write
from cairn.landmarks import Landmarks
from tests.formats.conftest import labelled, pictures_of, same_points, save_blank, several


def point(x, y, **about):
    return {"shape_attributes": {"name": "point", "cx": x, "cy": y}, "region_attributes": about}


def rect(x, y, width, height, **about):
    shape = {"name": "rect", "x": x, "y": y, "width": width, "height": height}
    return {"shape_attributes": shape, "region_attributes": about}


def put(folder, *regions, name="via.json", project=False, picture="a.png"):
    entry = {"filename": picture, "size": 99, "regions": list(regions), "file_attributes": {}}
    content = {f"{picture}99": entry}
    if project:
        content = {"_via_settings": {}, "_via_img_metadata": content, "_via_attributes": {}}
    path = folder / name
    path.write_text(json.dumps(content))
    return path


# ox-vgg/via, via-1.x.y/tests/data/unit_test_annotation1.csv and 2.json (BSD-2-Clause, A. Dutta, Oxford), in excerpt
CSV = (
    "#filename,file_size,file_attributes,region_count,region_id,region_shape_attributes,region_attributes\n"
    'swan.png,62201,"{""caption"":""  ""}",3,0,"{""name"":""ellipse"",""cx"":300,""cy"":223,""rx"":93,""ry"":56}",'
    '"{""name"":""ellipse on \\""yellow\\""; background""}"\n'
    'swan.png,62201,"{""caption"":""  ""}",3,1,"{""name"":""rect"",""x"":79,""y"":310,""width"":66,""height"":62}",'
    '"{""name"":""a \'rect\' in \\""blue\\"", background""}"\n'
    'swan.png,62201,"{""caption"":""  ""}",3,2,"{""name"":""point"",""cx"":505,""cy"":113}",'
    '"{""name"":""a point, in infinity, $, :""}"\n'
)
JSON = (
    '{"swan.png62201":{"fileref":"","size":62201,"filename":"swan.png","base64_img_data":"","file_attributes":'
    '{"caption":"  "},"regions":{"0":{"shape_attributes":{"name":"ellipse","cx":300,"cy":223,"rx":93,"ry":56},'
    '"region_attributes":{"name":"ellipse on \\"yellow\\"; background"}},"1":{"shape_attributes":{"name":"rect","x":79,'
    '"y":310,"width":66,"height":62},"region_attributes":{"name":"a \'rect\' in \\"blue\\", background"}},"2":'
    '{"shape_attributes":{"name":"point","cx":505,"cy":113},"region_attributes":{"name":"a point, in infinity, $, :"}'
    "}}}}"
)


@pytest.mark.parametrize("content", [CSV, JSON])
def test_files_of_vias_own_repository(tmp_path, content):
    save_blank(tmp_path / "swan.png", 600, 400)
    (tmp_path / "annotation").write_text(content)
    found = read(tmp_path / "annotation")
    assert found.skeleton.names == ("a point, in infinity, $, :",)
    rows = {
        tuple(b): p[0].tolist() for b, p in zip(found.landmarks.boxes.tolist(), found.landmarks.points, strict=True)
    }
    assert rows[505, 113, 505, 113] == [505, 113]
    assert np.isnan(rows[79, 310, 145, 372]).all()  # the rectangle is an object without points


def test_the_table_of_the_first_versions(folder):
    (folder / "old.csv").write_text(
        "#filename,file_size,file_attributes,region_count,region_id,region_shape_attributes,region_attributes\n"
        'a.png,54044,"",2,0,"name=point;cx=8;cy=10;","part=tip;size=1;"\n'
        'a.png,54044,"",2,1,"name=point;cx=9;cy=11;","part=base;size=1;"\n'
    )
    found = read(folder / "old.csv")
    assert found.skeleton.names == ("tip", "base")
    assert found.landmarks.points[0].tolist() == [[8, 10], [9, 11]]


def test_the_point_lies_on_the_pixel_that_was_clicked(folder):
    import cv2

    pixels = np.zeros((30, 20), np.uint8)
    pixels[22, 4] = 255
    cv2.imwrite(str(folder / "dot.png"), pixels)
    found = read(put(folder, point(4, 22, name="n"), picture="dot.png"))
    x, y = found.landmarks.points[0, 0].astype(int)
    assert found.images[0].rgb()[y, x].tolist() == [255, 255, 255]


def test_a_project_with_groups_and_a_ticked_box(folder):
    regions = [
        point(1, 1, Landmark={"eye": True}, group="2", occluded="yes"),
        point(2, 2, Landmark={"ear": True}, group="2"),
        point(3, 3, Landmark={"eye": True}, group="1"),
        rect(0, 0, 9, 9, group="1"),
    ]
    found = read(put(folder, *regions, project=True))
    assert found.skeleton.names == ("eye", "ear")
    marks = found.landmarks
    boxes = {tuple(b): v for b, v in zip(marks.boxes.tolist(), marks.visibility.tolist(), strict=True)}
    assert boxes == {(0, 0, 9, 9): [2, 0], (1, 1, 2, 2): [1, 2]}


def test_points_without_any_attribute_are_numbered(folder):
    found = read(put(folder, point(1, 1), point(2, 2)))
    assert found.skeleton.names == ("0", "1")
    assert len(found) == 1


@pytest.mark.parametrize("suffix", [".json", ".csv"])
@settings(max_examples=25, deadline=None)
@given(rows=several)
def test_reading_what_was_written_gives_the_same(shared_folder, suffix, rows):
    data = labelled(shared_folder, np.array([p for _, p in rows]), [i for i, _ in rows], names=("u", "w", "v"))
    if not data.landmarks.labelled.any(axis=1).all():
        return
    lost = write(data, shared_folder / f"points{suffix}", format="via")
    back = read(shared_folder / f"points{suffix}")
    if back.skeleton.names != data.skeleton.names:
        assert any("VIA" in s for s in lost)
        return
    assert lost == []
    same_points(back, data)


@pytest.mark.parametrize("suffix", [".json", ".csv"])
def test_hidden_points_boxes_and_labels_come_back(folder, suffix):
    data = labelled(folder, [[[1, 2], [3, 4]], [[5, 5], [np.nan] * 2]], [1, 1], names=("a", "b, 'c'"))
    marks = {**data.landmarks.__dict__, "boxes": [[0, 0, 9, 9], [1, 1, 8, 30]], "visibility": [[2, 1], [2, 0]]}
    data = Dataset(pictures_of(folder), Landmarks(**marks), columns={"label": np.array(["cat", "dog"])})
    assert write(data, folder / f"out{suffix}", format="via") == []
    assert read(folder / f"out{suffix}").equals(data)


def test_what_a_file_cannot_carry_is_said(folder):
    data = labelled(folder, [[[1, 2], [np.nan] * 2], [[np.nan] * 2] * 2], [0, 1], names=("a", "b"))
    lost = write(data, folder / "out.json", format="via")
    assert any("1 objects with neither" in s for s in lost)
    assert any("without a label anywhere: b" in s for s in lost)
    data = labelled(folder, [[[1, 2], [np.nan] * 2], [[np.nan] * 2, [1, 2]]], [1, 0], names=("a", "b"))
    assert any("another one" in s for s in write(data.in_image_order(), folder / "out.json", format="via"))


@pytest.mark.parametrize(
    ("regions", "message"),
    [
        ([rect(0, 0, 1, 1)], "no points in it"),
        ([point("1", 1, name="n")], r"'a\.png', region 0: cx: '1' is not a number"),
        ([point(1, 1e300, name="n")], r"region 0: cy: a number beyond"),
        ([point(1, 1, name="n"), point(1, 1, name="m"), point(2, 2, name="n")], r"'n' stands twice and nothing says"),
        ([point(1, 1, name="n", group="1"), point(2, 2, name="n", group="1")], r"'n' stands twice in the group '1'"),
        ([{"region_attributes": {}}], r"region 0: expected 'shape_attributes'"),
        ([5], r"'regions' must be a list of objects"),
    ],
)
def test_a_damaged_file_is_refused(folder, regions, message):
    with pytest.raises(InputError, match=message) as error:
        read(put(folder, *regions))
    assert "via.json" in str(error.value)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ('a.png,1,{},1,0,"{""name"":""point"",', r"line 2: not a row of a table"),
        ('a.png,1,{},1,0,"{""name"":",{}', r"line 2, line 1: not valid JSON"),
        ("a.png,1,{},1,0,nonsense,{}", r"line 2: 'nonsense' is not what VIA writes"),
        ("a.png,1,{},1", r"line 2: 4 cells; expected 7"),
        ('zz.png,1,{},1,0,"{""name"":""point"",""cx"":1,""cy"":1}",{}', r"there is no picture 'zz\.png'"),
        ('../a.png,1,{},1,0,"{""name"":""point"",""cx"":1,""cy"":1}",{}', r"leaves the folder"),
    ],
)
def test_a_damaged_table_is_refused(folder, row, message):
    path = folder / "via.csv"
    path.write_text(CSV.partition("\n")[0] + "\n" + row + "\n")
    with pytest.raises(InputError, match=message):
        read(path)


def project_3(**changes):
    """As VIA 3 saves it: a list of choices for the name, two pictures, the second without a region."""
    return {
        "project": {"pid": "__VIA_PROJECT_ID__", "data_format_version": "3.1.2", "vid_list": ["1", "2"]},
        "config": {"file": {"loc_prefix": {"1": "", "2": "", "3": "", "4": ""}}},
        "attribute": {
            "1": {"aname": "name", "anchor_id": "FILE1_Z0_XY1", "type": 4, "options": {"0": "nose", "1": "tail"}},
        },
        "file": {
            "1": {"fid": "1", "fname": "a.png", "type": 2, "loc": 1, "src": ""},
            "2": {"fid": "2", "fname": "b.png", "type": 2, "loc": 1, "src": ""},
        },
        "metadata": {
            "1_a": {"vid": "1", "flg": 0, "z": [], "xy": [1, 5, 7.5], "av": {"1": "0"}},
            "1_b": {"vid": "1", "flg": 0, "z": [], "xy": [1, 9, 3], "av": {"1": "1"}},
            "1_c": {"vid": "1", "flg": 0, "z": [], "xy": [2, 1, 2, 10, 9], "av": {}},
            "1_d": {"vid": "1", "flg": 0, "z": [], "xy": [], "av": {"1": "0"}},
        },
        "view": {"1": {"fid_list": ["1"]}, "2": {"fid_list": ["2"]}},
    } | changes


def put_3(folder, document):
    path = folder / "project.json"
    path.write_text(json.dumps(document))
    return path


def test_a_project_of_via_3_is_read(folder):
    path = put_3(folder, project_3())
    assert sniff(path) == "via"
    data = read(path)
    assert data.skeleton.names == ("nose", "tail")
    assert data.landmarks.points.tolist() == [[[5, 7.5], [9, 3]]]
    assert data.landmarks.boxes.tolist() == [[1, 2, 11, 11]]
    assert len(data.images) == 2


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"file": {"1": {"fname": "run.mp4", "type": 4}}}, "'run.mp4' is no picture"),
        ({"file": {i: {"fname": "a.png", "type": 2} for i in "12"}}, "two files are called 'a.png'"),
        ({"file": {"1": 3}}, "file '1': expected an object"),
        ({"view": {"1": {"fid_list": ["1", "2"]}}}, "region '1_a': its view does not show one picture"),
        ({"metadata": {"1_a": {"vid": "1", "xy": [1, "x", 2]}}}, "cx: 'x' is not a number"),
        ({"metadata": {"1_a": {"vid": "1", "xy": [2, 1, 2]}}}, "no points in it"),
    ],
)
def test_what_is_wrong_in_a_project_of_via_3_is_one_sentence(folder, change, sentence):
    with pytest.raises(InputError, match=sentence):
        read(put_3(folder, project_3(**change)))
