"""The pipelines with the shipped networks on a picture that lies in the repository."""

from __future__ import annotations

import io

import cv2
import numpy as np
import pytest
from PIL import Image as Pillow

import mien
from mien.errors import InputError
from mien.geometry import boxes
from mien.pipelines import Image, Options, Video, check
from mien.stages.pose import Pose
from mien.stages.quality import Quality
from mien.types import Faces, Frame

from .media.damage import make_damaged


def frame(image: np.ndarray, time: float = 0.0) -> Frame:
    return Frame(image, time, round(time * 25), Faces.none())


@pytest.fixture(scope="module")
def found(astronaut: np.ndarray) -> Frame:
    return Image()(frame(astronaut))


def test_the_portrait_is_read(found: Frame) -> None:
    face = found.faces[0]
    assert len(found.faces) == 1
    # by eye: the face spans x 172 to 272 and y 60 to 200 in the 512 px picture
    assert boxes.iou(face.box[None], np.array([[172, 62, 273, 200]], np.float32))[0, 0] > 0.6
    assert face.status == "ok"
    assert face.top == "happiness"
    assert face.units["AU12"] > 0.9
    assert face.units["AU25"] > 0.5  # she shows her teeth
    assert face.units["AU43"] < 0.5
    assert face.affect[0] > 0.5
    assert abs(np.degrees(face.pose)).max() < 30


def test_a_mirrored_face_swaps_its_sides(astronaut: np.ndarray, found: Frame) -> None:
    mirrored = Image()(frame(np.ascontiguousarray(astronaut[:, ::-1]))).faces[0]
    face = found.faces[0]
    assert mirrored.pose[1] == pytest.approx(-face.pose[1], abs=0.06)
    assert mirrored.pose[2] == pytest.approx(-face.pose[2], abs=0.04)
    assert mirrored.blendshapes["mouthSmileLeft"] == pytest.approx(face.blendshapes["mouthSmileRight"], abs=0.15)
    assert 511 - mirrored.box[2] == pytest.approx(face.box[0], abs=4)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_exif_orientation_gives_the_same_row(orientation: int, astronaut: np.ndarray, found: Frame) -> None:
    upright = Pillow.fromarray(astronaut)
    # the inverse of what a viewer does to show the picture upright
    undo = {2: [0], 3: [1, 1], 4: [0, 1, 1], 5: [0, 1], 6: [1], 7: [0, 1, 1, 1], 8: [1, 1, 1]}.get(orientation, [])
    stored = np.asarray(upright)
    for step in undo:
        stored = stored[:, ::-1] if step == 0 else np.rot90(stored)
    exif = Pillow.Exif()
    exif[0x0112] = orientation
    blob = io.BytesIO()
    Pillow.fromarray(np.ascontiguousarray(stored)).save(blob, "PNG", exif=exif)
    (read,) = mien.analyze(blob.getvalue())
    assert len(read.faces) == 1
    np.testing.assert_allclose(read.faces.boxes, found.faces.boxes, atol=2)
    np.testing.assert_allclose(read.faces.mesh, found.faces.mesh, atol=2)


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_turned_picture_is_read_too(turns: int, astronaut: np.ndarray, found: Frame) -> None:
    read = Image()(frame(np.ascontiguousarray(np.rot90(astronaut, turns))))
    assert len(read.faces) == 1
    face = read.faces[0]
    assert face.top == "happiness"
    # np.rot90 turns anticlockwise
    expected = found.faces.pose[0, 2] - turns * np.pi / 2
    assert np.cos(face.pose[2] - expected) > np.cos(0.3)


def test_size_does_not_change_what_is_read(astronaut: np.ndarray) -> None:
    for scale in (0.5, 2.0, 5.0):
        size = (round(512 * scale), round(512 * scale))
        read = Image()(frame(cv2.resize(astronaut, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)))
        assert len(read.faces) == 1, scale
        assert read.faces[0].top == "happiness", scale


def test_a_group_is_found_whole_and_max_faces_keeps_the_largest(astronaut: np.ndarray) -> None:
    head = astronaut[20:276, 96:352]
    row = np.concatenate([cv2.resize(head, (256, 256)) for _ in range(4)], 1)
    picture = np.concatenate([row, row, row])
    picture[256:512, 256:512] = cv2.resize(astronaut[50:215, 140:305], (256, 256))
    read = Image()(frame(picture))
    assert len(read.faces) == 12
    largest = Image(Options(max_faces=1))(frame(picture)).faces
    assert len(largest) == 1
    assert 256 <= largest.boxes[0, [0, 2]].mean() <= 512


def test_no_face_is_a_status_not_an_error() -> None:
    rng = np.random.default_rng(0)
    for picture in (np.zeros((240, 320, 3), np.uint8), rng.integers(0, 255, (240, 320, 3)).astype(np.uint8)):
        read = Image()(frame(picture))
        assert read.status == "no_face"
        assert len(read.faces) == 0


def test_a_close_cut_face_of_a_data_set_is_read(astronaut: np.ndarray) -> None:
    for size in (48, 64, 112):
        chip = cv2.resize(astronaut[62:200, 155:293], (size, size), interpolation=cv2.INTER_AREA)
        read = Image()(frame(chip))
        assert len(read.faces) == 1, size
        assert read.faces[0].top == "happiness", size


def test_status_of_small_blurred_and_cut_faces(astronaut: np.ndarray) -> None:
    small = np.zeros((480, 640, 3), np.uint8)
    small[100:160, 100:160] = cv2.resize(astronaut[20:276, 96:352], (60, 60), interpolation=cv2.INTER_AREA)
    faces = Image()(frame(small)).faces
    if len(faces):  # 20 px of face are near the edge of what is found
        assert faces[0].status in ("too_small", "ok", "blurred")
    blurred = Image()(frame(cv2.GaussianBlur(astronaut, (0, 0), 4))).faces
    assert len(blurred) == 1
    assert blurred[0].status == "blurred"
    cut = Image()(frame(np.ascontiguousarray(astronaut[:, 225:]))).faces
    assert len(cut) == 0 or cut[0].status in ("cut_off", "not_visible", "profile")


def test_what_is_withheld_is_nan_never_zero(astronaut: np.ndarray) -> None:
    picture = np.full((240, 320, 3), 90, np.uint8)
    picture[60:110, 60:110] = cv2.resize(astronaut[20:276, 96:352], (50, 50), interpolation=cv2.INTER_AREA)
    faces = Image(Options(threshold=0.1))(frame(picture)).faces
    small = [f for f in faces if f.status in ("too_small", "not_visible")]
    for face in small:
        assert np.isnan(list(face.units.values())).all()
        assert np.isnan(face.pose).all()
        assert face.top is None


def test_a_video_keeps_one_number_for_one_person(astronaut: np.ndarray) -> None:
    video, tracks = Video(), []
    for k in range(30):
        moved = cv2.warpAffine(astronaut, np.float32([[1, 0, 3 * k - 40], [0, 1, 20 + k]]), (640, 480))
        read = video(frame(moved, k / 25))
        tracks.append(read.faces.track.tolist())
    assert tracks == [[0]] * 30


def test_video_and_picture_agree(astronaut: np.ndarray, found: Frame) -> None:
    video = Video()
    for k in range(5):
        read = video(frame(astronaut, k / 25))
    np.testing.assert_allclose(read.faces.mesh, found.faces.mesh, atol=4)
    np.testing.assert_allclose(read.faces.expression.values, found.faces.expression.values, atol=0.15)
    assert boxes.iou(read.faces.boxes, found.faces.boxes)[0, 0] > 0.7


def test_smoothing_is_told_and_takes_the_jitter_down(astronaut: np.ndarray) -> None:
    rng = np.random.default_rng(0)
    noisy = [np.clip(astronaut.astype(int) + rng.normal(0, 12, astronaut.shape), 0, 255).astype(np.uint8) for _ in range(25)]

    def jitter(options: Options) -> float:
        video = Video(options)
        rows = [video(frame(image, k / 25)).faces.pose[0] for k, image in enumerate(noisy)]
        return float(np.std(rows[10:], axis=0).mean())

    assert jitter(Options(smooth=True)) < 0.7 * jitter(Options())
    assert mien.analyze(astronaut, smooth=True).settings["smoothing"] == "one-euro"
    assert mien.analyze(astronaut).settings["smoothing"] == "off"


def test_an_analysis_runs_once_and_says_so(astronaut: np.ndarray) -> None:
    analysis = mien.analyze(astronaut)
    assert len(list(analysis)) == 1
    with pytest.raises(InputError, match="has run already"):
        list(analysis)


def test_options_are_checked() -> None:
    with pytest.raises(InputError, match="did you mean max_faces"):
        mien.analyze("x.jpg", maxfaces=3)
    with pytest.raises(InputError, match="max_faces is 0"):
        Options(max_faces=0)


def test_a_pipeline_without_what_a_stage_needs_is_refused() -> None:
    with pytest.raises(InputError, match="Quality needs"):
        check([Quality()], given=("boxes",))
    check([Pose(), Quality()], given=("boxes", "mesh", "presence"))


def test_200_damaged_files_and_their_good_neighbours(tmp_path, astronaut_path) -> None:
    folder = tmp_path / "album"
    folder.mkdir()
    make_damaged(folder, 200, seed=1)
    good = [folder / "good-first.jpg", folder / "zz-good-last.jpg"]
    for path in good:
        path.write_bytes(astronaut_path.read_bytes())
    frames = {}
    for read in mien.analyze(folder):
        frames.setdefault(read.source, []).append(read)
    for path in good:
        assert frames[str(path)][0].faces[0].top == "happiness"
    for name, reads in frames.items():
        bad = [r for r in reads if r.status in ("unreadable", "damaged", "no_face")]
        assert all(r.reason for r in bad), name
    assert len(frames) >= 200
