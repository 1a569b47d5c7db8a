"""Webcams: through libav where its build knows the system's cameras, else through OpenCV."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from typing import Any

import av

from ..errors import InputError
from ..types import Faces, Frame
from .container import ERRORS, converter, matrix_of, picture_stream
from .sniff import shown

_WAIT = 10.0  # seconds for a first frame


def is_camera(source: object) -> bool:
    """Whether a source names a camera: a number as text, or /dev/video0 and the like. A file of that name comes first.

    Example:
        >>> is_camera("0"), is_camera("/dev/video2"), is_camera("0.mp4")
        (True, True, False)
    """
    if not isinstance(source, str):
        return False
    return (source.isdecimal() and not os.path.lexists(source)) or (source.startswith("/dev/video") and source[10:].isdecimal())


def camera_frames(source: str, name: str) -> Iterator[Frame]:
    """Frames of a camera, without end; time runs from the first frame.

    Args:
        source: number of the camera as text.
        name: name of the source, put into every Frame.

    Raises:
        InputError: there is no such camera, or it cannot be opened.
    """
    number = int(source.removeprefix("/dev/video"))
    if sys.platform.startswith("linux") and not os.path.exists(f"/dev/video{number}"):
        raise _no_camera(name, f"there is no /dev/video{number}")
    form, target = _address(number)
    if form in av.formats_available:
        try:
            container = av.open(target, "r", format=form, timeout=(_WAIT, _WAIT))
        except ERRORS as error:
            raise _no_camera(name, str(error)) from error
        return _through_libav(container, name)
    return _through_opencv(number, name)


def _address(number: int) -> tuple[str, str]:
    """Device layer of the system and the camera's name in it."""
    if sys.platform == "darwin":
        return "avfoundation", str(number)
    if sys.platform == "win32":
        from av.device import enumerate_input_devices

        cameras = [device for device in enumerate_input_devices("dshow") if "video" in device.media_types]
        return "dshow", f"video={cameras[number].description}" if number < len(cameras) else f"video={number}"
    return "v4l2", f"/dev/video{number}"


def _through_libav(container: Any, name: str) -> Iterator[Frame]:
    convert, index, begin = converter(), 0, 0.0
    with container:
        stream = picture_stream(container)
        try:
            for picture in container.decode(stream):
                now = time.monotonic()
                begin = begin or now
                yield Frame(convert(picture, matrix_of(picture, stream)), now - begin, index, Faces.none(), name)
                index += 1
        except ERRORS as error:
            yield _ended(name, index, str(error))


def _through_opencv(number: int, name: str) -> Iterator[Frame]:
    import cv2

    capture = cv2.VideoCapture(number)
    if not capture.isOpened():
        capture.release()
        raise _no_camera(name, "the camera does not answer, or another program uses it")
    return _captured(capture, cv2.COLOR_BGR2RGB, name)


def _captured(capture: Any, order: int, name: str) -> Iterator[Frame]:
    import cv2

    begin, index = 0.0, 0
    try:
        while True:
            read, image = capture.read()
            now = time.monotonic()
            begin = begin or now
            if not read:
                yield _ended(name, index, "the camera gave no more frames")
                return
            yield Frame(cv2.cvtColor(image, order), now - begin, index, Faces.none(), name)
            index += 1
    finally:
        capture.release()


def _ended(name: str, index: int, reason: str) -> Frame:
    status = "damaged" if index else "unreadable"
    return Frame(None, 0.0, index, Faces.none(), name, status, f"{shown(name)}: after {index} frames: {reason}")


def _no_camera(name: str, reason: str) -> InputError:
    return InputError(f"camera {shown(name)}: {reason}", "a connected camera", "check the cable, its permissions and its number")
