"""GReFEL: reliability balancing in a reduced embedding, with anchors that are also pushed apart within a class.

Wasi and others, "GReFEL: Geometry-Aware Reliable Facial Expression Learning under Bias and Imbalanced Data Distribution",
arXiv:2410.15927; the extended form of ARBEx. A linear layer reduces the embedding of the trunk to e; with p = softmax(MLP(e))
and c(x) = 1 - H(x) / log C:

- t_g: softmax of -||e - a_ij|| / delta over all anchors, summed for each class; t_a: softmax of attention over the segments of e;
- t = (c(t_g) t_g + c(t_a) t_a) / (c(t_g) + c(t_a)), r = (c(p) p + c(t) t) / (c(p) + c(t));
- L = -sum_c y_c log r_c - sum over all pairs of anchors of ||a - b||^2 + sum over samples of min_k ||e - a_yk||^2, weighted.

Simplified: the trunk is a residual network on small pictures. The paper's asks the picture with the landmarks of a frozen
network, which is where its geometry comes from; what stands here is therefore its balancing and its losses, the control of that
claim, and not the claim. Sums are means; embeddings and anchors have one length where distances are taken, for otherwise anchors
flee without end.
"""

from __future__ import annotations

from torch import nn

from ...losses.anchors import ReliabilityLoss
from ...nn.balancing import Balanced, Balancing, Headed, mlp, trunk
from ...tasks.recipe import Recipe, small_faces

TRUNK = 512  # of the embedding of either trunk


def model(
    backbone: str = "resnet18",
    classes: int = 8,
    balance: bool = True,
    correct: str = "both",
    anchors: int = 10,
    size: int = 128,
) -> nn.Module:
    """The network: (n, 1, h, w) grey -> ``logits`` (n, classes), the logarithm of r, and ``embedding`` (n, size).

    Args:
        backbone: "resnet18", or "plain" for a seventh of the work.
        classes: number of classes.
        balance: false gives the network alone, from the same random weights.
        correct: "both" corrections, or only the "geometric" or the "attentive" one.
        anchors: K, of each class.
        size: of the reduced embedding, a multiple of 32; the paper's is not known to us.

    Raises:
        InputError: no such backbone or correction, or a number out of range.
    """
    network = Headed(trunk(backbone), mlp((size, size // 2, classes)), nn.Linear(TRUNK, size))
    if not balance:
        return network
    return Balanced(network, size, classes, Balancing(anchors, correct))


def objective(anchor: float = 1.0, centre: float = 0.1) -> nn.Module:
    """The loss; without balancing the cross-entropy alone. The paper's weights are not known to us.

    Args:
        anchor, centre: weights of the losses that push anchors apart and pull samples to them.
    """
    return ReliabilityLoss(anchor, centre, within=True, squared=True)


def recipe() -> Recipe:
    """A training on FER+ that a CPU can do, with and without the corrections.

    Command: ``mien train grefel --data ROOT`` with the folder of FER2013 and the votes of FER+; ``--set model.balance=false`` for
    the network alone, ``--set model.backbone=plain`` for the small one. Estimated from the operations, not measured: minutes on
    one GPU; on two CPU cores about three hours, the small one half an hour. Expected: a gain by the corrections that grows with
    wrong labels and rare classes; not the paper's figure, which rests on another trunk with weights learned elsewhere.
    """
    return small_faces("ferplus/majority")
