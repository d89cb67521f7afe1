"""Which files a COPY reads: a prefix, or a manifest."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from .errors import INTERNAL, RedshiftError

if TYPE_CHECKING:
    from .copy_command import CopyCommand
    from .storage import Storage, StoredObject

SCAN_ERROR = 15007
MANIFEST_ERROR = 15003
NULL_ERROR = 8007


@dataclass(eq=False, kw_only=True)
class LoadError(RedshiftError):
    """An error of a load: what the client sees and what SYS_LOAD_ERROR_DETAIL holds.

    Args:
        code: Redshift's own number for it.
        context: The sentence; SYS_LOAD_ERROR_DETAIL keeps 512 bytes of it.
        file_name: The file's address, or empty.
        column: The column's name, or empty.
        column_type: Its type.
        column_length: Its length, or empty.
        query: The query id of the COPY.
    """

    code: int = SCAN_ERROR
    context: str = ""
    file_name: str = ""
    column: str = ""
    column_type: str = ""
    column_length: str = ""
    query: int = 0

    @classmethod
    def scanning(cls, context: str, **facts: Any) -> LoadError:  # noqa: ANN401
        """Give a `Spectrum Scan Error`; its sentence stands in the detail."""
        return cls(sqlstate=INTERNAL, message="Spectrum Scan Error", context=context, **facts)

    def fields(self) -> dict[str, str]:
        """Give the fields with Redshift's block of details."""
        line = "-" * 47
        detail = (
            f"\n  {line}\n  error:  {self.message}\n  code:      {self.code}\n"
            f"  context:   {self.context}\n  query:     {self.query}\n"
            f"  location:  sandbox\n  {line}\n"
        )
        return super().fields() | {"D": detail}


def web_address(found: StoredObject, region: str) -> str:
    """Give a file's address as error texts write it; `=` becomes `%3D`."""
    return f"https://s3.{region}.amazonaws.com/{found.bucket}/{quote(found.key)}"


def files_of(command: CopyCommand, storage: Storage) -> list[StoredObject]:
    """List the files that a COPY reads.

    A prefix that matches nothing loads nothing, without an error: so it was seen on a real
    Redshift.

    Raises:
        LoadError: The manifest or one of its files is not as it must be.
    """
    if not command.manifest:
        return [
            one for one in storage.objects(command.source) if one.size or not one.key.endswith("/")
        ]
    found = [_entry(entry, storage) for entry in _entries(command.source, storage)]
    return [one for one in found if one]


def _entries(source: str, storage: Storage) -> list[dict[str, Any]]:
    if storage.find(source) is None:
        # The text is the sandbox's own.
        problem = "Problem reading manifest file - The specified key does not exist."
        raise LoadError(INTERNAL, problem, code=MANIFEST_ERROR, context=problem, file_name=source)
    try:
        entries: list[dict[str, Any]] = json.loads(storage.read(source))["entries"]
        urls = [entry["url"] for entry in entries]
    except (ValueError, TypeError, KeyError) as error:
        problem = f"Manifest file is not in correct json format: {error}"
        raise LoadError(
            INTERNAL, problem, code=MANIFEST_ERROR, context=problem, file_name=source
        ) from error
    if not all(isinstance(url, str) and url.startswith("s3://") for url in urls):
        problem = "Manifest file contains an address that is not s3://"
        raise LoadError(INTERNAL, problem, code=MANIFEST_ERROR, context=problem, file_name=source)
    return entries


def _entry(entry: dict[str, Any], storage: Storage) -> StoredObject | None:
    """Look up one file (AWS: copy-parameters-data-source-s3; the texts were seen by users)."""
    url = entry["url"]
    length = (entry.get("meta") or {}).get("content_length")
    if length is None:
        context = "File entry does not have 'meta' key."
        raise LoadError.scanning(context, code=MANIFEST_ERROR, file_name=url)
    found = storage.find(url)
    if found is None:
        if entry.get("mandatory"):
            raise LoadError.scanning("File not found", file_name=url)
        return None
    if found.size != length:
        context = (
            "HTTP response error code: 416 Message: InvalidRange"
            f" The requested range is not satisfiable File name: {url}"
        )
        raise LoadError.scanning(context, file_name=url)
    return found
