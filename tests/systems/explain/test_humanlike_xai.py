"""The study of global LIME maps: its figures from the stored maps, and the whole of it on classifiers whose answer is known."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from mien import cards
from mien.attribution import ekman
from mien.attribution.lime import Lime
from mien.attribution.regions import chance_iou, levels, overlap, region
from mien.errors import InputError
from mien.media.image import read_image
from mien.metrics.table import Table
from mien.systems.explain import humanlike_xai as study

H, W = ekman.HEIGHT, ekman.WIDTH
QUICK = study.Study(lime=Lime(samples=200))
MOUTH = list(range(48, 60))
CLASSES = ("happiness", "neutral", "surprise")


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("maps")
    study.fake(root, networks=("AlexNet", "SilNet", "VGG16"))
    return root


def face(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A drawn face of 150 x 130 pixels, lit from above, and its landmarks."""
    rng = np.random.default_rng(seed)
    marks = ekman.LANDMARKS * [0.5, 0.5] + [9, 6] + rng.normal(0, 0.7, (68, 2))
    image = np.full((150, 130, 3), 90, np.uint8) + np.linspace(0, 40, 150).astype(np.uint8)[:, None, None]
    cv2.fillPoly(image, [np.round(marks[:27]).astype(np.int32)], (200, 160, 140))
    for part, colour in ((slice(36, 42), (60, 50, 50)), (slice(42, 48), (60, 50, 50)), (slice(48, 60), (220, 90, 90))):
        cv2.fillPoly(image, [np.round(marks[part]).astype(np.int32)], colour)
    return image, marks.astype(np.float32)


def box(marks: np.ndarray, numbers: list[int], margin: int = 0) -> tuple[slice, slice]:
    low, high = marks[numbers].min(0).astype(int) - margin, marks[numbers].max(0).astype(int) + margin + 1
    return slice(low[1], high[1]), slice(low[0], high[0])


def looks_at(place: tuple[slice, slice]):  # type: ignore[no-untyped-def]
    """A classifier that calls a face happy by how bright one box is, and sees nothing else."""

    def predict(images: np.ndarray) -> np.ndarray:
        bright = images[:, place[0], place[1]].mean((1, 2, 3)) / 255
        return np.stack([bright, 0.1 * np.ones(len(images)), 0.05 * np.ones(len(images))], 1)

    return predict


def test_who_looks_at_the_mouth_has_its_map_in_the_mouth() -> None:
    faces = [face(seed) for seed in range(4)]
    found = study.heat_maps(looks_at(box(faces[0][1], MOUTH)), faces, CLASSES, study=QUICK)
    assert list(found) == ["happiness"]  # nobody was called surprised, and neutral has no region
    values = found["happiness"]
    assert values.shape == (H, W)
    assert (values.min(), values.max()) == (0, 1)
    around = np.zeros((H, W), bool)
    around[box(ekman.LANDMARKS, MOUTH, margin=25)] = True
    assert overlap(region(levels(values)), around).precision > 0.9
    # against a classifier that looks at the brows
    brows = study.heat_maps(looks_at(box(faces[0][1], list(range(17, 27)))), faces, CLASSES, study=QUICK)["happiness"]
    assert overlap(region(levels(brows)), around).precision < 0.1


def test_a_mirrored_face_gives_the_mirrored_map() -> None:
    image, marks = face(1)
    eye = box(marks, list(range(36, 42)), 3)
    width = image.shape[1]
    turned = eye[0], slice(width - eye[1].stop, width - eye[1].start)
    common = (ekman.LANDMARKS * [-1, 1] + [W - 1, 0]).astype(np.float32)
    plain = study.local_map(looks_at(eye), (image, marks), 0, np.random.default_rng(0), QUICK)
    mirrored = study.local_map(
        looks_at(turned), (np.ascontiguousarray(image[:, ::-1]), marks * [-1, 1] + [width - 1, 0]), 0, np.random.default_rng(0),
        study.Study(lime=QUICK.lime, landmarks=common),
    )  # fmt: skip
    assert np.corrcoef(plain.ravel(), mirrored[:, ::-1].ravel())[0, 1] > 0.9
    assert np.corrcoef(plain.ravel(), mirrored.ravel())[0, 1] < 0.5


def test_the_same_seed_gives_the_same_maps_and_few_faces_are_chosen() -> None:
    faces = [face(seed) for seed in range(3)]
    some = study.Study(faces=1, lime=Lime(samples=30))
    maps = [study.heat_maps(looks_at(box(faces[0][1], MOUTH)), faces, CLASSES, s, some)["happiness"] for s in (1, 1, 2)]
    assert (maps[0] == maps[1]).all()
    assert (maps[0] != maps[2]).any()


def test_a_classifier_of_other_classes_is_refused() -> None:
    with pytest.raises(InputError, match="one for each class"):
        study.heat_maps(lambda images: np.ones((len(images), 2)), [face(0)], CLASSES)
    with pytest.raises(InputError, match="no faces"):
        study.heat_maps(lambda images: np.ones((len(images), 3)), [], CLASSES)


def test_random_maps_reach_the_chance_level() -> None:
    rng = np.random.default_rng(0)
    masks = {name: ekman.mask(name) for name in ekman.EXPRESSIONS}
    maps = {("random", name, ""): levels(rng.gamma(1.0, 1.0, (H, W))) for name in masks}
    table = study.judge(maps, masks, "random")
    for metric in ("mean IoU", "mean F1", "mean precision", "mean recall"):
        assert table[metric].value == pytest.approx(table[metric].constant, abs=0.01)
    found = region(maps["random", "fear", ""])
    assert table["IoU(fear)"].constant == pytest.approx(chance_iou(found.mean(), masks["fear"].mean()))


def test_a_perfect_map_scores_one_and_the_two_ways_differ() -> None:
    masks = {name: ekman.mask(name) for name in ekman.EXPRESSIONS}
    table = study.judge({("best", name, ""): levels(mask) for name, mask in masks.items()}, masks, "best")
    assert {row.value for row in table.rows} == {1.0}
    one = {("net", "anger", f"CV{k}"): levels(part) for k, part in enumerate(np.random.default_rng(0).random((3, H, W)))}
    merged = {("net", "anger", ""): levels(sum(image.astype(int) for image in one.values()))}
    assert study.judge(one, masks, "a")["IoU(net)"].value != study.judge(merged, masks, "b")["IoU(net)"].value


def test_evaluate_on_a_folder_of_the_same_layout(stored: Path) -> None:
    tables = {table.protocol: table for table in study.evaluate(stored)}
    first, second = tables[study.THRESHOLD_FIRST], tables[study.MERGE_FIRST]
    assert (first["mean IoU"].n, first["IoU(VGG16)"].n, first["IoU(fear)"].n) == (36, 12, 6)
    assert (second["mean IoU"].n, second["IoU(VGG16)"].n, second["IoU(fear)"].n) == (18, 6, 3)
    assert first["IoU(VGG16)"].value > first["IoU(AlexNet)"].value  # as they were made
    assert second["mean IoU"].value > first["mean IoU"].value  # noise averages out
    assert all(row.value > row.constant for row in first.rows)
    assert tables["ekman-masks/regions"]["mean IoU(whole picture)"].value == pytest.approx(
        np.mean([ekman.mask(name).mean() for name in ekman.EXPRESSIONS])
    )
    assert [row.n for row in tables["ekman-masks/networks:anger"].rows] == [2, 3]
    assert tables["ekman-masks/from-scratch-or-not"].rows[0].n == 3


def test_masks_are_files_where_there_are_some_and_drawn_where_not(tmp_path: Path, stored: Path) -> None:
    for masks in (study.read_masks(tmp_path), study.read_masks(stored)):
        assert all((masks[name] == ekman.mask(name)).all() for name in ekman.EXPRESSIONS)
    (tmp_path / "masks").mkdir()
    (tmp_path / "masks" / "Anger_gt.png").write_bytes((stored / "masks" / "Fear_gt.png").read_bytes())
    with pytest.raises(InputError, match="Disgust_gt"):
        study.read_masks(tmp_path)


def test_maps_that_are_missing_or_of_another_size_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no heat maps"):
        study.evaluate(tmp_path)
    study.fake(tmp_path, networks=("VGG16",), folds=2)
    gone = tmp_path / "heatmaps_by_cv" / "VGG16_CV2_Fear_heatmap.png"
    picture = gone.read_bytes()
    gone.unlink()
    with pytest.raises(InputError, match="VGG16 fear CV2"):
        study.evaluate(tmp_path)
    small = cv2.resize(cv2.imdecode(np.frombuffer(picture, np.uint8), 0), (112, 137))
    gone.write_bytes(cv2.imencode(".png", small)[1].tobytes())
    with pytest.raises(InputError, match="VGG16_CV2_Fear"):
        study.evaluate(tmp_path)
    with pytest.raises(InputError, match="contempt"):
        study.judge({("net", "contempt", ""): levels(ekman.mask("fear"))}, {"fear": ekman.mask("fear")}, "x")


def test_the_top_of_a_tree_against_a_group() -> None:
    maps = {(name, "fear", ""): levels(ekman.mask(kind)) for name, kind in (("a", "fear"), ("b", "fear"), ("c", "disgust"))}
    steps = study.tree(maps)
    assert study.tree(maps, "fear") == steps
    row = study.apart(steps, ("a", "b"))
    assert (row.value, row.constant) == pytest.approx((1, 2 / 3))
    assert study.apart(steps, ("a", "c")).value == pytest.approx(2 / 3)
    assert [r.metric for r in study.tree_table(steps, "fear").rows] == ["a with b", "c with a+b"]
    with pytest.raises(InputError, match="merged map of anger"):
        study.tree(maps, "anger")


@pytest.fixture(scope="module")
def published(data_dir: Path) -> Path:
    root = data_dir / "published" / "002_ekman_expressions"
    if not root.is_dir():
        pytest.skip("the stored heat maps are not here")
    return root


@pytest.fixture(scope="module")
def tables(published: Path) -> dict[str, Table]:
    return {table.protocol: table for table in study.evaluate(published)}


@pytest.mark.data
def test_every_published_figure_with_a_tolerance_comes_out_to_the_last_digit(tables: dict[str, Table]) -> None:
    figures = [
        figure
        for figure in cards.read(cards.FOLDER / "explain" / "humanlike_xai.toml").figures
        if figure.by != "ours" and figure.tolerance is not None
    ]
    assert len(figures) >= 24
    for figure in figures:
        digits = 3 if figure.tolerance == 0.0005 else 4
        found = tables[figure.protocol][figure.metric].value
        assert (figure.unit, figure.arm, round(found, digits)) == ("", "", figure.value), figure.metric


@pytest.mark.data
def test_best_and_worst_of_both_ways(tables: dict[str, Table]) -> None:
    for protocol, best, worst in (
        (study.THRESHOLD_FIRST, ("InceptionV3", 0.3128), ("AlexNet", 0.2086)),
        (study.MERGE_FIRST, ("ResNet50", 0.3269), ("AlexNet", 0.2066)),
    ):
        found = [row.metric[4:-1] for row in tables[protocol].rows if row.metric.startswith("IoU(")]
        names = [name for name in found if name not in ekman.EXPRESSIONS]
        by_value = sorted(names, key=lambda name: tables[protocol][f"IoU({name})"].value)
        assert len(names) == 12
        assert (by_value[-1], round(tables[protocol][f"IoU({by_value[-1]})"].value, 4)) == best
        assert (by_value[0], round(tables[protocol][f"IoU({by_value[0]})"].value, 4)) == worst
    assert round(tables[study.MERGE_FIRST]["mean IoU"].value, 4) == 0.2689  # the abstract's 0.2702 does not come out


@pytest.mark.data
def test_networks_from_scratch_stand_apart(tables: dict[str, Table]) -> None:
    assert tables["ekman-masks/from-scratch-or-not"].rows[0].value == 1
    assert tables["ekman-masks/networks:all"].rows[0].metric == "VGG16 with VGG19"


@pytest.mark.data
def test_the_picture_of_the_masks_shows_the_regions_that_are_drawn(published: Path) -> None:
    picture = read_image(published / "resources" / "ekman_masks.png").astype(int)
    green = (picture[..., 1] > 200) & (picture[..., 0] < 128) & (picture[..., 2] < 128)
    # left upper corner and size of the six panels in the picture, without their frames
    places = [(3, 94), (592, 94), (1177, 96), (3, 916), (595, 918), (1180, 916)]
    for name, (x, y) in zip(ekman.EXPRESSIONS, places):
        panel = green[y : y + 650, x : x + 530].astype(np.float32)
        small = cv2.resize(panel, (W, H), interpolation=cv2.INTER_AREA) > 0.5
        # the numbers of the landmarks cover some of it
        assert overlap(small, ekman.mask(name)).precision > 0.97
        assert overlap(small, ekman.mask(name)).recall > 0.9
