"""The files of TensorBoard's projector: points, labels, images, and the list of them."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from google.protobuf import text_format
from tensorboard.plugins.projector.projector_config_pb2 import ProjectorConfig

from dlframe.base.printable import printable
from dlframe.errors import FileFormatError, ShapeError
from dlframe.utils.atomic import atomic_write
from dlframe.utils.tensorboard import images
from dlframe.utils.tensorboard.summaries import numbers

CONFIG = "projector_config.pbtxt"
_CODES = {"%": "%25", "/": "%2f", "\\": "%5c"}


def write(
    folder: Path,
    points: Any,
    labels: Sequence[Any] | None,
    pictures: Any,
    step: int,
    tag: str,
    header: Sequence[str] | None,
) -> None:
    """Write the points of a step and a tag, and add them to the folder's list.

    Each file is written whole or not at all, and the list last.
    """
    array = numbers("add_embedding", points)
    if array.ndim != 2 or 0 in array.shape:
        raise ShapeError(
            f"add_embedding: mat has a row for each point, (N, D); got shape {tuple(array.shape)}"
        )
    rows = None if labels is None else _rows(labels, header)
    if rows is not None and len(rows) != len(array):
        raise ShapeError(f"add_embedding: {len(rows)} entries of metadata for {len(array)} points")
    square = None if pictures is None else images.sprite(pictures)
    if pictures is not None and len(pictures) != len(array):
        raise ShapeError(f"add_embedding: {len(pictures)} images for {len(array)} points")
    name = "".join(_CODES.get(letter, letter) for letter in tag)
    part = f"{step:05d}/{name}"
    config = _config(folder / CONFIG)
    info = config.embeddings.add(tensor_name=f"{tag}:{step:05d}", tensor_path=f"{part}/tensors.tsv")
    _write_table(folder / part / "tensors.tsv", array.tolist())
    if rows is not None:
        info.metadata_path = f"{part}/metadata.tsv"
        _write_table(folder / info.metadata_path, rows if header is None else [header, *rows])
    if square is not None:
        image, size = square
        file = io.BytesIO()
        image.save(file, "PNG")
        info.sprite.image_path = f"{part}/sprite.png"
        info.sprite.single_image_dim.extend(size)
        with atomic_write(folder / info.sprite.image_path) as target:
            target.write(file.getvalue())
    same = [one for one in config.embeddings[:-1] if one.tensor_name == info.tensor_name]
    for one in same:  # a repeated step replaces the earlier one
        config.embeddings.remove(one)
    with atomic_write(folder / CONFIG, "w") as target:
        target.write(text_format.MessageToString(config))


def _config(path: Path) -> Any:
    """The list of a folder, as it is: a run that goes on adds to it."""
    config = ProjectorConfig()
    if path.is_file():
        try:
            text_format.Parse(path.read_text("utf-8"), config)
        except (text_format.ParseError, UnicodeDecodeError) as error:
            raise FileFormatError(f"{printable(path)} is no list of the projector's") from error
    return config


def _rows(labels: Sequence[Any], header: Sequence[str] | None) -> list[list[Any]]:
    listed: list[Any] = labels.tolist() if hasattr(labels, "tolist") else list(labels)
    if header is None:
        return [[label] for label in listed]
    rows = [list(row) for row in listed]
    for row in rows:
        if len(row) != len(header):
            raise ShapeError(
                f"add_embedding: metadata_header has {len(header)} columns, and an entry of "
                f"metadata {len(row)}: {printable(row, longest=60)}"
            )
    return rows


def _write_table(path: Path, rows: Sequence[Sequence[Any]]) -> None:
    with atomic_write(path, "w") as file:
        for row in rows:
            # a tab or the end of a line would begin another cell
            cells = (" ".join(str(cell).split()) or " " for cell in row)
            file.write("\t".join(cells) + "\n")
