"""The one door for pixels: pictures, video frames (volumes come later).

Pixels are ``[y, x]`` or ``[y, x, channel]`` with channels R, G, B, as people see the picture: EXIF and TIFF orientation
are applied when it is read, and points refer to the result (EXIF 2.32, tag 0x0112). What the file holds is kept: grey
stays one channel, 16-bit stays uint16, float stays float. What a detector cannot use is resolved here once: a palette
becomes its colours, CMYK becomes RGB without its profile, and what is transparent is laid on white, because the colours
under it are often left-overs that nobody ever saw. Colour profiles are not applied. Of an animated picture the first
frame is read; a TIFF has pages and a video has frames, and each of them is an image.

The size stands in the head of a file and is checked before anything is decoded, so a bad file cannot fill the memory.
"""

from __future__ import annotations

import io
import logging
import os
import re
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, overload

import numpy as np

from cairn import embedded, video
from cairn.errors import InputError

__all__ = [
    "MAX_PIXELS",
    "MAX_SIDE",
    "Image",
    "ImageList",
    "Source",
    "as_images",
    "decode_image",
    "find_images",
    "read_image",
]

MAX_PIXELS = 100_000_000  # of one picture: 300 MB as RGB; a 20,000 x 1,000 px panorama is a fifth of it
MAX_SIDE = 32_766  # OpenCV's warps address pixels with 16 bits

# what Pillow may decode; a fixed list, so that no file can start Ghostscript or another rarely tested decoder
_DECODERS = ("JPEG", "PNG", "GIF", "BMP", "PPM", "TIFF", "WEBP", "JPEG2000", "AVIF", "TGA")
_READABLE = "JPEG, PNG, TIFF, WebP, GIF, BMP, PNM, JPEG 2000, AVIF or TGA"
_PICTURES = (
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".tif", ".tiff", ".webp", ".gif", ".bmp", ".dib", ".tga"),
    *(".ppm", ".pgm", ".pbm", ".pnm", ".jp2", ".j2k", ".avif"),
)
_VIDEOS = (
    *(".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm", ".mpg", ".mpeg"),
    *(".wmv", ".flv", ".mts", ".m2ts", ".3gp", ".ogv"),
)
_TIFF_HEADS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_BIT_DEPTHS = (8, 10, 12, 14, 16)  # of the sensors whose pictures come in 16-bit files


@dataclass(frozen=True, slots=True)
class Source:
    """Where an image comes from: a file, and the page (TIFF) or frame (video) in it."""

    path: str
    page: int | None = None
    frame: int | None = None

    def __str__(self) -> str:
        where = self.page if self.page is not None else self.frame
        return self.path if where is None else f"{self.path}#{where}"


@dataclass(frozen=True, eq=False)
class Image:
    """Pixels and their place in the world.

    Parameters
    ----------
    pixels : (H, W) or (H, W, 3) uint8, uint16 or float; volumes (Z, Y, X)
    affine : (4, 4) voxel to world in mm, volumes only
    source : where it was read
    """

    pixels: np.ndarray
    affine: np.ndarray | None = None
    source: Source | None = None

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in px (of a picture)."""
        return self.pixels.shape[1], self.pixels.shape[0]

    def rgb(self) -> np.ndarray:
        """The picture for detectors and for drawing, not copied where it is 8-bit colour already: do not write on it.

        A grey picture is repeated in three channels. 16-bit values are divided so that white is the largest value of
        the smallest bit depth (8, 10, 12, 14, 16) that holds the brightest pixel: a 12-bit X-ray in a 16-bit file is
        not black. Float values in 0..1 are multiplied by 255; any other range is stretched from its smallest to its
        largest finite value. What is not finite is black.

        Returns
        -------
        (H, W, 3) uint8

        Raises
        ------
        ValueError : a volume
        """
        pixels = self.pixels
        if not (pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[2] == 3)):
            raise ValueError(f"pixels have shape {pixels.shape}; only a picture, (H, W) or (H, W, 3), has an RGB view")
        if pixels.dtype != np.uint8:
            pixels = _eight_bit(pixels)
        return pixels if pixels.ndim == 3 else np.repeat(pixels[..., None], 3, axis=2)

    def equals(self, other: object) -> bool:
        """Whether pixels and affine agree."""
        if not isinstance(other, Image) or self.pixels.dtype != other.pixels.dtype:
            return False
        if self.affine is None or other.affine is None:
            same_place = self.affine is other.affine
        else:
            same_place = np.array_equal(self.affine, other.affine)
        return same_place and np.array_equal(self.pixels, other.pixels, equal_nan=self.pixels.dtype.kind == "f")


class ImageList(Sequence[Image]):
    """Images that are read when they are asked for, and not kept."""

    def __init__(self, sources: Iterable[Source | Image | str | Path]):
        self.sources: tuple[Source | Image, ...] = tuple(
            s if isinstance(s, (Source, Image)) else Source(str(s)) for s in sources
        )

    def __len__(self) -> int:
        return len(self.sources)

    @overload
    def __getitem__(self, i: int) -> Image: ...
    @overload
    def __getitem__(self, i: slice) -> ImageList: ...
    def __getitem__(self, i: int | slice) -> Image | ImageList:
        if isinstance(i, slice):
            return ImageList(self.sources[i])
        source = self.sources[i]
        return source if isinstance(source, Image) else read_image(source)

    def __iter__(self) -> Iterator[Image]:
        return (self[i] for i in range(len(self)))

    def take(self, indices: Iterable[int]) -> ImageList:
        """The images of those indices, still unread."""
        return ImageList(self.sources[int(i)] for i in indices)

    def label(self, i: int) -> str:
        """A name for messages: the file's, or ``image 3``."""
        given = self.sources[i]
        source = given.source if isinstance(given, Image) else given
        return f"image {i}" if source is None else str(source)


def read_image(source: Source | str | Path) -> Image:
    """The pixels of a picture, of one page of a TIFF, or of one frame of a video (the first where none is named).

    Frames that are asked for in order cost one decoding each.

    Raises
    ------
    InputError : missing, empty, cut short, too large, or not a picture
    """
    source = source if isinstance(source, Source) else Source(str(source))
    path = Path(source.path)
    _check_file(path)
    if source.frame is not None and path.suffix.lower() == ".slp":
        return _read_embedded(path, source)
    if source.frame is not None or path.suffix.lower() in _VIDEOS:
        _check_video(path)
        return Image(video.read_frame(path, source.frame or 0), source=source)
    try:
        file = open(path, "rb")  # noqa: SIM115 - closed below; what goes wrong in opening is said in other words
    except OSError as error:
        raise InputError(f"{path}: cannot be opened ({error.strerror or error})") from None
    with file:
        return Image(_decode(file, path, source.page or 0), source=source)


def decode_image(data: bytes, source: Source) -> Image:
    """The pixels of a picture whose file lies in memory; `source` is its name.

    Raises
    ------
    InputError : empty, cut short, too large, or not a picture
    """
    if not data:
        raise InputError(f"{source}: there are no bytes; expected a picture")
    return Image(_decode(io.BytesIO(data), Path(str(source)), 0), source=source)


def _read_embedded(path: Path, source: Source) -> Image:
    """A picture that stands in a label file."""
    content, swapped = embedded.read_picture(path, source.frame or 0)
    if isinstance(content, np.ndarray):
        _check_size(path, content.shape[1], content.shape[0])
        return Image(_as_pixels(content), source=source)
    image = decode_image(content, source)
    return Image(image.pixels[..., ::-1], source=source) if swapped and image.pixels.ndim == 3 else image


def _decode(file: IO[bytes], path: Path, page: int) -> np.ndarray:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's remarks on size and on odd tags; ours is the one sentence
            return _read_picture(file, path, page)
    except InputError:
        raise
    except Exception as error:  # decoders raise nearly anything on damaged bytes
        reason = str(error).strip().split("\n")[0] or type(error).__name__
        raise InputError(f"{path}: the picture is damaged or cut short ({reason}); export or copy it again") from error


def find_images(path: str | Path) -> ImageList:
    """The pictures at `path`, unread.

    A folder is searched with all its folders, names sorted as people do (``2.jpg`` before ``10.jpg``), hidden ones left
    out. A video stands for its frames, a TIFF for its pages (those at full resolution).

    Raises
    ------
    InputError : nothing there, or a folder without pictures; a single file that is no video although it is named so
    """
    path = Path(path)
    if not os.path.isdir(path):
        _check_file(path)
        return ImageList(_sources(path))
    found: list[Path] = []
    for folder, folders, files in os.walk(path):
        folders[:] = [f for f in folders if not f.startswith(".")]
        named = (Path(folder, f) for f in files if not f.startswith("."))
        found += [f for f in named if f.suffix.lower() in _PICTURES + _VIDEOS]
    if not found:
        raise InputError(f"{path}: the folder holds no pictures or videos; expected files such as .jpg, .png or .mp4")
    sources: list[Source] = []
    for file in sorted(found, key=_natural):
        try:
            sources += _sources(file)
        except InputError:
            sources.append(Source(str(file)))  # reading it says what is wrong, and the others go on
    return ImageList(sources)


def as_images(pictures: Any) -> ImageList:
    """Whatever a user calls pictures: a path (file, folder, video), an array, an Image, a Pillow image, or a list.

    An array is ``[y, x]`` or ``[y, x, channel]`` with 1, 3 (R, G, B) or 4 channels (alpha is laid on white) or
    ``[n, y, x, channel]``, and is not copied where it can be used as it is.

    Raises
    ------
    InputError : something else
    """
    if isinstance(pictures, ImageList):
        return pictures
    if isinstance(pictures, (str, Path)):
        return find_images(pictures)
    if isinstance(pictures, (Image, Source)):
        return ImageList([pictures])
    if isinstance(pictures, np.ndarray):
        return ImageList(Image(_as_pixels(p)) for p in (pictures if pictures.ndim == 4 else [pictures]))
    if isinstance(pictures, (list, tuple)):
        return ImageList(s for p in pictures for s in as_images(p).sources)
    if hasattr(pictures, "getexif") and hasattr(pictures, "mode"):
        return ImageList([Image(_from_pillow(pictures))])
    raise InputError(
        f"cannot take pictures from {type(pictures).__name__}; expected a path, a NumPy array, an Image or a list"
    )


# --- files ---


def _check_file(path: Path) -> None:
    if os.path.isdir(path):
        raise InputError(f"{path}: is a folder; expected one picture or video")
    try:
        size = os.stat(path).st_size
    except (FileNotFoundError, NotADirectoryError):
        raise InputError(f"{path}: there is no such file; check the path") from None
    except (OSError, ValueError) as error:  # too long a name, a zero byte in it, no permission
        raise InputError(f"{str(path)[:200]!r}: cannot be opened ({error})") from None
    if size == 0:
        raise InputError(f"{path}: the file is empty; expected a picture")


def _check_size(path: Path, width: int, height: int) -> None:
    if width < 1 or height < 1:
        raise InputError(f"{path}: the picture is {width} x {height} px; expected at least one pixel")
    if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE:
        raise InputError(
            f"{path}: {width} x {height} px is larger than the limit of {MAX_PIXELS // 1_000_000} million px and "
            f"{MAX_SIDE} px a side; make it smaller or cut it into tiles"
        )


def _check_video(path: Path) -> video.VideoHead:
    head = video.scan(path)
    _check_size(path, head.width, head.height)
    return head


def _natural(path: Path) -> tuple[Any, ...]:
    parts = tuple(tuple(int(s) if s.isdigit() else s for s in re.split(r"([0-9]+)", p.lower())) for p in path.parts)
    return parts, str(path)


def _sources(path: Path) -> list[Source]:
    """The images in one file."""
    suffix = path.suffix.lower()
    if suffix in _VIDEOS:
        return [Source(str(path), frame=i) for i in range(len(_check_video(path)))]
    if suffix in (".tif", ".tiff"):
        pages = _pages(path)
        if len(pages) > 1:
            return [Source(str(path), page=i) for i in pages]
    return [Source(str(path))]


def _pages(path: Path) -> list[int]:
    """The pages of a TIFF that are neither thumbnails nor masks (TIFF 6.0, NewSubfileType); none if damaged."""
    try:
        with _opened_tiff(path) as tiff:
            return [i for i, page in enumerate(tiff.pages) if not int(page.aspage().subfiletype) & 5]
    except Exception:  # reading it says what is wrong
        return []


# --- pictures ---


def _read_picture(file: IO[bytes], path: Path, page: int) -> np.ndarray:
    import PIL.Image

    head = file.read(32)
    file.seek(0)
    try:
        picture = PIL.Image.open(file, formats=_DECODERS)
    except PIL.Image.DecompressionBombError:
        raise InputError(
            f"{path}: the picture is larger than the limit of {MAX_PIXELS // 1_000_000} million px; make it smaller or "
            "cut it into tiles"
        ) from None
    except PIL.UnidentifiedImageError:
        if head[:4] in _TIFF_HEADS:  # float colour, for one, is known to tifffile only
            return _read_deep_tiff(file, path, page)
        if head[4:12] in (b"ftypheic", b"ftypheix", b"ftypmif1", b"ftypheif"):
            raise InputError(f"{path}: HEIC pictures cannot be read; export it as JPEG or PNG") from None
        raise InputError(f"{path}: not a picture that can be read; expected {_READABLE}") from None
    with picture:
        if picture.format == "TIFF":
            count = getattr(picture, "n_frames", 1)
            if not 0 <= page < count:
                raise InputError(f"{path}: there is no page {page}; the file has pages 0 to {count - 1}")
            picture.seek(page)
            if max(picture.tag_v2.get(258, (1,))) > 8:  # type: ignore[attr-defined]  # BitsPerSample; Pillow would make 8-bit colour of it
                return _read_deep_tiff(file, path, page)
        elif page:
            raise InputError(f"{path}: there is no page {page}; only a TIFF has pages")
        _check_size(path, *picture.size)
        if picture.format == "PNG" and head[24] == 16 and picture.mode != "I;16":
            return _deep_png(picture, file)
        return _from_pillow(picture)


def _from_pillow(picture: Any) -> np.ndarray:
    """Decodes; every mode that Pillow has becomes grey or RGB, 8-bit, 16-bit or float."""
    picture.load()
    turn = _orientation(picture)  # after loading: Pillow turns a TIFF itself, and says so by taking the tag away
    mode = picture.mode
    if mode in ("I", "F") or mode.startswith("I;16"):
        pixels = _as_pixels(np.asarray(picture))
    elif mode in ("LA", "La"):
        pixels = _on_white(np.array(picture.convert("LA")))
    elif mode in ("RGBA", "RGBa", "PA") or "transparency" in picture.info:
        pixels = _on_white(np.array(picture.convert("RGBA")))
    elif mode in ("1", "L"):
        pixels = np.asarray(picture.convert("L"))
    else:
        pixels = np.asarray(picture if mode == "RGB" else picture.convert("RGB"))
    return _turned(pixels, turn)


def _deep_png(picture: Any, file: IO[bytes]) -> np.ndarray:
    """16-bit colour or transparency, of which Pillow keeps 8 bits."""
    import cv2

    picture.load()  # OpenCV fills what is missing from a file that is cut short; Pillow refuses it
    turn = _orientation(picture)
    file.seek(0)
    pixels = cv2.imdecode(np.frombuffer(file.read(), np.uint8), cv2.IMREAD_UNCHANGED | cv2.IMREAD_IGNORE_ORIENTATION)
    if pixels is None:
        raise ValueError("16-bit PNG cannot be decoded")
    if pixels.ndim == 3:
        pixels = np.concatenate([pixels[..., 2::-1], pixels[..., 3:]], axis=2)
    return _turned(_as_pixels(pixels), turn)


def _read_deep_tiff(file: IO[bytes], path: Path, page: int) -> np.ndarray:
    """TIFF with more than 8 bits a sample, or of a kind that Pillow does not know."""
    import cv2
    import tifffile

    file.seek(0)
    with _opened_tiff(file) as tiff:
        if not len(tiff.pages):
            raise ValueError("no pages")
        if not 0 <= page < len(tiff.pages):
            raise InputError(f"{path}: there is no page {page}; the file has pages 0 to {len(tiff.pages) - 1}")
        part = tiff.pages[page].aspage()
        _check_size(path, part.imagewidth, part.imagelength)
        if part.imagedepth > 1 or part.samplesperpixel > 4:
            raise InputError(
                f"{path}: page {page} has {part.samplesperpixel} channels and depth {part.imagedepth}; "
                "expected a picture with 1, 3 or 4 channels"
            )
        try:
            pixels = part.asarray()
            if part.axes.startswith("S"):  # channel by channel
                pixels = np.moveaxis(pixels, 0, -1)
        except ValueError as error:
            if "imagecodecs" not in str(error):
                raise
            file.seek(0)  # a compression that only OpenCV brings along (LZW, for one)
            data = np.frombuffer(file.read(), np.uint8)
            done, pages = cv2.imdecodemulti(
                data, cv2.IMREAD_UNCHANGED | cv2.IMREAD_IGNORE_ORIENTATION, range=(page, page + 1)
            )
            if not done:
                raise ValueError(f"{part.compression.name} compression") from None
            pixels = (
                pages[0] if pages[0].ndim == 2 else np.concatenate([pages[0][..., 2::-1], pages[0][..., 3:]], axis=2)
            )
        if part.photometric == tifffile.PHOTOMETRIC.SEPARATED and pixels.ndim == 3 and pixels.dtype.kind == "u":
            ink = pixels / float(np.iinfo(pixels.dtype).max)  # cyan, magenta, yellow, black
            pixels = np.rint((1 - ink[..., :3]) * (1 - ink[..., 3:]) * np.iinfo(pixels.dtype).max).astype(pixels.dtype)
        elif part.photometric == tifffile.PHOTOMETRIC.MINISWHITE and pixels.dtype.kind == "u":
            pixels = (2**part.bitspersample - 1) - pixels
        tag = part.tags.get(274)
        if pixels.ndim == 3 and pixels.shape[2] in (2, 4) and 0 in part.extrasamples:
            pixels = pixels[..., :-1]  # a fourth channel that is not said to be alpha
        return _turned(_as_pixels(pixels), 1 if tag is None else int(tag.value))


@contextmanager
def _opened_tiff(file: IO[bytes] | Path) -> Iterator[Any]:
    import tifffile

    log = logging.getLogger("tifffile")  # its remarks on damaged files; ours is the one sentence
    before, log.disabled = log.disabled, True
    try:
        with tifffile.TiffFile(file) as tiff:
            yield tiff
    finally:
        log.disabled = before


def _orientation(picture: Any) -> int:
    try:
        return int(picture.getexif().get(0x0112, 1))
    except Exception:  # damaged EXIF is no reason to refuse the pixels
        return 1


def _turned(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """Pixels as people see them, for the EXIF orientations 1 to 8 (EXIF 2.32, table 6)."""
    if orientation in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return np.ascontiguousarray(pixels)


def _as_pixels(array: np.ndarray) -> np.ndarray:
    """An array in one of the shapes and types that `Image` holds.

    Raises
    ------
    InputError : it is no picture
    """
    array = np.asarray(array)
    shape = array.shape
    if array.ndim == 3 and shape[2] in (1, 2):
        array = array[..., 0] if shape[2] == 1 else array
    if not (array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (2, 3, 4))) or array.size == 0:
        raise InputError(f"an array of shape {shape} is no picture; expected (H, W), (H, W, 3) or (H, W, 4)")
    if array.dtype.kind not in "buif":
        raise InputError(f"an array of {array.dtype} is no picture; expected uint8, uint16 or float")
    if array.dtype == bool:
        array = array.astype(np.uint8) * np.uint8(255)
    elif array.dtype.kind in "iu" and array.dtype not in (np.uint8, np.uint16):
        fits = array.min() >= 0 and array.max() <= 65535
        array = array.astype(np.uint16 if fits else np.float64 if array.itemsize > 2 else np.float32)
    elif array.dtype == np.float16:
        array = array.astype(np.float32)
    if not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    return _on_white(array.copy()) if array.ndim == 3 and array.shape[2] in (2, 4) else array


def _on_white(pixels: np.ndarray) -> np.ndarray:
    """(H, W, 2) or (H, W, 4), the last channel alpha, without it: what shows when the picture lies on white paper."""
    white = np.iinfo(pixels.dtype).max if pixels.dtype.kind == "u" else 1
    colour, alpha = pixels[..., :-1], pixels[..., -1]
    through = alpha < white
    if through.any():
        share = alpha[through][:, None] / white
        mixed = colour[through] * share + white * (1 - share)
        colour[through] = np.rint(mixed) if pixels.dtype.kind == "u" else mixed
    return np.ascontiguousarray(colour[..., 0] if colour.shape[2] == 1 else colour)


def _eight_bit(pixels: np.ndarray) -> np.ndarray:
    """See `Image.rgb`."""
    if pixels.dtype.kind == "u":
        brightest = int(pixels.max(initial=0))
        white = next(2**b - 1 for b in _BIT_DEPTHS if brightest < 2**b)
        table = np.rint(np.arange(white + 1) * (255 / white)).astype(np.uint8)
        return table[pixels]
    finite = np.isfinite(pixels)
    low, high = (float(pixels.min(initial=np.inf, where=finite)), float(pixels.max(initial=-np.inf, where=finite)))
    if low >= 0 and high <= 1:
        low, high = 0.0, 1.0
    gain = 255 / (high - low) if high > low else 0.0
    scaled = (np.where(finite, pixels, low).astype(np.float32) - np.float32(low)) * np.float32(gain)
    return np.rint(np.clip(scaled, 0, 255)).astype(np.uint8)
