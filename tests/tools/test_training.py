"""The training tools: losses against hand-worked cases, resume, export, splits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'mien[torch]'")
pytest.importorskip("scipy")

from torch import nn  # noqa: E402

import loop  # noqa: E402
import train_detector  # noqa: E402
from mien.train.export import write_onnx  # noqa: E402
from train_mesh import part_of  # noqa: E402

pytestmark = pytest.mark.torch


def test_giou_of_hand_worked_pairs() -> None:
    a = torch.tensor([[0.0, 0, 2, 2], [0, 0, 1, 1]])
    b = torch.tensor([[1.0, 1, 3, 3], [2, 0, 3, 1]])
    iou, general = train_detector.giou(a, b)
    torch.testing.assert_close(iou, torch.tensor([1 / 7, 0.0]))
    # hulls 9 and 3: 1/7 - 2/9, and 0 - 1/3
    torch.testing.assert_close(general, torch.tensor([1 / 7 - 2 / 9, -1 / 3]))


def test_every_face_is_learned_somewhere_and_at_its_own_stride() -> None:
    objective = train_detector.Objective(320)
    for side in (9, 16, 30, 60, 100, 150, 300):
        box = torch.tensor([[160 - side / 2, 150 - side / 2, 160 + side / 2, 150 + side / 2]])
        faces = torch.cat([box, torch.zeros(1, 10)], 1)
        face, left = objective.assign(faces, 1, torch.zeros(1, 4))
        strides = objective.strides[face >= 0].unique().tolist()
        assert strides, side
        assert all(train_detector.RANGES[int(s)][0] <= side <= train_detector.RANGES[int(s)][1] for s in strides)
        assert not (left & (face >= 0)).any()


def test_of_two_faces_at_one_place_the_smaller_is_learned() -> None:
    objective = train_detector.Objective(320)
    faces = torch.zeros(2, 14)
    faces[0, :4], faces[1, :4] = torch.tensor([100.0, 100, 200, 200]), torch.tensor([130.0, 130, 170, 170])
    face, _ = objective.assign(faces, 2, torch.zeros(1, 4))
    assert (face[(objective.strides == 16) & (face >= 0)] == 1).any()


def test_unsure_regions_are_left_out() -> None:
    objective = train_detector.Objective(320)
    _, left = objective.assign(torch.zeros(1, 14), 0, torch.tensor([[0.0, 0, 64, 64]]))
    inside = (objective.centres < 64).all(1)
    assert (left == inside).all()


def test_the_rate_warms_up_and_ends_near_zero() -> None:
    plan = loop.Plan(epochs=10, rate=1.0, warm=1)
    assert loop.rate_at(plan, 0) < 0.01
    assert loop.rate_at(plan, 1) == pytest.approx(1.0)
    assert loop.rate_at(plan, 10) == pytest.approx(0.01)
    assert loop.rate_at(plan, 5.5) == pytest.approx(0.01 + 0.99 * 0.5)


def train(out: Path, epochs: int, stop: int | None = None) -> nn.Module:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 1))

    def batches(epoch: int):
        if epoch == stop:
            raise KeyboardInterrupt
        for k in range(5):
            x = torch.randn(16, 3, generator=torch.Generator().manual_seed(100 * epoch + k))
            yield x, x.sum(1, keepdim=True)

    plan = loop.Plan(epochs=epochs, precision="fp32")
    loss = lambda m, b: {"loss": (m(b[0]) - b[1]).square().mean()}  # noqa: E731
    return loop.fit(model, plan, batches, 5, loss, lambda m: {}, out)


def test_a_stopped_training_goes_on_to_the_same_weights(tmp_path: Path) -> None:
    whole = train(tmp_path / "a", 6).state_dict()
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "b", 6, stop=3)
    resumed = train(tmp_path / "b", 6).state_dict()
    for key, value in whole.items():
        assert torch.equal(value, resumed[key]), key


def test_export_halves_the_weights_and_keeps_the_answer(tmp_path: Path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    torch.manual_seed(1)
    net = nn.Sequential(nn.Linear(40, 60), nn.ReLU(), nn.Linear(60, 5)).eval()
    x = torch.randn(7, 40)
    write_onnx(net, {"x": x}, ["y"], tmp_path / "net.onnx")
    found = onnxruntime.InferenceSession(str(tmp_path / "net.onnx")).run(["y"], {"x": x.numpy()})[0]
    np.testing.assert_allclose(found, net(x).detach().numpy(), atol=5e-3)
    write_onnx(net, {"x": x}, ["y"], tmp_path / "full.onnx", half=False)
    assert (tmp_path / "net.onnx").stat().st_size < 0.7 * (tmp_path / "full.onnx").stat().st_size


def test_a_person_lies_in_one_part_only() -> None:
    parts = {part_of("lfw", f"Some_Person_{k:04d}.jpg") for k in range(20)}
    assert len(parts) == 1
    shares = np.array([part_of("fairface", f"train_{k}.jpg") for k in range(4000)])
    assert 0.06 < (shares == "test").mean() < 0.1
