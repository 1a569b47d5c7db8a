"""The closed lists that cards choose from, each entry with its meaning."""

from __future__ import annotations

FAMILIES = {
    "expression": "expression in still pictures",
    "explain": "why a face is read so: attribution, reasoning in words, looks inside a network",
    "action_units": "facial action units",
    "dynamic": "expression, affect and traits over time, from video with or without sound",
    "pretrain": "representations learned without labels of the task",
    "face": "finding a face and its parts: detection, landmarks, parsing, several face tasks at once",
    "identity": "who it is, whether it is real, and how to forget it",
    "language": "emotion in words, and language models that look",
    "shape3d": "3-D shape from pictures and scans",
    "animation": "faces driven by speech, emotion or another face",
    "synthesis": "pictures of faces made or changed",
    "signals": "voice, body, hands and worn sensors, without the picture of a face",
    "evidence": "data sets, reviews and taxonomies",
}
KINDS = {
    "network": "a model, or several joined",
    "loss": "an objective that any model of its task can use",
    "strategy": "a way to train, adapt or combine models",
    "dataset": "data with labels, and often a baseline",
    "benchmark": "a protocol with a score, and often baselines",
    "study": "an experiment on known methods",
    "review": "an account of other work as a structured table",
    "tool": "a method of analysis",
}
# What is asked; a system that does several has its main one here and names the others in its output.
TASKS = {
    "classify": "one of several classes",
    "multilabel": "any number of labels at once",
    "regress": "numbers",
    "sequence": "one answer for each frame or token",
    "detect": "boxes",
    "landmarks": "points",
    "segment": "a class for each pixel",
    "embed": "a vector that can be compared",
    "reconstruct": "what is not seen: 3-D shape, hidden parts of a picture",
    "animate": "motion",
    "generate": "pictures or video",
    "reason": "text that gives reasons",
    "explain": "a map or score of what an answer rests on",
    "review": "a table that can be queried",
}
FIDELITIES = {
    "planned": "the card parses, no module exists",
    "built": "the equations are tested, gradients flow, parameters are counted",
    "runs": "trains and evaluates from end to end under its protocol",
    "effect": "its own claim, with against without, shows over at least 3 seeds",
    "figure": "its published figure is reproduced within the card's tolerance",
}
SOURCES = {
    "paper": "printed in the paper",
    "authors": "given by its authors elsewhere: code, notebook, project page",
    "ours": "measured here, with a run record",
}
TAGS = {
    "": "read at its source",
    "quoted": "quoted by others, not read at its source",
    "recall": "from memory, not confirmed",
    "inferred": "deduced, not stated",
}
# how a face is cut out for a network; what a data set's own pictures are like is in the card of the data set
CROPS = {
    "face": "upright square around the mesh, 1.05 of its longer side",
    "fer2013": "as the faces of FER2013 lie in their pictures, but upright",
    "arcface": "five points on the template of 112 pixels of the ArcFace family",
    "box": "square around the detector's box",
    "wide": "square around the detector's box, 1.3 of its longer side",
}
COLOURS = ("grey", "RGB", "BGR")  # of a picture that a network takes; grey may be repeated in three channels
EXTRAS = ("audio", "llm", "matlab", "mesh", "pandas", "scale", "text", "torch", "train")
LICENSED = ("code", "weights", "data")
PROVEN_BY_RUNS = ("effect", "figure")
