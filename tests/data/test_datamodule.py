"""Ranges of image numbers become batches, the same for every layout."""

import tarfile
import zipfile
from fnmatch import fnmatchcase
from importlib.resources import files

import pytest
import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf

from pscgan.data.crops import ImageTooSmall
from pscgan.data.datamodule import ImageDataModule
from pscgan.data.splits import split

from .pictures import folder_of, noise, write

pytestmark = pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")  # Python 3.12 and later


@pytest.fixture
def root(tmp_path):
    return folder_of(tmp_path / "images", 10)


def image_data(root, **arguments):
    return ImageDataModule(str(root), **{"crop": 8, "batch_size": 4, "seed": 0, "validation": 3, **arguments})


def joined(*loaders):
    batches = [batch for loader in loaders for batch in loader]
    return torch.cat([batch["clean"] for batch in batches]), torch.cat([batch["number"] for batch in batches]).tolist()


def test_batches_are_consecutive_numbers(root):
    batches = list(image_data(root).train_loader(8, 20))
    assert [batch["number"].tolist() for batch in batches] == [[8, 9, 10, 11], [12, 13, 14, 15], [16, 17, 18, 19]]
    assert batches[0]["clean"].shape == (4, 3, 8, 8)
    assert batches[0]["clean"].dtype == torch.uint8
    assert batches[0]["skipped"].tolist() == [0] * 4


@pytest.mark.parametrize("layout", [{"num_workers": 2}, {"batch_size": 12}, {"cache": True}])
def test_images_do_not_depend_on_the_layout(root, layout):
    clean, numbers = joined(image_data(root).train_loader(0, 24))
    other_clean, other_numbers = joined(image_data(root, **layout).train_loader(0, 24))
    assert numbers == other_numbers == list(range(24))
    assert torch.equal(clean, other_clean)


def test_ranges_concatenate(root):
    data = image_data(root)
    whole, _ = joined(data.train_loader(0, 24))
    parts, numbers = joined(data.train_loader(0, 4), data.train_loader(4, 16), data.train_loader(16, 24))
    assert numbers == list(range(24))
    assert torch.equal(whole, parts)
    assert list(data.train_loader(4, 4)) == []


def test_ranks_share_every_batch(root):
    data = image_data(root, batch_size=6)
    whole, _ = joined(data.train_loader(0, 12))
    ranks = [joined(data.train_loader(0, 12, rank, 3)) for rank in range(3)]
    assert [numbers for _, numbers in ranks] == [[0, 1, 6, 7], [2, 3, 8, 9], [4, 5, 10, 11]]
    assert all(torch.equal(clean, whole[numbers]) for clean, numbers in ranks)
    with pytest.raises(ValueError, match=r"batch_size must .*got 6"):
        data.train_loader(0, 12, 0, 4)


def test_ranks_share_the_images_of_an_evaluation(root):
    data = image_data(root)
    names = [batch["name"] for rank in range(2) for batch in data.evaluation_loader(rank=rank, ranks=2)]
    assert names == [["07.png"], ["09.png"], ["08.png"]]
    (beyond,) = data.evaluation_loader(rank=3, ranks=4)
    assert beyond["number"].tolist() == [0]


@pytest.mark.parametrize(("start", "stop"), [(0, 6), (4, 0), (-4, 0)])
def test_a_range_is_made_of_whole_batches(root, start, stop):
    with pytest.raises(ValueError, match=f"a multiple of batch_size 4 apart, got {start} and {stop}"):
        image_data(root).train_loader(start, stop)


def test_training_never_sees_what_is_held_out(root):
    data = image_data(root, test=["00.png"])
    assert data.training.names == [f"{index:02d}.png" for index in range(1, 7)]
    for part, names in {"validation": ["07.png", "08.png", "09.png"], "test": ["00.png"]}.items():
        assert [batch["name"][0] for batch in data.evaluation_loader(part)] == names


def test_validation_batches(root):
    batches = list(image_data(root, validation_batch=2).evaluation_loader())
    assert [batch["clean"].shape for batch in batches] == [(2, 3, 40, 48), (1, 3, 40, 48)]
    assert [batch["number"].tolist() for batch in batches] == [[0, 1], [2]]
    cropped = image_data(root, evaluation_crop=16, num_workers=2).evaluation_loader()
    assert [batch["clean"].shape for batch in cropped] == [(1, 3, 16, 16)] * 3


@pytest.mark.parametrize("num_workers", [0, 2])
def test_images_of_different_size_are_no_batch(root, num_workers):
    write(root / "08.png", noise(33, 44))
    with pytest.raises(ValueError, match=r"07\.png has 40x48 pixels and 08\.png has 33x44 .*=1, or an evaluation_crop"):
        list(image_data(root, validation_batch=3, num_workers=num_workers).evaluation_loader())
    list(image_data(root, validation_batch=1, num_workers=num_workers).evaluation_loader())
    list(image_data(root, validation_batch=3, evaluation_crop=32, num_workers=num_workers).evaluation_loader())


@pytest.mark.parametrize("num_workers", [0, 2])
def test_errors_reach_the_caller_in_one_line(root, num_workers):
    data = image_data(root, num_workers=num_workers)
    write(root / "08.png", noise(4, 4))
    (root / "09.png").write_bytes(b"")
    for path in root.glob("0[0-6].png"):
        write(path, noise(4, 4))
    with pytest.raises(ValueError, match=r"^\S+0\d\.png: it has 4x4 pixels, too few for crop=8$"):
        list(data.train_loader(0, 8))
    with pytest.raises(ValueError, match=r"^\S+09\.png: the file is empty$"):
        list(data.evaluation_loader())


@pytest.mark.parametrize("num_workers", [0, 2])
def test_skipped_files_are_counted_in_the_batches(root, num_workers):
    (root / "02.png").write_bytes(b"")
    skipped = [
        batch["skipped"] for batch in image_data(root, num_workers=num_workers, batch_size=7).train_loader(0, 14)
    ]
    assert [int(counts.sum()) for counts in skipped] == [1, 1]


def test_loading_leaves_the_global_generator_alone(root):
    before = torch.get_rng_state()
    for num_workers in (0, 2):
        data = image_data(root, num_workers=num_workers)
        list(data.train_loader(0, 8))
        list(data.evaluation_loader())
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"batch_size": 0}, "batch_size must be >= 1, got 0"),
        ({"validation_batch": 0}, "validation_batch must be >= 1, got 0"),
        ({"num_workers": -1}, "num_workers must be >= 0, got -1"),
        ({"crop": 41}, r"00\.png: it has 40x48 pixels, .* crop=41"),
        ({"evaluation_crop": 41}, r"07\.png: it has 40x48 pixels, .* evaluation_crop=41"),
        ({"resize": 41}, r"07\.png: it has 40x48 pixels, .* resize=41"),
        ({"validation": 10}, "none is left for training"),
        ({"cache": True, "num_workers": 2}, "cache=true needs num_workers=0, got num_workers=2"),
    ],
)
def test_what_cannot_work_is_refused_at_construction(root, arguments, message):
    with pytest.raises(ValueError, match=message):
        image_data(root, **arguments)


def test_every_held_out_image_is_looked_at_before_training(root):
    write(root / "08.png", noise(15, 40))
    with pytest.raises(ImageTooSmall) as caught:
        image_data(root, evaluation_crop=16)
    assert caught.value.path.endswith("08.png")
    image_data(root, evaluation_crop=15)


def test_an_empty_split_cannot_be_evaluated(root):
    with pytest.raises(ValueError, match=r"dataset\.test must hold at least 1 image"):
        image_data(root).evaluation_loader("test")


def conf(name, **changes):
    return OmegaConf.merge(OmegaConf.load(str(files("pscgan.conf") / "dataset" / f"{name}.yaml")), changes)


def test_the_bundled_set_trains_and_validates():
    data = instantiate(conf("photos", seed=0))
    assert next(iter(data.train_loader(0, 16)))["clean"].shape == (8, 3, 32, 32)
    assert [max(batch["clean"].shape[2:]) for batch in data.evaluation_loader()] == [640] * 3


def test_a_folder_needs_only_its_root(root):
    folder_of(root, 104, height=128, width=130)
    data = instantiate(conf("folder", root=str(root), seed=0, num_workers=0))
    assert next(iter(data.train_loader(0, 32)))["clean"].shape == (32, 3, 128, 128)
    assert next(iter(data.evaluation_loader()))["clean"].shape == (4, 3, 128, 128)


@pytest.mark.parametrize("name", ["{0:05d}.png", "{1:05d}/{0:05d}.png", "thumbnails128x128/{1:05d}/{0:05d}.webp"])
def test_ffhq_splits_as_the_paper_does(name):
    names = [name.format(number, number // 1000 * 1000) for number in range(70_000)]
    held_out = OmegaConf.to_object(conf("ffhq128", root="ffhq", seed=0))
    parts = split(names, held_out["validation"], held_out["test"])
    assert parts.validation == names[3000:3100]
    assert parts.test == names[3100:5000]
    assert parts.train == names[:3000] + names[5000:]
    assert not fnmatchcase("03000/00012.png", held_out["validation"][0])


def archive(kind, root, place):
    with zipfile.ZipFile(place / "i.zip", "w") if kind == "zip" else tarfile.open(place / "i.tar", "w") as file:
        for path in sorted(root.iterdir()):
            (file.write if kind == "zip" else file.add)(path, path.name)
    return place / f"i.{kind}"


@pytest.mark.parametrize("kind", ["folder", "zip", "tar"])
def test_other_images_have_other_digests(tmp_path, kind):
    def digests():
        at = root if kind == "folder" else archive(kind, root, tmp_path)
        return ImageDataModule(str(at), crop=8, batch_size=2, seed=0, validation=1, test=1).digests

    def changed(name, pixels):
        before = digests()
        write(root / name, pixels)
        after = digests()
        return {part for part, value in before.items() if after[part] != value}

    root = folder_of(tmp_path / "images", 5)
    assert digests() == digests()
    assert changed("0.png", noise()) == {"train"}
    assert changed("03.png", noise(seed=7)) - {"train"} == {"test"}
    assert changed("04.png", noise(20, seed=8)) - {"train"} == {"validation"}
    assert changed("02.png", noise(20, seed=8)) == (set() if kind == "folder" else {"train"})
    assert changed("05.png", noise()) == {"train", "validation", "test"}
