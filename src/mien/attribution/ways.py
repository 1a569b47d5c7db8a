"""The names of the ways to explain, apart from what they need, so that a command line can list them."""

from __future__ import annotations

from enum import StrEnum


class Method(StrEnum):
    """Ways to explain."""

    occlusion = "occlusion"
    au = "au"
    counterfactual = "counterfactual"
    gradcam = "gradcam"
    rollout = "rollout"
