# SPDX-License-Identifier: Apache-2.0
"""How a picture of any size and colours becomes an image of the network: the same in training, `eval` and `predict`."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError
from pydantic import Field

from wsfracbnn.model.errors import InputError
from wsfracbnn.model.reading import Schema, one_of, require_file

FILE_LIMIT = 256 * 2**20
"""Bytes of a picture's file."""

PIXELS_LIMIT = 64_000_000
"""Of a picture when unpacked; the largest cameras have about as many."""

MODES = {1: "L", 3: "RGB", 4: "RGBA"}
"""Pillow's name of the colours, by how many a pixel has."""

NOT_READ = ("EPS", "FITS", "GRIB", "HDF5", "BUFR", "MPEG", "WMF")
"""Formats that Pillow hands to other programs, or only knows by name."""


class Pictures(Schema):
    """The table `[pictures]` of a settings file, kept in the checkpoint.

    Attributes:
        fit: how a picture of another shape is made to fit: `crop` cuts its longer sides off, `pad` adds black bars,
            `stretch` distorts it.
        keep: share of height and width around the middle that is looked at; the rest is cut off before.
        test_share: of each class's pictures that are held out, where they do not lie in folders `train` and `test`.
        split_seed: which these are.
    """

    fit: Annotated[str, one_of("crop", "pad", "stretch")] = "crop"
    keep: Annotated[float, Field(gt=0, le=1)] = 1.0
    test_share: Annotated[float, Field(gt=0, lt=1)] = 0.2
    split_seed: Annotated[int, Field(ge=0, lt=2**63)] = 1


AS_USUAL = Pictures()
"""What is done to pictures unless told otherwise."""


class BadPictureError(InputError):
    """A file that is no picture, or one that cannot be used; its message names the file and the reason."""


def read_picture(path: Path, shape: tuple[int, int, int], pictures: Pictures) -> NDArray[np.uint8]:
    """A picture's file as an image (H, W, colours) of `shape`, turned as its camera says.

    Raises:
        BadPictureError: no such file, or it cannot be read or is too large.
        InputError: pictures have no such number of colours.
    """
    require_colours(shape[2])
    try:
        require_file(path, "a picture", FILE_LIMIT)
        picture = _opened(path)
    except BadPictureError:
        raise
    except InputError as error:
        raise BadPictureError(str(error)) from None
    try:
        return _prepared(picture, shape, pictures)
    except ValueError:  # Pillow's, for colours that it cannot convert
        raise BadPictureError(f"{path}: found colours of the kind {picture.mode}, expected grey or RGB") from None


def require_colours(colours: int) -> None:
    """Raise `InputError` where pictures do not have so many values a pixel."""
    if colours not in MODES:
        raise InputError(
            f"config key 'image_channels': found {colours}, expected 1 (grey), 3 (red, green, blue) or 4 (and opacity) "
            "for pictures"
        )


def _opened(path: Path) -> Image.Image:
    Image.init()
    formats = [name for name in Image.OPEN if name not in NOT_READ]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of odd metadata; sizes are looked at here
            with Image.open(path, formats=formats) as picture:
                if picture.width * picture.height > PIXELS_LIMIT:
                    raise BadPictureError(
                        f"{path}: found {picture.width} x {picture.height} pixels, expected a picture of at most "
                        f"{PIXELS_LIMIT:,}"
                    )
                return ImageOps.exif_transpose(picture)
    except BadPictureError:
        raise
    except Image.DecompressionBombError:  # Pillow's own limit, which is higher
        raise BadPictureError(f"{path}: found a far larger picture, expected at most {PIXELS_LIMIT:,} pixels") from None
    except UnidentifiedImageError:
        raise BadPictureError(f"{path}: not a picture in a format that can be read") from None
    except Exception as error:  # whatever one of Pillow's many readers comes upon
        raise BadPictureError(f"{path}: not a picture that can be read ({error or type(error).__name__})") from None


def _prepared(picture: Image.Image, shape: tuple[int, int, int], pictures: Pictures) -> NDArray[np.uint8]:
    height, width, colours = shape
    size = (width, height)
    picture = _coloured(picture, MODES[colours])
    if pictures.keep < 1:
        kept = tuple(max(1, round(side * pictures.keep)) for side in picture.size)
        left, top = ((side - part) // 2 for side, part in zip(picture.size, kept, strict=True))
        picture = picture.crop((left, top, left + kept[0], top + kept[1]))
    method = Image.Resampling.BILINEAR  # Pillow's averages over all pixels that become one
    if pictures.fit == "crop":
        picture = ImageOps.fit(picture, size, method)
    elif pictures.fit == "pad":
        picture = ImageOps.pad(picture, size, method, color=0)
    elif picture.size != size:
        picture = picture.resize(size, method)
    return np.asarray(picture, dtype=np.uint8).reshape(shape)


def _coloured(picture: Image.Image, mode: str) -> Image.Image:
    """The picture in 8-bit colours; what is transparent is black where there is no opacity."""
    if picture.mode in ("I", "F"):
        raise ValueError("values of no known range")
    if picture.mode.startswith("I;16"):
        picture = Image.fromarray((np.asarray(picture) >> 8).astype(np.uint8))
    if mode != "RGBA" and picture.has_transparency_data:
        picture = picture.convert("RGBA")
        picture = Image.alpha_composite(Image.new("RGBA", picture.size, (0, 0, 0, 255)), picture)
    return picture if picture.mode == mode else picture.convert(mode)
