"""Activation patching: which part of a network brings an answer back, when it acts as on a clean input in a corrupt run.

A network runs on a clean input, on its corrupt twin, and on the twin again with one activation taken from the clean run. With a
score S (such as the logit of the right answer less that of the wrong one) the raw effect is S(patched) - S(corrupt), and the
effect E = (S(patched) - S(corrupt)) / (S(clean) - S(corrupt)): 1 where it restores everything, 0 where it does nothing. Sources:
Vig et al., arXiv:2004.12265 (indirect effect), Meng et al., arXiv:2202.05262 (ROME), arXiv:2406.16320 (NOTICE).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError, unknown_name

if TYPE_CHECKING:
    from torch import Tensor, nn

Floats = NDArray[np.float64]
# what the network gives for n inputs -> (n,)
Score = Callable[[Any], "Tensor"]


@dataclass(frozen=True)
class Site:
    """A place in a network whose activation can be replaced.

    Args:
        module: dotted name of a module that gives (n, tokens, width), or a tuple that begins with that.
        tokens: which of them; empty for all.
        head: which slice of the width; None for all of it.
        heads: into how many slices the width falls.
    """

    module: str
    tokens: tuple[int, ...] = ()
    head: int | None = None
    heads: int = 1


@dataclass(frozen=True, eq=False)
class Restored:
    """Scores of the clean run, of the corrupt one, and of each patched one.

    Args:
        clean: S(clean).
        corrupt: S(corrupt).
        patched: (sites,) S(patched).
    """

    clean: float
    corrupt: float
    patched: Floats

    @property
    def total(self) -> float:
        """The total effect of the corruption: S(clean) - S(corrupt)."""
        return self.clean - self.corrupt

    @property
    def raw(self) -> Floats:
        """(sites,) the indirect effect of each site: S(patched) - S(corrupt)."""
        return self.patched - self.corrupt

    @property
    def effect(self) -> Floats:
        """(sites,) E; NaN where the corruption changed the score by 1e-9 or less."""
        return self.raw / self.total if abs(self.total) > 1e-9 else np.full(len(self.patched), np.nan)


def restored(
    model: nn.Module,
    clean: Mapping[str, Tensor],
    corrupt: Mapping[str, Tensor],
    sites: Sequence[Site],
    score: Score,
    batch: int = 64,
) -> Restored:
    """Put the clean activation of each site, one at a time, into the corrupt run.

    Clean, corrupt and patched runs lie in one batch, so the model must treat its inputs one by one, as it does in eval mode,
    in which it answers here; it is left as it was. A module that is used several times is patched each time.

    Args:
        model: takes the tensors by name.
        clean: inputs, each (1, ...).
        corrupt: the same names and shapes.
        sites: what is patched.
        score: from what the model gives for n inputs to (n,); see :func:`logit_difference`.
        batch: sites that are patched at once.

    Returns:
        The scores, in the order of the sites.

    Raises:
        InputError: inputs that do not go together, no such module, token or head, a module that was not used, or a score of
            another shape.
    """
    import torch

    _check(model, clean, corrupt, sites)
    patched: list[Floats] = []
    first, second = float("nan"), float("nan")
    was = model.training
    model.eval()
    try:
        for start in range(0, max(1, len(sites)), batch):
            some = sites[start : start + batch]
            inputs = {k: torch.cat([clean[k], corrupt[k].expand(1 + len(some), *corrupt[k].shape[1:])]) for k in clean}
            with torch.no_grad(), _patching(model, some):
                scores = score(model(**inputs)).detach().double().cpu().numpy()
            if scores.shape != (2 + len(some),):
                raise InputError(f"a score of shape {scores.shape}", f"({2 + len(some)},), one for each input")
            first, second = float(scores[0]), float(scores[1])
            patched.append(scores[2:])
    finally:
        model.train(was)
    return Restored(first, second, np.concatenate(patched))


def _check(model: nn.Module, clean: Mapping[str, Tensor], corrupt: Mapping[str, Tensor], sites: Sequence[Site]) -> None:
    shapes = [{key: tuple(value.shape) for key, value in inputs.items()} for inputs in (clean, corrupt)]
    if shapes[0] != shapes[1] or any(shape[:1] != (1,) for shape in shapes[0].values()):
        raise InputError(
            f"clean {shapes[0]} and corrupt {shapes[1]}", "the same names and shapes (1, ...), for tokens face tokens"
        )
    names = {name for name, _ in model.named_modules() if name}
    for site in sites:
        if site.module not in names:
            raise unknown_name("module", site.module, names)
        if site.head is not None and not 0 <= site.head < site.heads:
            raise InputError(f"head {site.head} of {site.heads} in {site.module}", f"0 to {site.heads - 1}")


@contextmanager
def _patching(model: nn.Module, sites: Sequence[Site]) -> Iterator[None]:
    """While this is open, row 2 + k of each module takes from row 0 what site k names."""
    modules, used = dict(model.named_modules()), set()
    by_module: dict[str, list[tuple[int, Site]]] = {}
    for k, site in enumerate(sites):
        by_module.setdefault(site.module, []).append((2 + k, site))

    def hook(name: str, module: nn.Module) -> Any:
        def replace(_module: nn.Module, _inputs: object, found: Any) -> Any:
            used.add(name)
            # of a tuple only what goes on to the next layer
            return (_put(found[0], by_module[name]), *found[1:]) if isinstance(found, tuple) else _put(found, by_module[name])

        return module.register_forward_hook(replace)

    with ExitStack() as stack:
        for name in by_module:
            stack.callback(hook(name, modules[name]).remove)
        yield
    if unused := sorted(set(by_module) - used):
        raise InputError(f"the model did not use {', '.join(unused)}", "modules on the way to the answer")


def _put(found: Any, rows: Sequence[tuple[int, Site]]) -> Any:
    if getattr(found, "ndim", 0) != 3:
        raise InputError(f"{rows[0][1].module} gives {tuple(getattr(found, 'shape', ()))}", "(n, tokens, width)")
    found = found.clone()
    for row, site in rows:
        if any(not -found.shape[1] <= token < found.shape[1] for token in site.tokens) or found.shape[2] % site.heads:
            got = f"tokens {site.tokens} and {site.heads} heads of {tuple(found.shape)} in {site.module}"
            raise InputError(got, f"tokens below {found.shape[1]}, heads that divide {found.shape[2]}")
        size = found.shape[2] // site.heads
        part = slice(None) if site.head is None else slice(site.head * size, (site.head + 1) * size)
        tokens = list(site.tokens) or slice(None)
        found[row, tokens, part] = found[0, tokens, part]
    return found


def logit_difference(correct: int, wrong: int, output: str = "logits") -> Score:
    """The score S = logit(correct) - logit(wrong), of a tensor (n, classes) or of that name in a dict of them."""

    def score(found: Any) -> Tensor:
        logits = found[output] if isinstance(found, Mapping) else found
        difference: Tensor = logits[:, correct] - logits[:, wrong]
        return difference

    return score


def head_sites(modules: Sequence[str], heads: int, tokens: tuple[int, ...] = ()) -> list[Site]:
    """A site for each head of each module, head after head: E of them reshapes to (modules, heads)."""
    return [Site(module, tokens, head, heads) for module in modules for head in range(heads)]


def outstanding(scores: ArrayLike, deviations: float = 2.0) -> list[tuple[int, int]]:
    """The heads whose score lies above mean + ``deviations`` standard deviations of all, as (layer, head), best first.

    Args:
        scores: (layers, heads), such as the mean of |E| over samples.
        deviations: 2 in arXiv:2406.16320.

    Example:
        >>> outstanding([[0, 0, 0, 0], [0, 0, 1, 0]])
        [(1, 2)]
    """
    values = np.asarray(scores, np.float64)
    if values.ndim != 2 or not np.isfinite(values).all():
        raise InputError(f"scores of shape {values.shape}", "finite numbers (layers, heads)")
    chosen = np.argwhere(values > values.mean() + deviations * values.std())
    return sorted(((int(k), int(j)) for k, j in chosen), key=lambda place: -values[place])


def concentration(effects: ArrayLike) -> tuple[float, float]:
    """How few sites carry the effect: the share of the largest |E|, and the Gini coefficient of |E|; NaN where all are 0.

    G = sum_i (2 i - n - 1) x_i / (n sum x) over x in rising order: 0 when all are alike, (n - 1) / n when one has it all.
    Source: Gini (1912), in the form of Dixon et al. (1987), "Bootstrapping the Gini coefficient of inequality".

    Example:
        >>> concentration([0.0, 0.0, 0.0, -2.0])
        (1.0, 0.75)
    """
    x = np.sort(np.abs(np.asarray(effects, np.float64)).ravel())
    if not len(x) or not np.isfinite(x).all():
        raise InputError(f"{len(x)} effects", "finite numbers, at least one", "leave out what could not be told")
    if not x.any():
        return float("nan"), float("nan")
    rank = np.arange(1, len(x) + 1)
    return float(x[-1] / x.sum()), float(((2 * rank - len(x) - 1) * x).sum() / (len(x) * x.sum()))
