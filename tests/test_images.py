import contextlib
import io
import struct
import subprocess
import sys
import zlib

import cv2
import numpy as np
import PIL.Image
import pytest
import tifffile

from cairn import images, video
from cairn.errors import InputError
from cairn.images import Image, ImageList, Source, as_images, find_images, read_image


def colourful(height=24, width=40, seed=0, dtype=np.uint8):
    """No two corners alike, so that every turn shows."""
    top = np.iinfo(dtype).max
    pixels = np.random.default_rng(seed).integers(0, top, (height, width, 3), endpoint=True).astype(dtype)
    pixels[:4, :4] = (top, 0, 0)
    return pixels


def save(path, pixels, mode=None, **options):
    picture = PIL.Image.fromarray(pixels)
    (picture.convert(mode) if mode else picture).save(path, **options)
    return path


def write_video(path, count, size=(64, 48), code="mp4v"):
    """Every frame carries its number in ten black or white squares along the top."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*code), 25, size)
    if not writer.isOpened():
        pytest.skip(f"this OpenCV writes no {code}")
    for i in range(count):
        frame = np.full((size[1], size[0], 3), 60, np.uint8)
        for bit in range(10):
            frame[:12, 6 * bit : 6 * bit + 6] = 255 * ((i >> bit) & 1)
        frame[24:] = (0, 0, 255)  # red, in OpenCV's order
        writer.write(frame)
    writer.release()
    return path


def number(image):
    return sum(int(image.pixels[5, 6 * bit + 3, 0] > 128) << bit for bit in range(10))


# --- what is kept ---


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".ppm", ".tif", ".tga"])
def test_lossless_colour_comes_back_as_written(tmp_path, suffix):
    pixels = colourful()
    image = read_image(save(tmp_path / f"a{suffix}", pixels))
    assert image.pixels.dtype == np.uint8
    np.testing.assert_array_equal(image.pixels, pixels)
    assert image.size == (40, 24)
    assert image.source == Source(str(tmp_path / f"a{suffix}"))


def test_lossless_webp(tmp_path):
    pixels = colourful()
    np.testing.assert_array_equal(read_image(save(tmp_path / "a.webp", pixels, lossless=True)).pixels, pixels)


def test_jpeg_is_decoded_as_opencv_does(tmp_path):
    pixels = cv2.GaussianBlur(colourful(), (0, 0), 2)
    path = save(tmp_path / "a.jpg", pixels, quality=95)
    ours = read_image(path).pixels
    theirs = cv2.imread(str(path))[..., ::-1]
    assert np.abs(ours.astype(int) - theirs).max() <= 2


def test_grey_stays_one_channel(tmp_path):
    grey = colourful()[..., 0]
    for name in ("a.png", "a.tif", "a.pgm"):
        image = read_image(save(tmp_path / name, grey))
        np.testing.assert_array_equal(image.pixels, grey)
    assert read_image(save(tmp_path / "a.jpg", grey)).pixels.shape == (24, 40)
    bilevel = read_image(save(tmp_path / "b.png", grey, mode="1"))
    assert set(np.unique(bilevel.pixels)) == {0, 255}


def test_sixteen_bit_is_kept(tmp_path):
    colour = colourful(dtype=np.uint16)
    cv2.imwrite(str(tmp_path / "colour.png"), colour[..., ::-1])
    cv2.imwrite(str(tmp_path / "grey.png"), colour[..., 0])
    tifffile.imwrite(tmp_path / "colour.tif", colour, photometric="rgb")
    tifffile.imwrite(tmp_path / "planar.tif", np.moveaxis(colour, 2, 0), photometric="rgb", planarconfig="separate")
    tifffile.imwrite(tmp_path / "big.tif", colour[..., 0], byteorder=">")
    cv2.imwrite(str(tmp_path / "lzw.tif"), colour[..., ::-1], [cv2.IMWRITE_TIFF_COMPRESSION, 5])
    for name in ("colour.png", "colour.tif", "planar.tif", "lzw.tif"):
        image = read_image(tmp_path / name)
        assert image.pixels.dtype == np.uint16, name
        np.testing.assert_array_equal(image.pixels, colour, err_msg=name)
    for name in ("grey.png", "big.tif"):
        image = read_image(tmp_path / name)
        assert image.pixels.dtype == np.uint16
        assert image.pixels.dtype.isnative
        np.testing.assert_array_equal(image.pixels, colour[..., 0], err_msg=name)


def test_float_tiff_is_kept(tmp_path):
    grey = np.random.default_rng(0).normal(size=(20, 30)).astype(np.float32)
    tifffile.imwrite(tmp_path / "grey.tif", grey)
    tifffile.imwrite(tmp_path / "colour.tif", np.dstack([grey] * 3).astype(np.float64), photometric="rgb")
    np.testing.assert_array_equal(read_image(tmp_path / "grey.tif").pixels, grey)
    colour = read_image(tmp_path / "colour.tif").pixels
    assert colour.shape == (20, 30, 3)
    assert colour.dtype == np.float64


def test_signed_integers_become_float(tmp_path):
    values = np.array([[-1000, 0], [5, 3000]], np.int16)
    tifffile.imwrite(tmp_path / "a.tif", values)
    pixels = read_image(tmp_path / "a.tif").pixels
    assert pixels.dtype.kind == "f"
    np.testing.assert_array_equal(pixels, values)


def test_white_is_zero_tiff_is_turned_round(tmp_path):
    values = np.array([[0, 65535], [100, 200]], np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", values, photometric="miniswhite")
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif").pixels, 65535 - values)


# --- what is resolved ---


def stored(upright, orientation):
    """How a camera stores what people see as `upright`: the inverse of EXIF's eight turns, worked out by hand."""
    return {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.swapaxes(0, 1),
        6: np.rot90(upright),  # the top is at the right-hand side of what is shown: seen turned 90 degrees to the left
        7: upright[::-1, ::-1].swapaxes(0, 1),
        8: np.rot90(upright, -1),
    }[orientation]


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".webp"])
def test_all_eight_orientations_are_undone(tmp_path, orientation, suffix):
    upright = cv2.resize(colourful(6, 10), (80, 48), interpolation=cv2.INTER_NEAREST)
    picture = PIL.Image.fromarray(np.ascontiguousarray(stored(upright, orientation)))
    exif = PIL.Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f"a{suffix}"
    options = {"lossless": True} if suffix == ".webp" else {"quality": 95, "subsampling": 0} if suffix == ".jpg" else {}
    picture.save(path, exif=exif, **options)
    pixels = read_image(path).pixels
    assert pixels.shape == upright.shape
    assert np.abs(pixels.astype(int) - upright).max() <= (60 if suffix == ".jpg" else 0)
    if suffix == ".jpg":
        np.testing.assert_array_equal(pixels.shape, cv2.imread(str(path)).shape)  # OpenCV turns JPEG as well
        assert np.abs(pixels.astype(int) - cv2.imread(str(path))[..., ::-1]).max() <= 2


@pytest.mark.parametrize("orientation", [3, 6])
def test_sixteen_bit_pictures_are_turned_too(tmp_path, orientation):
    upright = colourful(dtype=np.uint16)
    turned = np.ascontiguousarray(stored(upright, orientation))
    tifffile.imwrite(tmp_path / "a.tif", turned, photometric="rgb", extratags=[(274, "H", 1, orientation, True)])
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif").pixels, upright)


def test_transparency_lies_on_white(tmp_path):
    rgba = np.zeros((1, 3, 4), np.uint8)
    rgba[0, :, 0] = 200
    rgba[0, :, 3] = (255, 0, 51)  # opaque, clear, one fifth
    expected = [[(200, 0, 0), (255, 255, 255), (244, 204, 204)]]
    for name, options in (("a.png", {}), ("a.webp", {"lossless": True, "exact": True}), ("a.tif", {})):
        np.testing.assert_array_equal(read_image(save(tmp_path / name, rgba, **options)).pixels, expected)
    deep = rgba.astype(np.uint16) * 257
    cv2.imwrite(str(tmp_path / "deep.png"), deep[..., [2, 1, 0, 3]])
    np.testing.assert_array_equal(read_image(tmp_path / "deep.png").pixels, np.array(expected) * 257)


def test_grey_with_transparency_stays_grey(tmp_path):
    picture = PIL.Image.fromarray(np.array([[[7, 255], [7, 0]]], np.uint8), "LA")
    picture.save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_image(tmp_path / "a.png").pixels, [[7, 255]])


def test_palette_becomes_its_colours(tmp_path):
    picture = PIL.Image.fromarray(np.array([[0, 1], [2, 1]], np.uint8), "P")
    picture.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255])
    for name in ("a.png", "a.gif", "a.bmp", "a.tif"):
        picture.save(tmp_path / name)
        np.testing.assert_array_equal(
            read_image(tmp_path / name).pixels, [[(255, 0, 0), (0, 255, 0)], [(0, 0, 255), (0, 255, 0)]], err_msg=name
        )


def test_cmyk_becomes_rgb(tmp_path):
    picture = PIL.Image.new("CMYK", (16, 16), (0, 255, 255, 0))  # magenta and yellow ink: red
    for name in ("a.jpg", "a.tif"):
        picture.save(tmp_path / name)
        pixels = read_image(tmp_path / name).pixels
        assert pixels.shape == (16, 16, 3)
        assert np.abs(pixels.astype(int) - (255, 0, 0)).max() < 5
    deep = np.zeros((4, 4, 4), np.uint16)
    deep[..., 1:3] = 65535
    tifffile.imwrite(tmp_path / "deep.tif", deep, photometric="separated")
    np.testing.assert_array_equal(read_image(tmp_path / "deep.tif").pixels[0, 0], (65535, 0, 0))


def test_first_frame_of_an_animation(tmp_path):
    frames = [PIL.Image.new("RGB", (8, 8), c) for c in ("red", "blue")]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    frames[0].save(tmp_path / "a.webp", save_all=True, append_images=frames[1:], lossless=True)
    for name in ("a.gif", "a.webp"):
        np.testing.assert_array_equal(read_image(tmp_path / name).pixels[0, 0], (255, 0, 0))
        assert len(find_images(tmp_path / name)) == 1


def test_pages_of_a_tiff_are_images(tmp_path):
    path = tmp_path / "stack.tif"
    with tifffile.TiffWriter(path) as tiff:
        for i in range(3):
            tiff.write(np.full((5, 6), 10 * i, np.uint8 if i else np.uint16), contiguous=False)
        tiff.write(np.zeros((2, 3), np.uint8), subfiletype=1)  # a thumbnail
    assert read_image(Source(str(path), page=2)).pixels[0, 0] == 20
    found = find_images(path)
    assert [int(i.pixels[0, 0]) for i in found] == [0, 10, 20]
    assert found.label(1) == f"{path}#1"
    with pytest.raises(InputError, match="no page 9; the file has pages 0 to 3"):
        read_image(Source(str(path), page=9))


def test_one_pixel_is_a_picture(tmp_path):
    image = read_image(save(tmp_path / "a.png", np.array([[[1, 2, 3]]], np.uint8)))
    assert image.size == (1, 1)
    assert image.rgb().tolist() == [[[1, 2, 3]]]


def test_names_in_any_script(tmp_path):
    path = save(tmp_path / "Flügel 翼 №1.png", colourful())
    assert read_image(path).size == (40, 24)
    assert read_image(find_images(tmp_path).sources[0]).size == (40, 24)


# --- what is refused, in one sentence that names the file ---


def refused(path, words, call=read_image):
    with pytest.raises(InputError, match=words) as caught:
        call(path)
    message = str(caught.value)
    assert str(path)[:150] in message
    assert "\n" not in message
    assert len(message) < 300 + len(str(path))


def test_missing_empty_folder_and_text(tmp_path):
    refused(tmp_path / "none.jpg", "no such file")
    refused(tmp_path / "none", "no such file", find_images)
    (tmp_path / "empty.jpg").touch()
    refused(tmp_path / "empty.jpg", "empty")
    (tmp_path / "folder.png").mkdir()
    refused(tmp_path / "folder.png", "is a folder")
    (tmp_path / "text.jpg").write_text("not a picture at all\n" * 50)
    refused(tmp_path / "text.jpg", "not a picture")
    (tmp_path / "text.mp4").write_text("not a video at all\n" * 50)
    refused(tmp_path / "text.mp4", "not a video")
    (tmp_path / "script.ps").write_text("%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n")
    refused(tmp_path / "script.ps", "not a picture")
    refused(f"{tmp_path}/{'a' * 500}.jpg", "cannot be opened")
    (tmp_path / "phone.heic").write_bytes(struct.pack(">I", 24) + b"ftypheic" + bytes(40))
    refused(tmp_path / "phone.heic", "HEIC")


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "deep.png", "a.tif", "deep.tif", "a.webp", "a.gif", "a.bmp"])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_a_file_cut_short_is_refused_not_filled_with_grey(tmp_path, name, share):
    pixels = colourful(200, 300, dtype=np.uint16 if "deep" in name else np.uint8)
    path = tmp_path / name
    if "deep" in name:
        cv2.imwrite(str(path), pixels)
    else:
        save(path, pixels)
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    refused(path, r"damaged or cut short|not a picture")


def test_bytes_damaged_at_random_never_raise_anything_else(tmp_path):
    rng = np.random.default_rng(0)
    for name in ("a.jpg", "a.png", "a.tif", "a.webp", "a.gif"):
        path = save(tmp_path / name, colourful())
        good = np.frombuffer(path.read_bytes(), np.uint8)
        for _ in range(30):
            bad = good.copy()
            where = rng.integers(0, min(len(bad), 400), 6)
            bad[where] = rng.integers(0, 256, 6)
            path.write_bytes(bad.tobytes())
            with contextlib.suppress(InputError):
                read_image(path)


def bomb(path, width, height):
    """A PNG whose head promises width x height px, compressed to next to nothing."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    row = zlib.compress(bytes(1 + 3 * min(width, 1000)))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", row) + chunk(b"IEND", b""))
    return path


@pytest.mark.parametrize("size", [(20_000, 10_000), (65_000, 65_000), (9_500, 10_600), (40_000, 10)])
def test_too_large_is_refused_from_the_head(tmp_path, size, monkeypatch, recwarn):
    monkeypatch.setattr(images, "_from_pillow", lambda _: pytest.fail("decoded"))
    refused(bomb(tmp_path / "a.png", *size), "larger than the limit of 100 million px")
    assert not recwarn.list


def test_too_large_deep_tiff_is_refused_from_the_head(tmp_path):
    path = tmp_path / "a.tif"
    tifffile.memmap(path, shape=(20_000, 10_000), dtype=np.uint16)  # takes no room on the disk
    refused(path, "larger than the limit")


def test_a_long_panorama_within_the_limit_is_read(tmp_path):
    path = tmp_path / "a.png"
    PIL.Image.new("L", (20_000, 1_000), 7).save(path)
    assert read_image(path).size == (20_000, 1_000)


def test_the_limit_is_stated_in_words_and_can_be_read():
    assert images.MAX_PIXELS == 100_000_000


def test_equality_knows_type_pixels_and_place():
    one = Image(np.array([[1.0, np.nan]]))
    assert one.equals(Image(np.array([[1.0, np.nan]])))
    assert not one.equals(Image(np.array([[1.0, 2.0]])))
    assert not one.equals(Image(np.array([[1.0, np.nan]], np.float32)))
    assert not one.equals(Image(one.pixels, affine=np.eye(4)))
    assert Image(one.pixels, affine=np.eye(4)).equals(Image(one.pixels, affine=np.eye(4)))


@pytest.mark.parametrize("folder", ["faces68", "wings12", "cephalo19", "wheels5", "openfield4", "pose14", "lfw"])
def test_real_pictures_look_as_opencv_shows_them(shared_data, folder):
    found = find_images(shared_data / folder)
    for source in found.sources[:: max(1, len(found) // 4)]:
        ours = read_image(source).rgb()
        theirs = cv2.imread(source.path, cv2.IMREAD_COLOR)[..., ::-1]
        assert np.abs(ours.astype(int) - theirs).max() <= 3, source


# --- the 8-bit view ---


def test_rgb_of_8_bit_colour_is_not_copied():
    pixels = colourful()
    assert np.shares_memory(Image(pixels).rgb(), pixels)


def test_rgb_of_grey_repeats_it():
    rgb = Image(np.array([[3, 200]], np.uint8)).rgb()
    assert rgb.tolist() == [[[3] * 3, [200] * 3]]
    assert rgb.flags.c_contiguous


def test_rgb_of_16_bit_uses_the_depth_of_the_sensor():
    full = np.array([[0, 32768, 65535]], np.uint16)
    assert Image(full).rgb()[0, :, 0].tolist() == [0, 128, 255]
    twelve = np.array([[0, 2048, 4000]], np.uint16)
    assert Image(twelve).rgb()[0, :, 0].tolist() == [0, 128, 249]
    assert Image(np.zeros((2, 2), np.uint16)).rgb().max() == 0


def test_rgb_of_float():
    assert Image(np.array([[0, 0.5, 1]])).rgb()[0, :, 0].tolist() == [0, 128, 255]
    assert Image(np.array([[-1000.0, 1000, np.nan, np.inf, 3000]])).rgb()[0, :, 0].tolist() == [0, 128, 0, 0, 255]
    assert Image(np.full((2, 2), np.nan)).rgb().max() == 0
    assert Image(np.full((2, 2), 7.0)).rgb().max() == 0


def test_rgb_of_a_volume_is_refused():
    with pytest.raises(ValueError, match="only a picture"):
        Image(np.zeros((4, 5, 6))).rgb()


# --- lists ---


def test_folders_are_searched_and_sorted_as_people_sort(tmp_path):
    for name in ("10.png", "2.png", "b/1.jpg", ".hidden/3.png", ".4.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        save(tmp_path / name, colourful())
    (tmp_path / "notes.txt").write_text("no picture")
    names = [s.path[len(str(tmp_path)) + 1 :].replace("\\", "/") for s in find_images(tmp_path).sources]
    assert names == ["2.png", "10.png", "b/1.jpg"]
    (tmp_path / "void").mkdir()
    refused(tmp_path / "void", "holds no pictures", find_images)


def test_a_bad_file_in_a_folder_does_not_stop_the_others(tmp_path):
    save(tmp_path / "b.png", colourful())
    (tmp_path / "a.mp4").write_text("no video")
    (tmp_path / "c.tif").write_bytes(b"II*\0" + bytes(20))
    found = find_images(tmp_path)
    assert len(found) == 3
    assert found[1].size == (40, 24)
    for i in (0, 2):
        with pytest.raises(InputError):
            found[i]


def test_a_list_reads_when_asked_and_keeps_nothing(tmp_path):
    found = ImageList([tmp_path / "later.png", Image(np.zeros((2, 3), np.uint8))])
    assert found[1].size == (3, 2)
    assert found.label(1) == "image 1"
    save(tmp_path / "later.png", colourful())
    assert found[0].size == (40, 24)
    assert found[0] is not found[0]
    assert len(found[:1]) == 1
    assert found.take([1, 0]).label(1).endswith("later.png")


def test_as_images_takes_what_users_have(tmp_path):
    pixels = colourful()
    path = save(tmp_path / "a.png", pixels)
    for given in (path, str(path), pixels, Image(pixels), PIL.Image.fromarray(pixels), Source(str(path)), tmp_path):
        found = as_images(given)
        assert len(found) == 1
        np.testing.assert_array_equal(found[0].pixels, pixels)
    assert len(as_images([path, pixels, [Image(pixels)]])) == 3
    assert len(as_images(np.stack([pixels, pixels]))) == 2
    assert as_images(found) is found
    assert len(as_images([])) == 0


def test_as_images_mends_shapes_and_types_of_arrays():
    assert as_images(np.zeros((4, 5, 1), np.uint8))[0].pixels.shape == (4, 5)
    assert as_images(np.array([[True, False]]))[0].pixels.tolist() == [[255, 0]]
    given = np.zeros((4, 5, 4), np.uint8)
    assert as_images(given)[0].pixels.min() == 255
    assert given.max() == 0
    assert as_images(np.full((2, 2), 300, np.int64))[0].pixels.dtype == np.uint16


@pytest.mark.parametrize("given", [np.zeros((4, 5, 7)), np.zeros(3), np.zeros((0, 5)), np.zeros((2, 2), complex), 7])
def test_as_images_refuses_what_is_no_picture(given):
    with pytest.raises(InputError, match="expected"):
        as_images(given)


# --- video ---


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return write_video(tmp_path_factory.mktemp("video") / "clip.mp4", 200)


def test_a_video_is_its_frames(clip):
    found = find_images(clip)
    assert len(found) == 200
    assert found.label(3) == f"{clip}#3"
    assert [number(image) for image in found] == list(range(200))
    assert found[0].pixels.dtype == np.uint8
    red, green, blue = found[0].pixels[40, 30].astype(int)
    assert red > 200
    assert green < 60
    assert blue < 60
    assert number(read_image(clip)) == 0


@pytest.mark.parametrize(("suffix", "code"), [("mp4", "mp4v"), ("avi", "MJPG"), ("webm", "VP80")])
def test_frames_in_any_order_are_the_ones_asked_for(tmp_path, suffix, code):
    found = find_images(write_video(tmp_path / f"a.{suffix}", 150, code=code))
    order = np.random.default_rng(0).permutation(150)[:40].tolist()
    for i in [149, 0, 148, 75, 75, 74, *order]:
        assert number(found[i]) == i


def test_frames_in_order_are_decoded_once(clip, monkeypatch):
    opened = []
    real = video._open
    monkeypatch.setattr(video, "_open", lambda path: opened.append(path) or real(path))
    monkeypatch.setattr(video._Reader, "_seek", lambda *_: pytest.fail("sought"))
    for _ in find_images(clip):
        pass
    assert len(opened) <= 2  # the scan and the reader


def test_a_seek_that_cannot_be_proven_is_not_believed(clip, monkeypatch):
    head = video.scan(clip)
    monkeypatch.setattr(video, "scan", lambda _: video.VideoHead(64, 48, np.full(len(head), np.nan)))
    video._open_readers.clear()
    for i in (150, 20, 199):
        assert number(read_image(Source(str(clip), frame=i))) == i
    video._open_readers.clear()


def test_few_videos_stay_open(tmp_path):
    for i in range(4):
        read_image(Source(str(write_video(tmp_path / f"{i}.mp4", 5)), frame=1))
    assert len(video._open_readers) <= 2


def test_a_frame_that_is_not_there(clip):
    with pytest.raises(InputError, match="no frame 200; the video has frames 0 to 199"):
        read_image(Source(str(clip), frame=200))


def test_a_video_cut_short(clip, tmp_path):
    data = clip.read_bytes()
    (tmp_path / "cut.mp4").write_bytes(data[: len(data) // 2])
    refused(tmp_path / "cut.mp4", "cut short", find_images)


def test_an_avi_cut_short_is_read_as_far_as_it_goes_and_that_is_said(tmp_path):
    whole = write_video(tmp_path / "whole.avi", 40, code="MJPG").read_bytes()
    (tmp_path / "cut.avi").write_bytes(whole[: len(whole) // 2])
    with pytest.warns(UserWarning, match=r"cut\.avi: cut short .* only its first \d+ frames"):
        frames = find_images(tmp_path / "cut.avi")
    assert 10 <= len(frames) < 40
    assert np.isfinite(frames[len(frames) - 1].pixels).all()


def test_a_replaced_video_is_read_anew(tmp_path):
    path = write_video(tmp_path / "a.mp4", 5)
    assert len(find_images(path)) == 5
    read_image(Source(str(path), frame=1))
    write_video(path, 9)
    assert len(find_images(path)) == 9
    assert number(read_image(Source(str(path), frame=8))) == 8


def test_a_video_too_large_is_refused_before_it_is_decoded(clip, monkeypatch):
    monkeypatch.setattr(images, "MAX_PIXELS", 1000)
    monkeypatch.setattr(video, "read_frame", lambda *_: pytest.fail("decoded"))
    refused(clip, "64 x 48 px is larger than the limit")


def test_nothing_is_printed_by_the_libraries(tmp_path):
    (tmp_path / "bad.mp4").write_bytes(b"\0\0\0\x18ftypmp42" + bytes(500))
    (tmp_path / "bad.tif").write_bytes(b"II*\0\x08\0\0\0" + bytes(100))
    data = io.BytesIO()
    PIL.Image.fromarray(colourful(100, 100)).save(data, "JPEG")
    (tmp_path / "bad.jpg").write_bytes(data.getvalue()[:900])
    program = (
        "import sys, cairn.images as i, cairn.errors as e\n"
        "for p in sys.argv[1:]:\n"
        "    try:\n        i.read_image(p)\n        print('read', p)\n    except e.InputError:\n        pass\n"
    )
    paths = [str(tmp_path / f"bad.{s}") for s in ("mp4", "tif", "jpg")]
    done = subprocess.run([sys.executable, "-c", program, *paths], capture_output=True, text=True, check=True)
    assert done.stdout == ""
    assert done.stderr == ""


def test_importing_loads_no_decoder():
    program = "import sys, cairn.images; print([m for m in ('cv2', 'PIL', 'tifffile', 'torch') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
