"""From crops to the tensor that the card describes, and from outputs to scores."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mien.cards import Card, Port, card
from mien.errors import InputError
from mien.stages.predict import Predict
from mien.types import Faces, Frame

MEAN, STD = (0.1, 0.2, 0.3), (0.5, 1.0, 2.0)
IMAGE = Port("image", "a face", ("B", 3, 8, 8), "RGB", MEAN, STD, "box")
LOGITS = Port("logits", "scores", ("B", 7), labels="fer-7", activation="softmax")
COLOUR = (200, 100, 50)  # what every crop shows
GREY = round(0.299 * 200 + 0.587 * 100 + 0.114 * 50)


class Fixed:
    """A network that keeps what it is given."""

    def __init__(self, **out: np.ndarray) -> None:
        self.out, self.given = out, {}

    def run(self, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        self.given = inputs
        return self.out


def entry(image: Port = IMAGE, *outputs: Port) -> Card:
    return replace(card("lonkar_cnn"), input=(image,), output=outputs or (LOGITS,))


def frame(count: int = 2) -> Frame:
    boxes = np.array([[4, 4, 20, 20], [10, 8, 26, 24]], np.float32)[:count]
    picture = np.full((40, 40, 3), COLOUR, np.uint8)
    return Frame(picture, 0.0, 0, Faces(boxes, np.ones(count, np.float32)))


def given(image: Port) -> np.ndarray:
    runner = Fixed(logits=np.zeros((2, 7), np.float32))
    Predict(entry(image), runner)([frame()])
    assert list(runner.given) == ["image"]
    return runner.given["image"]


def test_each_channel_has_its_mean_and_deviation() -> None:
    found = given(IMAGE)
    assert found.shape == (2, 3, 8, 8)
    assert found.dtype == np.float32
    wanted = [(value / 255 - mean) / std for value, mean, std in zip(COLOUR, MEAN, STD)]
    assert found[1, :, 3, 3] == pytest.approx(wanted, abs=1e-5)


def test_bgr_turns_the_channels_but_not_their_means() -> None:
    wanted = [(value / 255 - mean) / std for value, mean, std in zip(COLOUR[::-1], MEAN, STD)]
    assert given(replace(IMAGE, colour="BGR"))[0, :, 3, 3] == pytest.approx(wanted, abs=1e-5)


def test_grey_is_repeated_in_as_many_channels_as_the_network_takes() -> None:
    three = given(replace(IMAGE, colour="grey"))
    assert three[0, :, 3, 3] == pytest.approx([(GREY / 255 - mean) / std for mean, std in zip(MEAN, STD)], abs=3e-3)
    one = given(replace(IMAGE, colour="grey", shape=("B", 1, 8, 8), mean=(0.5,), std=(0.25,)))
    assert one.shape == (2, 1, 8, 8)
    assert one[0, 0, 3, 3] == pytest.approx((GREY / 255 - 0.5) / 0.25, abs=0.02)


def test_rows_and_columns_are_not_swapped() -> None:
    picture = np.zeros((40, 40, 3), np.uint8)
    picture[:12] = 255
    runner = Fixed(logits=np.zeros((1, 7), np.float32))
    Predict(entry(replace(IMAGE, mean=(0.0,) * 3, std=(1.0,) * 3)), runner)([replace(frame(1), image=picture)])
    found = runner.given["image"][0, 0]
    assert found[0].min() == 1
    assert found[7].max() == 0


def test_softmax_whatever_the_size_of_the_logits() -> None:
    logits = np.full((2, 7), -1e4, np.float32)
    logits[0, 3], logits[0, 4] = 1000 + np.log(3), 1000
    logits[1] = 0
    scores = Predict(entry(), Fixed(logits=logits))([frame()])[0].faces.expression
    assert scores.labels.name == "fer-7"
    assert scores.values[0, 3:5] == pytest.approx([0.75, 0.25], abs=1e-4)
    assert scores.values.sum(1) == pytest.approx([1, 1])
    assert scores.values[1] == pytest.approx(np.full(7, 1 / 7))


def test_sigmoid_judges_each_class_alone() -> None:
    step = Predict(entry(IMAGE, replace(LOGITS, activation="sigmoid")), Fixed(logits=np.full((2, 7), np.log(4), np.float32)))
    assert step([frame()])[0].faces.expression.values == pytest.approx(np.full((2, 7), 0.8))


def test_an_embedding_where_there_are_no_classes() -> None:
    rows = np.arange(8, dtype=np.float32).reshape(2, 4)
    step = Predict(entry(IMAGE, Port("embedding", "", ("B", 4))), Fixed(embedding=rows))
    assert step.adds == {"embedding"}
    assert step.needs == {"boxes"}
    assert np.array_equal(step([frame()])[0].faces.embedding, rows)


@pytest.mark.parametrize("shown", [frame(0), replace(frame(), image=None)], ids=["no faces", "no picture"])
def test_nothing_to_look_at_nothing_run(shown: Frame) -> None:
    runner = Fixed()
    assert Predict(entry(), runner)([shown]) == [shown]
    assert runner.given == {}


@pytest.mark.parametrize("field", ["crop", "shape", "mean", "std", "colour"])
def test_a_card_that_does_not_say_how_to_make_the_input_is_refused(field: str) -> None:
    empty = "" if field in ("crop", "colour") else ()
    with pytest.raises(InputError, match=r"does not say how a face becomes its input; wanted .*; it cannot run on photos yet"):
        Predict(entry(replace(IMAGE, **{field: empty})), Fixed())


def test_other_inputs_and_outputs_are_refused() -> None:
    with pytest.raises(InputError, match="does not say how"):
        Predict(replace(entry(), input=(IMAGE, replace(IMAGE, name="audio"))), Fixed())
    with pytest.raises(InputError, match="numbers for channels, height and width"):
        Predict(entry(replace(IMAGE, shape=("B", 3, "h", "w"))), Fixed())
    with pytest.raises(InputError, match="no logits with labels and no embedding"):
        Predict(entry(IMAGE, replace(LOGITS, labels="")), Fixed())
