"""What was read of a frame, drawn on a copy of it; and the chip of one face."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..files import PACKAGE
from ..geometry import align, pose
from ..geometry import mesh as points
from ..types import Face, Frame
from .bars import DARK, FAINT, WHITE, Panel, strongest
from .ink import Colour, Picture, Rect, Sheet, blend, clear, inside, letters, plate, rounded, shared

FloatArray = NDArray[np.float32]

# Okabe and Ito (2008), "Color universal design": told apart with every kind of colour vision. Two are made lighter, because
# they lie on dark as well as on light pictures; the order puts those first that stand out from skin.
PALETTE: tuple[Colour, ...] = (
    (86, 190, 245),
    (240, 228, 66),
    (20, 190, 140),
    (225, 140, 195),
    (240, 160, 20),
    (90, 145, 245),
    (235, 110, 45),
)
AMBER: Colour = (255, 204, 120)
SURE = 0.5  # score below which the name of an expression gets a question mark
_SMALL = 26.0  # side of a face in pixels below which its mesh would only be a blot
_DENSE = 180.0  # side from which the triangles can be told apart


def colour_of(number: int) -> Colour:
    """The colour of a track, or of a face in a picture; the same number always has the same one."""
    return PALETTE[number % len(PALETTE)]


def annotate(frame: Frame, *, boxes: bool = True, mesh: bool = True, labels: bool = True, bars: bool = True) -> Picture:
    """A picture of the frame with what was read of its faces; the frame's own picture stays as it is.

    Lines and text are scaled to the picture and to the faces. What could not be told (NaN) is not drawn.

    Args:
        frame: a frame with its picture.
        boxes: a thin box around each face, dashed where its status is not "ok".
        mesh: contours of brows, eyes, lips and oval, the irises, and lines for head pose and gaze.
        labels: track number, expression with its score ("happiness? 0.41" below 0.5), and the status where it is not "ok".
        bars: the strongest action units of a face, where there is room for them beside it.

    Returns:
        (h, w, 3) uint8 RGB.

    Raises:
        InputError: the frame holds no picture.

    Example:
        >>> from mien.types import Faces
        >>> faces = Faces(np.array([[20, 20, 60, 60]], np.float32), np.array([0.9], np.float32))
        >>> grey = np.full((80, 80, 3), 128, np.uint8)
        >>> drawn = annotate(Frame(grey, 0.0, 0, faces))
        >>> drawn.shape, bool((drawn != grey).any()), bool((grey == 128).all())
        ((80, 80, 3), True, True)
    """
    picture = _picture(frame).copy()
    size = picture.shape[:2]
    marks = [m for m in (_Mark.of(face, size, _typical(frame)) for face in frame.faces) if m is not None]
    for mark in marks:
        _draw_lines(picture, mark, boxes, mesh)
    taken = [m.extent for m in marks]
    if labels:
        for mark in sorted(marks, key=lambda m: -m.side):
            _draw_label(picture, mark, taken)
    if bars:
        _draw_panels(picture, marks, taken)
    return picture


def thumbnail(frame: Frame, face_index: int, size: int = 160) -> Picture:
    """The chip of one face, turned upright, with some of what is around it.

    Args:
        frame: a frame with its picture.
        face_index: which of its faces.
        size: side in pixels.

    Returns:
        (size, size, 3) uint8 RGB; grey where the chip reaches beyond the picture.

    Raises:
        InputError: the frame holds no picture.
        IndexError: there is no such face.
    """
    picture = _picture(frame)
    face: Face = frame.faces[face_index]
    found = face.mesh
    if found is not None and not np.isnan(found).any():
        angle = align.eye_angle(found[None, 33, :2], found[None, 263, :2])
        return align.warp(picture, align.upright_crop(found[None], angle, 1.5, size)[0], size, border=128)
    eyes = face.landmarks
    level = np.zeros(1, np.float32)
    if eyes is not None and not np.isnan(eyes[:2]).any():
        level = align.eye_angle(eyes[None, 0], eyes[None, 1])
    box = np.nan_to_num(face.box)
    side = np.array([1.35 * max(box[2] - box[0], box[3] - box[1], 1.0)], np.float32)
    centre = np.asarray((box[None, :2] + box[None, 2:]) / 2, np.float32)
    transform = align.square_crop(centre, side, level, size)[0]
    return align.warp(picture, transform, size, border=128)


def _picture(frame: Frame) -> Picture:
    if frame.image is None:
        got = f"frame {frame.index} of {frame.source or 'a source without a name'} has no picture"
        raise InputError(got, "a frame with its picture", "read the source again and keep the pictures")
    return frame.image


@dataclass(frozen=True)
class _Mark:
    """A face to be drawn, with the sizes that fit it and its picture."""

    face: Face
    box: Rect
    extent: Rect  # box and mesh
    mesh: FloatArray | None
    colour: Colour
    name: str
    side: float  # of the box, pixels
    line: float  # width of its lines, pixels
    text: int  # size of its text, pixels

    @staticmethod
    def of(face: Face, size: tuple[int, int], typical: float) -> _Mark | None:
        """The mark of a face; None where its box is not known."""
        if np.isnan(face.box).any():
            return None
        box = tuple(float(v) for v in face.box)
        found = None if face.mesh is None or np.isnan(face.mesh).any() else face.mesh
        corners = [face.box] if found is None else [face.box, np.concatenate([found[:, :2].min(0), found[:, :2].max(0)])]
        low, high = np.min(corners, 0)[:2], np.max(corners, 0)[2:]
        side = max(box[2] - box[0], box[3] - box[1])
        number = face.index if face.track is None else face.track
        scale = float(np.sqrt(size[0] * size[1]))
        return _Mark(
            face=face,
            box=(box[0], box[1], box[2], box[3]),
            extent=(float(low[0]), float(low[1]), float(high[0]), float(high[1])),
            mesh=found,
            colour=colour_of(number),
            # tracks are counted from 0, people count from 1; the number in a table is the one to show
            name=str(number) if face.track is not None or len(face.faces) > 1 else "",
            side=side,
            line=max(1.4, min(0.0027 * scale, 0.016 * typical, 0.03 * side)),
            text=round(max(10.0, 0.0095 * max(size), min(0.025 * scale, 0.11 * typical, 0.2 * side))),
        )


def _typical(frame: Frame) -> float:
    """The middle side of the faces, pixels: text of one size looks calm."""
    boxes = frame.faces.boxes
    sides = np.max(boxes[:, 2:] - boxes[:, :2], 1)
    return float(np.nanmedian(sides)) if np.isfinite(sides).any() else 0.0


# lines ----------------------------------------------------------------------------------------------------------------
@lru_cache(maxsize=1)
def _edges() -> NDArray[np.int64]:
    """The edges of the triangles, each once. -> (k, 2)"""
    with np.load(PACKAGE / "models" / "face.npz") as data:
        triangles = data["triangles"].astype(np.int64)
    pairs = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    return np.unique(np.sort(pairs, 1), axis=0)


_STRONG = ("right_eye", "left_eye", "lips_outer", "right_brow", "left_brow")
_SIDES = ((points.RIGHT_IRIS, points.RIGHT_PUPIL), (points.LEFT_IRIS, points.LEFT_PUPIL))


def _draw_lines(picture: Picture, mark: _Mark, boxes: bool, mesh: bool) -> None:
    shown = mesh and mark.mesh is not None and mark.side >= _SMALL
    fine = max(0.7, min(0.75 * mark.line, 0.011 * mark.side))
    x1, y1, x2, y2 = mark.extent if shown else mark.box
    room = 2 * mark.line + 3
    area, size = (x1 - room, y1 - room, x2 + room, y2 + room), (picture.shape[0], picture.shape[1])
    if shown and mark.mesh is not None and mark.side >= _DENSE:
        web = Sheet(area, size, 0.5 * fine)
        web.lines(mark.mesh[_edges(), :2], 0.5 * fine)
        web.onto(picture, mark.colour, 0.3)
    sheet = Sheet(area, size, fine)
    if shown:
        _mesh(sheet, mark, fine)
    if boxes:
        _box(sheet, mark)
    sheet.onto(picture, mark.colour, 0.95, shadow=0.3)
    if shown:
        _draw_rays(picture, mark, fine)


def _box(sheet: Sheet, mark: _Mark) -> None:
    outline = rounded(mark.box, 0.09 * mark.side)
    if mark.face.status in (None, "ok"):
        sheet.lines(outline, mark.line, closed=True)
    else:
        sheet.lines(_dashes(outline, max(4 * mark.line, 0.05 * mark.side)), mark.line)


def _dashes(outline: FloatArray, length: float) -> FloatArray:
    """Short lines along a closed outline, as long as the gaps between them. -> (n, 2, 2)"""
    ring = np.concatenate([outline, outline[:1]])
    way = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(ring, axis=0).T))])
    count = max(2, round(way[-1] / (2 * length)))
    ends = np.linspace(0, way[-1], 2 * count + 1)[:-1].reshape(-1, 2)
    return np.stack([np.interp(ends, way, ring[:, 0]), np.interp(ends, way, ring[:, 1])], -1).astype(np.float32)


def _mesh(sheet: Sheet, mark: _Mark, fine: float) -> None:
    assert mark.mesh is not None
    xy = mark.mesh[:, :2]
    sheet.lines(xy[list(points.OVAL)], fine, 0.4, closed=True)
    sheet.lines(xy[list(points.LIPS_INNER)], fine, 0.55, closed=True)
    for name in _STRONG:
        sheet.lines(xy[list(points.CONTOURS[name])], fine, 0.8, closed=True)


def _draw_rays(picture: Picture, mark: _Mark, fine: float) -> None:
    """Irises, the line of sight from both of them, and where the nose points."""
    assert mark.mesh is not None
    xy = mark.mesh[:, :2]
    rays = []  # start, end, opacity
    gaze, head = mark.face.gaze, mark.face.pose
    if head is not None and not np.isnan(head).any():
        rays.append((xy[4], _ahead(xy[4], head[:2], 0.6 * mark.side), 0.6))
    if gaze is not None and not np.isnan(gaze).any():
        rays += [(xy[pupil], _ahead(xy[pupil], gaze, 0.6 * mark.side), 0.9) for _, pupil in _SIDES]
    irises = xy[[*points.RIGHT_IRIS, *points.LEFT_IRIS]]
    reached = np.concatenate([irises, *([end[None] for _, end, _ in rays]), *([start[None] for start, _, _ in rays])])
    room = 4 * mark.line + 3
    low, high = reached.min(0) - room, reached.max(0) + room
    sheet = Sheet((low[0], low[1], high[0], high[1]), (picture.shape[0], picture.shape[1]), fine)
    for ring, _ in _SIDES:
        centre = xy[list(ring)].mean(0)
        sheet.dot(centre, max(float(np.linalg.norm(xy[list(ring)] - centre, axis=1).mean()), 1.0), 0.8, width=0.8 * fine)
    for start, end, ink in rays:
        sheet.lines(np.stack([start, end]), fine, ink)
        sheet.dot(end, max(1.3, 1.1 * fine), ink)
    sheet.onto(picture, WHITE, 0.95, shadow=0.35)


def _ahead(start: FloatArray, angles: FloatArray, length: float) -> FloatArray:
    return np.asarray(start + length * pose.direction(angles[None])[0, :2], np.float32)


# label ----------------------------------------------------------------------------------------------------------------
_Part = tuple[str, Colour]


def _versions(mark: _Mark) -> list[list[_Part]]:
    """What the label can say, the fullest first; each version is what follows the number."""
    face = mark.face
    status = "" if face.status in (None, "ok") else str(face.status).replace("_", " ")
    best = face.top
    expression = face.expression
    if best is None or expression is None:
        return [[(status, AMBER)], []] if status else [[]]
    sure = expression[best] >= SURE
    name, score, doubt = (best if sure else f"{best}?", WHITE), (f"{expression[best]:.2f}", FAINT), (status, AMBER)
    if status:
        return [[name, score, doubt], [name, doubt], [doubt], []]
    return [[name, score], [name], []]


def _draw_label(picture: Picture, mark: _Mark, taken: list[Rect]) -> None:
    """Write the fullest label that covers neither a face nor another label; the number alone may lie in its own box."""
    size = picture.shape[:2]
    versions = [v for v in _versions(mark) if v or mark.name]
    if not versions:
        return
    for last, parts in ((v is versions[-1], v) for v in versions):
        label = _Label(mark, parts)
        places = label.places(size)
        rect = next((r for r in places if inside(r, size) and clear(r, taken)), None)
        if rect is None and last:
            rect = label.least_bad(places, taken, size)
        if rect is not None:
            label.draw(picture, rect)
            taken.append(rect)
            return


def _within(rect: Rect, size: tuple[int, int]) -> Rect:
    x, y = max(min(rect[0], size[1] - (rect[2] - rect[0])), 0), max(min(rect[1], size[0] - (rect[3] - rect[1])), 0)
    return (x, y, x + rect[2] - rect[0], y + rect[3] - rect[1])


class _Label:
    """A plate with the number on the colour of the track and the words on dark."""

    def __init__(self, mark: _Mark, parts: list[_Part]) -> None:
        self.mark, self.size = mark, mark.text
        self.pad = max(3, round(0.4 * self.size))
        self.number = letters(mark.name, self.size) if mark.name else None
        self.words = [(letters(text, self.size), colour) for text, colour in parts]
        self.chip = 0 if self.number is None else self.number.shape[1] + 2 * self.pad
        self.space = round(0.4 * self.size)
        text = sum(mask.shape[1] + self.space for mask, _ in self.words) - self.space
        self.width = self.chip + (text + 2 * self.pad if self.words else 0)
        self.height = letters("0", self.size).shape[0] + 2 * (self.pad // 2)

    def places(self, size: tuple[int, int]) -> list[Rect]:
        """Above and below the face, at its left edge or shifted into the picture, then at its right edge."""
        x1, y1, x2, y2 = self.mark.box
        top, bottom = min(y1, self.mark.extent[1]), max(y2, self.mark.extent[3])
        gap = max(2, round(2 * self.mark.line))
        edge = [min(max(x, 0), size[1] - self.width) for x in (x1, (x1 + x2 - self.width) / 2, x2 - self.width)]
        found: list[Rect] = []
        for y in (top - gap - self.height, bottom + gap):
            found += [(round(x), round(y), round(x) + self.width, round(y) + self.height) for x in edge]
        return found

    def corners(self, size: tuple[int, int]) -> list[Rect]:
        """The corners of the box, and those of the picture for a face that fills it."""
        x1, y1, _, y2 = self.mark.box
        found = [(x1, y1), (x1, y2 - self.height)]
        if self.mark.side > 0.6 * min(size):
            found += [(0, 0), (0, size[0] - self.height), (size[1] - self.width, 0)]
        return [(round(x), round(y), round(x) + self.width, round(y) + self.height) for x, y in found]

    def least_bad(self, places: list[Rect], taken: list[Rect], size: tuple[int, int]) -> Rect:
        """The place inside the picture that covers the least of the others, where none is free."""
        within = [_within(r, size) for r in (*places, *self.corners(size))]
        return min(within, key=lambda r: sum(shared(r, other) for other in taken))

    def draw(self, picture: Picture, rect: Rect) -> None:
        """Draw it at its place, in place."""
        x, y = int(rect[0]), int(rect[1])
        radius = round(0.3 * self.size)
        whole = plate(self.width, self.height, radius)
        if self.chip:
            blend(picture, whole[:, : self.chip], x, y, self.mark.colour)
            assert self.number is not None
            blend(picture, self.number, x + self.pad, y + self.pad // 2, DARK)
        if self.words:
            blend(picture, whole[:, self.chip :], x + self.chip, y, DARK, 0.66)
        x += self.chip + self.pad
        for mask, colour in self.words:
            blend(picture, mask, x, y + self.pad // 2, colour)
            x += mask.shape[1] + self.space


# bars -----------------------------------------------------------------------------------------------------------------
def _draw_panels(picture: Picture, marks: list[_Mark], taken: list[Rect]) -> None:
    for mark in sorted(marks, key=lambda m: -m.side):
        rows = strongest(mark.face)
        if not rows:
            continue
        panel = Panel(rows, max(10, round(0.85 * mark.text)))
        if panel.height > 1.6 * mark.side:
            continue  # the face is small: the panel would outshine it
        others = [r for r in taken if r != mark.extent]
        rect = panel.place(mark.extent, others, picture.shape[:2])
        if rect is not None:
            panel.draw(picture, rect, mark.colour)
            taken.append(rect)
