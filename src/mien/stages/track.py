"""Follow faces through a video: detect when needed, fit each mesh from the one before, keep one number for each person."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from ..geometry import align
from ..geometry import boxes as geometry
from ..types import Faces
from .detect import Detect
from .mesh import Fit, Mesh, crop_of_boxes, crop_of_mesh

FloatArray = NDArray[np.float32]
Image = NDArray[np.uint8]
FIVE = [468, 473, 1, 61, 291]  # mesh points of the five landmarks: pupils, tip of the nose, corners of the mouth
# Where the detector's box lies relative to the box around the mesh: shift of x1 y1 x2 y2 in widths and heights of the
# latter. Medians over the training faces (tools/compose.py, grow_relation).
MESH_TO_BOX = np.array([0.012, -0.089, -0.022, -0.020], np.float32)


@dataclass
class _Person:
    """One face that is or was followed."""

    id: int
    mesh: FloatArray
    confidence: float
    time: float
    look: FloatArray
    velocity: FloatArray = field(default_factory=lambda: np.zeros(2, np.float32))
    unseen: int = 0  # detections in a row that did not see it

    def moved(self, time: float) -> FloatArray:
        """The mesh where it should be now, going on as it went; half the speed, because heads turn back."""
        return self.mesh + np.append(0.5 * self.velocity * (time - self.time), 0).astype(np.float32)


class Follow:
    """Tracker of one video.

    Args:
        detect: detector, set up for speed (one scale).
        mesh: mesh stage.
        every: seconds between looks of the detector while everything is well; new faces wait that long at most.
        gap: seconds for which a lost face keeps its number.
        max_faces: follow the largest faces only; None follows all.
    """

    def __init__(self, detect: Detect, mesh: Mesh, every: float = 0.4, gap: float = 2.0, max_faces: int | None = None) -> None:
        self.detect, self.mesh = detect, mesh
        self.every, self.gap, self.max_faces = every, gap, max_faces
        self.people: list[_Person] = []
        self.lost: list[_Person] = []
        self.next_id = 0
        self.last_detection = -np.inf
        self.last_time = -np.inf
        self.thumbnail: NDArray[np.int16] | None = None

    def __call__(self, image: Image, time: float) -> tuple[Faces, FloatArray]:
        """Faces of the next frame, with tracks; and the tongue score (n,) of each."""
        if time < self.last_time:  # the clock of a broken stream may jump back: begin anew rather than extrapolate backwards
            self.lost, self.people, self.last_detection = [], [], -np.inf
        self.last_time = time
        followed = len(self.people)
        if self._cut(image):
            self.lost += self.people
            self.people = []
        fit = self._follow(image, time)
        weak = Faces.none()
        if self._must_detect(time, lost_some=len(self.people) < followed):
            fit, weak = self._detect(image, time, fit)
        self.lost = [p for p in self.lost if time - p.time <= self.gap]
        return self._result(fit, weak)

    # following ------------------------------------------------------------------------------------------------------
    def _follow(self, image: Image, time: float) -> Fit:
        if not self.people:
            return _no_fit()
        guess = np.stack([p.moved(time) for p in self.people])
        fit = self.mesh.fit_crops(image, crop_of_mesh(guess))
        before, after = _extent(guess), _extent(fit.mesh)
        jump = np.linalg.norm(fit.mesh[..., :2].mean(1) - guess[..., :2].mean(1), axis=1) / before
        good = (fit.presence >= 0.5) & (jump < 0.6) & (after / before > 0.6) & (after / before < 1.6)
        good &= ~self._doubles(image, fit, good)
        for person, mesh, well in zip(self.people, fit.mesh, good):
            if well:
                self._update(person, mesh, time)
        self.lost += [p for p, well in zip(self.people, good) if not well]
        self.people = [p for p, well in zip(self.people, good) if well]
        return Fit(fit.mesh[good], fit.presence[good], fit.tongue[good])

    def _doubles(self, image: Image, fit: Fit, good: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Meshes that slid onto another person's face: of two on one face the one that looks less like itself."""
        out = np.zeros(len(good), bool)
        if len(good) < 2:
            return out
        overlap = geometry.iou(mesh_boxes(fit.mesh), mesh_boxes(fit.mesh))
        for i, j in zip(*np.nonzero(np.triu(overlap > 0.45, 1))):
            if good[i] and good[j] and not out[i] and not out[j]:
                here = looks(image, fit.mesh[[i, j]])
                out[j if likeness(here[0], self.people[i].look) >= likeness(here[1], self.people[j].look) else i] = True
        return out

    def _update(self, person: _Person, mesh: FloatArray, time: float) -> None:
        step = max(time - person.time, 1e-3)
        speed = (mesh[:, :2].mean(0) - person.mesh[:, :2].mean(0)) / step
        person.velocity = (0.5 * person.velocity + 0.5 * speed).astype(np.float32)
        person.mesh, person.time = mesh, time

    # detecting ------------------------------------------------------------------------------------------------------
    def _must_detect(self, time: float, lost_some: bool) -> bool:
        # a frame is said to hold no face only if it was looked at
        return lost_some or not self.people or time - self.last_detection >= self.every

    def _detect(self, image: Image, time: float, fit: Fit) -> tuple[Fit, Faces]:
        """Look for faces; confirm those followed, take up the others. -> all fits, faces without a mesh"""
        self.last_detection = time
        found = self.detect.find(image)
        if self.max_faces is not None:
            found = found[np.argsort(-geometry.area(found.boxes), kind="stable")[: self.max_faces]]
        overlap = (
            geometry.iou(found.boxes, mesh_boxes(fit.mesh))
            if len(fit.mesh) and len(found)
            else np.zeros((len(found), len(fit.mesh)))
        )
        new = overlap.max(1, initial=0) < 0.25
        for k, person in enumerate(self.people):
            seen = overlap[:, k].max(initial=0) >= 0.25
            person.unseen = 0 if seen else person.unseen + 1
            if seen:
                person.confidence = float(found.confidence[overlap[:, k].argmax()])
        kept = np.array([p.unseen < 4 for p in self.people], bool)  # the mesh may hold on to a poster or to nothing
        self.people = [p for p, keep in zip(self.people, kept) if keep]
        fit = Fit(fit.mesh[kept], fit.presence[kept], fit.tongue[kept])
        room = len(found) if self.max_faces is None else self.max_faces - len(self.people)
        fresh = found[np.flatnonzero(new)[: max(room, 0)]]
        if not len(fresh):
            return fit, Faces.none()
        return self._take_up(image, time, fit, fresh)

    def _take_up(self, image: Image, time: float, fit: Fit, fresh: Faces) -> tuple[Fit, Faces]:
        assert fresh.landmarks is not None
        start = self.mesh.fit_crops(image, crop_of_boxes(fresh.boxes, fresh.landmarks))
        new = self.mesh.fit_crops(image, crop_of_mesh(start.mesh))
        good = new.presence >= 0.5
        if good.any():
            look = looks(image, new.mesh[good])
            for mesh, seen, confidence in zip(new.mesh[good], look, fresh.confidence[good]):
                self.people.append(self._known(mesh, seen, float(confidence), time))
        both = [np.concatenate([getattr(fit, k), getattr(new, k)[good]]) for k in ("mesh", "presence", "tongue")]
        weak = fresh[~good]
        if len(weak):  # a face that the mesh does not fit is looked for again in the next frame
            self.last_detection = -np.inf
        return Fit(*both), weak.with_(presence=new.presence[~good])

    def _known(self, mesh: FloatArray, look: FloatArray, confidence: float, time: float) -> _Person:
        """The lost person that this is, or a new one."""
        best, gain = None, 0.0
        size = _extent(mesh[None])[0]
        for person in self.lost:
            like = likeness(look, person.look)
            away = np.linalg.norm(person.moved(time)[:, :2].mean(0) - mesh[:, :2].mean(0)) / size
            # near its old place a fair likeness will do, elsewhere (after a cut, or behind somebody) it must be strong
            wanted = 0.35 if away < 0.75 and time - person.time < 1 else SAME
            if like - wanted > gain or (best is None and like >= wanted):
                best, gain = person, like - wanted
        if best is None:
            self.next_id += 1
            return _Person(self.next_id - 1, mesh, confidence, time, look)
        self.lost.remove(best)
        return _Person(best.id, mesh, confidence, time, 0.7 * best.look + 0.3 * look)

    def _cut(self, image: Image) -> bool:
        """Whether the picture changed as a whole, as between two shots."""
        small = cv2.resize(image, (32, 18), interpolation=cv2.INTER_NEAREST).astype(np.int16)
        before, self.thumbnail = self.thumbnail, small
        return before is not None and float(np.abs(small - before).mean()) > 40

    def _result(self, fit: Fit, weak: Faces) -> tuple[Faces, FloatArray]:
        confidence = np.array([p.confidence for p in self.people], np.float32)
        ids = np.array([p.id for p in self.people], np.int64)
        order = np.argsort(ids)
        fit = Fit(fit.mesh[order], fit.presence[order], fit.tongue[order])
        faces = Faces(mesh_boxes(fit.mesh), confidence[order], fit.mesh[:, FIVE, :2], fit.mesh, fit.presence, track=ids[order])
        if len(weak):
            blank = np.full((len(weak), 478, 3), np.nan, np.float32)
            faces = Faces.merge([faces, weak.with_(mesh=blank, track=np.full(len(weak), -1))])
        return faces, np.concatenate([fit.tongue, np.full(len(weak), np.nan, np.float32)])


SAME = 0.75  # likeness from which two looks are the same person whatever the place


def looks(image: Image, mesh: FloatArray) -> FloatArray:
    """A crude description of head, hair and collar for telling apart the few people of one video. -> (n, 3 * 256)

    It lives for the length of the video only and is no identity: it changes with light, clothes and turn of the head.
    """
    angle = align.eye_angle(mesh[:, 33, :2], mesh[:, 263, :2])
    crops = align.warp_all(image, align.upright_crop(mesh, angle, 1.6, 16), 16).astype(np.float32)
    flat = crops.reshape(len(crops), -1)
    flat = flat - flat.mean(1, keepdims=True)
    return np.asarray(flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-6), np.float32)


def likeness(a: FloatArray, b: FloatArray) -> float:
    """Correlation of two looks, in [-1, 1]."""
    return float(a @ b / max(float(np.linalg.norm(a) * np.linalg.norm(b)), 1e-6))


def mesh_boxes(mesh: FloatArray) -> FloatArray:
    """The detector's box of a face, from its mesh. (n, 478, 3) -> (n, 4)"""
    if not len(mesh):
        return np.zeros((0, 4), np.float32)
    box = geometry.from_points(mesh)
    size = np.tile(box[:, 2:] - box[:, :2], 2)
    return np.asarray(box + MESH_TO_BOX * size, np.float32)


def _extent(mesh: FloatArray) -> FloatArray:
    box = geometry.from_points(mesh)
    return np.asarray((box[:, 2:] - box[:, :2]).max(1), np.float32)


def _no_fit() -> Fit:
    return Fit(np.zeros((0, 478, 3), np.float32), np.zeros(0, np.float32), np.zeros(0, np.float32))
