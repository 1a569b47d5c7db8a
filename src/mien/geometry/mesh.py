"""The 478-point mesh: which points are what, and the face seen from its own front.

Left and right are the person's. Points 0-467 are the skin, 468-472 the right iris (centre, then four on its rim), 473-477
the left one.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from . import pose

FloatArray = NDArray[np.float32]

RIGHT_EYE = (33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246)
LEFT_EYE = (263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466)
RIGHT_BROW = (46, 53, 52, 65, 55, 107, 66, 105, 63, 70)
LEFT_BROW = (276, 283, 282, 295, 285, 336, 296, 334, 293, 300)
LIPS_OUTER = (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 409, 270, 269, 267, 0, 37, 39, 40, 185)
LIPS_INNER = (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308, 415, 310, 311, 312, 13, 82, 81, 80, 191)
OVAL = (
    10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377,
    152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
)  # fmt: skip
NOSE = (168, 6, 197, 195, 5, 4, 1, 19, 94, 2)
RIGHT_IRIS = (469, 470, 471, 472)
LEFT_IRIS = (474, 475, 476, 477)
RIGHT_PUPIL, LEFT_PUPIL = 468, 473
CONTOURS = {
    "oval": OVAL, "right_eye": RIGHT_EYE, "left_eye": LEFT_EYE, "right_brow": RIGHT_BROW, "left_brow": LEFT_BROW,
    "lips_outer": LIPS_OUTER, "lips_inner": LIPS_INNER, "right_iris": RIGHT_IRIS, "left_iris": LEFT_IRIS,
}  # fmt: skip


def head_frame(mesh: FloatArray, canonical: FloatArray, rigidity: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Each face turned to the front and scaled to the canonical face.

    Args:
        mesh: (n, 478, 3) pixels of the frame.
        canonical: (478, 3) cm.
        rigidity: (478,) weights of the fit.

    Returns:
        points (n, 478, 3) in cm, upright and frontal, with what the expression moved still moved; rotation (n, 3, 3);
        scale (n,) pixels per cm.
    """
    scale, rotation, shift = pose.procrustes(mesh, canonical, rigidity)
    points = np.einsum("nki,nij->nkj", (mesh - shift[:, None]) / scale[:, None, None], rotation)
    return points.astype(np.float32), rotation, scale
