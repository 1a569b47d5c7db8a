"""What a report keeps: the right counts, and no more than a constant amount."""

from __future__ import annotations

import pickle
from collections.abc import Callable

import numpy as np
import pytest

from mien.errors import InputError
from mien.labels import FER_7, UNITS
from mien.report import Report
from mien.report.collect import MAX_SERIES, VideoRecord, photo_of
from mien.report.pictures import THUMB_BYTES, jpeg
from mien.report.sources import MAX_PHOTOS, MAX_POSTERS, Sources, explained
from mien.types import Faces, Frame, Scores

MakeFrame = Callable[..., Frame]
NEUTRAL, HAPPY, UNCLEAR = {"neutral": 1.0}, {"happiness": 0.9}, {"neutral": 0.4, "sadness": 0.35, "fear": 0.25}


def video(frames: list[Frame]) -> VideoRecord:
    record = VideoRecord("film.mp4", True)
    for frame in frames:
        record.add(frame)
    return record


def test_shares_of_time_seconds_and_the_strongest_moment(make_frame: MakeFrame) -> None:
    frames = [make_frame(i, HAPPY if 100 <= i < 130 else UNCLEAR if i < 50 else NEUTRAL) for i in range(200)]
    frames[117] = make_frame(117, {"happiness": 0.97})
    record = video(frames)
    seen = record.facts(record.ordered())[0]
    assert seen.seconds == pytest.approx(8.0)
    assert record.seconds == pytest.approx(8.0)
    assert seen.shares["happiness"] == pytest.approx(0.15, abs=0.01)
    assert seen.shares["neutral"] == pytest.approx(0.6, abs=0.01)
    assert seen.unclear == pytest.approx(0.25, abs=0.01)
    assert seen.between == ("neutral", "sadness")
    assert seen.strongest is not None
    assert seen.strongest[0] == "happiness"
    assert seen.strongest[1:] == pytest.approx((117 / 25, 0.97))


def test_shares_follow_time_not_frames(make_frame: MakeFrame) -> None:
    # one frame each second of happiness, then many frames a second of neutral
    times = [*range(5), *(4 + (i + 1) / 50 for i in range(50))]
    frames = []
    for i, time in enumerate(times):
        frame = make_frame(i, HAPPY if i < 5 else NEUTRAL)
        frames.append(Frame(None, float(time), i, frame.faces, frame.source))
    record = video(frames)
    assert record.facts(record.ordered())[0].shares["happiness"] == pytest.approx(0.8, abs=0.01)


def test_frames_that_could_not_be_read_are_no_part_of_the_shares(make_frame: MakeFrame) -> None:
    record = video([make_frame(i, None if i < 20 else HAPPY) for i in range(100)])
    seen = record.facts(record.ordered())[0]
    assert seen.shares == pytest.approx({"happiness": 1.0})
    assert seen.unread == pytest.approx({"too_small": 0.2})


def test_the_strongest_units_come_with_their_peak(make_frame: MakeFrame) -> None:
    frames = []
    for i in range(100):
        intensity = np.zeros((1, len(UNITS)), np.float32)
        intensity[0, UNITS.index("AU12")] = 3.8 if i == 40 else 1.0
        intensity[0, UNITS.index("AU06")] = 2.0 if i == 60 else np.nan
        frames.append(make_frame(i, HAPPY, intensity=intensity))
    record = video(frames)
    track = record.tracks[0]
    assert track.strongest_units() == ["AU12", "AU06"]
    place = track.channels.index("AU06")
    assert track.peak_time[place] == pytest.approx(60 / 25)
    assert track.mean()[place] == pytest.approx(2.0)  # the mean of what could be told


def test_a_face_that_comes_later_is_seen_for_a_shorter_time(make_frame: MakeFrame) -> None:
    record = video([make_frame(i, NEUTRAL) if i < 50 else make_frame(i, NEUTRAL, HAPPY) for i in range(100)])
    first, second = record.facts(record.ordered())
    assert (first.seconds, second.seconds) == pytest.approx((4.0, 2.0))
    assert record.at_once == 2


def test_one_frame_is_enough_for_shares(make_frame: MakeFrame) -> None:
    record = video([make_frame(0, HAPPY)])
    assert record.facts(record.ordered())[0].shares == pytest.approx({"happiness": 1.0})


def test_faces_without_tracks_are_told_apart_by_their_place(make_frame: MakeFrame) -> None:
    record = video([make_frame(i, NEUTRAL, HAPPY, track=None) for i in range(10)])
    assert sorted(record.tracks) == [0, 1]
    record = video([make_frame(i, NEUTRAL, HAPPY, track=np.array([0, -1])) for i in range(10)])
    assert [t.name for t in record.tracks.values()] == ["face 0", "face 1 without a track"]


def test_label_sets_must_not_change_within_a_video(make_frame: MakeFrame) -> None:
    other = Scores(np.eye(7, dtype=np.float32)[:1], FER_7)
    with pytest.raises(InputError, match=r"film\.mp4: face 0 with 7 expressions after 8"):
        video([make_frame(0, HAPPY), make_frame(1, HAPPY, expression=other)])


def test_other_label_sets_are_taken_as_they_are(make_frame: MakeFrame) -> None:
    other = Scores(np.eye(7, dtype=np.float32)[:1], FER_7)
    record = video([make_frame(i, HAPPY, expression=other) for i in range(5)])
    assert record.facts(record.ordered())[0].shares == pytest.approx({"anger": 1.0})


# memory ---------------------------------------------------------------------------------------------------------------
def size(report: Report) -> int:
    return len(pickle.dumps(report._sources))


def test_a_long_video_takes_no_more_memory(make_frame: MakeFrame) -> None:
    report = Report()
    some = [make_frame(i, HAPPY if i % 100 < 30 else NEUTRAL) for i in range(400)]
    sizes = []
    for i in range(20_000):
        frame = some[i % 400]
        report.add(Frame(None, i / 25, i, frame.faces, frame.source))
        if i + 1 in (4_000, 20_000):
            sizes.append(size(report))
    assert sizes[1] <= 1.02 * sizes[0]
    assert sizes[1] < 600_000
    assert len(report.html()) < 300_000


def test_many_people_take_no_more_memory(make_frame: MakeFrame) -> None:
    report = Report()
    faces = make_frame(0, HAPPY, NEUTRAL).faces
    sizes = []
    for i in range(4_000):
        report.add(Frame(None, i / 5, i, faces.with_(track=np.array([i, i + 1])), "station.mp4"))
        if i + 1 in (1_000, 4_000):
            sizes.append(size(report))
    record = report._sources.detailed[0]
    assert sizes[1] < 1.2 * sizes[0]
    assert sum(t.series is not None for t in record.tracks.values()) <= MAX_SERIES
    assert len(record.tracks) + record.others == 4_001


def test_those_seen_longest_keep_their_series(make_frame: MakeFrame) -> None:
    record = VideoRecord("a.mp4", True)
    faces = make_frame(0, HAPPY, NEUTRAL).faces
    for i in range(400):
        record.add(Frame(None, i / 5, i, faces.with_(track=np.array([0, 1 + i // 5])), "a.mp4"))
    assert record.tracks[0].series is not None
    assert record.ordered()[0].number == 0


def test_pictures_are_small_and_few(make_frame: MakeFrame) -> None:
    rng = np.random.default_rng(0)
    record = VideoRecord("a.mp4", True)
    for i in range(40):
        frame = make_frame(i, [NEUTRAL, HAPPY, {"surprise": 0.8}, {"anger": 0.7}][i % 4], picture=True)
        assert frame.image is not None
        noise = rng.integers(0, 256, frame.image.shape, np.uint8)  # what JPEG likes least
        record.add(Frame(noise, frame.time, i, frame.faces, "a.mp4"))
    chosen = record.tracks[0].chosen()
    assert [why for why, _ in chosen] == ["best quality", "most happy", "most surprised"]
    assert all(len(picture.data) <= THUMB_BYTES for picture in record.tracks[0].pictures.values())
    assert record.poster is not None
    assert len(record.poster.data) < 70_000


def test_the_best_portrait_replaces_a_worse_one(make_frame: MakeFrame) -> None:
    record = VideoRecord("a.mp4", True)
    for i, quality in enumerate((0.2, 0.9, 0.5)):
        record.add(make_frame(i, NEUTRAL, picture=True, quality=np.array([quality])))
    assert record.tracks[0].pictures[""].time == pytest.approx(1 / 25)


def test_jpeg_gives_up_quality_for_size() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (160, 160, 3), np.uint8)
    assert len(jpeg(noise, 12_000)) <= 12_000 < len(jpeg(noise, 10**6))


# photos and videos ----------------------------------------------------------------------------------------------------
def test_photos_videos_and_broken_files_are_told_apart(make_frame: MakeFrame) -> None:
    sources = Sources()
    sources.add(make_frame(0, HAPPY, None, source="a.jpg"))
    sources.add(make_frame(0, source="b.jpg"))
    for i in range(10):
        sources.add(make_frame(i, NEUTRAL, source="c.mp4"))
    sources.add(Frame(None, 0, 0, Faces.none(), "d.jpg", "unreadable", "d.jpg: 0 bytes; wanted a picture"))
    sources.add(Frame(None, 0, 0, Faces.none(), "e.mp4", "unreadable", "e.mp4: not a video"))
    sources.add(make_frame(0, UNCLEAR, source="f.jpg"))
    sources.settle()
    counts = sources.photo_counts()
    assert (counts.read, counts.unreadable, counts.without, counts.faces) == (3, 1, 1, 3)
    assert dict(counts.shown) == {"happiness": 1, "unclear": 1}
    assert dict(counts.unread) == {"too_small": 1}
    assert [record.frames for record in sources.detailed] == [10]
    assert [entry.name for entry in sources.unreadable] == ["d.jpg", "e.mp4"]


def test_the_same_photo_twice_is_two_photos(make_frame: MakeFrame) -> None:
    sources = Sources()
    for _ in range(3):
        sources.add(make_frame(0, HAPPY, source="a.jpg"))
    sources.settle()
    assert sources.photos.read == 3
    assert not sources.detailed


def test_two_cameras_may_be_mixed(make_frame: MakeFrame) -> None:
    sources = Sources()
    for i in range(20):
        sources.add(make_frame(i + 1, HAPPY, source="left"))
        sources.add(make_frame(i + 1, NEUTRAL, source="right"))
    assert [(record.name, record.frames) for record in sources.detailed] == [("left", 20), ("right", 20)]


def test_a_video_that_ends_in_damage_is_listed_with_how_far_it_went(make_frame: MakeFrame) -> None:
    sources = Sources()
    for i in range(26):
        sources.add(make_frame(i, HAPPY))
    sources.add(Frame(None, 1.0, 26, Faces.none(), "film.mp4", "damaged", "film.mp4: cut off; 26 frames read"))
    assert sources.unreadable[0].reason == "cut off (read up to 0:01.0)"
    assert sources.unreadable[0].remedy == "26 frames read"
    assert sources.detailed[0].frames == 26


def test_only_so_many_photos_are_kept_in_full(make_frame: MakeFrame) -> None:
    sources = Sources()
    for i in range(MAX_PHOTOS + 30):
        sources.add(make_frame(0, HAPPY, source=f"{i}.jpg", picture=i < MAX_POSTERS + 3))
    sources.settle()
    assert len(sources.entries) == MAX_PHOTOS
    assert sum(photo.poster is not None for photo in sources.entries) == MAX_POSTERS
    assert len(sources.rows) == 30
    assert not sources.rows[0].entries
    assert sources.photos.read == MAX_PHOTOS + 30


def test_a_crowd_is_described_by_its_largest_faces(make_frame: MakeFrame) -> None:
    frame = make_frame(0, *([HAPPY] * 40))
    boxes = frame.faces.boxes.copy()
    boxes[35, 2:] += 50
    photo = photo_of(Frame(None, 0, 0, frame.faces.with_(boxes=boxes), "crowd.jpg"), True, True)
    assert photo.faces == 40
    assert len(photo.entries) == 30
    assert 35 in [entry.number for entry in photo.entries]


@pytest.mark.parametrize(
    ("reason", "what", "remedy"),
    [
        ("x.jpg: 0 bytes; wanted a picture; get it again", "0 bytes", "get it again"),
        ("x.jpg: 0 bytes; wanted a picture", "0 bytes", "use a picture"),
        ("broken", "broken", "open it in a viewer; get the file again if that fails too"),
        ("", "it could not be read", "open it in a viewer; get the file again if that fails too"),
    ],
)
def test_reasons_are_split_into_what_is_wrong_and_what_to_do(reason: str, what: str, remedy: str) -> None:
    entry = explained(Frame(None, 0, 0, Faces.none(), "x.jpg", "unreadable", reason), None)
    assert (entry.reason, entry.remedy) == (what, remedy)
