"""WIDER FACE: the traps of its procedure by hand or against loops, its files in a round trip, the embedded detector on it."""

from __future__ import annotations

import subprocess
import sys
import tracemalloc
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from mien.datasets.drawing import lines
from mien.datasets.sample import Sample
from mien.datasets.wider_face import LEVELS, fake, fake_levels, kept, read
from mien.errors import InputError
from mien.media.image import write_image
from mien.metrics.detection import box_ap
from mien.metrics.table import Table
from mien.metrics.wider import pixel_iou, wider_ap
from mien.stages.detect import Detect
from mien.systems.face.wider_face import detect, evaluate, read_detections, write_detections

A, B, C = [0, 0, 99, 99], [200, 0, 299, 99], [400, 0, 499, 99]
NOWHERE = [700, 700, 750, 750]
ALL = [[1, 1, 1]]


def ap(found: list[Any], flags: Any = ALL, truth: Any = ([A, B, C],)) -> float:
    return wider_ap(truth, [found], {"some": flags})["some"]


class TestTraps:
    """The points in which the procedure differs from what one would write down without reading it."""

    def test_perfect_predictions_give_one_whatever_their_scores(self) -> None:
        rng = np.random.default_rng(0)
        corner = rng.uniform(0, 900, (40, 2))
        truth = [np.concatenate([corner, corner + rng.uniform(5, 90, (40, 2))], 1)]
        for scores in (rng.random(40), np.linspace(0.4, 0.40001, 40), np.full(40, 0.3)):
            assert wider_ap(truth, [np.c_[truth[0], scores]], {"all": [np.ones(40)]})["all"] == pytest.approx(1)

    def test_a_duplicate_after_each_detection_halves_the_precision(self) -> None:
        # A, A again, B, B again, C, C again: precision 1/1, 2/3, 3/5 where a new face is found, 3/6 at the end
        twice = [[*box, score - late] for box, score in ((A, 0.9), (B, 0.7), (C, 0.5)) for late in (0, 0.1)]
        assert ap(twice) == pytest.approx((1 + 2 / 3 + 3 / 5) / 3)
        # equal scores enter together: 1/2 everywhere
        assert ap([[*box, score] for box, score in ((A, 0.9), (B, 0.7), (C, 0.5)) for _ in range(2)]) == pytest.approx(1 / 2)

    def test_duplicates_after_all_others_cost_nothing(self) -> None:
        first = [[*A, 0.9], [*B, 0.8], [*C, 0.7]]
        assert ap([*first, [*A, 0.3], [*B, 0.2], [*C, 0.1]]) == pytest.approx(1)

    def test_a_detection_of_a_face_outside_the_subset_changes_nothing(self) -> None:
        found = [[*A, 0.9], [*NOWHERE, 0.8], [*B, 0.7], [*NOWHERE, 0.1]]
        easy = [[1, 1, 0]]
        with_it = [*found, [*C, 0.85], [*C, 0.75]]
        assert ap(with_it, easy) == ap(found, easy) == pytest.approx((1 + 2 / 3) / 2)
        assert ap(with_it, ALL) > ap(found, ALL)

    def test_an_overlap_of_exactly_one_half_counts_and_boxes_are_measured_in_whole_pixels(self) -> None:
        # 50 of 100 columns with both ends counted; by continuous measure it is 49 of 99
        half, less = [0, 0, 49, 99], [0, 0, 48, 99]
        assert pixel_iou(np.array([half], float), np.array([A], float)).item() == 0.5
        assert ap([[*half, 0.9]], [[1]], [[A]]) == 1
        assert ap([[*less, 0.9]], [[1]], [[A]]) == 0
        assert box_ap([[A]], [[[*half, 0.9]]]) == 0

    def test_overlap_agrees_with_loops_over_pixels(self) -> None:
        rng = np.random.default_rng(1)
        corner = rng.integers(0, 30, (2, 25, 2))
        one, two = np.concatenate([corner, corner + rng.integers(0, 20, (2, 25, 2))], 2)

        def pixels(box: np.ndarray) -> set[tuple[int, int]]:
            return {(x, y) for x in range(box[0], box[2] + 1) for y in range(box[1], box[3] + 1)}

        wanted = [[len(pixels(a) & pixels(b)) / len(pixels(a) | pixels(b)) for b in two] for a in one]
        np.testing.assert_allclose(pixel_iou(one.astype(float), two.astype(float)), wanted, atol=1e-6)

    def test_a_taken_face_does_not_pass_its_detection_on_to_the_second_best(self) -> None:
        near, between = [30, 0, 129, 99], [10, 0, 109, 99]  # the last one fits A (90/110) better than near (80/120)
        found = [[*A, 0.9], [*between, 0.8]]
        assert ap(found, [[1, 1]], [[A, near]]) == pytest.approx(1 / 2)
        assert box_ap([[A, near]], [found]) == pytest.approx(1)

    def test_equal_scores_all_enter_at_once(self) -> None:
        # 0 / 0 in the tools; here as sure as each other: 2 of 3 faces at a precision of 2/4
        found = [[*A, 0.4], [*NOWHERE, 0.4], [*B, 0.4], [*NOWHERE, 0.4]]
        assert ap(found) == pytest.approx(2 / 3 * 2 / 4)

    def test_thresholds_that_no_detection_reaches_add_nothing(self) -> None:
        # the best one is wrong: precision 0 / 1 at first, and 0 / 0 in pictures without it; no NaN comes of it
        assert ap([[*NOWHERE, 0.9], [*A, 0.1]], [[1]], [[A]]) == pytest.approx(1 / 2)

    def test_kept_faces_of_pictures_without_detections_count_in_the_denominator(self) -> None:
        truth, found = [[A, B], [A]], [[[*A, 0.9], [*B, 0.8]], []]
        assert wider_ap(truth, found, {"all": [[1, 1], [1]]})["all"] == pytest.approx(2 / 3)
        assert wider_ap(truth, found, {"all": [[1, 1], [0]]})["all"] == pytest.approx(1)

    def test_the_order_of_a_submission_matters_to_the_tools_and_not_here(self) -> None:
        ranked = [[*A, 1.0], [*B, 0.8], [*NOWHERE, 0.6], [*A, 0.5], [*C, 0.0]]
        mixed = [ranked[i] for i in (3, 4, 2, 0, 1)]
        assert as_listed(mixed) != pytest.approx(as_listed(ranked), abs=0.05)
        assert ap(mixed) == ap(ranked) == pytest.approx(as_listed(ranked)) == pytest.approx((1 + 1 + 3 / 5) / 3)

    @pytest.mark.parametrize("seed", range(5))
    def test_it_is_the_area_of_pascal_voc_but_for_the_thresholds_and_the_second_best(self, seed: int) -> None:
        # faces far apart and large, found once at most: only the 1000 thresholds are left to differ
        rng = np.random.default_rng(seed)
        truth, found = [], []
        ranks = list(2 + rng.permutation(998))
        for _ in range(20):
            corner = 200.0 * np.stack(np.divmod(rng.permutation(25)[: rng.integers(1, 8)], 5), 1)
            boxes = np.concatenate([corner, corner + 120], 1)
            sure = boxes[rng.random(len(boxes)) < 0.8] + rng.normal(0, 3, 4)
            false = np.array([[3000.0, 0, 3100, 100]] * int(rng.integers(0, 3))).reshape(-1, 4)
            shown = np.concatenate([sure, false])
            # one detection for each threshold, well inside its step
            scores = [(ranks.pop() - 0.5) / 1000 for _ in shown]
            truth.append(boxes)
            found.append(np.column_stack([shown, scores]))
        found[0] = np.concatenate([found[0], [[3000, 0, 3100, 100, 1.0], [3000, 0, 3100, 100, 0.0]]])
        every = {"all": [np.ones(len(t)) for t in truth]}
        assert wider_ap(truth, found, every)["all"] == pytest.approx(box_ap(truth, found), abs=1e-12)
        coarse = [np.column_stack([f[:, :4], 0.9 + f[:, 4] / 20 * (f[:, 4] < 1) + 0.1 * (f[:, 4] == 1)]) for f in found]
        coarse[0][-1, 4] = 0  # all but one share a twentieth of the thresholds
        assert 0 < abs(wider_ap(truth, coarse, every)["all"] - box_ap(truth, coarse)) < 0.05


def as_listed(found: list[Any]) -> float:
    """The procedure in loops for the faces A, B, C, with the detections as they are listed and scores in 0 .. 1."""
    state, hits = set(), []
    for *box, _ in found:
        state |= {i for i, face in enumerate((A, B, C)) if face == box}
        hits.append(len(state))
    recall, precision = [0.0], [0.0]
    for step in range(1, 1001):
        reached = [i for i, row in enumerate(found) if row[4] >= 1 - step / 1000]
        recall.append(hits[reached[-1]] / 3 if reached else 0.0)
        precision.append(hits[reached[-1]] / (reached[-1] + 1) if reached else 0.0)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    return float(np.sum(np.diff(recall) * envelope[1:]))


def taller(pixels: float) -> Callable[[Sample], np.ndarray]:
    def chosen(sample: Sample) -> np.ndarray:
        boxes, values = sample.truth.boxes, sample.truth.box_values
        assert boxes is not None
        assert values is not None
        return (boxes[:, 3] - boxes[:, 1] >= pixels) & (values["invalid"] == 0)

    return chosen


NESTED = {"easy": taller(40), "medium": taller(25), "hard": taller(10)}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A drawn WIDER FACE of 20 pictures with up to 19 boxes, with the lists of the evaluation tools; do not write to it."""
    folder = tmp_path_factory.mktemp("wider")
    fake(folder, seed=3, count=20)
    fake_levels(folder, NESTED)
    return folder


def figures(tables: list[Table]) -> dict[str, dict[str, tuple[float, int]]]:
    return {table.protocol: {row.metric: (row.value, row.n) for row in table.rows} for table in tables}


def perfect(root: Path, folder: Path, least: float = 0.0) -> Path:
    """A submission that finds exactly the faces from a height on."""
    rng = np.random.default_rng(0)
    for sample in read(root, "val"):
        boxes = sample.truth.boxes
        assert boxes is not None
        boxes = boxes[boxes[:, 3] - boxes[:, 1] >= least]
        write_detections(folder, [(sample.id, np.column_stack([boxes, rng.random(len(boxes))]))])
    return folder


class TestEvaluate:
    def test_perfect_detections_reach_one_everywhere(self, root: Path, tmp_path: Path) -> None:
        tables = evaluate(root, perfect(root, tmp_path))
        names = [*LEVELS, "all", "all by height", "all by attribute"]
        assert [table.protocol for table in tables] == [f"wider-face/{name}" for name in names]
        for table in tables:
            for row in table.rows:
                if row.n:
                    assert (row.value, row.constant) == (pytest.approx(1), 0)
                else:
                    assert np.isnan([row.value, row.constant]).all()

    def test_levels_are_nested_and_small_faces_that_are_missed_cost_the_hard_level_most(self, root: Path, tmp_path: Path) -> None:
        found = figures(evaluate(root, perfect(root, tmp_path, least=35)))
        (easy, e), (medium, m), (hard, h), (every, a) = (found[f"wider-face/{name}"]["AP"] for name in (*LEVELS, "all"))
        assert 0 < e < m < h < a
        assert easy == pytest.approx(1)
        assert 1 > medium > hard > every > 0
        assert (medium * m, hard * h) == (pytest.approx(round(medium * m)), pytest.approx(round(hard * h)))

    def test_faces_are_counted_as_in_the_annotation(self, root: Path, tmp_path: Path) -> None:
        truths = [sample.truth for sample in read(root, "val")]
        boxes = np.concatenate([truth.boxes for truth in truths])  # type: ignore[misc]
        codes = np.concatenate([truth.box_values.values for truth in truths])  # type: ignore[union-attr]
        height, valid = boxes[:, 3] - boxes[:, 1], codes[:, 3] == 0
        found = figures(evaluate(root, perfect(root, tmp_path), difficulty="all"))
        assert found["wider-face/all"]["AP"][1] == valid.sum()
        sizes, notes = found["wider-face/all by height"], found["wider-face/all by attribute"]
        assert sizes["AP(10 to 49 px)"][1] == (valid & (height >= 10) & (height < 50)).sum()
        assert sizes["AP(50 to 300 px)"][1] == (valid & (height >= 50)).sum()
        assert sizes["AP(above 300 px)"][1] == 0
        assert notes["AP(blur normal)"][1] == (valid & (codes[:, 0] == 1)).sum()
        assert notes["AP(occlusion partial)"][1] == (valid & (codes[:, 4] == 1)).sum()
        assert notes["AP(pose atypical)"][1] == (valid & (codes[:, 5] == 1)).sum()
        assert len(notes) == 3 + 2 + 2 + 3 + 2

    def test_without_the_lists_only_all_is_told_and_the_file_is_named(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        fake(tmp_path / "set", count=4)
        folder = perfect(tmp_path / "set", tmp_path / "found")
        tables = evaluate(tmp_path / "set", folder)
        assert [table.protocol.split("/")[1] for table in tables] == ["all", "all by height", "all by attribute"]
        assert "wider_easy_val.mat, wider_medium_val.mat, wider_hard_val.mat" in caplog.text
        assert "eval_tools.zip" in caplog.text
        with pytest.raises(InputError, match=r"no wider_hard_val.mat.*eval_tools.zip"):
            evaluate(tmp_path / "set", folder, difficulty="hard")
        fake_levels(tmp_path / "set", {"easy": taller(40)})
        assert len(evaluate(tmp_path / "set", folder)) == 4

    def test_one_level_a_limit_and_the_training_part(self, root: Path, tmp_path: Path) -> None:
        folder = perfect(root, tmp_path)
        (table,) = evaluate(root, folder, difficulty="medium", limit=6)
        assert table.protocol == "wider-face/medium, first 6 pictures"
        part = [NESTED["medium"](sample).sum() for sample in read(root, "val")][:6]
        assert table["AP"].n == sum(part)
        # boxes of another part are other boxes, so hardly anything is found
        train = evaluate(root, folder, split="train")
        assert [t.protocol for t in train] == [f"wider-face/train-all{kind}" for kind in ("", " by height", " by attribute")]
        assert train[0]["AP"].value < 0.5

    def test_a_submission_in_any_order_has_one_figure(self, root: Path, tmp_path: Path) -> None:
        perfect(root, tmp_path)
        before = evaluate(root, tmp_path, difficulty="hard")
        for path in tmp_path.rglob("*.txt"):
            name, number, *rows = path.read_text().splitlines()
            lines(path, [name, number, *np.random.default_rng(0).permutation(rows)])
        assert evaluate(root, tmp_path, difficulty="hard") == before

    @pytest.mark.parametrize(
        ("options", "words"),
        [
            ({"split": "test"}, "not published"),
            ({"difficulty": "middle"}, "unknown difficulty 'middle'.*medium"),
            ({"difficulty": "easy", "split": "train"}, "only its levels"),
            ({"limit": 0}, "limit is 0"),
            ({"threshold": 0.0}, "threshold is 0"),
            ({"detections": "nowhere"}, "there is no .*0--Parade"),
            ({"split": "vall"}, "unknown split"),
        ],
    )
    def test_wrong_options(self, root: Path, options: dict[str, Any], words: str) -> None:
        with pytest.raises(InputError, match=words):
            evaluate(root, **options)

    def test_it_does_without_torch(self) -> None:
        code = "import sys, mien.systems.face.wider_face; sys.exit('torch' in sys.modules or 'scipy' in sys.modules)"
        assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


class TestLists:
    def test_they_come_back_as_they_were_written(self, root: Path) -> None:
        for level in LEVELS:
            found = kept(root, level)
            for sample in read(root, "val"):
                np.testing.assert_array_equal(found[sample.id].boxes, sample.truth.boxes)
                np.testing.assert_array_equal(found[sample.id].kept, NESTED[level](sample))

    def test_several_events_and_pictures_without_faces(self, tmp_path: Path) -> None:
        (tmp_path / "WIDER_val/images").mkdir(parents=True)
        row = "5 5 40 40 0 0 0 0 0 0"
        content = ["0--Parade/a_p.jpg", "1", row, "0--Parade/b.jpg", "0", "0 " * 9 + "0", "1--Rally/c.jpg", "2", row, row]
        lines(tmp_path / "wider_face_split/wider_face_val_bbx_gt.txt", content)
        fake_levels(tmp_path, {"hard": lambda sample: np.arange(len(sample.truth.boxes)) == 1})  # type: ignore[arg-type]
        found = kept(tmp_path, "hard")
        assert {name: part.kept.tolist() for name, part in found.items()} == {
            "0--Parade/a_p": [False],
            "0--Parade/b": [],
            "1--Rally/c": [False, True],
        }

    def test_lists_of_another_edition_and_damaged_ones(
        self, root: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        scipy_io = pytest.importorskip("scipy.io")
        fake(tmp_path, seed=3, count=4)
        fake_levels(tmp_path, NESTED)
        folder = perfect(root, tmp_path / "found")
        list_file = tmp_path / "eval_tools/ground_truth/wider_easy_val.mat"
        # one picture more than in the list
        text = tmp_path / "wider_face_split/wider_face_val_bbx_gt.txt"
        text.write_text(text.read_text() + "0--Parade/0_Parade_marchingband_1_9.jpg\n1\n1 2 30 40 0 0 0 0 0 0\n")
        with pytest.raises(InputError, match=r"1 pictures are not in its list.*marchingband_1_9"):
            evaluate(tmp_path, folder, difficulty="easy")
        # one box less in the annotation than in the list: the list holds, and it is said
        rows = text.read_text().splitlines()[:-3]
        lines(text, [*rows[:-4], "2", *rows[-3:-1]])
        evaluate(tmp_path, folder, difficulty="easy")
        assert "in 1 pictures the list has another number of faces" in caplog.text
        content = {k: v for k, v in scipy_io.loadmat(list_file).items() if not k.startswith("__")}
        content["gt_list"][0, 0][3, 0] = np.array([[4]], np.uint8)
        scipy_io.savemat(list_file, content)
        with pytest.raises(InputError, match="has 3 faces, and face 4"):
            kept(tmp_path, "easy")
        del content["gt_list"]
        scipy_io.savemat(list_file, content)
        with pytest.raises(InputError, match="gt_list"):
            kept(tmp_path, "easy")
        whole = list_file.read_bytes()
        for damaged in (b"", b"no file of Matlab", b"MATLAB 5.0 MAT-file".ljust(200), whole[:150], whole[:-40]):
            list_file.write_bytes(damaged)
            with pytest.raises(InputError, match=r"wider_easy_val\.mat"):
                kept(tmp_path, "easy")
        with pytest.raises(InputError, match="unknown level"):
            kept(tmp_path, "simple")


class TestSubmission:
    def test_round_trip_best_first(self, tmp_path: Path) -> None:
        rng = np.random.default_rng(0)
        corner = rng.uniform(-5, 2000, (30, 2))
        found = np.column_stack([corner, corner + rng.uniform(0, 300, (30, 2)), rng.random(30)])
        write_detections(tmp_path, [("7--Cheering/7_Cheering_a_1", found), ("7--Cheering/b", [])])
        back = read_detections(tmp_path / "7--Cheering/7_Cheering_a_1.txt")
        np.testing.assert_allclose(back, found[np.argsort(-found[:, 4])], atol=1e-8)
        assert (tmp_path / "7--Cheering/b.txt").read_text() == "b.jpg\n0\n"
        assert read_detections(tmp_path / "7--Cheering/b.txt").shape == (0, 5)

    def test_a_file_as_the_benchmark_shows_it(self, tmp_path: Path) -> None:
        # a name that ends in letters of ".jpg", which a careless reader strips too; with and without event and suffix
        for head in ("x_g.jpg", "x_g", "0--Parade/x_g.jpg"):
            lines(tmp_path / "x_g.txt", [head, "2", "10 20 30 40 0.9", "1 2 3 4 0.25"])
            assert read_detections(tmp_path / "x_g.txt").tolist() == [[10, 20, 40, 60, 0.9], [1, 2, 4, 6, 0.25]]

    @pytest.mark.parametrize(
        ("content", "words"),
        [
            ([], "starts with"),
            (["y.jpg", "0"], "x.jpg, then the number"),
            (["x.jpg", "1 2 3 4 5"], "then the number"),
            (["x.jpg", "2", "1 2 3 4 0.5"], "1 detections, 2 announced"),
            (["x.jpg", "5", *["1 2 3 4"] * 5], "5 detections, 5 announced; wanted one line of"),
            (["x.jpg", "1", "1 2 3 0.5"], "x y width height score"),
            (["x.jpg", "1", "1 2 3 4 nan"], "not finite"),
            (["x.jpg", "1", "1 2 -3 4 0.5"], "below 0"),
        ],
    )
    def test_wrong_files(self, tmp_path: Path, content: list[str], words: str) -> None:
        lines(tmp_path / "x.txt", content)
        with pytest.raises(InputError, match=words):
            read_detections(tmp_path / "x.txt")


def portraits(root: Path, portrait: np.ndarray, heights: list[list[int]], size: tuple[int, int] = (640, 480)) -> None:
    """Pictures in which the portrait stands once for each height of its face, with the lists of the levels."""
    head, face = portrait[0:230, 130:320], np.array([45, 68, 140, 188])
    rng, content = np.random.default_rng(0), []
    for number, row in enumerate(heights):
        image = cv2.resize(rng.integers(60, 200, (9, 12, 3), np.uint8), size, interpolation=cv2.INTER_CUBIC)
        name, at, boxes = f"0--Parade/{number}.jpg", 10, []
        for height in row:
            scale = height / 120
            small = cv2.resize(head, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
            image[20 : 20 + len(small), at : at + small.shape[1]] = small
            x, y, right, low = np.round(face * scale).astype(int) + [at, 20, at, 20]
            boxes.append(f"{x} {y} {right - x} {low - y} 0 0 0 0 0 0")
            at += small.shape[1] + 10
        (root / "WIDER_val/images/0--Parade").mkdir(parents=True, exist_ok=True)
        write_image(root / "WIDER_val/images" / name, np.asarray(image, np.uint8))
        content += [name, str(len(boxes)), *(boxes or ["0 0 0 0 0 0 0 0 0 0"])]
    lines(root / "wider_face_split/wider_face_val_bbx_gt.txt", content)
    fake_levels(root, {"easy": taller(60), "medium": taller(30), "hard": taller(8)})


class TestEmbeddedDetector:
    def test_portraits_are_found_and_a_submission_gives_the_same_figures(self, astronaut: np.ndarray, tmp_path: Path) -> None:
        portraits(tmp_path, astronaut, [[120, 40], [180], [60, 9, 8], []])
        tables = evaluate(tmp_path, threshold=0.1)
        found = figures(tables)
        assert found["wider-face/easy"]["AP"] == (pytest.approx(1), 3)
        assert found["wider-face/medium"]["AP"] == (pytest.approx(1), 4)
        assert found["wider-face/hard"]["AP"][1] == 6
        assert found["wider-face/hard"]["AP"][0] < 1  # eight pixels are too few for it
        write_detections(tmp_path / "found", detect(tmp_path, threshold=0.1))
        again = evaluate(tmp_path, tmp_path / "found")
        for before, after in zip(tables, again, strict=True):
            assert [row.n for row in after.rows] == [row.n for row in before.rows]
            values = [[row.value for row in table.rows] for table in (before, after)]
            np.testing.assert_allclose(values[0], values[1], atol=1e-9)

    def test_a_hundred_pictures_pass_one_at_a_time(
        self, astronaut: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        portraits(tmp_path, astronaut, [[50, 30]] * 100, size=(320, 240))
        seen: list[weakref.ref[np.ndarray]] = []
        find = Detect.find

        def watched(stage: Detect, image: np.ndarray) -> Any:
            assert not [1 for earlier in seen if earlier() is not None], "an earlier picture is still held"
            seen.append(weakref.ref(image))
            return find(stage, image)

        monkeypatch.setattr(Detect, "find", watched)
        peaks = []
        for limit in (2, 10, 100):  # the first one loads what is loaded once
            tracemalloc.start()
            found = figures(evaluate(tmp_path, threshold=0.3, limit=limit))
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
            name = "wider-face/hard" + (f", first {limit} pictures" if limit < 100 else "")
            assert found[name]["AP"] == (pytest.approx(1, abs=0.02), 2 * limit)
        assert len(seen) == 112
        # boxes and notes are kept; the pixels of the ninety pictures more are 21 MB
        assert peaks[2] - peaks[1] < 4e6

    def test_the_test_part_can_be_detected_for_sending_in(self, root: Path, tmp_path: Path) -> None:
        write_detections(tmp_path, detect(root, "test", threshold=0.3, limit=2))
        assert len(list(tmp_path.rglob("*.txt"))) == 2

    def test_pictures_are_read_when_they_are_asked_for(self, root: Path, tmp_path: Path) -> None:
        fake(tmp_path, count=2)
        (tmp_path / "WIDER_val/images/0--Parade/0_Parade_marchingband_1_1.jpg").unlink()
        stream = detect(tmp_path)
        assert next(stream)[0] == "0--Parade/0_Parade_marchingband_1_0"
        with pytest.raises(InputError, match="marchingband_1_1"):
            next(stream)
