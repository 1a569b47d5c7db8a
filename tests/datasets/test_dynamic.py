"""Readers of clips and videos with expression and affect."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mien.datasets.drawing import lines
from mien.errors import InputError

from .conftest import Made, read
from .test_expression import rewrite


class TestDfew:
    def test_codes_votes_and_order_of_frames(self, made: Made) -> None:
        root = made("dfew")
        words = dict(zip("1234567", ["happiness", "sadness", "neutral", "anger", "surprise", "disgust", "fear"]))
        table = (root / "EmoLabel_DataSplit/test(single-labeled)/set_3.csv").read_text("utf-8").split()[1:]
        want = {f"{int(line.split(',')[0]):05d}": words[line.split(",")[1]] for line in table}
        found = read("dfew", root, "test", fold=3)
        assert {s.id: s.truth.expression.name for s in found if s.truth.expression} == want
        for sample in found:
            votes = sample.truth.votes
            assert votes is not None
            assert votes.labels.names[int(votes.values.argmax())] == want[sample.id]
            assert float(votes.shares().values.sum()) == pytest.approx(1)
        frames = read("dfew", root, "test", kind="clip_224x224_16f")[0].frames
        assert frames is not None
        assert [path.stem for path in frames.paths] == ["1", "2", "10"]

    def test_videos_and_what_is_missing(self, copied: Made) -> None:
        root = copied("dfew")
        for split in ("train", "test"):
            lines(root / f"EmoLabel_DataSplit/{split}(single-labeled)/set_1.csv", ["video_name,label", "1,1"])
        video = read("dfew", root, "train", kind="original")[0]
        assert video.frames is not None
        assert video.frames.video == root / "Clip/original/1.mp4"
        assert video.read().shape == (48, 48, 3)
        rewrite(root / "EmoLabel_DataSplit/train(single-labeled)/set_1.csv", "1,1", "99,1")
        with pytest.raises(InputError, match="no clip 00099"):
            read("dfew", root, "train")

    @pytest.mark.parametrize(
        ("options", "words"), [({"fold": 6}, "1 to 5"), ({"fold": 0}, "1 to 5"), ({"kind": "mp4"}, "clip_224x224")]
    )
    def test_wrong_options(self, made: Made, options: dict[str, object], words: str) -> None:
        with pytest.raises(InputError, match=words):
            read("dfew", made("dfew"), "train", **options)


class TestLists:
    def test_ferv39k(self, copied: Made) -> None:
        root = copied("ferv39k")
        found = read("ferv39k", root, "train")
        assert {s.session for s in found} == {"Action", "DailyLife"}
        assert all(
            s.truth.expression and s.id.split("/")[1][:3].lower() in ("ang", *[s.truth.expression.name[:3]]) for s in found
        )
        assert found[0].frames is not None
        assert [path.stem for path in found[0].frames.paths] == ["8", "9", "10"]
        rewrite(root / "4_setups/All_scenes/train_All.csv", "Action/Sad/0001", "Action/Sad/7777")
        with pytest.raises(InputError, match="no picture in"):
            read("ferv39k", root, "train")

    def test_mafw_videos_and_frames(self, made: Made) -> None:
        videos, frames = (read("mafw", made("mafw"), "train", fold=2, videos=v) for v in (True, False))
        assert [s.id for s in videos] == [s.id for s in frames]
        assert videos[-1].truth.expression is not None
        assert videos[-1].truth.expression.name == "disappointment"
        assert videos[0].frames is not None
        assert len(list(videos[0].frames)) == 2

    def test_afew_refuses_another_class(self, copied: Made) -> None:
        root = copied("afew")
        (root / "Train_AFEW/Angry").rename(root / "Train_AFEW/Bored")
        with pytest.raises(InputError, match="Bored"):
            read("afew", root, "train")


class TestAffWild2:
    def test_a_line_belongs_to_the_frame_of_its_number(self, made: Made) -> None:
        root = made("aff_wild2")
        codes = (root / "EXPR_Recognition_Challenge/Train_Set/Tra0.txt").read_text("utf-8").split()[1:]
        found = {s.id: s.truth.expression for s in read("aff_wild2", root, "train") if s.subject == "Tra0"}
        assert sorted(found) == [f"Tra0/{n:05d}" for n in (1, 2, *range(4, 11))]
        for name, expression in found.items():
            code = int(codes[int(name[-5:]) - 1])
            assert (expression is None) == (code == -1)
            assert expression is None or expression.index == code

    def test_persons_of_one_video_share_the_session_only(self, made: Made) -> None:
        left = next(s for s in read("aff_wild2", made("aff_wild2"), "val") if s.subject and s.subject.endswith("_left"))
        assert (left.subject, left.session) == ("Val1_left", "Val1")

    def test_missing_affect_and_units(self, copied: Made) -> None:
        root = copied("aff_wild2")
        path = root / "VA_Estimation_Challenge/Train_Set/Tra0.txt"
        table = path.read_text("utf-8").splitlines()
        table[1] = "0.5,-5"
        lines(path, table)
        affect = {s.id: s.truth.affect for s in read("aff_wild2", root, "train", task="affect")}
        first = affect["Tra0/00001"]
        assert first is not None
        assert first[0] == 0.5
        assert np.isnan(first[1])
        assert affect["Tra0/00005"] is None
        units = {s.id: s.truth.units for s in read("aff_wild2", root, "train", task="units")}
        assert units["Tra0/00005"] is None
        sixth = units["Tra0/00006"]
        assert sixth is not None
        assert sixth.known.tolist() == [False] + [True] * 11

    def test_the_folder_of_a_competition_is_found(self, copied: Made) -> None:
        root = copied("aff_wild2")
        (root / "6th ABAW Annotations").mkdir()
        for folder in root.glob("*_Challenge"):
            folder.rename(root / "6th ABAW Annotations" / folder.name)
        assert len(read("aff_wild2", root, "train")) == 18

    def test_expressions_of_the_earlier_competitions_are_found(self, copied: Made) -> None:
        root = copied("aff_wild2")
        (root / "EXPR_Recognition_Challenge").rename(root / "EXPR_Classification_Challenge")
        assert len(read("aff_wild2", root, "train")) == 18

    def test_faces_of_later_videos_are_found(self, copied: Made) -> None:
        root = copied("aff_wild2")
        (root / "cropped_aligned_new_50_vids").mkdir()
        (root / "cropped_aligned/Tra0").rename(root / "cropped_aligned_new_50_vids/Tra0")
        found = read("aff_wild2", root, "train")
        assert len(found) == 18
        assert {s.image.parent.parent.name for s in found if isinstance(s.image, Path) and s.subject == "Tra0"} == {
            "cropped_aligned_new_50_vids"
        }

    def test_another_order_of_classes_or_range_is_refused(self, copied: Made) -> None:
        root = copied("aff_wild2")
        rewrite(root / "EXPR_Recognition_Challenge/Train_Set/Tra0.txt", "Neutral,Anger", "Anger,Neutral")
        with pytest.raises(InputError, match="another order of classes"):
            read("aff_wild2", root, "train")
        lines(root / "VA_Estimation_Challenge/Train_Set/Tra0.txt", ["valence,arousal", "1.5,0"])
        with pytest.raises(InputError, match="-1 to 1"):
            read("aff_wild2", root, "train", task="affect")
        with pytest.raises(InputError, match="did you mean units"):
            read("aff_wild2", root, "train", task="unit")
