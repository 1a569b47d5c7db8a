"""NOTICE: which heads of a network that sees and reads carry an answer, by pictures that differ in one concept, not by noise.

"What Do VLMs NOTICE? A Mechanistic Interpretability Pipeline for Noise-free Text-Image Corruption and Evaluation", NAACL 2025,
arXiv:2406.16320. A picture and a question of two options ("does the person feel X or Y") are corrupted in one of three
ways: the picture becomes one of the wrong option (semantic pair), both options become words of the opposite sentiment (symmetric
replacement, the number of tokens stays), or, as was usual before, Gaussian noise of three deviations falls on the tokens of the
picture. Clean activations are put back one at a time (:mod:`mien.attribution.patching`); with LD = logit(right) - logit(wrong),
E = (LD patched - LD corrupt) / (LD clean - LD corrupt). At the token of the right option a head counts when the mean of |E| over
samples lies above mean + 2 deviations over all heads.

Simplified: :func:`evaluate` trains :class:`mien.nn.captioner.Captioner`, a small network of BLIP's form; BLIP and LLaVA are not
here. Words are single tokens. The right option is counted with the leading [CLS]; the authors' code reads the token before it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from ...attribution.patching import Site, concentration, head_sites, logit_difference, outstanding, restored
from ...datasets import image_folder
from ...datasets.drawing import face, lines
from ...datasets.layout import Place, rows
from ...errors import InputError
from ...labels import CIRCUMPLEX
from ...media.image import read_image, write_image
from ...metrics.table import NAN, Row, Table, share_row
from ...nn.captioner import Captioner, plant

ASKED = ("[CLS]", "does", "the", "person", "feel", "or")
RIGHT, WRONG = 5, 7  # places of the options in "[CLS] does the person feel X or Y" when the right one comes first
LENGTH, SIZE, NOISE = 8, 24, 3.0
PARTS = ("self-attention", "cross-attention", "MLP", "block")
WAYS = ("semantic pair", "symmetric replacement", "noise")
Inputs = Mapping[str, Tensor]


@dataclass(frozen=True)
class Pair:
    """A picture, its twin of the wrong option, both options, and the place of the right one in the question."""

    clean: Path
    corrupt: Path
    right: str
    wrong: str
    place: int = RIGHT


def question(first: str, second: str, words: Sequence[str]) -> Tensor:
    """(1, 8) "[CLS] does the person feel FIRST or SECOND" in numbers of words."""
    return torch.tensor([[words.index(word) for word in (*ASKED[:5], first, ASKED[5], second)]])


def opposite(right: str, wrong: str, known: Sequence[str], rng: np.random.Generator) -> tuple[str, str] | None:
    """Two other options of opposite sentiment (valence above 0 in :data:`mien.labels.CIRCUMPLEX`, or not); None without them."""
    positive, chosen = {word: CIRCUMPLEX.get(word, (0, 0))[0] > 0 for word in known}, list[str]()
    for word in (right, wrong):
        if not (free := [w for w in known if w not in (right, wrong, *chosen) and positive[w] != positive[word]]):
            return None
        chosen.append(str(rng.choice(free)))
    return chosen[0], chosen[1]


def tensor(image: NDArray[np.uint8]) -> Tensor:
    """(1, 3, 24, 24) in [-1, 1]."""
    small = cv2.resize(image, (SIZE, SIZE), interpolation=cv2.INTER_AREA)
    return torch.from_numpy(np.ascontiguousarray(small.transpose(2, 0, 1)))[None].float() / 127.5 - 1


def read_pairs(root: Place) -> list[Pair]:
    """The semantic pairs of ``pairs.csv``: clean, corrupt (paths from the root), right, wrong; the order of options in turn."""
    folder = Path(root)
    if not (folder / "pairs.csv").is_file() or not (found := list(rows(folder / "pairs.csv"))):
        raise InputError(f"no pairs.csv in {root}", "lines of clean,corrupt,right,wrong", "write one for each pair of pictures")
    texts = [(folder / r.text("clean"), folder / r.text("corrupt"), r.text("right"), r.text("wrong")) for r in found]
    return [Pair(*row, (RIGHT, WRONG)[k % 2]) for k, row in enumerate(texts)]


def learn(root: Place, words: Sequence[str], steps: int, seed: int) -> Captioner:
    """A small network that was taught the two-option question on the pictures of ``train``."""
    torch.manual_seed(seed)
    rng, samples = np.random.default_rng(seed), list(image_folder.read(root, "train"))
    names = [sample.truth.expression.name for sample in samples if sample.truth.expression]
    images, known = torch.cat([tensor(sample.read()) for sample in samples]), sorted(set(names))
    network = Captioner(len(words), LENGTH, SIZE)
    optim = torch.optim.AdamW(network.parameters(), 2e-3)
    for _ in range(steps):
        chosen = rng.integers(0, len(names), 64)
        asked = []
        for i in chosen:
            other = str(rng.choice([word for word in known if word != names[i]]))
            asked.append(question(names[i], other, words) if rng.random() < 0.5 else question(other, names[i], words))
        logits = network(images[torch.from_numpy(chosen)], torch.cat(asked))["logits"]
        loss = F.cross_entropy(logits, torch.tensor([words.index(names[i]) for i in chosen]))
        optim.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optim.step()
    return network.eval()


def inputs(
    pair: Pair, way: str, words: Sequence[str], network: Captioner, rng: np.random.Generator
) -> tuple[Inputs, Inputs] | None:
    """Clean and corrupt inputs of a pair; None where the words for a replacement are missing."""
    options = (pair.right, pair.wrong) if pair.place == RIGHT else (pair.wrong, pair.right)
    seen = network.tokens(image := tensor(read_image(pair.clean))).detach()
    clean = {"image": image, "question": question(*options, words), "noise": torch.zeros_like(seen)}
    if way == "semantic pair":
        return clean, {**clean, "image": tensor(read_image(pair.corrupt))}
    if way == "noise":
        drawn = torch.from_numpy(rng.normal(size=tuple(seen.shape))).float() * NOISE * seen.std()
        return clean, {**clean, "noise": drawn}
    other = opposite(*options, words[len(ASKED) :], rng)
    return None if other is None else (clean, {**clean, "question": question(*other, words)})


def study(
    network: Captioner, pairs: Sequence[Pair], words: Sequence[str], way: str, rng: np.random.Generator, whole: bool = False
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """E of every cross-attention head for each pair that the network answers rightly and that the corruption makes worse.

    Heads are patched at the token of the right option; with ``whole`` at all tokens, and every pair is kept. Gives (kept, layers,
    heads), and (kept, 4, layers) for the parts at all tokens.
    """
    layers, heads = len(network.text), network.crosses()[0].heads
    parts = [Site(f"text.{k}{part}") for part in (".own", ".cross", ".mlp", "") for k in range(layers)]
    found = []
    for pair in pairs:
        if (given := inputs(pair, way, words, network, rng)) is None:
            continue
        sites = head_sites([f"text.{k}.cross.mixed" for k in range(layers)], heads, () if whole else (pair.place,))
        runs = restored(network, *given, [*sites, *parts], logit_difference(words.index(pair.right), words.index(pair.wrong)))
        if whole or (runs.clean > 0 and runs.total > 1e-6):
            found.append(runs.effect)
    effects = np.array(found, np.float64).reshape(len(found), layers * (heads + 4))
    return effects[:, : layers * heads].reshape(-1, layers, heads), effects[:, layers * heads :].reshape(-1, 4, layers)


def _planted(pairs: Sequence[Pair], words: Sequence[str], seed: int) -> Table:
    """A network of chance weights whose one open head is known."""
    torch.manual_seed(seed)
    plant(network := Captioner(len(words), LENGTH, SIZE).eval(), *(place := (1, 2)))
    score = np.abs(study(network, pairs, words, WAYS[0], np.random.default_rng(seed), whole=True)[0]).mean(0)
    others, n = np.delete(score, np.ravel_multi_index(place, score.shape)), score.size
    table = [Row("rank(planted head)", float(1 + (others >= score[place]).sum()), n, (n + 1) / 2)]
    table.append(Row("E(planted head)", float(score[place]), len(pairs), 0.0))
    table.append(Row("largest E(other heads)", float(others.max()), n - 1, NAN))
    return Table("notice/planted", (*table, share_row("it alone stands out", int(outstanding(score) == [place]), 1, NAN)))


def _learned(network: Captioner, pairs: Sequence[Pair], words: Sequence[str], way: str, seed: int) -> Table:
    heads, parts = study(network, pairs, words, way, np.random.default_rng(seed))
    table, n = [share_row("pairs kept", len(heads), len(pairs), NAN)], len(heads)
    if not n:
        return Table(f"notice/{way}", tuple(table))
    score = np.abs(heads).mean(0)
    top, gini = concentration(score)
    table += [Row("share of the largest head", top, n, 1 / score.size), Row("Gini(heads)", gini, n, 0.0)]
    table.append(Row("heads that stand out", len(outstanding(score)), score.size, NAN))
    table += [Row(f"|E|(cross {k}, head {j})", float(v), n, 0.0) for (k, j), v in np.ndenumerate(score)]
    table += [Row(f"E({PARTS[i]} {k}, all tokens)", float(v), n, 0.0) for (i, k), v in np.ndenumerate(parts.mean(0))]
    return Table(f"notice/{way}", tuple(table))


def evaluate(root: Place, steps: int = 300, seed: int = 0, limit: int = 100) -> list[Table]:
    """The pipeline on a small network: is a planted head found, and how do pairs, replaced words and noise compare?

    Args:
        root: folder of ``train/<expression>/<picture>`` and ``pairs.csv``.
        steps: of training the network, 64 pictures each.
        seed: of weights, order and noise.
        limit: pairs, the first so many.
    """
    pairs = read_pairs(root)[:limit]
    names = {sample.truth.expression.name for sample in image_folder.read(root, "train") if sample.truth.expression}
    words = (*ASKED, *sorted(names | {word for pair in pairs for word in (pair.right, pair.wrong)}))
    network = learn(root, words, steps, seed)
    return [_planted(pairs, words, seed), *(_learned(network, pairs, words, way, seed) for way in WAYS)]


def fake(root: Place, seed: int = 0, count: int = 12) -> None:
    """Write ``count`` drawn faces of each of four expressions, and pairs that differ in the expression alone."""
    rng, folder, table = np.random.default_rng(seed), Path(root), ["clean,corrupt,right,wrong"]
    names = ("happiness", "sadness", "surprise", "anger")
    image_folder.draw_classes(folder / "train", names, rng, count, ".png")
    (folder / "pairs").mkdir()
    for number in range(count):
        right, wrong = (str(name) for name in rng.choice(names, 2, replace=False))
        for kind, name in (("clean", right), ("corrupt", wrong)):  # the same drawing but for the expression
            write_image(folder / f"pairs/{number:03d}_{kind}.png", face(np.random.default_rng([seed, number]), name))
        table.append(f"pairs/{number:03d}_clean.png,pairs/{number:03d}_corrupt.png,{right},{wrong}")
    lines(folder / "pairs.csv", table)
