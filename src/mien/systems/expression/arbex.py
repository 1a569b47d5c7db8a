"""ARBEx: the first guess is corrected by learned anchors of each class and by attention, each as far as it is sure.

Wasi and others, "ARBEx: Attentive Feature Extraction with Reliability Balancing for Robust Facial Expression Learning",
arXiv:2305.01486. With the embedding e, the guess p = softmax(z) and c(x) = 1 - H(x) / log C:

- geometric: d_ij = ||e - a_ij|| to the K anchors of each class, s = softmax over all of -d / delta, t_g[i] = sum_j s_ij;
- attentive: t_a from attention over the segments of e, softmax over C K votes, summed for each class;
- t = (c(t_g) t_g + c(t_a) t_a) / (c(t_g) + c(t_a)), r = (c(p) p + c(t) t) / (c(p) + c(t));
- L = -sum_c y_c log r_c + L_anchor + L_centre: anchors of different classes apart, a sample near one of its own, by c(p).

``ramp`` above 0 takes the last mix of the authors' code instead, q = c(p) p + (1 - c(p)) t and r = (1 - trust) p + trust q with
trust growing over so many steps. The balancing goes around any network (:class:`mien.nn.balancing.Balanced`).

Simplified: the trunk is a residual network on small pictures in place of POSTER++; classes are neither sampled evenly nor
weighted; embeddings and anchors have one length where distances are taken, for otherwise anchors flee without end and one delta
does not fit all networks; attention stays within a sample, where in the authors' code samples of a batch attend to each other.
"""

from __future__ import annotations

from torch import nn

from ...losses.anchors import ReliabilityLoss
from ...nn.balancing import Balanced, Balancing, Headed, mlp, trunk
from ...tasks.recipe import Recipe, small_faces

SIZE = 512  # of the embedding of either trunk


def model(
    backbone: str = "resnet18", classes: int = 8, balance: bool = True, correct: str = "both", anchors: int = 10, ramp: int = 0
) -> nn.Module:
    """The network: (n, 1, h, w) grey -> ``logits`` (n, classes), the logarithm of r, and ``embedding`` (n, 512).

    Args:
        backbone: "resnet18", or "plain" for a seventh of the work.
        classes: number of classes.
        balance: false gives the network alone, from the same random weights.
        correct: "both" corrections, or only the "geometric" or the "attentive" one.
        anchors: K, of each class.
        ramp: 0 for the paper's last mix, or the training steps after which the authors' code trusts the corrections fully.

    Raises:
        InputError: no such backbone or correction, or a number out of range.
    """
    network = Headed(trunk(backbone), mlp((SIZE, SIZE // 2, SIZE // 4, SIZE // 8, classes)))
    if not balance:
        return network
    return Balanced(network, SIZE, classes, Balancing(anchors, correct, ramp=ramp))


def objective(anchor: float = 1.0, centre: float = 1.0) -> nn.Module:
    """The loss; without balancing the cross-entropy alone.

    Args:
        anchor, centre: weights of the losses that push anchors apart and pull samples to them.
    """
    return ReliabilityLoss(anchor, centre)


def recipe() -> Recipe:
    """A training on FER+ that a CPU can do, with and without the corrections.

    Command: ``mien train arbex --data ROOT`` with the folder of FER2013 and the votes of FER+; ``--set model.balance=false`` for
    the network alone, ``--set model.backbone=plain`` for the small one. Estimated from the operations, not measured: minutes on
    one GPU; on two CPU cores about three hours, the small one half an hour. Expected: a gain by the corrections that grows with
    wrong labels; not the paper's figure, which rests on another trunk with weights learned elsewhere.
    """
    return small_faces("ferplus/majority")
