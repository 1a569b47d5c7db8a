"""Pictures of the ICT-FaceKit head whose expression, pose, gaze and landmarks are known: for training and tests.

    head = Head("ict_facekit.npz")
    rng = np.random.default_rng(0)
    vertices = head.shape(random_identity(rng), {"jawOpen": 0.6, "eyeLookOutLeft": 0.4, "eyeLookInRight": 0.4})
    result = render(head, vertices, random_scene(rng), size=256)
    result.image, result.landmarks68, result.gaze, result.pose

Frames and signs are those of :mod:`ict_head`. Pixel centres lie at whole coordinates, x to the right, y down.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from head_paint import Look, curve, skin_albedo
from head_scene import (
    Light,
    Scene,
    degrade,
    gaze_expression,
    random_expression,
    random_identity,
    random_look,
    random_scene,
    wrinkles,
)
from ict_head import Head, pitch_yaw, rotation, unoccluded
from mien.geometry import boxes
from rasterise import Hits, all_hits, rasterise

FloatArray = NDArray[np.float32]
Image = NDArray[np.uint8]

__all__ = [
    "Head",
    "Light",
    "Look",
    "RenderResult",
    "Scene",
    "degrade",
    "gaze_expression",
    "project",
    "random_expression",
    "random_identity",
    "random_look",
    "random_scene",
    "render",
    "skin_albedo",
    "wrinkles",
]

PIVOT = np.array([0.0, 1.0, 3.0], np.float32)  # the point of the head that the pose turns about and the camera aims at, cm
NARROW_FACE = slice(0, 6706)  # vertices of the face from ear to ear and from the upper forehead to under the chin
SUPERSAMPLE = 2
WRAP = np.array([0.30, 0.16, 0.12], np.float32)  # light that goes round the edge under the skin, by colour


@dataclass(frozen=True, eq=False)
class RenderResult:
    """A picture and its truth.

    Args:
        image: (s, s, 3) uint8 RGB.
        depth: (s, s) cm along the optical axis, with the hair, NaN on the background.
        region: (s, s) uint8: 0 background, else 1 + position in ``head.regions``.
        points: (26719, 3) x y in pixels and depth in cm of every vertex, hidden or not.
        landmarks68: (68, 2) pixels.
        pose: pitch, yaw, roll in radians.
        gaze: (2, 2) pitch, yaw of the left and the right eye in the camera's frame, radians.
    """

    image: Image
    depth: FloatArray
    region: Image
    points: FloatArray
    landmarks68: FloatArray
    pose: tuple[float, float, float]
    gaze: FloatArray

    @property
    def box(self) -> FloatArray:
        """(4,) x1 y1 x2 y2 around the 68 landmarks."""
        return boxes.from_points(self.landmarks68)

    @property
    def face_box(self) -> FloatArray:
        """(4,) x1 y1 x2 y2 as detectors draw it: the narrow face, from the upper forehead to under the chin."""
        return boxes.from_points(self.points[NARROW_FACE])


def project(vertices: FloatArray, scene: Scene, size: float) -> FloatArray:
    """Vertices (v, 3) in cm -> (v, 3) x y in pixels and depth in cm."""
    turned = (vertices - PIVOT) @ rotation(scene.pose).T
    depth = np.float32(scene.distance) - turned[:, 2]
    scale = scene.focal * size / depth
    x, y = scene.centre[0] * size - 0.5 + turned[:, 0] * scale, scene.centre[1] * size - 0.5 - turned[:, 1] * scale
    return np.stack([x, y, depth], 1).astype(np.float32)


def render(head: Head, vertices: FloatArray, scene: Scene, size: int = 256) -> RenderResult:
    """A picture of ``size`` x ``size`` pixels and what is true about it.

    Args:
        head: the model.
        vertices: (26719, 3) cm, from ``head.shape``.
        scene: pose, camera, light, colours, background.
        size: side of the picture in pixels.
    """
    side = SUPERSAMPLE * size
    shown = _with_hair(head, vertices, scene.look)
    points = project(shown, scene, side)
    rows = head.visible_rows(points, 0.6 * scene.focal * side / scene.distance)
    hits = rasterise(points, head.triangles, (side, side), rows=rows)
    colour = _shade(head, hits, shown, scene)
    _shade_eyes(head, hits, colour, shown, scene, side)
    canvas, cover = np.zeros((side * side, 3), np.uint8), np.zeros(side * side, np.uint8)
    canvas[hits.pixel] = encode(colour)
    cover[hits.pixel] = 255
    depth, region = np.full(side * side, np.nan, np.float32), np.zeros(side * side, np.uint8)
    depth[hits.pixel] = hits.depth
    region[hits.pixel] = 1 + head.region_of_triangle[hits.triangle]
    _draw_lashes(head, canvas, depth, points, scene)
    image = _over(canvas.reshape(side, side, 3), cover.reshape(side, side), paint_background(scene, size))
    truth = project(vertices, scene, size)
    gaze = pitch_yaw(head.eyes(vertices)[1] @ rotation(scene.pose).T)
    depth, region = _nearest_sample(depth.reshape(side, side), region.reshape(side, side))
    return RenderResult(image, depth, region, truth, truth[head.landmarks68, :2], scene.pose, gaze)


def _over(canvas: Image, cover: Image, behind: FloatArray) -> Image:
    """Average the samples of each pixel and lay them over the background."""
    size = behind.shape[1::-1]
    small = cv2.resize(canvas, size, interpolation=cv2.INTER_AREA)
    behind *= (1 - cv2.resize(cover, size, interpolation=cv2.INTER_AREA) / np.float32(255))[..., None]
    return cv2.add(small, np.round(behind).astype(np.uint8))


def _nearest_sample(depth: FloatArray, region: Image) -> tuple[FloatArray, Image]:
    """Depth and region of the nearest of the samples of each pixel."""
    best, kind = depth[::2, ::2].copy(), region[::2, ::2].copy()
    for y, x in ((0, 1), (1, 0), (1, 1)):
        other = depth[y::2, x::2]
        nearer = (other < best) | np.isnan(best)
        best[nearer], kind[nearer] = other[nearer], region[y::2, x::2][nearer]
    return best, kind


def _with_hair(head: Head, vertices: FloatArray, look: Look) -> FloatArray:
    """The scalp lifted by the thickness of the hair."""
    thick = look.mark("hair")
    if thick <= 0 or look.bald:
        return vertices
    grown = np.clip((head.scalp - look.mark("hairline") * np.clip((head.neutral[:, 1] - 3) / 6, 0, 1)) / 2.5, 0, 1)
    rows = np.flatnonzero(grown > 0)
    away = head.neutral_normals[rows] + np.array([0, 0.35, 0], np.float32)
    wave = 1 + 0.15 * np.sin(head.neutral[rows] @ np.array([[1.3], [0.9], [1.1]], np.float32) + look.seed)
    out = vertices.copy()
    out[rows] += thick * grown[rows, None] * wave * away
    return out


def _shade(head: Head, hits: Hits, vertices: FloatArray, scene: Scene) -> FloatArray:
    """Linear RGB of every hit. -> (n, 3)"""
    hit, used = np.zeros(len(head.triangles), bool), np.zeros(len(vertices), bool)
    hit[hits.triangle] = True
    used[head.triangles[hit]] = True
    rows = np.flatnonzero(used)
    both = np.zeros((len(vertices), 6), np.float32)
    both[rows] = _lighting(head, vertices, rows, scene)
    texel = hits.interpolate(head.texel, head.atlas_triangles)
    both = hits.interpolate(both, head.triangles)
    return _sample(head.canvas.painted(scene.look, scene.wrinkles), texel) * both[:, :3] + both[:, 3:]


def _lighting(head: Head, vertices: FloatArray, rows: NDArray[np.int64], scene: Scene) -> FloatArray:
    """Light that falls on some vertices, and the gloss that the camera sees on them, linear RGB each. -> (n, 6)"""
    turn, light = rotation(scene.pose), scene.light
    upright = head.surface.normals(vertices)
    fold = np.clip(1 - 9 * (head.concavity(vertices, upright) - head.folds), 0.35, 1.15)
    openness = (head.openness * fold * _mouth(head, vertices))[rows, None]
    normals, turned = upright[rows] @ turn.T, (vertices - PIVOT) @ turn.T
    view = _unit(np.array([0, 0, scene.distance], np.float32) - turned[rows])
    falling = np.array(light.ambient, np.float32) * (0.75 + 0.25 * normals[:, 1:2]) * openness
    shine = np.zeros_like(falling)
    facing = np.clip((normals * view).sum(1), 0, 1)
    grazing = light.gloss * (0.25 + 0.75 * (1 - facing) ** 3)
    lit = np.sqrt(openness)
    for k, (direction, colour) in enumerate(light.lamps):
        to = _unit(np.array([direction], np.float32))[0]
        shaded = lit * _shadow(head, turned, to)[rows] if light.shadow and k == 0 else lit
        lamp = shaded * np.array(colour, np.float32)
        cosine = normals @ to
        falling += np.maximum((cosine[:, None] + WRAP) * (1 / (1 + WRAP)), 0) * lamp
        peak = np.clip((normals * _unit(view + to)).sum(1), 0, 1) ** 2
        peak = peak * peak * peak  # the sixth power: a broad and a narrow lobe from it
        shine += (grazing * (2.2 * peak**2 + 3.0 * peak**7) * np.clip(cosine * 4, 0, 1))[:, None] * lamp
    return np.concatenate([falling, shine], 1) * np.float32(light.exposure)


def _unit(vectors: FloatArray) -> FloatArray:
    return vectors / np.sqrt(np.maximum((vectors * vectors).sum(-1, keepdims=True), 1e-12))


def _mouth(head: Head, vertices: FloatArray) -> FloatArray:
    """How much light reaches the inside of the mouth: less the deeper, more the wider it is open; 1 elsewhere. -> (v,)"""
    upper, lower = vertices[head.landmarks68[[62, 66]]]
    gap = np.linalg.norm(upper - lower)
    inner = slice(head.regions["mouth_socket"].start, head.regions["teeth"].stop)
    lips = vertices[head.landmarks68[[60, 62, 64, 66]], 2].mean()
    out = np.ones(len(vertices), np.float32)
    out[inner] = np.clip(np.exp(0.55 * (vertices[inner, 2] - lips + 0.2)), 0.02, 1) * np.clip(0.3 + gap / 1.6, 0.3, 1)
    return out


def _shadow(head: Head, turned: FloatArray, to: FloatArray) -> FloatArray:
    """Soft shadow of a far lamp. -> (v, 1), 0 dark to 1 lit"""
    pitch, yaw = pitch_yaw(to[None])[0].tolist()
    lit = unoccluded(turned @ rotation((pitch, yaw, 0.0)), head.triangles, 160, head.outer)
    soft = lit.astype(np.float32)[:, None]
    for _ in range(3):
        soft = head.surface.smooth(soft)
    return soft


def _sample(atlas: FloatArray, texel: FloatArray) -> FloatArray:
    """Bilinear samples of the atlas, as a picture of many rows: cv2.remap takes no side above 32767. (n, 2) -> (n, 3)"""
    maps = np.zeros((-(-len(texel) // 1024), 1024, 2), np.float32)
    maps.reshape(-1, 2)[: len(texel)] = texel
    return cv2.remap(atlas, maps, None, cv2.INTER_LINEAR).reshape(-1, 3)[: len(texel)]


def _shade_eyes(head: Head, hits: Hits, colour: FloatArray, vertices: FloatArray, scene: Scene, side: int) -> None:
    """The shadow of the lids on the eyeballs and the reflection of the lamps in them, in place."""
    names = list(head.regions)
    region = head.region_of_triangle[hits.triangle]
    scale = scene.focal * side / scene.distance  # pixels per cm
    turn = rotation(scene.pose).T
    centres, _ = head.eyes(vertices)
    for k, name in ((0, "eyeball_l"), (1, "eyeball_r")):
        rows = np.flatnonzero(region == names.index(name))
        if not len(rows):
            continue
        y, x = np.divmod(hits.pixel[rows], side)
        pad = int(0.6 * scale) + 2
        top, left = y.min() - pad, x.min() - pad
        mask = np.zeros((y.max() + pad + 1 - top, x.max() + pad + 1 - left), np.float32)
        mask[y - top, x - left] = 1
        width = max(3, int(0.42 * scale) | 1)
        soft = cv2.blur(mask, (width, width))[y - top - int(0.12 * scale), x - left]
        colour[rows] *= np.clip(2 * soft - 0.5, 0.25, 1)[:, None]
        normal = _unit((hits.take(rows).interpolate(vertices, head.triangles) - centres[k]) @ turn)
        for direction, lamp in scene.light.lamps:
            half = _unit(_unit(np.array([direction], np.float32)) + np.array([[0, 0, 1]], np.float32))[0]
            gleam = np.clip(normal @ half, 0, 1) ** 350
            colour[rows] += 1.2 * scene.light.exposure * gleam[:, None] * np.array(lamp, np.float32)


def encode(colour: FloatArray) -> Image:
    """Linear light -> 8 bits with gamma 2.2 and a soft shoulder."""
    value = np.clip(colour, 0, 2) * np.float32((len(_CODE) - 1) / 2)
    return _CODE.take(value.astype(np.int32))


def _tone_curve() -> Image:
    light = np.linspace(0, 2, 8192)
    shoulder = np.where(light > 0.7, 0.7 + 0.3 * np.tanh((light - 0.7) * 2), light)
    return np.round(255 * shoulder ** (1 / 2.2)).astype(np.uint8)


_CODE = _tone_curve()


def _draw_lashes(head: Head, canvas: Image, depth: FloatArray, points: FloatArray, scene: Scene) -> None:
    """Lashes as half transparent strands over what is behind them, in place."""
    amount = scene.look.mark("lashes")
    if amount <= 0:
        return
    side = int(np.sqrt(len(depth)))
    found = all_hits(points, head.lashes, (side, side))
    found = found.take(np.flatnonzero(~(found.depth > depth[found.pixel] + 0.05)))
    u, v = found.interpolate(head.lash_uv, head.lashes).T
    row, along = np.divmod((1 - v) * 6, 1)  # six cards for an eye, three above; from root to tip
    along = np.clip((along - 0.07) / 0.83, 0, 1)
    alpha = amount * (1 - along) ** 1.3 * (0.55 + 0.45 * np.sin(u * 420 + row * 2)) * np.where(row < 3, 0.75, 0.2)
    cover = np.zeros(side * side, np.float32)
    np.maximum.at(cover, found.pixel, alpha.astype(np.float32))
    rows = np.flatnonzero(cover * (~np.isnan(depth)))
    canvas[rows] = canvas[rows] * (1 - cover[rows, None]) + 12 * cover[rows, None]


def paint_background(scene: Scene, size: int) -> FloatArray:
    """What is behind the head: the caller's picture or a painted one, long hair, shoulders. -> (size, size, 3) in [0, 255]"""
    if scene.background is not None:
        image = cv2.resize(scene.background, (size, size), interpolation=cv2.INTER_AREA).astype(np.float32)
    else:
        image = _random_background(np.random.default_rng([scene.seed, 3]), size)
    look, light = scene.look, scene.light
    lamp = (np.array(light.ambient, np.float32) + 0.3 * sum(np.array(c, np.float32) for _, c in light.lamps)) * light.exposure
    if look.mark("long") > 0 and not look.bald:
        wide, low = 8.6 + 1.5 * look.mark("hair"), 9.0 - look.mark("long")
        half = np.array(
            [[0, 13.5, -2], [0.55, 12.6, -2], [0.92, 9, -2], [1.05, 4, -2], [1.12, low / 2 + 2, -2], [1.05, low, -1]], np.float32
        )
        outline = curve(np.concatenate([half, half[::-1] * [-1, 1, 1]]) * np.array([wide, 1, 1], np.float32))
        _fill(image, project(outline, scene, size), encode(np.array(look.hair, np.float32) * lamp * 0.8))
    half = np.array([[0, -13.0, -1], [11.8, -16.6, -3], [19, -20, -3], [23, -30, -3], [25, -70, -3]], np.float32)
    body = np.concatenate([half, half[::-1] * [-1, 1, 1]]).astype(np.float32)
    still = replace(scene, pose=(0.0, 0.5 * scene.pose[1], 0.5 * scene.pose[2]))
    _fill(image, project(body, still, size), encode(np.array(look.cloth, np.float32) * lamp))
    return image


def _fill(image: FloatArray, points: FloatArray, colour: Image) -> None:
    outline = np.round(np.clip(points[:, :2], -4000, 4000) * 16).astype(np.int32)
    cv2.fillPoly(image, [outline], [float(c) for c in colour], cv2.LINE_AA, 4)


def _random_background(rng: np.random.Generator, size: int) -> FloatArray:
    """Smooth muted colours, edges and grain."""
    cells = int(rng.integers(2, 9))
    hue = rng.uniform(0.1, 1)
    base = rng.uniform(25, 230) + hue * rng.normal(0, 35, 3) + rng.normal(0, rng.uniform(5, 45), (cells, cells, 1))
    base = base + hue * rng.normal(0, 12, (cells, cells, 3))
    image = cv2.resize(base.astype(np.float32), (size, size), interpolation=cv2.INTER_CUBIC)
    for _ in range(rng.integers(0, 6)):
        low, extent = rng.uniform(-0.2, 1, 2) * size, rng.uniform(0.05, 0.8, 2) * size
        colour = rng.uniform(10, 245) + hue * rng.normal(0, 40, 3)
        cv2.rectangle(image, low.astype(int).tolist(), (low + extent).astype(int).tolist(), colour.tolist(), -1)
    image = cv2.GaussianBlur(image, (0, 0), float(rng.uniform(0.6, 6)) * size / 256)
    image += rng.standard_normal(image.shape, np.float32) * 2
    return np.clip(image, 0, 255, out=image)
