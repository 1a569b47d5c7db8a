"""The ICT-FaceKit head: vertices from identity and expression, where its eyes look, and what a renderer needs of the mesh.

Frames. The head's: x to the person's left, y up, z out of the face, in centimetres. The camera's, in this file and the
renderer: x to the right of the picture, y up, z towards the camera. Angles are those of :mod:`mien.geometry.pose`: pitch > 0
looks up, yaw > 0 to the right of the picture (the person's left), roll > 0 is clockwise; the line of sight (0, 0) meets the
camera's axis head on.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse import csgraph

from head_paint import BACK, FACE, Canvas, eye_texel, palette_texel, scalp_distance
from mien.errors import InputError, unknown_name
from mien.geometry import pose
from mien.labels import ARKIT_52
from rasterise import Surface, rasterise, triangulate

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int32]

EYE_CENTRE = {"Left": (3.1165, 3.6016, 7.9823), "Right": (-3.1165, 3.6016, 7.9823)}  # of the mean head, cm
# turn of an eyeball at coefficient 1, about the range of people who keep their head still
GAZE_RANGE = {"Out": np.radians(35), "In": np.radians(35), "Up": np.radians(25), "Down": np.radians(30)}
HIDDEN = ("M_EyeBlend", "M_EyeOcclusion", "M_LacrimalFluid", "M_IrisLeft", "M_IrisRight")  # see-through shells, inner ball
LASHES = "M_EyeLashes"
FLIP = np.array([1, -1, -1], np.float32)  # mien's camera frame has y down and z away from the camera
TILES = {"face": (0.0, 0.0, FACE), "head_neck": (FACE, 0.0, BACK)}  # region -> x, y, side in the atlas
TONGUE_TIP, TONGUE_ROOT = 9.75, 4.5  # z of the tongue that moves, cm
TONGUE_OUT = (-1.0, 3.4)  # way of its tip down and out at tongueOut 1, cm
# insides, and the middle and reach of the opening of the face that they are seen through, cm
INSIDES = {
    "mouth": (("mouth_socket", "gums_tongue", "teeth"), (0.0, -3.4, 10.3), 2.7),
    "left eye": (("eye_socket_l", "eyeball_l"), EYE_CENTRE["Left"], 2.2),
    "right eye": (("eye_socket_r", "eyeball_r"), EYE_CENTRE["Right"], 2.2),
}
PAINTED = {"mouth_socket": "mouth", "gums_tongue": "gums", "teeth": "teeth", "eye_socket_l": "socket", "eye_socket_r": "socket"}


def rotation(angles: tuple[float, float, float]) -> FloatArray:
    """The matrix of pitch, yaw, roll (:mod:`mien.geometry.pose`) between frames whose y points up and z to the viewer. -> (3, 3)

    Example:
        >>> (rotation((0.0, np.pi / 2, 0.0)) @ [0, 0, 1]).round(3).tolist()[0]  # looks to the right of the picture
        1.0
    """
    return FLIP[:, None] * pose.matrix(np.array([angles], np.float32))[0] * FLIP


def pitch_yaw(directions: FloatArray) -> FloatArray:
    """Pitch and yaw of directions in such a frame, radians. (n, 3) -> (n, 2)"""
    return pose.pitch_yaw(directions * FLIP)


class Head:
    """The head model; loads the file once (about two seconds) and makes what all renders share.

    Args:
        path: ``ict_facekit.npz``.

    Attributes:
        names: the 52 ARKit names. ``tongueOut`` is not in the file: here it slides the tongue out (open the jaw as well).
        more_names: further names that :meth:`shape` takes: one side of ``browInnerUp`` and ``cheekPuff``, ``cheekRaiserLeft``...
        regions: name -> slice of the vertices.
        landmarks68: (68,) vertices in Multi-PIE order, the contour along the jaw line.
    """

    def __init__(self, path: str | Path) -> None:
        with np.load(path) as data:
            self.neutral: FloatArray = data["neutral"]
            self._identity = data["identity"].astype(np.float32).reshape(len(data["identity"]), -1)
            self._expression = dict(zip(map(str, data["expression_names"]), data["expression"].astype(np.float32)))
            self.regions = {str(n): slice(int(a), int(b)) for n, (a, b) in zip(data["region_names"], data["region_vertex_range"])}
            self.landmarks68: IntArray = data["landmarks68_jaw"]
            material = data["material_names"][data["face_material"]]
            faces, corners, uv = data["faces"], data["faces_uv"], data["uv"]
            region = np.repeat(np.arange(len(self.regions), dtype=np.uint8), np.diff(data["region_face_range"])[:, 0])
        self.tongue = self._find_tongue(faces, corners)
        self._expression["tongueOut"] = self._tongue_out()
        self._parts = _expression_parts(list(self._expression))
        self.names = tuple(name for name in ARKIT_52 if name in self._parts)
        self.more_names = tuple(sorted(n for n in self._parts if n not in self.names and "_" not in n))
        shown, lashes = ~np.isin(material, (*HIDDEN, LASHES)), material == LASHES
        self.triangles = triangulate(faces[shown])
        self.region_of_triangle = np.concatenate([region[shown], region[shown & (faces[:, 3] >= 0)]])
        self.surface = Surface(self.triangles, len(self.neutral))
        self._split(triangulate(corners[shown]), uv)
        self.lashes = triangulate(faces[lashes])
        self.lash_uv = np.zeros((len(self.neutral), 2), np.float32)
        self.lash_uv[self.lashes] = uv[triangulate(corners[lashes])]
        self._prepare()

    def shape(self, identity: FloatArray, expression: Mapping[str, float]) -> FloatArray:
        """The vertices of a person with an expression, in the head's frame.

        ``eyeLook*`` turn the eyeballs (GAZE_RANGE at coefficient 1) as well as the lids.

        Args:
            identity: (k,) coefficients, k <= 100, of unit variance in people; zeros are the mean head.
            expression: coefficient by name of ``names`` or ``more_names``, in [0, 1].

        Returns:
            (26719, 3) cm.

        Raises:
            InputError: an unknown name, or too many identity coefficients.
        """
        identity = np.asarray(identity, np.float32)
        if identity.ndim != 1 or len(identity) > len(self._identity):
            wanted = f"(k,) with k <= {len(self._identity)}"
            raise InputError(f"identity has shape {identity.shape}", wanted, "pass zeros for the mean head")
        out = self.neutral + (identity @ self._identity[: len(identity)]).reshape(-1, 3)
        turned = [self._turn_eye(out, expression, side) for side in EYE_CENTRE]
        for name, value in expression.items():
            if name not in self._parts:
                raise unknown_name("expression", name, self._parts)
            for part in self._parts[name] if value else ():
                out += np.float32(value) * self._expression[part]
        for side, eye in zip(EYE_CENTRE, turned):
            out[self._eye(side)] = eye
        return out

    def _eye(self, side: str) -> slice:
        return self.regions[f"eyeball_{side[0].lower()}"]

    def _turn_eye(self, vertices: FloatArray, expression: Mapping[str, float], side: str) -> FloatArray:
        """The vertices of one eyeball, turned by eyeLook* about its centre in this identity."""
        angle = {d: GAZE_RANGE[d] * float(expression.get(f"eyeLook{d}{side}", 0)) for d in GAZE_RANGE}
        out = angle["Out"] - angle["In"]
        turn = rotation((angle["Up"] - angle["Down"], out if side == "Left" else -out, 0.0))
        middle = np.array(EYE_CENTRE[side], np.float32)
        ball, person = self.neutral[self._eye(side)], vertices[self._eye(side)]
        # identity shapes also turn the eyeballs, by some degrees and outwards: keep only where the ball lies and its size
        size = np.linalg.norm(person - person.mean(0)) / np.linalg.norm(ball - ball.mean(0))
        return size * (ball - middle) @ turn.T + middle + (person - ball).mean(0)

    def eyes(self, vertices: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Centre and unit line of sight of the left and the right eyeball in the head's frame. (v, 3) -> (2, 3), (2, 3)"""
        centres, axes = [], []
        for side, middle in EYE_CENTRE.items():
            ball, seen = self.neutral[self._eye(side)], vertices[self._eye(side)]
            a, b = ball - ball.mean(0), seen - seen.mean(0)
            u, _, vt = np.linalg.svd(b.T @ a)  # Kabsch: the rotation that takes a to b
            turn = u @ np.diag([1, 1, np.linalg.det(u @ vt)]) @ vt
            size = np.linalg.norm(b) / np.linalg.norm(a)
            centres.append(seen.mean(0) + size * turn @ (np.array(middle, np.float32) - ball.mean(0)))
            axes.append(turn[:, 2])
        return np.array(centres, np.float32), np.array(axes, np.float32)

    def _split(self, corners: IntArray, uv: FloatArray) -> None:
        """Atlas vertices: a vertex with several places in the atlas (on a seam) counts several times."""
        code = (self.triangles.astype(np.int64) << 32) + (corners.astype(np.int64) << 8) + self.region_of_triangle[:, None]
        found, index = np.unique(code, return_inverse=True)
        self.atlas_triangles = index.reshape(-1, 3).astype(np.int32)
        owner, place, region = found >> 32, (found >> 8) & 0xFFFFFF, found & 0xFF
        self.owner = owner.astype(np.int32)
        self.texel = np.zeros((len(found), 2), np.float32)
        for i, name in enumerate(self.regions):
            rows = np.flatnonzero(region == i)
            if name in TILES:
                x, y, side = TILES[name]
                self.texel[rows] = np.stack([x + (uv[place[rows], 0] % 1) * side, y + (1 - uv[place[rows], 1]) * side], 1) - 0.5
            elif name in PAINTED:
                self.texel[rows] = palette_texel(PAINTED[name])
                self.texel[rows[np.isin(owner[rows], self.tongue)]] = palette_texel("tongue")
            elif name.startswith("eyeball"):
                centre = EYE_CENTRE["Left" if name.endswith("l") else "Right"]
                self.texel[rows] = eye_texel(self.neutral[owner[rows]] - np.array(centre, np.float32))
        self._tiled = np.isin(region, [list(self.regions).index(name) for name in TILES])

    def _prepare(self) -> None:
        """The openings of the face, the canvas, the scalp, and how open each vertex lies."""
        number = {name: i for i, name in enumerate(self.regions)}
        self.outer = np.flatnonzero(np.isin(self.region_of_triangle, [number[name] for name in TILES]))
        rim = _open_edges(self.triangles[self.region_of_triangle == number["face"]])
        always = np.isin(self.triangles[:, 0], self.tongue)
        self.openings = {}
        for name, (inside, middle, reach) in INSIDES.items():
            near = rim[np.linalg.norm(self.neutral[rim] - np.array(middle, np.float32), axis=1) < reach]
            rows = np.isin(self.region_of_triangle, [number[part] for part in inside]) & ~always
            self.openings[name] = near, np.flatnonzero(rows)
        self._shown = np.concatenate([self.outer, np.flatnonzero(always)])
        rows = np.flatnonzero(self._tiled)
        renumber = np.full(len(self.texel), -1, np.int32)
        renumber[rows] = np.arange(len(rows))
        triangles = renumber[self.atlas_triangles]
        self.canvas = Canvas(
            self.texel[rows],
            self.neutral[self.owner[rows]],
            triangles[(triangles >= 0).all(1)],
            self.neutral[self.landmarks68],
            self.neutral[np.concatenate([self.openings["left eye"][0], self.openings["right eye"][0]])],
        )
        self.openness = _openness(self.neutral, self.triangles, self.surface)
        self.neutral_normals = self.surface.normals(self.neutral)
        self.folds = self.concavity(self.neutral, self.neutral_normals)
        self.openness[self.regions["mouth_socket"].start :] = 1
        ear = np.hypot((np.abs(self.neutral[:, 0]) - 8.3) / 1.2, (self.neutral[:, 1] - 1.2) / 4.5) < 1
        self.scalp = np.where(ear, -9, scalp_distance(self.neutral)).astype(np.float32)
        self.scalp[self.regions["mouth_socket"].start :] = -9

    def visible_rows(self, points: FloatArray, margin: float) -> NDArray[np.int64]:
        """Triangles that can be seen at all: those of an inside only where they lie behind its opening.

        Args:
            points: (v, 3) the vertices in the picture.
            margin: pixels round the opening that count too, for eyeballs bulge out of theirs.
        """
        rows = [self._shown]
        for rim, inside in self.openings.values():
            low, high = points[rim, :2].min(0) - margin, points[rim, :2].max(0) + margin
            x, y = points[:, 0], points[:, 1]
            seen = (x > low[0]) & (x < high[0]) & (y > low[1]) & (y < high[1])
            rows.append(inside[seen[self.triangles[inside]].any(1)])
        return np.concatenate(rows)

    def _find_tongue(self, faces: IntArray, corners: IntArray) -> IntArray:
        """Vertices of the tongue: the islands of the atlas of that region that are narrow and reach the front teeth."""
        part = self.regions["gums_tongue"]
        rows = (faces[:, 0] >= part.start) & (faces[:, 0] < part.stop)
        place, owner = triangulate(corners[rows]), triangulate(faces[rows])
        size = int(corners.max()) + 1
        links = sparse.coo_matrix((np.ones(place.size), (place.ravel(), np.roll(place, 1, 1).ravel())), (size, size))
        island = csgraph.connected_components(links, directed=False)[1][place[:, 0]]
        found = []
        for k in np.unique(island):
            vertices = np.unique(owner[island == k])
            position = self.neutral[vertices]
            if np.abs(position[:, 0]).max() < 2.1 and position[:, 2].max() > 9:
                found.append(vertices)
        return np.unique(np.concatenate(found))

    def _tongue_out(self) -> FloatArray:
        x, _, z = np.moveaxis(self.neutral[self.tongue], 1, 0)
        share = np.clip((z - TONGUE_ROOT) / (TONGUE_TIP - TONGUE_ROOT), 0, 1)
        out = np.zeros_like(self.neutral)
        # it slides out evenly, rises over the lip and bends down at the tip; the middle grows narrower as it is drawn out
        arch = np.sin(np.pi * share)
        out[self.tongue] = np.stack([-0.35 * x * arch, TONGUE_OUT[0] * share**3 + 0.35 * arch, TONGUE_OUT[1] * share], 1)
        return out

    def concavity(self, vertices: FloatArray, normals: FloatArray) -> FloatArray:
        """How deep each vertex lies under its neighbours, cm. -> (v,)"""
        return np.einsum("vc,vc->v", self.surface.smooth(vertices) - vertices, normals)


def _expression_parts(known: list[str]) -> dict[str, list[str]]:
    """Names -> shapes of the file: ``eyeBlinkLeft`` -> ``eyeBlink_L``; the file's own names work too."""
    parts = {name: [name] for name in known}
    for name in known:
        if name.endswith(("_L", "_R")):
            parts[name[:-2] + ("Left" if name.endswith("L") else "Right")] = [name]
    for name in ("browInnerUp", "cheekPuff"):  # ARKit has one for both sides
        parts[name] = [name + "_L", name + "_R"]
    return parts


def _open_edges(triangles: IntArray) -> IntArray:
    """The vertices along the open edges of a mesh. -> (k,)"""
    edges = np.sort(np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]]), 1).astype(np.int64)
    found, count = np.unique(edges[:, 0] << 32 | edges[:, 1], return_counts=True)
    open_ = found[count == 1]
    return np.unique(np.concatenate([open_ >> 32, open_ & 0xFFFFFFFF])).astype(np.int32)


def _openness(vertices: FloatArray, triangles: IntArray, surface: Surface, views: int = 40, side: int = 160) -> FloatArray:
    """Share of the sky that each vertex sees, in [0, 1]: z-buffers from directions spread evenly over the sphere. -> (v,)"""
    normals = surface.normals(vertices)
    seen, total = np.zeros(len(vertices), np.float32), np.full(len(vertices), 1e-6, np.float32)
    k = np.arange(views) + 0.5
    polar, azimuth = np.arccos(1 - 2 * k / views), np.pi * (1 + 5**0.5) * k  # a golden spiral
    for pitch, yaw in zip(np.pi / 2 - polar, (azimuth + np.pi) % (2 * np.pi) - np.pi):
        turn = rotation((pitch, yaw, 0.0)).T
        turned = vertices @ turn.T
        visible = unoccluded(turned, triangles, side)
        weight = np.maximum((normals @ turn.T)[:, 2], 0)
        seen += weight * visible
        total += weight
    return surface.smooth((seen / total)[:, None])[:, 0]


def unoccluded(
    turned: FloatArray, triangles: IntArray, side: int, rows: NDArray[np.int64] | None = None, bias: float = 0.25
) -> NDArray[np.bool_]:
    """Which vertices nothing hides from very far along +z; ``rows``: the triangles that can hide. (v, 3) cm -> (v,)"""
    low, high = turned.min(0), turned.max(0)
    scale = (side - 3) / max(high[0] - low[0], high[1] - low[1])
    points = np.stack([1 + (turned[:, 0] - low[0]) * scale, 1 + (high[1] - turned[:, 1]) * scale, high[2] + 1 - turned[:, 2]], 1)
    hits = rasterise(points, triangles, (side, side), rows=rows)
    depth = np.full(side * side, np.inf, np.float32)
    depth[hits.pixel] = hits.depth
    column, row = np.round(points[:, :2]).astype(np.int64).T
    return points[:, 2] <= depth[row * side + column] + bias
