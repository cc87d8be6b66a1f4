"""Data sets of files in folders, one for each class, with torchvision's names and meaning."""

from __future__ import annotations

import os
import stat
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from dlframe.base.printable import error_text, printable
from dlframe.data.dataset import Dataset
from dlframe.errors import DatasetError, FileFormatError

__all__ = ["IMG_EXTENSIONS", "DatasetFolder", "FolderError", "ImageFolder", "default_loader"]

IMG_EXTENSIONS = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")
"""How the names of images end, for `ImageFolder`; upper case is accepted, too."""

FORMATS = ("PNG", "JPEG", "BMP", "WEBP", "TIFF", "PPM")
NAMED = 5  # as many classes are named in an error

Transform = Callable[[Any], Any]


class FolderError(DatasetError, FileNotFoundError):
    """A folder that is not there, has no classes, or has classes without files."""

    def __str__(self) -> str:
        return str(self.args[0])


class DatasetFolder(Dataset[tuple[Any, Any]]):
    """The files below `root/CLASS/`, at any depth; a sample is (transform(loader(path)), label).

    Classes are the folders in `root` in the order of their names; labels count from 0. The files
    of a class come in the order of their folders, then of their names. Links are followed.

    What systems and editors leave behind is no class and no sample: names that begin with a dot
    (".DS_Store", "._cat.png", ".ipynb_checkpoints"), "Thumbs.db", "desktop.ini", "__MACOSX"; with
    `is_valid_file`, that function alone decides about files. Pipes, sockets, devices and links that
    lead nowhere are left out with a warning, as reading a pipe would wait for its writer.

    Args:
        loader: a function of a path that returns a sample.
        extensions: how the names of files end that are taken, such as `(".png",)`.
        is_valid_file: a function of a path that says whether to take it, instead of `extensions`.
        allow_empty: whether classes without a file are kept.

    Attributes:
        classes: the names; `class_to_idx` has the label of each.
        samples: pairs of path and label; `targets` has the labels alone.

    Raises:
        FolderError: there is no folder `root`, no folder in it, or a class has no file.
        DatasetError: a link leads back to a folder that it lies in, or a folder may not be read.
        ValueError: not exactly one of `extensions` and `is_valid_file` is given.

    >>> import tempfile
    >>> from pathlib import Path
    >>> from dlframe.data.folders import DatasetFolder
    >>> with tempfile.TemporaryDirectory() as root:
    ...     for name in ("cat/a.txt", "cat/b.txt", "dog/c.txt"):
    ...         Path(root, name).parent.mkdir(exist_ok=True)
    ...         _ = Path(root, name).write_text(name)
    ...     files = DatasetFolder(root, lambda path: Path(path).read_text(), (".txt",))
    ...     files[2], files.classes
    (('dog/c.txt', 1), ['cat', 'dog'])
    """

    def __init__(
        self,
        root: str | os.PathLike[str],
        loader: Callable[[str], Any],
        extensions: str | Sequence[str] | None = None,
        transform: Transform | None = None,
        target_transform: Transform | None = None,
        is_valid_file: Callable[[str], bool] | None = None,
        allow_empty: bool = False,
    ) -> None:
        self.root = os.path.expanduser(root)  # noqa: PTH111 - samples are texts, as in torchvision
        self.transform = transform
        self.target_transform = target_transform
        self.loader = loader
        self.extensions = (extensions,) if isinstance(extensions, str) else extensions
        self.classes, self.class_to_idx = self.find_classes(self.root)
        self.samples = self.make_dataset(
            self.root, self.class_to_idx, self.extensions, is_valid_file, allow_empty
        )
        self.targets = [label for _, label in self.samples]

    @staticmethod
    def find_classes(directory: str | os.PathLike[str]) -> tuple[list[str], dict[str, int]]:
        """The names of the folders in a folder, sorted, and their labels; a subclass may choose.

        Raises FolderError if there is none.
        """
        try:
            with os.scandir(directory) as inside:
                classes = sorted(
                    entry.name
                    for entry in inside
                    if not is_left_behind(entry.name) and _is_folder(entry)
                )
        except OSError as error:
            raise FolderError(f"{printable(directory)}: {error.strerror or error}") from None
        if not classes:
            raise FolderError(
                f"Couldn't find any class folder in {printable(directory)}: the files of each "
                "class must lie in a folder that is named after it"
            )
        return classes, {name: label for label, name in enumerate(classes)}

    @staticmethod
    def make_dataset(
        directory: str | os.PathLike[str],
        class_to_idx: dict[str, int],
        extensions: Sequence[str] | None = None,
        is_valid_file: Callable[[str], bool] | None = None,
        allow_empty: bool = False,
    ) -> list[tuple[str, int]]:
        """The pairs of path and label; raises as the class does."""
        if (extensions is None) == (is_valid_file is None):
            raise ValueError(
                "Both extensions and is_valid_file cannot be None or not None at the same time"
            )
        ends = tuple(end.lower() for end in extensions or ())
        found: list[tuple[str, int]] = []
        odd: list[str] = []
        empty = []
        for name in sorted(class_to_idx):
            before = len(found)
            folder = os.path.join(os.path.expanduser(directory), name)  # noqa: PTH111, PTH118 - texts
            there = os.path.isdir(folder)  # noqa: PTH112 - texts
            for path in _files(folder, all_names=is_valid_file is not None) if there else ():
                if is_valid_file is None and not path.lower().endswith(ends):
                    continue
                if not os.path.isfile(path):  # noqa: PTH113 - texts
                    odd.append(path)
                elif is_valid_file is None or is_valid_file(path):
                    found.append((path, class_to_idx[name]))
            if len(found) == before:
                empty.append(name)
        _warn_of_odd(odd)
        if empty and not allow_empty:
            facts, kinds = _complaint(directory, empty, len(class_to_idx), extensions)
            raise FolderError(
                f"{facts}, or pass allow_empty=True.{kinds}", facts=f"{facts}.{kinds}"
            )
        return found

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        path, target = self.samples[index]
        sample: Any = self.loader(path)
        label: Any = target
        if self.transform is not None:
            sample = self.transform(sample)
        if self.target_transform is not None:
            label = self.target_transform(label)
        return sample, label

    def __repr__(self) -> str:
        lines = [
            f"Dataset {type(self).__name__}",
            f"    Number of datapoints: {len(self)}",
            f"    Root location: {self.root}",
        ]
        return "\n".join(lines)


class ImageFolder(DatasetFolder):
    """The images below `root/CLASS/`: a `DatasetFolder` with the endings and a loader of images.

    The default loader returns PIL images in RGB; put `transforms.ToTensor()` into `transform`.

    >>> import tempfile
    >>> from pathlib import Path
    >>> from PIL import Image
    >>> from dlframe.data.folders import ImageFolder
    >>> from dlframe.data.transforms import ToTensor
    >>> with tempfile.TemporaryDirectory() as root:
    ...     Path(root, "red").mkdir()
    ...     Image.new("RGB", (3, 2), "red").save(Path(root, "red", "1.png"))
    ...     image, label = ImageFolder(root, ToTensor())[0]
    >>> image.shape, label
    ((3, 2, 3), 0)
    """

    def __init__(
        self,
        root: str | os.PathLike[str],
        transform: Transform | None = None,
        target_transform: Transform | None = None,
        loader: Callable[[str], Any] | None = None,
        is_valid_file: Callable[[str], bool] | None = None,
        allow_empty: bool = False,
    ) -> None:
        super().__init__(
            root,
            default_loader if loader is None else loader,
            IMG_EXTENSIONS if is_valid_file is None else None,
            transform,
            target_transform,
            is_valid_file,
            allow_empty,
        )
        self.imgs = self.samples


def default_loader(path: str) -> Any:
    """The image of a file as a PIL image in RGB; FileFormatError if it cannot be read.

    Pillow's formats PNG, JPEG, BMP, WebP, TIFF and PPM are read, whatever the file's name.
    """
    from PIL import Image  # on first use

    if not os.path.isfile(path) and os.path.lexists(path):  # noqa: PTH113 - texts
        raise FileFormatError(f"{printable(path)} is {_kind_of(path)}, not an image file")
    with Path(path).open("rb") as file:
        try:
            with Image.open(file, formats=FORMATS) as image:
                return image.convert("RGB")
        except (Exception, Image.DecompressionBombError) as error:  # noqa: BLE001 - all kinds of errors for damaged files
            raise FileFormatError(
                f"{printable(path)} is damaged, or no image of the formats that are read "
                f"({', '.join(FORMATS)}): {error_text(error)}"
            ) from None


_LEFT_BEHIND = ("thumbs.db", "desktop.ini", "__macosx")


def is_left_behind(name: str) -> bool:
    """Whether a file or folder is none of the user's, but what a system or an editor left there.

    >>> [is_left_behind(name) for name in (".DS_Store", "._a.png", "Thumbs.db", "a.png")]
    [True, True, True, False]
    """
    return name.startswith(".") or name.lower() in _LEFT_BEHIND


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself
        return False


def _files(folder: str, *, all_names: bool) -> list[str]:
    """All that is no folder below a folder; DatasetError for a link that leads back above it."""
    found: list[str] = []
    for place, _, names in sorted(_walk(folder, all_names=all_names)):
        kept = (name for name in sorted(names) if all_names or not is_left_behind(name))
        found += [os.path.join(place, name) for name in kept]  # noqa: PTH118 - texts
    return found


def _walk(folder: str, *, all_names: bool) -> Iterator[tuple[str, list[str], list[str]]]:
    for place, inside, names in os.walk(folder, followlinks=True, onerror=_refuse_folder):
        if not all_names:
            inside[:] = [name for name in inside if not is_left_behind(name)]
        for name in inside:
            path = os.path.join(place, name)  # noqa: PTH118 - texts
            if os.path.islink(path):  # noqa: PTH114 - texts
                _check_link(folder, place, path)
        yield place, inside, names


def _refuse_folder(error: OSError) -> None:
    raise DatasetError(
        f"the folder {printable(error.filename)} cannot be read: {error.strerror or error}"
    ) from None


def _warn_of_odd(paths: list[str]) -> None:
    if not paths:
        return
    named = ", ".join(f"{printable(path)} ({_kind_of(path)})" for path in paths[:NAMED])
    more = f" and {len(paths) - NAMED} more" if len(paths) > NAMED else ""
    level, frame = 2, sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename == __file__:
        level, frame = level + 1, frame.f_back  # up to the line outside of this module
    warnings.warn(f"left out, as they are no files: {named}{more}", stacklevel=level)


def _kind_of(path: str) -> str:
    """What something is that is no file, for a message."""
    try:
        mode = os.stat(path).st_mode  # noqa: PTH116 - texts
    except OSError:
        return "a link that leads nowhere"
    kinds = {stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket", stat.S_IFDIR: "a folder"}
    return kinds.get(stat.S_IFMT(mode), "a device")


def _check_link(folder: str, place: str, path: str) -> None:
    """Raise DatasetError for a link to one of the folders through which the walk has come."""
    target = os.path.realpath(path)
    while True:
        if f"{os.path.realpath(place)}{os.sep}".startswith(f"{target}{os.sep}"):
            raise DatasetError(
                f"{printable(path)} is a link to a folder that it lies in "
                f"({printable(target)}), so its files would come again and again: delete the link"
            )
        if len(place) <= len(folder):
            return
        place = os.path.dirname(place)  # noqa: PTH120 - texts


def _complaint(
    directory: str | os.PathLike[str],
    empty: list[str],
    count: int,
    extensions: Sequence[str] | None,
) -> tuple[str, str]:
    """What is wrong, and which endings are known."""
    named = ", ".join(printable(name, longest=60) for name in empty[:NAMED])
    more = f" and {len(empty) - NAMED} more" if len(empty) > NAMED else ""
    kinds = f" Supported extensions are: {', '.join(extensions)}" if extensions else ""
    facts = (
        f"Found no valid file for {len(empty)} of the {count} classes in {printable(directory)}: "
        f"{named}{more}. Add files, or delete the folders"
    )
    return facts, kinds
