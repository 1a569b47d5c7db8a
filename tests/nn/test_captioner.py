"""The small network that answers questions: its attention against torch's, its count, its gradients."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'mien[torch]'")

from torch import nn  # noqa: E402

from mien.errors import InputError  # noqa: E402
from mien.nn.captioner import Attention, AttentionBlock, Captioner, Layers  # noqa: E402

pytestmark = pytest.mark.torch


def test_attention_is_that_of_torch() -> None:
    torch.manual_seed(0)
    ours, theirs = Attention(12, 3), nn.MultiheadAttention(12, 3, batch_first=True)
    with torch.no_grad():
        theirs.in_proj_weight.copy_(torch.cat([ours.query.weight, ours.key.weight, ours.value.weight]))
        theirs.in_proj_bias.copy_(torch.cat([ours.query.bias, ours.key.bias, ours.value.bias]))
        theirs.out_proj.weight.copy_(ours.join.weight)
        theirs.out_proj.bias.copy_(ours.join.bias)
        x, memory = torch.randn(2, 5, 12), torch.randn(2, 7, 12)
        assert torch.allclose(ours(x, memory), theirs(x, memory, memory)[0], atol=1e-6)


def test_each_head_is_its_slice_before_they_are_joined() -> None:
    torch.manual_seed(0)
    layer, kept = Attention(12, 3), []
    layer.mixed.register_forward_hook(lambda m, i, out: kept.append(out))
    x, memory = torch.randn(1, 5, 12), torch.randn(1, 7, 12)
    layer(x, memory)
    with torch.no_grad():
        layer.value.weight[4:8] += 1  # of head 1 alone
    layer(x, memory)
    changed = (kept[0] - kept[1]).abs().amax((0, 1)) > 1e-6
    assert changed.tolist() == [False] * 4 + [True] * 4 + [False] * 4


def test_a_block_is_the_sum_of_its_parts() -> None:
    torch.manual_seed(0)
    block, x, memory = AttentionBlock(8, 2, cross=True), torch.randn(2, 3, 8), torch.randn(2, 4, 8)
    with torch.no_grad():
        first = block.norms[0](x)
        y = x + block.own(first, first)
        y = y + block.cross(block.norms[1](y), memory)
        assert torch.allclose(block(x, memory), y + block.mlp(block.norms[2](y)))
    with pytest.raises(InputError, match="without a memory"):
        block(x)


def test_the_count_of_parameters() -> None:
    w, words, length = 16, 10, 5
    attention, mlp, norm = 4 * (w * w + w), 2 * 4 * w * w + 5 * w, 2 * w
    plain, cross = attention + mlp + 2 * norm, 2 * attention + mlp + 3 * norm
    wanted = (3 * 36 * w + w) + words * w + (4 + length + 1) * w + plain + 3 * cross + cross + norm + words * w + words
    net = Captioner(words, length, size=12, patch=6, width=w, heads=4, layers=Layers(1, 3, 1))
    assert sum(p.numel() for p in net.parameters()) == wanted


def test_the_answer_depends_on_picture_question_and_noise_and_gradients_reach_all() -> None:
    torch.manual_seed(0)
    net = Captioner(10, 5, size=12, patch=6, width=16, heads=4)
    image, question = torch.randn(3, 3, 12, 12), torch.randint(0, 10, (3, 5))
    logits = net(image, question)["logits"]
    assert logits.shape == (3, 10)
    assert not torch.allclose(logits, net(image + 1, question)["logits"])
    assert not torch.allclose(logits, net(image, (question + 1) % 10)["logits"])
    noise = torch.zeros(3, 4, 16)
    assert torch.equal(logits, net(image, question, noise)["logits"])
    assert not torch.allclose(logits, net(image, question, noise + torch.randn_like(noise))["logits"])
    (logits * torch.randn_like(logits)).sum().backward()
    # one token that attends to itself has nothing to choose: its query and key learn nothing, and no key has a use for its bias
    idle = {f"answer.0.own.{part}.{kind}" for part in ("query", "key") for kind in ("weight", "bias")}
    without = {name for name, p in net.named_parameters() if p.grad is None or p.grad.abs().max() < 1e-9}
    assert without - idle <= {name for name, _ in net.named_parameters() if name.endswith("key.bias")}


@pytest.mark.parametrize(("options", "words"), [({"heads": 5}, "heads that divide"), ({"patch": 7}, "divides the other")])
def test_sizes_that_do_not_fit(options: dict[str, int], words: str) -> None:
    with pytest.raises(InputError, match=words):
        Captioner(10, 5, size=12, **options)
