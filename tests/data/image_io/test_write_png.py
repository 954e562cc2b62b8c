import io

import numpy as np
import pytest
import torch
from PIL import Image

from pscgan.data.image_io.write_png import encode_png

from ..pictures import noise


@pytest.mark.parametrize("channels", [1, 3])
def test_pixels_and_metadata_come_back(channels):
    pixels = noise(channels=channels)
    exif = Image.Exif()
    exif[0x0112] = 8
    tensor = torch.from_numpy(pixels.reshape(40, 48, channels)).permute(2, 0, 1)
    with Image.open(io.BytesIO(encode_png(tensor, b"Exif\0\0" + exif.tobytes()[6:], b"profile"))) as image:
        assert image.format == "PNG"
        assert (np.asarray(image) == pixels).all()
        assert image.getexif()[0x0112] == 8
        assert image.info["icc_profile"] == b"profile"


def test_without_metadata_there_is_none():
    with Image.open(io.BytesIO(encode_png(torch.zeros(3, 2, 2, dtype=torch.uint8)))) as image:
        assert not {"exif", "icc_profile"} & image.info.keys()
