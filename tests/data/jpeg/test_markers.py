"""What a file declares, and which files are refused by name."""

import io

import numpy as np
import pytest
from PIL import Image

from pscgan.data.jpeg.coefficients import SAMPLINGS
from pscgan.data.jpeg.markers import Component, levels_only, parse
from pscgan.data.jpeg.support_check import MAX_SCANS, sampling, unsupported_reason

from .makers import at, make_files, patched, picture, segment

SOF0, SOF2, DHT, DQT, SOS, APP0, APP14, COMMENT = 0xC0, 0xC2, 0xC4, 0xDB, 0xDA, 0xE0, 0xEE, 0xFE
END = b"\xff\xd9"


def encoded(mode="RGB", size=(48, 40), **options):
    buffer = io.BytesIO()
    Image.fromarray(picture(size)).convert(mode).save(buffer, "JPEG", **options)
    return buffer.getvalue()


COLOUR, GREY, PROGRESSIVE = encoded(), encoded("L"), encoded(progressive=True)


def without(data, marker):
    start = at(data, marker)
    return data[:start] + data[start + 2 + int.from_bytes(data[start + 2 : start + 4]) :]


def sampled(*factors):
    """COLOUR with other sampling factors, a byte a component: horizontal, then vertical."""
    data = COLOUR
    for place, factor in enumerate(factors):
        data = patched(data, SOF0, 11 + 3 * place, [factor])
    return data


def components(count):
    start = at(COLOUR, SOF0)
    frame = COLOUR[start + 4 : start + 9] + bytes([count]) + b"".join(bytes((i + 1, 0x11, 0)) for i in range(count))
    scan = segment(SOS, bytes([1, 1, 0, 0, 63, 0]))
    return COLOUR[:start] + segment(SOF0, frame) + scan + END


def extended(data, *segments):
    """With these right behind the start of image."""
    return data[:2] + b"".join(segments) + data[2:]


FRAME = COLOUR[at(COLOUR, SOF0) + 4 :][:15]
LAST = PROGRESSIVE.rindex(b"\xff\xda")  # scan
TO_SCAN = COLOUR[: at(COLOUR, SOS)]

REFUSED = {
    "empty": (b"", "the file is empty"),
    "text": (b"some text", "it is not a JPEG: .*got 73 6f 6d"),
    "png": (b"\x89PNG\r\n\x1a\n", "it is not a JPEG"),
    "two bytes": (b"\xff\xd8", "it is truncated: it has no end-of-image marker"),
    "cut in a segment": (COLOUR[: at(COLOUR, SOF0) + 9], "it is truncated: it ends inside the segment at byte"),
    "cut before a length": (COLOUR[: at(COLOUR, SOF0) + 3], "it is truncated: it ends inside the segment at byte"),
    "cut in a scan": (COLOUR[:-20], "it is truncated: it has no end-of-image marker"),
    "cut at the end": (COLOUR[:-2], "it is truncated: it has no end-of-image marker"),
    "without scan": (TO_SCAN + END, "it is truncated: its scans leave coefficients of component 1 open"),
    "without last scan": (PROGRESSIVE[:LAST] + END, "it is truncated: its scans leave coefficients of component"),
    "last scan coarse": (
        PROGRESSIVE[: LAST + 9] + b"\x21" + PROGRESSIVE[LAST + 10 :],
        "it is truncated: its scans leave",
    ),
    "without frame": (without(TO_SCAN, SOF0) + END, "it is damaged: it has no frame"),
    "scan before frame": (without(COLOUR, SOF0), "it is damaged: a scan comes before the frame"),
    "two frames": (extended(COLOUR, segment(SOF0, FRAME)), "it is damaged: it declares two frames"),
    "short frame": (patched(COLOUR, SOF0, 9, [2]), "its frame is longer or shorter than its components"),
    "same names": (patched(COLOUR, SOF0, 13, [1]), "two of its components have the same identifier"),
    "other names": (patched(COLOUR, SOS, 5, [9]), "a scan names components that the frame does not have"),
    "no length": (extended(COLOUR, b"\xff\xfe\0\1"), "the segment at byte 2 must .*got 1"),
    "no marker": (extended(COLOUR, segment(COMMENT), b"x"), "it is damaged: no segment begins at byte 6"),
    "restart outside": (extended(COLOUR, b"\xff\xd0"), "it is damaged: no segment begins at byte 2"),
    "no height": (patched(COLOUR, SOF0, 5, [0, 0]), "its height must be >= 1, got 0 .*DNL"),
    "no width": (patched(COLOUR, SOF0, 7, [0, 0]), "its width must be >= 1, got 0"),
    "bomb": (patched(COLOUR, SOF0, 5, [0xEA, 0x60] * 2), "size of 60000x60000 is above the limit of [0-9]+ pixels"),
    "12 bits": (patched(COLOUR, SOF0, 4, [12]), "it has 12 bits a sample; it must be .* of 8 bits"),
    "lossless": (patched(COLOUR, SOF0, 1, [0xC3]), "it is lossless"),
    "JPEG-LS": (patched(COLOUR, SOF0, 1, [0xF7]), "it is JPEG-LS"),
    "arithmetic": (patched(COLOUR, SOF0, 1, [0xC9]), "it is arithmetic-coded"),
    "arithmetic progressive": (patched(PROGRESSIVE, SOF2, 1, [0xCA]), "it is arithmetic-coded"),
    "differential": (patched(COLOUR, SOF0, 1, [0xC5]), "it is hierarchical"),
    "hierarchical": (extended(COLOUR, segment(0xDE, FRAME)), "it is hierarchical"),
    "CMYK": (encoded("CMYK"), "its colours must be grey or YCbCr, got CMYK"),
    "YCCK": (patched(encoded("CMYK"), APP14, 15, [2]), "its colours must .*got YCCK"),
    "two components": (components(2), "it must have 1 component .*got 2"),
    "five components": (components(5), "component .*got 5"),
    "RGB by Adobe": (
        extended(without(COLOUR, APP0), segment(APP14, b"Adobe" + bytes(7))),
        "its colours must .*got RGB",
    ),
    "RGB by names": (without(encoded(keep_rgb=True), APP14), "got RGB, stored without colour transform"),
    "4:4:0": (sampled(0x12), "its chroma sampling must .*got 4:4:0"),
    "4:1:1": (sampled(0x41), "its chroma sampling must .*got 4:1:1"),
    "4:1:0": (sampled(0x42), "its chroma sampling must .*got 4:1:0"),
    "fractions": (sampled(0x31, 0x21, 0x21), "its chroma sampling must .*got 3x1,2x1,2x1"),
    "chroma finer": (sampled(0x11, 0x22, 0x22), "its chroma sampling must .*got 1x1,2x2,2x2"),
    "chroma unequal": (sampled(0x22, 0x11, 0x21), "its chroma sampling must .*got 2x2,1x1,2x1"),
    "no factor": (sampled(0x20), "its sampling factors must be 1 to 4, got 2x0,1x1,1x1"),
    "tables missing": (without(COLOUR, DQT), "its quantisation table 0 is missing"),
    "other table": (patched(COLOUR, SOF0, 15, [3]), "its quantisation table 3 is missing"),
    "table of 0": (patched(COLOUR, DQT, 9, [0]), "its quantisation table 0 must have steps >= 1, got 0"),
    "short table": (patched(COLOUR, DQT, 4, [0x10]), "a quantisation table is not one of 0 to 3 with 64 steps"),
    "tables change": (
        PROGRESSIVE[:LAST] + segment(DQT, bytes([0] + [7] * 64)) + END,
        "its quantisation tables change between scans",
    ),
    "many scans": (
        GREY[: at(GREY, SOS)] + segment(SOS, bytes([1, 1, 0, 0, 63, 0])) * (MAX_SCANS + 1) + END,
        "it must have at most 100 scans, got 101",
    ),
}


def judged(data):
    try:
        return unsupported_reason(parse(data), 89_000_000)
    except ValueError as error:
        return str(error)


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_not_read_is_refused_by_name(case):
    data, reason = REFUSED[case]
    with pytest.raises(ValueError, match=reason):
        raise ValueError(judged(data) or "it is read")


def test_what_the_refused_were_made_of_is_read():
    assert [unsupported_reason(parse(data), 89_000_000) for data in (COLOUR, GREY, PROGRESSIVE)] == [None, None, None]


def test_a_frame_is_read_field_by_field():
    header = parse(patched(COLOUR, SOF0, 7, [0, 47]))
    assert (header.frame, header.precision, header.height, header.width) == (SOF0, 8, 40, 47)
    assert header.components == (Component(1, 2, 2, 0), Component(2, 1, 1, 1), Component(3, 1, 1, 1))
    assert header.jfif
    assert header.adobe_transform is None
    assert [len(parse(data).scans) for data in (COLOUR, GREY, PROGRESSIVE)] == [1, 1, 10]


def test_headers_agree_with_pillow(tmp_path):
    for path in make_files(tmp_path):
        header = parse(path.read_bytes())
        with Image.open(path) as image:
            assert (header.width, header.height) == image.size
            assert [tuple(part) for part in header.components] == image.layer
            assert header.tables == {number: tuple(steps) for number, steps in image.quantization.items()}
        assert unsupported_reason(header, None) is None


@pytest.mark.parametrize("name", SAMPLINGS)
def test_samplings_are_known_by_their_ratios(name):
    horizontal, vertical = SAMPLINGS[name]
    assert sampling(parse(sampled(16 * horizontal + vertical))) == SAMPLINGS[name]
    chroma = 16 * (2 // horizontal) + 2 // vertical
    assert sampling(parse(sampled(0x22, chroma, chroma))) == SAMPLINGS[name]


def test_tables_of_two_bytes_a_step_are_read():
    steps = np.arange(64) * 500 + 1
    data = without(GREY, DQT)
    data = data[:2] + segment(DQT, b"\x10" + steps.astype(">u2").tobytes()) + data[2:]
    table = parse(data).tables[0]
    with Image.open(io.BytesIO(data)) as image:
        assert list(table) == image.quantization[0]
    assert table[1] == 501
    assert table[8] == 1001


def test_the_limit_counts_pixels():
    assert "above the limit of 1919 pixels" in unsupported_reason(parse(COLOUR), 48 * 40 - 1)
    assert unsupported_reason(parse(COLOUR), 48 * 40) is None
    assert unsupported_reason(parse(REFUSED["bomb"][0]), None) is None


def test_only_what_makes_levels_is_kept():
    noisy = extended(COLOUR, segment(COMMENT), segment(0xE5, b"A" * 60000) * 40, b"\xff\xff\xff") + b"more"
    assert levels_only(noisy) == levels_only(COLOUR) == without(COLOUR, APP0)
