"""Folders and archives."""

import pickle
import shutil
import zipfile

import numpy as np
import pytest
import torch
from PIL import Image

from pscgan.data.crops import ImageTooSmall
from pscgan.data.image_io.decode import UnreadableImage
from pscgan.data.sources.image_source import ImageSource
from pscgan.data.sources.open_source import BUNDLED

from ..pictures import folder_of, noise, write


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "images"
    for index, name in enumerate(["b/10.png", "b/9.PNG", "a.webp", "B.tif", "deep/er/x.JpEg"]):
        write(root / name, noise(seed=index))
    for name in [".hidden.png", ".cache/x.png", "__MACOSX/b/x.png", "b/notes.txt"]:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"not an image")
    return root


def zipped(folder, archive):
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        for path in [folder, *folder.rglob("*")]:
            file.write(path, path.relative_to(folder))
    return archive


def test_names_are_nested_sorted_and_visible(folder):
    assert ImageSource(folder).names == ["B.tif", "a.webp", "b/10.png", "b/9.PNG", "deep/er/x.JpEg"]


def test_a_hidden_folder_above_the_root_does_not_matter(tmp_path):
    assert ImageSource(folder_of(tmp_path / ".data", 2)).names == ["00.png", "01.png"]


def test_zip_equals_folder(folder, tmp_path):
    one, other = ImageSource(folder), ImageSource(zipped(folder, tmp_path / "images.ZIP"))
    assert one.names == other.names
    assert all(torch.equal(one.read(name), other.read(name)) for name in one.names)


@pytest.mark.parametrize("channels", [1, 3])
def test_images_are_uint8_channels_first(tmp_path, channels):
    pixels = noise(20, 30, channels)
    write(tmp_path / "x.png", pixels)
    image = ImageSource(tmp_path, channels).read("x.png")
    assert image.dtype == torch.uint8
    assert image.shape == (channels, 20, 30)
    assert torch.equal(image, torch.from_numpy(pixels.reshape(20, 30, channels)).permute(2, 0, 1))


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_archives_of_any_method_give_their_bytes_and_little_to_a_process(tmp_path, method):
    data = {f"ä{number:04d}/{'x' * 20}.png": noise(seed=number).tobytes()[: 40 + number] for number in range(1000)}
    (tmp_path / "images.zip").write_bytes(b"a program that unpacks itself")
    with zipfile.ZipFile(tmp_path / "images.zip", "a", method) as file:
        for name, content in data.items():
            file.writestr(name, content)
    files = pickle.loads(packed := pickle.dumps(ImageSource(tmp_path / "images.zip").files))
    assert {name: files.read_bytes(name) for name in files.names} == data
    assert files.read_bytes("ä0999/xxxxxxxxxxxxxxxxxxxx.png", 10) == data["ä0999/xxxxxxxxxxxxxxxxxxxx.png"][:10]
    assert len(packed) < 120 * len(data)


def test_resize_is_lanczos_of_the_central_square(tmp_path):
    pixels = noise(40, 64)
    write(tmp_path / "x.png", pixels)
    square = Image.fromarray(pixels[:, 12:52])
    expected = np.asarray(square.resize((16, 16), Image.Resampling.LANCZOS))
    assert np.array_equal(ImageSource(tmp_path, resize=16).read("x.png").permute(1, 2, 0), expected)


def test_resize_of_that_size_changes_nothing_and_never_enlarges(tmp_path):
    pixels = noise(32, 32)
    write(tmp_path / "x.png", pixels)
    assert np.array_equal(ImageSource(tmp_path, resize=32).read("x.png").permute(1, 2, 0), pixels)
    for look in (ImageSource.read, ImageSource.size):
        with pytest.raises(ImageTooSmall) as caught:
            look(ImageSource(tmp_path, resize=33), "x.png")
        assert (caught.value.size, caught.value.option, caught.value.min_size) == ((32, 32), "resize", 33)


def test_sizes_are_those_of_the_pixels(tmp_path):
    folder = tmp_path / "images"
    folder.mkdir()
    profile = b"long" * 20_000  # the size stands behind it, beyond what is read at first
    Image.fromarray(noise(40, 48)).save(folder / "a.jpg", icc_profile=profile)
    write(folder / "b.png", noise(300, 300))
    write(folder / "c.tif", noise(300, 200))
    write(folder / "d.webp", noise(300, 200))
    shutil.make_archive(str(tmp_path / "all"), "zip", folder)
    for root in (folder, tmp_path / "all.zip"):
        source = ImageSource(root)
        assert [source.size(name) for name in source.names] == [source.read(name).shape[1:] for name in source.names]


def test_damage_names_file_and_reason(folder, tmp_path):
    (folder / "b/10.png").write_bytes((folder / "b/10.png").read_bytes()[:500])
    (folder / "a.webp").write_bytes(b"")
    for source in (ImageSource(folder), ImageSource(zipped(folder, tmp_path / "images.zip"))):
        with pytest.raises(UnreadableImage, match=r"b/10\.png: .*[Tt]runcated"):
            source.read("b/10.png")
        with pytest.raises(UnreadableImage, match=r"a\.webp: the file is empty"):
            source.read("a.webp")
        assert source.read("B.tif").shape == (3, 40, 48)


def test_a_damaged_member_of_an_archive_is_unreadable(folder, tmp_path):
    archive = zipped(folder, tmp_path / "images.zip")
    with zipfile.ZipFile(archive) as file:
        start = file.getinfo("B.tif").header_offset
    data = bytearray(archive.read_bytes())
    for place in (start + 2000, start, len(data)):  # its bytes, its header; the archive is cut
        damaged = data[:place] + bytes([data[place] ^ 0xFF]) + data[place + 1 :] if place < len(data) else data[:start]
        source = ImageSource(archive)
        archive.write_bytes(damaged)
        with pytest.raises(UnreadableImage, match=r"B\.tif: "):
            source.read("B.tif")
        archive.write_bytes(data)


def test_an_encrypted_member_is_unreadable(folder, tmp_path):
    archive = zipped(folder, tmp_path / "images.zip")
    data = archive.read_bytes()
    place = data.rindex(b"PK\1\2", 0, data.rindex(b"B.tif")) + 8  # of its flags in the table of contents
    archive.write_bytes(data[:place] + bytes([data[place] | 1]) + data[place + 1 :])
    with pytest.raises(UnreadableImage, match=r"B\.tif: .*encrypted"):
        ImageSource(archive).read("B.tif")


def test_a_file_that_vanished_is_unreadable(folder):
    source = ImageSource(folder)
    (folder / "a.webp").unlink()
    with pytest.raises(UnreadableImage, match=r"a\.webp: .*No such file"):
        source.read("a.webp")


def test_wrong_roots_say_what_is_allowed(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "damaged.zip").write_bytes(b"PK and no more")
    (tmp_path / "a.tgz").write_bytes(b"")
    for root, allowed in {
        "missing": "be an existing folder, image file, .zip archive or .tar shard, .* bundled:photos",
        "a.tgz": "be an existing folder",
        "empty": r"hold image files \(.png",
        "damaged.zip": "be a whole .zip archive",
    }.items():
        with pytest.raises(ValueError, match=f"root must {allowed}.* got .*{root}"):
            ImageSource(tmp_path / root)


@pytest.mark.parametrize("arguments", [{"channels": 4}, {"resize": 0}])
def test_wrong_arguments_are_named(tmp_path, arguments):
    ((name, value),) = arguments.items()
    with pytest.raises(ValueError, match=f"{name} must be .*got {value}"):
        ImageSource(folder_of(tmp_path, 1), **arguments)


def test_the_bundled_photographs_are_colour_and_credited():
    source = ImageSource(BUNDLED)
    credits = (source.root / "CREDITS.md").read_text()
    assert len(source.names) == 14
    for name in source.names:
        image = source.read(name)
        assert max(image.shape[1:]) == 640
        assert not torch.equal(image[0], image[1])
        assert f"`{name}`" in credits
