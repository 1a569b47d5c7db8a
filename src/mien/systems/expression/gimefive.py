"""GiMeFive: a plain network of five blocks with dropout after each pooling, read through gradient maps.

"GiMeFive: Towards Interpretable Facial Emotion Classification", arXiv:2402.15662. Block k is a 3x3 convolution of 64, 128,
256, 512, 1024 channels with batch norm, ReLU, 2x2 max pooling and, but for the last, dropout of 0.2; the mean over the map
goes through linear layers, w - 2w - w - 6 for a last block of w channels, the first followed by dropout of 0.5. Cross-entropy
over six expressions. The paper's rivals are here too: fewer and more blocks, without dropout, VGG and ResNet.

Maps come from :func:`mien.attribution.gradient.grad_cam` with a layer such as "blocks.4" or "blocks.3". At 64 pixels the last
convolution sees 4 x 4 cells and the last block gives 2 x 2, so a map of the fourth block, or a larger picture, says more.

Simplified: the rival with residuals and squeeze-and-excitation is left out, because its published number of parameters does not
settle its layers.
"""

from __future__ import annotations

from torch import nn

from ...errors import InputError, unknown_name
from ...nn.plain import PlainNet, dense, plain_blocks
from ...nn.resnet import ResNet, ResNetClassifier
from ...tasks.recipe import Augment, Image, Optim, Recipe, Schedule

VARIANTS = ("plain", "vgg", "resnet18", "resnet34")


def model(blocks: int = 5, dropout: bool = True, classes: int = 6, variant: str = "plain", channels: int = 3) -> nn.Module:
    """The network: (n, channels, h, w) from 32 pixels on -> ``logits`` (n, classes), ``embedding`` (n, 1024).

    Args:
        blocks: of the variant "plain"; each doubles the width. The paper has 4, 5 and 6.
        dropout: of the variant "plain", whether there is any.
        classes: number of classes.
        variant: "plain", or a rival of the paper: "vgg", "resnet18", "resnet34".
        channels: of the picture.

    Raises:
        InputError: no such variant, or fewer than one block.
    """
    if variant not in VARIANTS:
        raise unknown_name("variant", variant, VARIANTS)
    if blocks < 1:
        raise InputError(f"blocks is {blocks}", "1 or more")
    if variant == "vgg":
        # the layers that fit the published parameters and operations: three pairs, a batch norm shared by each pair
        trunk = plain_blocks(channels, (64, 128, 256), convs=2, shared=True)
        return PlainNet(trunk, dense((256 * 8 * 8, 4096, 1024, classes)), side=8)
    if variant != "plain":
        return ResNetClassifier(ResNet(int(variant.removeprefix("resnet")), pool=False, channels=channels), classes)
    widths = [64 * 2**k for k in range(blocks)]
    last = widths[-1]
    trunk = plain_blocks(channels, widths, dropout=0.2 if dropout else 0.0)
    return PlainNet(trunk, dense((last, 2 * last, last, classes), (0.5, 0.0) if dropout else ()))


def recipe() -> Recipe:
    """The paper's training, on the six expressions of FER2013.

    Command: ``mien train gimefive --data ROOT`` with the folder of FER2013. Estimated from the operations, not measured: under an
    hour on one GPU, about ten on two CPU cores. Expected: 67.5 % accuracy on both held-out parts together (the paper's figure).
    """
    return Recipe(
        protocol="fer2013/6",
        epochs=80,
        batch=16,
        image=Image(size=64, channels=3, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225)),
        optim=Optim(name="sgd", rate=1e-3, momentum=0.9, nesterov=False, decay=1e-4),
        schedule=Schedule(name="constant", warm=0.0),
        augment=Augment(flip=0.5),
        precision="float32",
        patience=15,
        keep="best",
    )
