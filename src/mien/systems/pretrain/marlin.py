"""MARLIN: a masked autoencoder for clips of faces, which has to rebuild eyes, nose and mouth, with a critic on what it rebuilds.

Cai, Ghosh, Stefanov, Dhall, Cai, Rezatofighi, Haffari and Hayat, "MARLIN: Masked Autoencoder for facial video Representation
LearnINg", CVPR 2023, arXiv:2211.06627. A clip of 16 frames is cut into 8 x 14 x 14 tubes of 2 x 16 x 16 pixels; 156 of the 1,568
are seen. Fasking chooses them: background comes into sight first, then skin, then the five parts of the face in an order drawn
for each clip, until a tenth of a slice is visible (:func:`mien.nn.masks.region_mask`). With x the hidden tubes in [0, 1], x'
those that are rebuilt and D the critic,

    L_rec = mean |x' - x|^2,  L_D = mean D(x') - mean D(x) + penalty mean (|grad D| - 1)^2,  L_G = L_rec + weight (-mean D(x')).

Simplified: the critic learns in the same step as the network, not in one of its own before it; each has gradients of its own loss
only. The parts of the face come from a drawing of where they lie in an upright crop unless parsing maps are given. A data set of
pictures makes clips of one picture that moves along a straight line; a clip that is given is taken as it is.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.func import functional_call

from ...nn.masked import MaskedAutoencoder, clip_of, hidden_error, judged
from ...nn.masks import Chance, chance, covered, region_mask, shown
from ...nn.vit import SIZES, Size, cut
from ...tasks.recipe import Augment, Image, Optim, Recipe, Schedule

DECODERS = {"S": Size(192, 4, 3), "B": Size(384, 4, 6), "L": Size(512, 12, 8)}
TUBE, PATCH, CLASSES = 2, 16, 11
BACKGROUND, SKIN = (0,), (1,)
PARTS = ((2, 4), (3, 5), (6,), (7, 8, 9), (10,))  # right eye, left eye, nose, mouth, hair: brow and eye, lips and between
# class, middle x and y, half width and height, as shares of the side of an upright crop; a later one lies on top
DRAWING = (
    (10, 0.5, 0.46, 0.42, 0.46), (1, 0.5, 0.55, 0.36, 0.42), (2, 0.34, 0.38, 0.11, 0.04), (3, 0.66, 0.38, 0.11, 0.04),
    (4, 0.35, 0.45, 0.08, 0.04), (5, 0.65, 0.45, 0.08, 0.04), (6, 0.5, 0.56, 0.09, 0.13), (7, 0.5, 0.735, 0.14, 0.035),
    (9, 0.5, 0.785, 0.14, 0.035), (8, 0.5, 0.76, 0.10, 0.015),
)  # fmt: skip


def drawn_face(side: int) -> Tensor:
    """Where the parts of a face lie in an upright crop: (side, side) classes 0 to 10 of face parsing, from ellipses."""
    place = (torch.arange(side, device="cpu") + 0.5) / side
    y, x = torch.meshgrid(place, place, indexing="ij")
    face = torch.zeros(side, side, dtype=torch.int64, device="cpu")
    for number, middle, height, wide, high in DRAWING:
        face[((x - middle) / wide) ** 2 + ((y - height) / high) ** 2 <= 1] = number
    return face


def queues(n: int, generator: Chance = None, device: torch.device | str = "cpu") -> Tensor:
    """For each clip the order in which classes come into sight: background, skin, then the five parts as chance has it.

    Returns:
        (n, 11) classes.
    """
    order = chance((n, len(PARTS)), device, generator).argsort(1)
    sizes = torch.tensor([len(part) for part in PARTS], device=device)
    flat = torch.tensor([number for part in PARTS for number in part], device=device)
    owner = torch.arange(len(PARTS), device=device).repeat_interleave(sizes)
    # a class stands where its part does; classes of a part keep their order
    parts = flat[order.argsort(1)[:, owner].argsort(dim=1, stable=True)]
    first = torch.tensor([*BACKGROUND, *SKIN], device=device).expand(n, -1)
    return torch.cat([first, parts], 1)


class Marlin(nn.Module):
    """Masked autoencoder of clips of faces.

    Args:
        size, decoder: of the two stacks.
        frames: of a clip, a multiple of 2.
        ratio: share of the tubes that is hidden.
        speed: of the picture of which a clip is made, see :func:`mien.nn.masked.clip_of`; while training only.
    """

    def __init__(self, size: Size, decoder: Size, frames: int, ratio: float, speed: float) -> None:
        super().__init__()
        self.frames, self.speed, self.side = frames, speed, 224
        tokens = frames // TUBE * (self.side // PATCH) ** 2
        self.count = tokens - int(tokens * (1 - ratio) + 1e-9)
        self.core = MaskedAutoencoder(tokens, TUBE * PATCH * PATCH * 3, size, decoder)
        self.register_buffer("face", drawn_face(self.side), persistent=False)
        mask = self.mask(drawn_face(self.side)[None], 1, torch.Generator("cpu").manual_seed(0))
        # one mask for all that is judged, so that figures of two trainings can be compared
        self.register_buffer("judging", mask, persistent=False)
        self.register_buffer("seen", shown(mask), persistent=False)
        self.face: Tensor
        self.judging: Tensor
        self.seen: Tensor

    def mask(self, parsing: Tensor, n: int, generator: Chance = None) -> Tensor:
        """Fasking for n clips.

        Args:
            parsing: (h, w) classes, (1, h, w) for all or (n, slices, h, w) for each clip, that of the first frame of a slice.
            n: clips.
            generator: where chance comes from.

        Returns:
            (n, tokens) bool.
        """
        maps = parsing if parsing.ndim == 4 else parsing.view(1, 1, *parsing.shape[-2:])
        holds = covered(maps, CLASSES, PATCH).expand(n, self.frames // TUBE, -1, -1)
        return region_mask(holds, queues(n, generator, holds.device), self.count, generator)

    def forward(self, image: Tensor, parsing: Tensor | None = None) -> dict[str, Tensor]:
        """
        Args:
            image: (n, 3, 224, 224) in [0, 1], or clips (n, 3, frames, 224, 224).
            parsing: (n, frames / 2, 224, 224) classes; None takes the drawing.

        Returns:
            In training ``reconstruction`` and ``wanted`` (n, tokens, 1536), ``mask`` (n, tokens); else ``embedding`` (n, width),
            the mean over all tubes with none hidden, and ``error`` (n,).
        """
        n = image.shape[0]
        patches = cut(clip_of(image, self.frames, self.speed if self.training else 0.0), TUBE, PATCH)
        if not self.training and parsing is None:
            return judged(self.core, patches, patches, self.judging.expand(n, -1), self.seen.expand(n, -1))
        mask = self.mask(self.face if parsing is None else parsing, n)
        if not self.training:
            return judged(self.core, patches, patches, mask, shown(mask))
        return {"reconstruction": self.core(patches, shown(mask)), "wanted": patches, "mask": mask.float()}


class MarlinLoss(nn.Module):
    """Reconstruction with a Wasserstein critic (the equations above); "loss" is L_G + L_D, whose gradients do not mix.

    Args:
        values: of a tube.
        hidden: of the critic, four times the decoder's width in the authors' code.
        weight: of the critic's say in what is rebuilt.
        penalty: of the critic's slope, 0 in the released settings.
    """

    def __init__(self, values: int = 1536, hidden: int = 1536, weight: float = 0.01, penalty: float = 0.0) -> None:
        super().__init__()
        self.weight, self.penalty = weight, penalty
        self.critic = nn.Sequential(nn.Linear(values, hidden), nn.LeakyReLU(0.2), nn.Linear(hidden, 1))

    def forward(self, out: Mapping[str, Tensor], batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """``reconstruction`` against ``wanted`` where ``mask`` is 1, all of ``out``."""
        kept = out["mask"].bool()
        fake, true = out["reconstruction"][kept], out["wanted"][kept]
        error = hidden_error(out["reconstruction"], out["wanted"], out["mask"])
        # the critic as it is, without a gradient to it: what is rebuilt may not make its judge worse
        still = {name: value.detach() for name, value in self.critic.named_parameters()}
        fooled = -functional_call(self.critic, still, (fake,)).mean()
        critic = self.critic(fake.detach()).mean() - self.critic(true.detach()).mean()
        if self.penalty and torch.is_grad_enabled():
            critic = critic + self.penalty * self._slope(fake.detach(), true.detach())
        total = error + self.weight * fooled + critic
        return {"loss": total, "error": error, "fooled": fooled, "critic": critic}

    def _slope(self, fake: Tensor, true: Tensor) -> Tensor:
        """(|gradient| - 1)^2 between the two, of Gulrajani et al., arXiv:1704.00028, Eq. 3."""
        between = torch.lerp(fake, true, torch.rand(len(fake), 1, device=fake.device)).requires_grad_()
        (slope,) = torch.autograd.grad(self.critic(between).sum(), between, create_graph=True)
        return (slope.norm(dim=1) - 1).square().mean()


objective = MarlinLoss


def model(
    size: str = "B", frames: int = 16, ratio: float = 0.9, speed: float = 0.01, depth: int = 0, decoder_depth: int = 0
) -> nn.Module:
    """The paper's networks "S", "B" and "L"; a depth other than 0 makes a stack shorter or longer."""
    encoder, decoder = SIZES[size], DECODERS[size]
    encoder = Size(encoder.width, depth or encoder.depth, encoder.heads)
    return Marlin(encoder, Size(decoder.width, decoder_depth or decoder.depth, decoder.heads), frames, ratio, speed)


def recipe() -> Recipe:
    """The paper's schedule: ``mien train marlin --data FAIRFACE``, 2,000 epochs: weeks on one GPU; begin with ``epochs=50``.

    Expected: of its own protocol the paper has no figure; its claims are those of the card, after tuning on labels.
    """
    image = Image(224, 3, (0.0,) * 3, (1.0,) * 3, cache=False)
    optim = Optim("adamw", 1.5e-4 * 16 / 256, momentum=0.9, beta=0.95, decay=0.0)
    return Recipe("fairface/pixels", 2000, 16, image, optim, Schedule("cosine", 40.0, final=0.067), Augment(flip=0.0))
