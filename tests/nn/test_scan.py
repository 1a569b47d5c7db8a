"""The selective scan against its definition, and the directions in which maps are read."""

from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'mien[torch]'")

from mien.errors import InputError  # noqa: E402
from mien.nn.scan import (  # noqa: E402
    Scan2d,
    directions,
    merged,
    parallel_scan,
    recurrence,
    selective_scan,
    spread,
)

pytestmark = pytest.mark.torch
FORMS = [recurrence, selective_scan, parallel_scan]


def given(n: int = 2, g: int = 3, l: int = 37, d: int = 4, s: int = 5, seed: int = 0) -> list[torch.Tensor]:  # noqa: E741
    """u, delta, a, b, c, skip, by chance, in the range that a network has."""
    torch.manual_seed(seed)
    delta, a = torch.rand(n, g, l, d) + 0.01, -4 * torch.rand(g, d, s)
    return [torch.randn(n, g, l, d), delta, a, torch.randn(n, g, l, s), torch.randn(n, g, l, s), torch.randn(g, d)]


def by_hand(u: torch.Tensor, delta: torch.Tensor, a: torch.Tensor, b: torch.Tensor, c: torch.Tensor) -> torch.Tensor:
    """y_t = sum over k <= t of C_t exp(A (delta_(k+1) + ... + delta_t)) delta_k B_k u_k: the recurrence solved."""
    y = torch.zeros_like(u)
    for t in range(u.shape[2]):
        for k in range(t + 1):
            decay = torch.exp(delta[:, :, k + 1 : t + 1].sum(2)[..., None] * a)
            state = decay * (delta[:, :, k] * u[:, :, k])[..., None] * b[:, :, k, None]
            y[:, :, t] += (state * c[:, :, t, None]).sum(-1)
    return y


@pytest.mark.parametrize("form", FORMS)
def test_every_form_solves_the_equation(form: object) -> None:
    u, delta, a, b, c, skip = given(l=9)
    assert torch.allclose(form(u, delta, a, b, c, skip), by_hand(u, delta, a, b, c) + skip[:, None] * u, atol=1e-5)  # type: ignore[operator]


@pytest.mark.parametrize("form", FORMS[1:])
@pytest.mark.parametrize("length", [1, 2, 16, 37])
def test_values_and_gradients_are_those_of_the_recurrence(form: object, length: int) -> None:
    values = [value.requires_grad_() for value in given(l=length)]
    weight = torch.randn_like(values[0])
    wanted, found = recurrence(*values), form(*values)  # type: ignore[operator]
    assert torch.allclose(found, wanted, atol=1e-5)
    for one, other in zip(
        torch.autograd.grad((wanted * weight).sum(), values), torch.autograd.grad((found * weight).sum(), values)
    ):
        assert torch.allclose(one, other, atol=1e-5 * max(1.0, float(one.abs().max())))


def test_the_gradient_is_exact() -> None:
    values = [value.double().requires_grad_() for value in given(1, 2, 5, 2, 3)]
    assert torch.autograd.gradcheck(lambda *v: selective_scan(*v, chunk=2), values)


@pytest.mark.parametrize("chunk", [1, 5, 36, 37, 100])
def test_the_chunk_does_not_matter(chunk: int) -> None:
    values = [value.double() for value in given()]
    assert torch.allclose(selective_scan(*values, chunk=chunk), recurrence(*values), atol=1e-12)


@pytest.mark.parametrize("form", FORMS)
def test_what_comes_later_does_not_matter(form: object) -> None:
    u, delta, a, b, c, skip = given()
    changed = [value.clone() for value in (u, delta, b, c)]
    for value in changed:
        value[:, :, 20:] = value[:, :, 20:].abs() + 1
    before = form(u, delta, a, b, c, skip)  # type: ignore[operator]
    after = form(changed[0], changed[1], a, changed[2], changed[3], skip)  # type: ignore[operator]
    assert torch.allclose(before[:, :, :20], after[:, :, :20], atol=1e-6)
    assert not torch.allclose(before[:, :, 20:], after[:, :, 20:], atol=1e-2)


@pytest.mark.parametrize("form", FORMS)
def test_limits(form: object) -> None:
    u, delta, a, b, c, skip = given()
    # no step: only what skips the states
    still = form(u, torch.zeros_like(delta), a, b, c, skip)  # type: ignore[operator]
    assert torch.allclose(still, skip[:, None] * u)
    # everything is forgotten at once: no memory
    forgetful = form(u, delta, a - 1e6, b, c, skip)  # type: ignore[operator]
    assert torch.allclose(forgetful, skip[:, None] * u + delta * u * (b * c).sum(-1, keepdim=True), atol=1e-4)
    # nothing is forgotten: a running sum
    whole = form(u, delta, torch.zeros_like(a), b, torch.ones_like(c), skip * 0)  # type: ignore[operator]
    assert torch.allclose(whole, (delta * u * b.sum(-1, keepdim=True)).cumsum(2), atol=1e-4)


def test_strong_decay_gives_no_overflow() -> None:
    u, delta, a, b, c, skip = given(l=200)
    for form in FORMS:
        assert torch.isfinite(form(u, delta * 100, a * 10, b, c, skip)).all()


def test_a_chunk_of_nothing_is_refused() -> None:
    with pytest.raises(InputError, match="1 or more"):
        selective_scan(*given(), chunk=0)


# Maps -----------------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("height", "width"), [(4, 4), (3, 5), (5, 3), (1, 6), (6, 1)])
@pytest.mark.parametrize("count", [4, 8])
def test_each_direction_visits_each_cell_once_and_can_be_undone(height: int, width: int, count: int) -> None:
    order = directions(height, width, count)
    assert order.shape == (count, height * width)
    assert (order.sort(1).values == torch.arange(height * width)).all()
    assert (order[count // 2 :].flip(1) == order[: count // 2]).all()
    cells = torch.randn(2, height * width, 3)
    each = spread(cells, order)
    assert torch.allclose(merged(each, order), count * cells, atol=1e-5)
    for number in range(count):
        alone = torch.zeros_like(each)
        alone[:, number] = each[:, number]
        assert torch.equal(merged(alone, order), cells)


def test_directions_by_hand() -> None:
    assert directions(2, 3, 4)[:2].tolist() == [[0, 1, 2, 3, 4, 5], [0, 3, 1, 4, 2, 5]]
    # down right from each cell of the first row, around the edge; then down left
    assert directions(2, 3, 8)[2:4].tolist() == [[0, 4, 1, 5, 2, 3], [0, 5, 1, 3, 2, 4]]
    with pytest.raises(InputError, match="4 or 8"):
        directions(2, 2, 6)


def test_the_published_size_and_start() -> None:
    assert sum(p.numel() for p in Scan2d(128, 8).parameters()) == 236_544
    torch.manual_seed(0)
    scan = Scan2d(32, 4)
    steps = torch.nn.functional.softplus(scan.rate_bias.detach())
    assert float(steps.min()) >= 1e-3 * 0.999
    assert float(steps.max()) <= 0.1 * 1.001
    assert math.log(float(steps.median())) == pytest.approx(math.log(0.01), abs=0.3)
    assert torch.allclose(scan.log_decay.exp()[0, 0], torch.arange(1.0, 17))
    assert (scan.skip == 1).all()


def test_a_map_sees_all_of_itself() -> None:
    torch.manual_seed(0)
    scan = Scan2d(16, 8, 4)
    x = torch.randn(1, 4, 6, 16, requires_grad=True)
    out = scan(x)
    assert out.shape == x.shape
    # a middle cell hears of both ends only through the scans, for the convolution reaches one cell
    out[0, 2, 3].sum().backward()
    assert x.grad is not None
    assert (x.grad.abs().sum(-1) > 0).all()
