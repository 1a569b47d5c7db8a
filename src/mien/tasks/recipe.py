"""A recipe: all that decides a training, as frozen data that can be written into a record and changed by name."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from ..errors import InputError, unknown_name

OPTIMISERS = ("sgd", "adam", "adamw", "rmsprop", "sam")
SCHEDULES = ("constant", "cosine", "plateau", "step", "exponential")
PRECISIONS = ("float32", "bf16")


@dataclass(frozen=True)
class Image:
    """How a picture becomes a tensor.

    Args:
        size: height and width of the tensor, pixels.
        channels: 1 (grey) or 3 (RGB).
        mean, std: taken off and divided by, one for each channel, of values in [0, 1].
        cache: keep the decoded pictures in memory, as uint8; what a data set of more than some gigabytes cannot.
    """

    size: int = 48
    channels: int = 1
    mean: tuple[float, ...] = (0.5,)
    std: tuple[float, ...] = (0.5,)
    cache: bool = True


@dataclass(frozen=True)
class Optim:
    """The optimiser.

    Args:
        name: one of :data:`OPTIMISERS`; "sam" is sharpness-aware minimisation on SGD (arXiv:2010.01412).
        rate: the highest learning rate.
        momentum: of SGD, SAM and RMSprop; beta 1 of Adam and AdamW.
        beta: beta 2 of Adam and AdamW.
        nesterov: Nesterov's momentum, for SGD and SAM.
        decay: weight decay; batch norms, biases and other vectors have none.
        clip: highest norm of the gradient; 0 for no limit.
        radius: rho of SAM.
    """

    name: str = "adamw"
    rate: float = 1e-3
    momentum: float = 0.9
    beta: float = 0.999
    nesterov: bool = True
    decay: float = 0.02
    clip: float = 0.0
    radius: float = 0.05


@dataclass(frozen=True)
class Schedule:
    """How the learning rate changes.

    Args:
        name: one of :data:`SCHEDULES`.
        warm: epochs of linear warm-up from 0, whatever the name.
        final: share of the highest rate at the end of "cosine".
        every: epochs between two steps of "step".
        milestones: epochs before which "step" steps, in place of ``every``; empty for none.
        factor: what "step", "exponential" (each epoch) and "plateau" multiply by.
        patience: epochs without a better figure before "plateau" steps.
    """

    name: str = "cosine"
    warm: float = 1.0
    final: float = 0.01
    every: int = 10
    milestones: tuple[int, ...] = ()
    factor: float = 0.5
    patience: int = 5


@dataclass(frozen=True)
class Augment:
    """Chance changes of the training pictures, drawn for each picture anew; 0 leaves a change out.

    Args:
        crop: side of the part that is cut out at a place drawn evenly, pixels; 0 keeps the whole. The network is then trained on
            smaller pictures than it is judged on, which costs less, and does no harm where it ends in a mean over its map.
        flip: chance of mirroring left and right.
        scale: standard deviation of the logarithm of the scale.
        rotate: standard deviation of the turn, radians.
        shift: standard deviation of the shift, as a share of half the side.
        contrast: standard deviation of the logarithm of the contrast.
        brightness: standard deviation of what is added, values in [0, 1].
        saturation: standard deviation of the logarithm of the saturation; colour pictures only.
        noise: highest standard deviation of noise added, values in [0, 1].
        lowres: chance of making the picture coarse: scaled down and up again.
        coarsest: lowest ratio of that, drawn evenly from there to 1.
        erase: chance that a square is erased.
        erase_size: highest side of that square, as a share of the side.
        mixup: alpha of mixup (arXiv:1710.09412), one share for a batch.
    """

    crop: int = 0
    flip: float = 0.5
    scale: float = 0.0
    rotate: float = 0.0
    shift: float = 0.0
    contrast: float = 0.0
    brightness: float = 0.0
    saturation: float = 0.0
    noise: float = 0.0
    lowres: float = 0.0
    coarsest: float = 0.2
    erase: float = 0.0
    erase_size: float = 0.33
    mixup: float = 0.0


@dataclass(frozen=True)
class Recipe:
    """One training, from the data to the weights that are kept.

    Args:
        protocol: what is trained, tuned and tested on what (:mod:`mien.protocols`).
        epochs: how often the training part is seen.
        batch: samples in a step of one device.
        groups: samples of one person that stand together in a batch, as far as there are so many; 0 mixes all.
        image, optim, schedule, augment: see there.
        smoothing: share of the target that is spread evenly over the classes.
        distil: share of the target that is what a teacher answers on the picture as it is (arXiv:1503.02531, arXiv:1805.04770);
            the teacher's weights are given with the data. For one of several classes only.
        balance: weight each class by the inverse of its frequency to this power; 0 for none.
        average: momentum of the moving average of the weights, which is what is judged and kept; 0 for none.
        precision: "float32", or "bf16" for mixed precision.
        accumulate: batches whose gradients are added before a step.
        patience: epochs without a better figure on the tuning part before the training ends; 0 never ends it.
        keep: "last" weights, or those of the "best" epoch on the tuning part.
        views: pictures whose answers are averaged when judging: "plain", "flip", "crops" (four corners and the middle, with
            ``augment.crop`` or five sixths of the side, and their mirror images).
        seed: of everything that chance decides.
    """

    protocol: str
    epochs: int
    batch: int = 128
    image: Image = Image()
    optim: Optim = Optim()
    schedule: Schedule = Schedule()
    augment: Augment = Augment()
    smoothing: float = 0.0
    distil: float = 0.0
    balance: float = 0.0
    average: float = 0.0
    precision: str = "bf16"
    accumulate: int = 1
    patience: int = 0
    keep: str = "last"
    views: tuple[str, ...] = ("plain",)
    seed: int = 0
    groups: int = 0

    def __post_init__(self) -> None:
        for what, value, known in (
            ("optimiser", self.optim.name, OPTIMISERS),
            ("schedule", self.schedule.name, SCHEDULES),
            ("precision", self.precision, PRECISIONS),
            ("weights to keep", self.keep, ("last", "best")),
            *(("view", view, ("plain", "flip", "crops")) for view in self.views),
        ):
            if value not in known:
                raise unknown_name(what, value, known)
        for name in ("epochs", "batch", "accumulate"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} is {getattr(self, name)}", "1 or more")
        for name in ("smoothing", "distil"):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(f"{name} is {getattr(self, name)}", "a share, 0 to 1")
        if self.groups < 0:
            raise InputError(f"groups is {self.groups}", "0 or more")
        if not 0 <= self.augment.crop <= self.image.size:
            raise InputError(f"augment.crop is {self.augment.crop}", f"0 to {self.image.size}, the side of the picture")
        if not len(self.image.mean) == len(self.image.std) == self.image.channels:
            got = f"{self.image.channels} channels, {len(self.image.mean)} means, {len(self.image.std)} deviations"
            raise InputError(got, "one mean and one deviation for each channel")

    def facts(self) -> dict[str, Any]:
        """The recipe as nested dicts of plain values, for a record."""
        return asdict(self)


def small_faces(protocol: str, epochs: int = 30) -> Recipe:
    """A training on grey faces of 48 pixels that a CPU can do: AdamW, cosine, mild changes.

    Example:
        >>> small_faces("ferplus/majority").image.size
        48
    """
    return Recipe(
        protocol,
        epochs,
        image=Image(48, 1, (0.5,), (0.25,)),
        optim=Optim("adamw", rate=1e-3, decay=0.02),
        schedule=Schedule("cosine", warm=1.0, final=0.01),
        augment=Augment(flip=0.5, scale=0.07, rotate=0.1, shift=0.05, contrast=0.2, brightness=0.08, erase=0.4),
    )
