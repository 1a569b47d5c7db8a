"""SE-SwinT: squeeze-and-excitation between a Swin Transformer and its classifier, trained by sharpness-aware minimisation.

Vats and Chadha, "Facial Expression Recognition using Squeeze and Excitation-powered Swin Transformers", arXiv:2301.10906.
The tokens x_i of the last stage (49 of 768 numbers for Swin-T at 224 pixels) are weighted by channel,

    z = mean_i x_i,  s = sigmoid(W2 relu(W1 z)),  y_i = s * x_i,  p = softmax(W mean_i y_i + b),

trained with the cross-entropy of p. Sharpness-aware minimisation takes the gradient at w + rho g / ||g|| and steps from w
(arXiv:2010.01412). Since the gate is the same for all tokens, it is one thing to weight them before the mean or their mean.

Ours, because the text of the paper was not at hand: the variant (Swin-T), the place of the gate after the last layer norm, its
ratio of 16, and every number of the recipe. Simplified: one corpus instead of several merged, weights from chance instead of
ImageNet.
"""

from __future__ import annotations

from torch import Tensor, nn

from ...errors import unknown_name
from ...nn.squeeze import SqueezeExcite
from ...nn.swin import Swin
from ...tasks.recipe import Augment, Image, Optim, Recipe, Schedule

# channels, depths, drop path and patch of arXiv:2103.14030; "micro" is ours, for tests
VARIANTS = {
    "tiny": (96, (2, 2, 6, 2), 0.2, 4),
    "small": (96, (2, 2, 18, 2), 0.3, 4),
    "base": (128, (2, 2, 18, 2), 0.5, 4),
    "micro": (96, (2, 1, 1, 1), 0.0, 16),
}


class SeSwin(nn.Module):
    """Swin Transformer, gate, mean, linear layer.

    Args:
        trunk: gives the tokens.
        ratio: of the gate; 0 leaves it out.
        classes: of the output.
    """

    def __init__(self, trunk: Swin, ratio: int, classes: int) -> None:
        super().__init__()
        self.trunk = trunk
        self.gate: nn.Module = SqueezeExcite(trunk.width, ratio) if ratio else nn.Identity()
        self.head = nn.Linear(trunk.width, classes)
        nn.init.trunc_normal_(self.head.weight, std=0.02)
        nn.init.zeros_(self.head.bias)

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        """(n, 3, size, size) -> ``logits`` (n, classes) and ``embedding`` (n, width), what the linear layer reads."""
        embedding = self.gate(self.trunk(image)["features"]).mean(1)
        return {"logits": self.head(embedding), "embedding": embedding}


def model(variant: str = "tiny", ratio: int = 16, classes: int = 8, size: int = 224) -> nn.Module:
    """The network: (n, 3, size, size) -> ``logits`` (n, classes), ``embedding`` (n, 768).

    Args:
        variant: "tiny", "small", "base" (embedding of 1024) or "micro".
        ratio: how much narrower the gate is inside; 0 for the rival without gate.
        classes: number of classes.
        size: of the pictures.

    Raises:
        InputError: no such variant.
    """
    if variant not in VARIANTS:
        raise unknown_name("variant", variant, VARIANTS)
    width, depths, drop, patch = VARIANTS[variant]
    return SeSwin(Swin(width, depths, size=size, drop=drop, patch=patch), ratio, classes)


def recipe() -> Recipe:
    """Sharpness-aware minimisation on AffectNet; the paper's own numbers are not known, these are ours.

    Command: ``mien train se_swint --data ROOT`` with the folder of AffectNet. Estimated from the operations, not measured: half
    a day on one GPU. Expected: below the paper's macro-F1 of 0.54, which rests on ImageNet weights and more corpora.
    """
    return Recipe(
        protocol="affectnet/8",
        epochs=30,
        batch=128,
        image=Image(size=224, channels=3, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225), cache=False),
        optim=Optim(name="sam", rate=0.03, momentum=0.9, nesterov=False, decay=1e-4, clip=5.0, radius=0.05),
        schedule=Schedule(name="cosine", warm=2.0, final=0.0),
        augment=Augment(flip=0.5, scale=0.1, rotate=0.1, shift=0.05, erase=0.25),
        balance=0.5,
        keep="best",
    )
