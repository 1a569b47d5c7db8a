"""Grad-CAM: its identities, what it leaves untouched, and the overlay."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'mien[torch]'")

from torch import Tensor, nn  # noqa: E402

from mien.attribution.gradient import grad_cam, overlay  # noqa: E402
from mien.errors import InputError  # noqa: E402

pytestmark = pytest.mark.torch


class Net(nn.Module):
    """Two convolutions, then the mean over the map and one linear layer, or two."""

    def __init__(self, deep: bool = False, add: float = 0.0) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.convs = nn.Sequential(nn.Conv2d(3, 6, 3, 2, 1), nn.BatchNorm2d(6), nn.ReLU(inplace=True), nn.Conv2d(6, 8, 3, 1, 1))
        self.head = nn.Sequential(nn.Linear(8, 9), nn.Tanh(), nn.Linear(9, 4)) if deep else nn.Linear(8, 4)
        self.aside = nn.Conv2d(3, 2, 1)
        self.unused = nn.Conv2d(3, 2, 1)
        self.add = add

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        code = torch.relu(self.convs(image)).mean((2, 3))
        return {"logits": self.head(code) + self.add, "other": self.head(code) * 2, "aside": self.aside(image).mean((2, 3))}


@pytest.fixture
def image() -> Tensor:
    return torch.randn(3, 3, 20, 14, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("deep", [False, True])
@pytest.mark.parametrize("target", [None, [0, 3, 3]])
def test_a_map_lies_in_0_to_1_and_has_the_size_of_the_picture(image: Tensor, deep: bool, target: list[int] | None) -> None:
    maps = grad_cam(Net(deep), image, "convs.3", target)
    assert (maps.shape, maps.dtype) == ((3, 20, 14), np.float32)
    assert maps.min() >= 0
    assert maps.max() <= 1
    assert maps.max() > 0.5


def test_a_constant_on_all_logits_changes_nothing(image: Tensor) -> None:
    np.testing.assert_allclose(grad_cam(Net(True), image, "convs.3"), grad_cam(Net(True, add=7.0), image, "convs.3"), atol=1e-5)


def test_with_one_linear_layer_after_the_mean_it_is_cam(image: Tensor) -> None:
    class Cam(Net):
        def forward(self, image: Tensor) -> dict[str, Tensor]:
            return {"logits": self.head(self.convs(image).mean((2, 3)))}

    net, target = Cam().eval(), [2, 0, 1]
    with torch.no_grad():
        maps = torch.einsum("nchw,nc->nhw", net.convs(image), net.head.weight[target]).clamp_min(0)
        wanted = maps / maps.amax((1, 2), keepdim=True)
        wanted = nn.functional.interpolate(wanted[:, None], (20, 14), mode="bilinear", align_corners=False)[:, 0]
    np.testing.assert_allclose(grad_cam(net, image, "convs.3", target), wanted.numpy(), atol=1e-5)


def test_it_is_equation_1_and_2_by_finite_differences(image: Tensor) -> None:
    net = Net(True).eval().double()
    pixels, target = image[:1].double(), 1
    with torch.no_grad():
        features = net.convs(pixels)

        def score(change: Tensor) -> float:
            return float(net.head(torch.relu(features + change).mean((2, 3)))[0, target])

        weights = torch.zeros(8, dtype=torch.float64)
        for k in range(8):
            step = torch.zeros_like(features)
            step[0, k] = 1e-6
            weights[k] = (score(step) - score(-step)) / 2e-6 / features[0, 0].numel()
        wanted = torch.einsum("chw,c->hw", features[0], weights).clamp_min(0)
        wanted = nn.functional.interpolate((wanted / wanted.max())[None, None], (20, 14), mode="bilinear")[0, 0]
    np.testing.assert_allclose(grad_cam(net, pixels, "convs.3", [target])[0], wanted.numpy(), atol=1e-4)


def test_a_batch_equals_its_singles(image: Tensor) -> None:
    net = Net(True)
    singles = np.concatenate([grad_cam(net, row[None], "convs.3") for row in image])
    np.testing.assert_allclose(grad_cam(net, image, "convs.3"), singles, atol=1e-5)


def test_what_changes_a_layers_output_in_place_does_not_change_its_map(image: Tensor) -> None:
    kept, net = Net(True), Net(True)
    kept.convs[2] = nn.ReLU(inplace=False)
    np.testing.assert_array_equal(grad_cam(net, image, "convs.1"), grad_cam(kept, image, "convs.1"))


def test_the_model_is_left_as_it_was(image: Tensor) -> None:
    net = Net(True).train()
    net.head.eval()
    for parameter in net.parameters():
        parameter.requires_grad_(False)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    with torch.no_grad():
        grad_cam(net, image, "convs.3")
    with pytest.raises(InputError):
        grad_cam(net, image, "convs.3", [9, 9, 9])
    assert net.training
    assert net.convs[1].training
    assert not net.head[0].training
    assert not net.convs[3]._forward_hooks
    assert all(p.grad is None for p in net.parameters())
    assert not image.requires_grad
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())


def test_a_map_is_0_where_nothing_speaks_for_the_class(image: Tensor) -> None:
    net = Net()
    nn.init.zeros_(net.head.weight)
    assert not grad_cam(net, image, "convs.3").any()


def test_a_tensor_or_another_output_is_read(image: Tensor) -> None:
    net = Net().eval()
    plain = nn.Sequential(net.convs, nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), net.head)
    wanted = grad_cam(net, image, "convs.3", [1, 1, 1])
    np.testing.assert_allclose(grad_cam(plain, image, "0.3", [1, 1, 1]), wanted, atol=1e-5)
    np.testing.assert_allclose(grad_cam(net, image, "convs.3", [1, 1, 1], output="other"), wanted, atol=1e-5)


@pytest.mark.parametrize(
    ("layer", "options", "message"),
    [
        ("convs.4", {}, "unknown layer"),
        ("", {}, "unknown layer"),
        ("head", {}, r"gives \(3, 4\); wanted \(n, channels, h, w\)"),
        ("aside", {}, "do not depend on the layer"),
        ("unused", {}, "was not used"),
        ("convs.3", {"output": "logit"}, "did you mean logits"),
        ("convs.3", {"target": [0, 1]}, "3 of them from 0 to 3"),
        ("convs.3", {"target": [0, 1, -1]}, "3 of them from 0 to 3"),
    ],
)
def test_what_cannot_be_done_says_why(image: Tensor, layer: str, options: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        grad_cam(Net(), image, layer, **options)


def test_the_module_imports_without_torch() -> None:
    code = "import sys; sys.modules['torch'] = None; import mien.attribution.gradient"
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


class TestOverlay:
    def test_the_picture_shows_where_the_map_is_0_and_the_colour_where_it_is_1(self) -> None:
        picture = np.random.default_rng(0).integers(0, 256, (8, 12, 3), np.uint8)
        before, heat = picture.copy(), np.zeros((8, 12), np.float32)
        heat[:, 6:] = 1
        found = overlay(picture, heat, 1.0)
        np.testing.assert_array_equal(found[:, :6], before[:, :6])
        assert len(np.unique(found[:, 6:].reshape(-1, 3), axis=0)) == 1
        red, green, blue = found[0, 7].tolist()
        assert red > 2 * max(green, blue)
        np.testing.assert_array_equal(picture, before)

    def test_a_coarse_map_is_enlarged(self) -> None:
        found = overlay(np.zeros((30, 20, 3), np.uint8), np.array([[0.0, 1.0]]))
        assert found.shape == (30, 20, 3)
        assert (np.diff(found.sum(2)[0, 5:12].astype(int)) > 0).all()

    @pytest.mark.parametrize("heat", [np.full((4, 4), 1.2), np.full((4, 4), -0.1), np.full((4, 4), np.nan), np.zeros((2, 4, 4))])
    def test_other_maps_are_refused(self, heat: np.ndarray) -> None:
        with pytest.raises(InputError, match=r"\(h, w\) in \[0, 1\]"):
            overlay(np.zeros((4, 4, 3), np.uint8), heat)

    def test_other_pictures_and_opacities_are_refused(self) -> None:
        with pytest.raises(InputError, match="uint8 RGB"):
            overlay(np.zeros((4, 4, 3), np.float32), np.zeros((4, 4)))  # type: ignore[arg-type]
        with pytest.raises(InputError, match="0 to 1"):
            overlay(np.zeros((4, 4, 3), np.uint8), np.zeros((4, 4)), 1.5)
