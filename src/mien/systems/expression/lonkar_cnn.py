"""A tuned plain convolutional network that learns from FER2013 alone.

Lonkar, "Facial Expressions Recognition with Convolutional Neural Networks", arXiv:2107.08640. The paper compares plain networks
and optimisers on FER2013 and reports one network without further data; its layers and its schedule are not stated where they
could be read. What stands here is the form that it names, 3x3 convolutions with batch norm and ReLU, max pooling, dropout and a
dense end, with widths and a recipe of our own, tuned on PublicTest as the data set's rule says.
"""

from __future__ import annotations

from torch import Tensor, nn

from ...nn.plain import PlainBlock
from ...tasks.recipe import Augment, Image, Optim, Recipe, Schedule


class LonkarCnn(nn.Module):
    """Plain blocks, the mean over the last map, one linear layer.

    Args:
        widths: channels of the blocks; each but the last halves the map.
        convs: convolutions of each block.
        classes: of the output.
        dropout: after each block but the last.
        head: dropout before the linear layer.
    """

    def __init__(self, widths: tuple[int, ...], convs: tuple[int, ...], classes: int, dropout: float, head: float) -> None:
        super().__init__()
        blocks: list[nn.Module] = []
        for k, (width, count) in enumerate(zip(widths, convs, strict=True)):
            inner = k < len(widths) - 1
            blocks.append(PlainBlock(widths[k - 1] if k else 1, width, count, dropout=dropout if inner else 0.0, pool=inner))
        self.blocks = nn.Sequential(*blocks)
        self.drop = nn.Dropout(head)
        self.classify = nn.Linear(widths[-1], classes)

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        """(n, 1, h, w) grey -> ``logits`` (n, classes) and ``embedding`` (n, widths[-1])."""
        embedding = self.blocks(image).mean((2, 3))
        return {"logits": self.classify(self.drop(embedding)), "embedding": embedding}


def model(
    widths: tuple[int, ...] = (32, 64, 128, 256, 512),
    convs: tuple[int, ...] = (1, 1, 2, 3, 2),
    classes: int = 7,
    dropout: float = 0.05,
    head: float = 0.3,
) -> nn.Module:
    """The network; :class:`LonkarCnn` says what the settings mean."""
    return LonkarCnn(widths, convs, classes, dropout, head)


def recipe() -> Recipe:
    """``mien train lonkar_cnn --data FER2013``."""
    return Recipe(
        "fer2013/7",
        epochs=50,
        batch=128,
        image=Image(48, 1, (0.5,), (0.25,)),
        optim=Optim("sgd", rate=0.1, momentum=0.9, nesterov=True, decay=5e-4),
        schedule=Schedule("cosine", warm=1.5, final=0.005),
        augment=Augment(flip=0.5, scale=0.07, rotate=0.1, shift=0.05, contrast=0.2, brightness=0.08, erase=0.4),
        smoothing=0.1,
        average=0.999,
        views=("plain", "flip"),
    )
