"""POSTER++: landmark features ask the image features inside windows, at three scales that meet in a small transformer.

Mao and others, "POSTER++: A simpler and stronger facial expression recognition network", Pattern Recognition 2025,
arXiv:2301.12149. A face recognition network (IR-50) and a landmark network (MobileFaceNet) see the picture at 112 pixels and give
maps of 28, 14 and 7 cells a side. In each window of the image map X, with s = LN(X) and landmark features Q of the window's size,

    o = softmax(Q k(s)^T / sqrt(d) + B) v(s),    y = s + g1 W o,    x = y + g2 MLP(LN(y)),

with 2, 4 and 8 heads of d = 32 and B learned for each distance; nothing flows back to the landmarks, which are not trained. The
three maps become 49 tokens each by strided convolutions, and with a class token and learned positions pass two pre-norm
transformer blocks; of the class token c, sigmoid(W2 relu(W1 c)) * c is classified.

At 112 pixels and the published windows of 28, 14 and 7 cells each map is a single window. With smaller windows or a larger
``side`` there are several, which share the landmark features, pooled to the size of a window (arXiv:2206.09959, section 3.2).

Simplified: both networks start from chance instead of faces and landmarks; then the queries are those of a random network, and
``frozen=False`` trains them along.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ...errors import InputError
from ...nn.iresnet import DEPTHS, Unit
from ...nn.mobilefacenet import MobileFaceTrunk
from ...nn.squeeze import SqueezeExcite
from ...nn.vit import Block
from ...nn.windows import CrossBlock, Windows
from ...tasks.recipe import Augment, Image, Optim, Recipe, Schedule

LEVELS = (64, 128, 256)  # channels of the three maps
HEAD = 32  # channels of each head of the cross attention
WIDTH = 768  # of a token


def stage(inputs: int, outputs: int, count: int) -> nn.Sequential:
    """Units of IR-50, the first of which halves the map; as in its first form, no batch norm lies between the convolutions."""
    units = [Unit(outputs if k else inputs, outputs, 1 if k else 2) for k in range(count)]
    for unit in units:
        del unit.body[2]
    return nn.Sequential(*units)


class PosterPP(nn.Module):
    """The network, with tokens of ``width`` numbers; :func:`model` says what the other settings mean."""

    def __init__(self, classes: int, side: int, window: int, depth: int, width: int, drop: float) -> None:
        super().__init__()
        self.side = side
        self.landmarks = MobileFaceTrunk()
        self.lower = nn.Conv2d(512, LEVELS[2], 3, 1, 1)
        self.stem = nn.Sequential(nn.Conv2d(3, 64, 3, 1, 1, bias=False), nn.BatchNorm2d(64), nn.PReLU(64))
        inputs = (64, *LEVELS[:2])
        self.stages = nn.ModuleList(stage(i, o, n) for i, o, n in zip(inputs, LEVELS, DEPTHS[depth]))
        self.halve = nn.ModuleList(nn.Conv2d(c, c, 3, 2, 1) for c in LEVELS)
        self.fuse = nn.ModuleList()
        for k, channels in enumerate(LEVELS):
            cells, across = -(-side // 2 ** (k + 2)), window * 2 ** (2 - k)
            if across > cells:
                raise InputError(f"a window of {across} cells on a map of {cells}", "a window within its map", "a larger side")
            self.fuse.append(CrossBlock(Windows(cells, cells, across), channels, channels // HEAD, drop=drop * k / 2))
        twice = nn.Sequential(nn.Conv2d(LEVELS[0], width, 3, 2, 1), nn.Conv2d(width, width, 3, 2, 1))
        self.embed = nn.ModuleList([twice, nn.Conv2d(LEVELS[1], width, 3, 2, 1), nn.Conv2d(LEVELS[2], width, 1)])
        self.token = nn.Parameter(nn.init.trunc_normal_(torch.empty(1, 1, width), std=0.02))
        places = 3 * (-(-side // 16)) ** 2 + 1
        self.place = nn.Parameter(nn.init.trunc_normal_(torch.empty(1, places, width), std=0.02))
        self.blocks = nn.Sequential(Block(width, 8), Block(width, 8))
        self.norm, self.gate = nn.LayerNorm(width, eps=1e-6), SqueezeExcite(width, ratio=1)
        self.head = nn.Linear(width, classes)

    def levels(self, image: Tensor) -> list[Tensor]:
        """(n, 3, h, w) -> image maps with what the landmarks found in them: (n, c, h', w') of 64, 128 and 256 channels."""
        # the nearest pixel in whole numbers: runtimes round the ratio of the sizes in their own ways
        places = torch.arange(self.side, device=image.device)
        for axis in (2, 3):
            image = image.index_select(axis, places * image.shape[axis] // self.side)
        first, second, third = self.landmarks(image)
        x, found = self.stem(image), []
        for k, query in enumerate((first, second, self.lower(third))):
            x = self.stages[k](x)
            found.append(self.fuse[k](self.halve[k](x).permute(0, 2, 3, 1), query).permute(0, 3, 1, 2))
        return found

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        """(n, 3, h, w), resized inside -> ``logits`` (n, classes) and ``embedding`` (n, width), the gated class token."""
        tokens = [embed(x).flatten(2).transpose(1, 2) for embed, x in zip(self.embed, self.levels(image))]
        x = torch.cat([self.token.expand(image.shape[0], -1, -1), *tokens], 1) + self.place
        embedding = self.gate(self.norm(self.blocks(x))[:, 0])
        return {"logits": self.head(embedding), "embedding": embedding}


def model(
    classes: int = 7, side: int = 112, window: int = 7, depth: int = 50, drop: float = 0.25, frozen: bool = True
) -> nn.Module:
    """The network: (n, 3, h, w) -> ``logits`` (n, classes), ``embedding`` (n, 768).

    Args:
        classes: number of classes.
        side: pixels to which both networks resize the picture, by the nearest one.
        window: cells along each side of a window on the smallest map; the others have twice and four times as many.
        depth: of the face recognition network, whose last stage is left out: 18, 34, 50 or 101.
        drop: chance that a picture goes without a branch of the fusion in training, of the smallest map; half of it, and none, of
            the others.
        frozen: whether the landmark network is kept as it is; its batch norms follow the pictures even then, as the authors' do.

    Raises:
        InputError: no such depth, or a window larger than its map.
    """
    if depth not in DEPTHS:
        raise InputError(f"depth is {depth}", f"one of {', '.join(map(str, DEPTHS))}")
    network = PosterPP(classes, side, window, depth, WIDTH, drop)
    network.landmarks.requires_grad_(not frozen)
    return network


def recipe() -> Recipe:
    """The authors' training on RAF-DB, but for sharpness-aware minimisation around Adam.

    Command: ``mien train poster_pp --data ROOT`` with the folder of RAF-DB. Estimated from the operations, not measured: two to
    three hours on one GPU. Expected: well below the paper's 92.21 %, which rests on networks trained on faces and landmarks.
    """
    return Recipe(
        protocol="raf-db/7",
        epochs=200,
        batch=144,
        image=Image(size=224, channels=3, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225)),
        optim=Optim(name="adam", rate=3.5e-5, momentum=0.9, beta=0.999, decay=0.0),
        schedule=Schedule(name="exponential", warm=0.0, factor=0.98),
        # squares of the same mean area as the paper's rectangles, 6 % of the picture
        augment=Augment(flip=0.5, erase=0.5, erase_size=0.42),
        precision="float32",
        keep="best",
    )
