"""FER-YOLO-Mamba: faces found and their expression named in one pass, with a selective scan in the neck of YOLOX.

"FER-YOLO-Mamba: Facial Expression Detection and Classification Based on Selective State Space", arXiv:2405.01828. The backbone
and the head of YOLOX-s stay. In the neck, which carries the coarse maps up to the fine ones and down again, each layer is a split
block: of d channels the first half goes through a bottleneck of 1x1 convolutions with channel attention (a perceptron of three
layers on the mean over the map), the second half h = d / 2 through x + Scan(LayerNorm(x)); both are joined by a 1x1 convolution
and added to the input. Scan is the selective state-space recurrence h_t = exp(delta_t A) h_(t-1) + delta_t B_t u_t,
y_t = C_t h_t + D u_t over the map in eight directions: rows, columns, both diagonals, and each backwards (:mod:`mien.nn.scan`).
The loss is that of YOLOX with its assignment SimOTA (:mod:`mien.losses.assignment`), and comes from the task.

Simplified: training has no mosaics, no mirroring, no weights of COCO and no epochs with a frozen backbone.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...errors import InputError, unknown_name
from ...nn.scan import Scan2d
from ...nn.yolox import CspDarknet, CspLayer, DecoupledHead, conv
from ...tasks.recipe import Augment, Image, Optim, Recipe, Schedule

NECKS = ("scan", "csp")


class ChannelAttention(nn.Module):
    """ABMLP: the mean over the map through three linear layers, c - c/16 - c/16 - c, whose sigmoid scales the channels."""

    def __init__(self, width: int) -> None:
        super().__init__()
        few = max(width // 16, 4)
        sizes = ((width, few), (few, few), (few, width))
        self.layers = nn.ModuleList(nn.Linear(*pair, bias=False) for pair in sizes)

    def forward(self, x: Tensor) -> Tensor:
        """(n, width, h, w) -> the same."""
        first, second, last = self.layers
        share = last(F.relu(second(F.relu(first(x.mean((2, 3))))))).sigmoid()
        out: Tensor = x * share[:, :, None, None]
        return out


class SplitBlock(nn.Module):
    """FER-YOLO-VSS: channel attention on one half of the channels, a scan on the other; (n, width, h, w) -> the same."""

    def __init__(self, width: int, directions: int = 8, states: int = 16) -> None:
        super().__init__()
        half = width // 2
        self.local = nn.Sequential(
            nn.Conv2d(half, half // 2, 1, bias=False), nn.BatchNorm2d(half // 2), nn.ReLU(),
            ChannelAttention(half // 2), nn.Conv2d(half // 2, half, 1, bias=False), nn.BatchNorm2d(half),
        )  # fmt: skip
        self.norm, self.scan = nn.LayerNorm(half), Scan2d(half, directions, states)
        self.join = nn.Conv2d(2 * half, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        left, right = x.chunk(2, 1)
        cells = right.permute(0, 2, 3, 1)
        cells = cells + self.scan(self.norm(cells))
        out: Tensor = x + self.join(torch.cat([self.local(left), cells.permute(0, 3, 1, 2)], 1))
        return out


class Neck(nn.Module):
    """The maps of three strides joined, coarse to fine and back.

    Args:
        widths: channels of the maps of strides 8, 16, 32: w, 2w, 4w.
        directions, states: of the scans.
        kind: "scan", or "csp" for the layers of YOLOX in the same places.
    """

    def __init__(self, widths: tuple[int, ...], directions: int, states: int, kind: str) -> None:
        super().__init__()
        fine, middle, coarse = widths

        def layer(width: int) -> nn.Module:
            return SplitBlock(width, directions, states) if kind == "scan" else CspLayer(width, width, shortcut=False)

        self.narrow = nn.ModuleList([conv(coarse, middle), conv(coarse, fine)])
        self.up = nn.ModuleList([layer(coarse), layer(middle)])
        self.shrink = nn.ModuleList([conv(middle, fine, 3, 2), conv(middle, middle, 3, 2)])
        self.down = nn.ModuleList([layer(middle), layer(coarse)])
        self.finest = conv(middle, fine, 3)
        self.widths = (fine, middle, coarse)

    def forward(self, maps: list[Tensor]) -> list[Tensor]:
        """Maps of strides 8, 16, 32 -> maps of the same strides and widths."""
        fine, middle, coarse = maps
        top = self.narrow[0](coarse)
        side = self.narrow[1](self.up[0](torch.cat([_twice(top), middle], 1)))
        low = self.up[1](torch.cat([_twice(side), fine], 1))
        half = self.down[0](torch.cat([self.shrink[0](low), side], 1))
        return [self.finest(low), half, self.down[1](torch.cat([self.shrink[1](half), top], 1))]


def _twice(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2.0, mode="nearest")


class Detector(nn.Module):
    """Backbone, neck and head."""

    def __init__(self, backbone: CspDarknet, neck: Neck, head: DecoupledHead) -> None:
        super().__init__()
        self.backbone, self.neck, self.head = backbone, neck, head

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        """(n, 3, h, w), h and w multiples of 32 -> ``boxes``, ``objectness`` and ``scores`` of all places."""
        out: dict[str, Tensor] = self.head(self.neck(self.backbone(image)))
        return out


def model(
    classes: int = 7, width: float = 0.5, depth: float = 0.33, directions: int = 8, states: int = 16, neck: str = "scan"
) -> nn.Module:
    """The network: (n, 3, h, w) -> ``boxes`` (n, a, 4), ``objectness`` (n, a), ``scores`` (n, a, classes); see the head.

    Args:
        classes: number of expressions.
        width, depth: factors of YOLOX; 0.5 and 0.33 are its small network.
        directions: of the scans, 8; 4 leaves the diagonals out, a comparison of the paper.
        states: of each channel of a scan.
        neck: "scan", or "csp" for the rival, the layers of YOLOX in the same places.

    Raises:
        InputError: no such neck, or a width that gives no whole number of channels for the halves of the blocks.
    """
    if neck not in NECKS:
        raise unknown_name("neck", neck, NECKS)
    if width <= 0 or 16 * width % 1:
        raise InputError(f"width is {width}", "a multiple of 0.0625")
    backbone = CspDarknet(width, depth)
    between = Neck(backbone.widths, directions, states, neck)
    return Detector(backbone, between, DecoupledHead(between.widths, int(256 * width), classes))


def recipe() -> Recipe:
    """The paper's training as far as it goes without moving the boxes, on the pictures of ExpW.

    Command: ``mien train fer_yolo_mamba --data ROOT`` with the folder of ExpW. Estimated from the operations, not measured: days
    on one GPU, as long as the paper's 300 epochs are kept; ``--set epochs=30`` for a first look. Expected: not known, for the
    paper's figures are on RAF-DB and SFEW, with boxes that are not published.
    """
    return Recipe(
        protocol="expw/detect",
        epochs=300,
        batch=16,
        image=Image(size=320, channels=3, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225), cache=False),
        optim=Optim(name="sgd", rate=0.0025, momentum=0.937, nesterov=True, decay=5e-4),
        schedule=Schedule(name="cosine", warm=3.0, final=0.01),
        augment=Augment(flip=0.0, contrast=0.2, brightness=0.05, saturation=0.3),
        average=0.9999,
        precision="float32",
    )
