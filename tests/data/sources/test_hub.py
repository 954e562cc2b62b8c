"""Data sets of Hugging Face, built on disk: the same files, the same pixels."""

import io
import json
import multiprocessing
import pickle
import sys
import zipfile

import datasets
import pytest
import torch
from PIL import Image

from pscgan.data.datamodule import ImageDataModule
from pscgan.data.image_io.decode import UnreadableImage
from pscgan.data.sources.image_source import ImageSource
from pscgan.data.sources.pairs import PairSource

from ..pictures import folder_of, noise, png_16, tiff_16, write
from .test_tar import WORKERS, shard


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """Nothing is downloaded, and nothing is left behind."""
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    datasets.disable_progress_bars()


def data_set(files, **columns):
    column = [None if data is None else {"bytes": data, "path": None} for data in files]
    features = {"image": datasets.Image(), "label": datasets.Value("int64")}
    features |= {name: datasets.Image() for name in columns}
    contents = {"image": column, "label": list(range(len(files)))} | columns
    return datasets.Dataset.from_dict(contents, features=datasets.Features(features))


def jpeg(exif=None):
    file = io.BytesIO()
    options = {"exif": exif} if exif else {}
    Image.fromarray(noise(24, 40)).save(file, "JPEG", **options)
    return file.getvalue()


def every_kind_of_file():
    turned = Image.Exif()
    turned[0x0112] = 6
    grey, webp = io.BytesIO(), io.BytesIO()
    Image.fromarray(noise(9, 8, channels=1)).save(grey, "PNG")
    Image.fromarray(noise(9, 8)).save(webp, "WEBP", lossless=True)
    return {
        "a.png": png_16(noise(11, 7, depth="uint16")),
        "b.png": png_16(noise(11, 7, channels=1, depth="uint16")),
        "c.jpg": jpeg(),
        "d.jpg": jpeg(turned),
        "e.png": grey.getvalue(),
        "f.webp": webp.getvalue(),
        "g.tif": tiff_16(noise(6, 5, channels=1, depth="uint16"), ">"),
        "h.png": png_16(noise(11, 7, depth="uint16"))[:-30],
        "i.jpg": b"",
    }


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("resize", [None, 5])
def test_a_file_gives_the_same_pixels_from_every_root(tmp_path, channels, resize):
    files = every_kind_of_file()
    (tmp_path / "folder").mkdir()
    for name, data in files.items():
        (tmp_path / "folder" / name).write_bytes(data)
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    shard(tmp_path / "shards" / "x.tar", files)
    data_set(list(files.values())).save_to_disk(tmp_path / "saved")
    roots = [tmp_path / "folder", tmp_path / "x.zip", tmp_path / "shards", f"hf:{tmp_path}/saved"]
    sources = [ImageSource(root, channels, resize) for root in roots]
    for names in zip(*(source.names for source in sources), strict=True):
        outcomes = []
        for source, name in zip(sources, names, strict=True):
            try:
                outcomes.append(source.read(name).tolist())
            except UnreadableImage as error:
                outcomes.append((error.reason, str(error.path).removeprefix(f"{source.root}/{name}")))
        assert outcomes[1:] == outcomes[:-1]
        assert isinstance(outcomes[0], tuple) == (names[0] in ("h.png", "i.jpg"))


def test_rows_are_names(tmp_path):
    data_set([jpeg()] * 11).save_to_disk(tmp_path / "saved")
    source = ImageSource(f"hf:{tmp_path}/saved")
    assert source.names == [f"{row:02d}" for row in range(11)]
    assert source.shards == ()


def test_other_rows_are_another_version(tmp_path):
    files = [path.read_bytes() for path in sorted(folder_of(tmp_path / "images", 3).iterdir())]
    for name, rows in {"a": files[:2], "b": files[1:]}.items():
        data_set(rows).save_to_disk(tmp_path / name)
    versions = [ImageSource(f"hf:{tmp_path}/{name}").version for name in "aab"]
    assert versions[0] == versions[1] != versions[2]


def test_an_empty_row_is_unreadable(tmp_path):
    data_set([jpeg(), None]).save_to_disk(tmp_path / "saved")
    with pytest.raises(UnreadableImage, match=r"saved/1: the row holds no image"):
        ImageSource(f"hf:{tmp_path}/saved").read("1")


def test_a_saved_format_or_order_of_rows_does_not_matter(tmp_path):
    files = [path.read_bytes() for path in sorted(folder_of(tmp_path / "images", 3).iterdir())]
    data_set(files).select([2, 0]).with_format("arrow").save_to_disk(tmp_path / "saved")
    source = ImageSource(f"hf:{tmp_path}/saved")
    assert [source.files.read_bytes(row) for row in source.names] == [files[2], files[0]]


def test_the_split_is_named_where_there_are_several(tmp_path):
    parts = {"train": data_set([jpeg()]), "test": data_set([jpeg()] * 2)}
    datasets.DatasetDict(parts).save_to_disk(tmp_path / "both")
    datasets.DatasetDict(train=parts["train"]).save_to_disk(tmp_path / "one")
    assert len(ImageSource(f"hf:{tmp_path}/both?split=test").names) == 2
    assert len(ImageSource(f"hf:{tmp_path}/one").names) == 1
    for wrong in ("", "?split=other"):
        with pytest.raises(ValueError, match=r"must name one split, \?split= one of train, test"):
            ImageSource(f"hf:{tmp_path}/both{wrong}")
    parts["train"].save_to_disk(tmp_path / "single")
    with pytest.raises(ValueError, match=r"must have no \?split="):
        ImageSource(f"hf:{tmp_path}/single?split=train")


def test_the_column_is_found_by_its_type_or_named(tmp_path):
    other = [{"bytes": png_16(noise(5, 5, depth="uint16")), "path": None}]
    data_set([jpeg()], depth=other).save_to_disk(tmp_path / "two")
    assert ImageSource(f"hf:{tmp_path}/two?column=depth").read("0").shape == (3, 5, 5)
    for wrong in ("", "?column=label"):
        with pytest.raises(
            ValueError, match=r"must have one column .* one of image, depth, got .* with the columns image, l"
        ):
            ImageSource(f"hf:{tmp_path}/two{wrong}")
    datasets.Dataset.from_dict({"label": [1]}).save_to_disk(tmp_path / "none")
    with pytest.raises(ValueError, match=r"must have a column of images, got .* with the columns label"):
        ImageSource(f"hf:{tmp_path}/none")


def test_what_load_dataset_takes_is_a_root(tmp_path):
    folder = folder_of(tmp_path / "pictures" / "train", 3)
    write(tmp_path / "pictures" / "test" / "x.png", noise(seed=9))
    plain, loaded = ImageSource(folder), ImageSource(f"hf:{tmp_path}/pictures?split=train")
    for name, row in zip(plain.names, loaded.names, strict=True):
        assert torch.equal(plain.read(name), loaded.read(row))
    assert len(ImageSource(f"hf:{tmp_path}/pictures?split=train+test").names) == 4
    (tmp_path / "parquet").mkdir()
    data_set([path.read_bytes() for path in sorted(folder.iterdir())]).to_parquet(tmp_path / "parquet/x.parquet")
    parquet = ImageSource(f"hf:{tmp_path}/parquet")
    assert torch.equal(parquet.read("2"), plain.read("02.png"))


@pytest.mark.parametrize("root", ["hf:", "hf:x?rows=3", "hf:x?split=", "hf:x?split"])
def test_the_form_of_a_root_is_told(root):
    with pytest.raises(ValueError, match=r"root must .*got hf:.*"):
        ImageSource(root)


def test_what_cannot_be_loaded_is_one_line(tmp_path):
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged" / "state.json").write_text(json.dumps({}))
    for root in (f"{tmp_path}/damaged", f"{tmp_path}/missing", "nobody/nothing"):
        with pytest.raises(ValueError, match=rf"root is hf:{root}; datasets cannot load it: .+") as caught:
            ImageSource(f"hf:{root}")
        assert "\n" not in str(caught.value)


def test_missing_packages_name_their_extra(tmp_path, monkeypatch):
    for module in ("datasets", "braceexpand"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ValueError, match=r"needs the package datasets; pip install pscgan\[hub\]"):
        ImageSource("hf:user/name")
    with pytest.raises(ValueError, match=r"needs the package braceexpand; pip install pscgan\[webdataset\]"):
        ImageSource(tmp_path / "{0..1}.tar")


@WORKERS
@pytest.mark.parametrize(("method", "processes"), [("fork", 2), ("spawn", 1)])
def test_processes_read_at_once(tmp_path, method, processes):
    files = [path.read_bytes() for path in sorted(folder_of(tmp_path / "images", 6).iterdir())]
    data_set(files).save_to_disk(tmp_path / "saved")
    source = ImageSource(f"hf:{tmp_path}/saved")
    assert source.files.read_bytes("0") == files[0]
    with multiprocessing.get_context(method).Pool(processes) as pool:
        read = pool.map(pickle.loads(pickle.dumps(source)).files.read_bytes, [*source.names] * 20, chunksize=7)
    assert read == files * 20


@WORKERS
def test_training_equals_that_on_the_folder(tmp_path):
    folder = folder_of(tmp_path / "images", 6)
    data_set([path.read_bytes() for path in sorted(folder.iterdir())]).save_to_disk(tmp_path / "saved")

    def crops(root, workers):
        data = ImageDataModule(str(root), crop=8, batch_size=4, seed=0, validation=1, num_workers=workers)
        return torch.cat([batch["clean"] for batch in data.train_loader(0, 20)])

    expected = crops(folder, 0)
    for workers in (0, 2):
        assert torch.equal(crops(f"hf:{tmp_path}/saved", workers), expected)


def test_two_columns_are_pairs_by_their_rows(tmp_path):
    folders = [folder_of(tmp_path / "clean", 3), folder_of(tmp_path / "noisy", 4)]
    (folders[1] / "00.png").unlink()  # the same pictures, another in each row
    files = [[path.read_bytes() for path in sorted(folder.iterdir())] for folder in folders]
    noisy = [{"bytes": data, "path": None} for data in files[1]]
    data_set(files[0], noisy=noisy).save_to_disk(str(tmp_path / "saved"))
    source = PairSource(f"hf:{tmp_path / 'saved'}?column=image", f"hf:{tmp_path / 'saved'}?column=noisy")
    halves = [ImageSource(folder) for folder in folders]
    for row, name in enumerate(source.names):
        assert torch.equal(source.read(name), torch.cat([half.read(half.names[row]) for half in halves]))
    assert len(source.names) == 3
