"""A graph gives what the network gives: on sizes it was not made at, by PyTorch and by ONNX Runtime."""

import io
import json

import onnx
import onnxruntime
import pytest
import torch

from pscgan.models.generator import latent_strides
from pscgan.train.export import graph
from pscgan.train.export.graph import describe, graph_files, onnx_bytes, pt2_bytes, trace, unseen_inputs

from .graphs import SEALED, expected, inputs, made, of_onnx

CLOSE = 1e-5  # ten times less than a file is allowed
SMALL = {  # the default network is tried as a run exports it, in tests/scripts/test_export_graphs.py
    "unet twin, a map": ("unet", {"maps": 1, "width": 4, "levels": 2, "latent_channels": 0}),
    "rrdb": ("rrdb", {"blocks": 1, "width": 8, "growth": 4}),
    "pointwise, grey": ("pointwise", {"image_channels": 1, "width": 8}),
}
LARGE = {
    "unet": ("unet", {"maps": 1, "levels": 2, "decoder_blocks": 2}),
    "pscgan": ("pscgan", {}),
    "dcgan": ("dcgan", {"image_size": 8, "width": 4, "latent_channels": 5}),
    "pscgan twin": ("pscgan", {"stochastic": False}),
    "rrdb of 23 blocks": ("rrdb", {}),
    "rrdb twin of 23 blocks": ("rrdb", {"stochastic": False}),
    "pointwise twin": ("pointwise", {"latent_channels": 0}),
}


class Files:
    """Both of one generator."""

    def __init__(self, network, arguments):
        self.generator = made(network, **arguments)
        self.channels = arguments.get("image_channels", 3) + arguments.get("maps", 0)
        given = inputs(self.generator, self.channels, 1, 1, 9, 9)
        program = trace(self.generator, self.channels)
        self.contents = {".pt2": pt2_bytes(program, SEALED), ".onnx": onnx_bytes(program, given, SEALED)}
        self.extra = {"pscgan": ""}
        self.module = torch.export.load(io.BytesIO(self.contents[".pt2"]), extra_files=self.extra).module()
        self.session = onnxruntime.InferenceSession(self.contents[".onnx"], providers=["CPUExecutionProvider"])


@pytest.fixture(scope="module", params=SMALL)
def files(request):
    return Files(*SMALL[request.param])


def both(files, k, batch, height, width):
    given = inputs(files.generator, files.channels, k, batch, height, width)
    wanted = expected(files.generator, *given)
    torch.testing.assert_close(files.module(*given), wanted, rtol=0, atol=CLOSE)
    torch.testing.assert_close(of_onnx(files.session, given), wanted, rtol=0, atol=CLOSE)


@pytest.mark.parametrize(("k", "batch"), [(1, 1), (1, 3), (4, 1), (3, 2)])
def test_samples_are_the_network_s_at_any_size(files, k, batch):
    stride = files.generator.stride
    for height, width in ((stride + 1, stride + 1), (4 * stride, 2 * stride), (33, 70), (64, 47)):
        both(files, k, batch, height, width)


def test_inputs_are_as_described(files):
    assert files.extra["pscgan"] == files.session.get_modelmeta().custom_metadata_map["pscgan"] == SEALED
    described, generator = describe(files.generator, files.channels), files.generator
    assert [one["stride"] for one in described["latents"]] == latent_strides(generator)
    assert (described["min_size"], described["condition_channels"]) == (generator.stride + 1, files.channels)
    shapes = {one.name: one.shape for one in files.session.get_inputs()}
    assert shapes["condition"] == ["B", files.channels, "H", "W"]
    for number, one in enumerate(described["latents"]):
        assert shapes[f"latent_{number}"][:3] == ["K", "B", one["channels"]]
    assert len(shapes) == (2 + len(described["latents"]) if described["latents"] else 1)
    assert [out.shape[3:] for out in files.session.get_outputs()] == [["H", "W"]]


def test_the_files_are_valid_whole_and_name_no_machine(files):
    model = onnx.load_from_string(files.contents[".onnx"])
    onnx.checker.check_model(model, full_check=True)
    assert not any(tensor.external_data for tensor in model.graph.initializer)
    for content in files.contents.values():
        assert b"site-packages" not in content
        assert b"stochastic_unet.py" not in content
        assert b'File "' not in content


def test_the_same_export_is_the_same_bytes_and_one_of_another_network_is_found_out():
    network, changed, lines = made("pointwise", width=8), made("pointwise", width=8), []
    changed.out.bias.add_(1.1e-4)
    contents = graph_files(network, 3, SEALED, (".pt2", ".onnx"), lines.append)
    assert ["within" in line for line in lines] == [True, True]
    about = json.dumps({**json.loads(SEALED), "graph": describe(network, 3)}, sort_keys=True)
    again, given = trace(network, 3), unseen_inputs(network, 3)
    assert contents == {".pt2": pt2_bytes(again, about), ".onnx": onnx_bytes(again, given, about)}
    for run, suffix in ((graph.run_pt2, ".pt2"), (graph.run_onnx, ".onnx")):
        assert graph.difference(run(contents[suffix], given), network, given) <= CLOSE
        assert graph.difference(run(contents[suffix], given), changed, given) == pytest.approx(1.1e-4, rel=0.1)


def test_a_graph_that_gives_other_samples_is_refused(monkeypatch):
    network = made("pointwise", width=8)
    monkeypatch.setattr(graph, "run_pt2", lambda content, given: 1.1e-4 + expected(network, *given))
    with pytest.raises(ValueError, match=r"torch.export differ .* 1\.1e-04"):
        graph_files(network, 3, SEALED, [".pt2"], print)


@pytest.mark.slow
@pytest.mark.parametrize("name", LARGE)
def test_large_networks_likewise(name):
    files = Files(*LARGE[name])
    both(files, 2, 1, files.generator.stride + 1, 37)
    both(files, 1, 2, 48, 64)
