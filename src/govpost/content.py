"""content/ → drafts: Markdown, front matter and media, read strictly and told all at once when wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from govpost import front_matter, media
from govpost.characters import forbidden, place_at, tidy
from govpost.config import Config
from govpost.domain import Draft, Media, Priority
from govpost.errors import Mistake, Mistakes, UsageFault, did_you_mean
from govpost.fields import Fields, is_slug, slug_of

NAME = "post.md"
KEYS = (
    "title",
    "author",
    "goal",
    "audience",
    "topic",
    "channels",
    "link",
    "language",
    "at",
    "not_before",
    "expires",
    "priority",
    "media",
    "wording",
    "options",
    "corrects",
    "answers",
)
_MEDIA_KEYS = ("file", "alt", "captions", "focus")
_TITLE_TIP = "begin the file with a line ---, then title: …, then another ---"
_MAX_BYTES = 1_000_000
# Markdown made to be slow takes some 15 µs a character in each of several readings.
_MAX_TEXT = 100_000


def find(paths: Sequence[Path]) -> list[Path]:
    """List the post files that `paths` name: files, folders with post.md, or folders of either."""
    try:
        found = list(dict.fromkeys(post for path in paths for post in _find(path)))
    except OSError as error:
        raise UsageFault(
            f"{error.filename} cannot be read: {error.strerror}", "ask whose folder it is"
        ) from None
    names: dict[str, Path] = {}
    for post in found:
        other = names.setdefault(_slug(post), post)
        if other != post:
            raise UsageFault(
                f"two posts are called '{_slug(post)}': {other} and {post}", "rename one of them"
            )
    return found


def _find(path: Path) -> list[Path]:
    if path.is_dir():
        posts = list(_below(path))
        if not posts:
            raise UsageFault(f"there is no post in {path}", f"write {path / NAME}, or name another folder")
        return posts
    if path.suffix.lower() == ".md" and path.exists():
        return [path]
    if path.exists():
        raise UsageFault(f"{path} is not a post", "name a .md file, or a folder with post.md in it")
    beside = [other.name for other in path.parent.iterdir()] if path.parent.is_dir() else []
    raise UsageFault(f"there is no {path}{did_you_mean(path.name, beside)}", "name a post's file or folder")


def _below(folder: Path) -> Iterator[Path]:
    if (folder / NAME).exists():
        yield folder / NAME
        return
    for entry in sorted(folder.iterdir()):
        if entry.name.startswith("."):
            continue
        if entry.is_dir() and not entry.is_symlink():
            yield from _below(entry)
        elif entry.suffix.lower() == ".md":
            yield entry


def _slug(path: Path) -> str:
    return path.resolve().parent.name if path.name == NAME else path.stem


def load(path: Path, config: Config) -> Draft:
    """Read one post; `Mistakes` with file, line and column for everything wrong in it."""
    path = path / NAME if path.is_dir() else path
    file = _shown(path, config)
    text = _read(path, file, config)
    document = front_matter.read(text, file)
    fields = Fields(document, file, config.agency.timezone)
    slug = _slug(path)
    if not is_slug(slug):
        fields.wrong(("slug",), f"{slug!r} cannot be the name of a post", f"rename it to '{slug_of(slug)}'")
    draft = _draft(path.resolve(), slug, fields, config)
    if fields.mistakes:
        raise Mistakes(sorted(fields.mistakes, key=lambda mistake: (mistake.line or 0, mistake.column or 0)))
    return draft


def _shown(path: Path, config: Config) -> str:
    """Name a file as its author knows it: from the workspace on."""
    try:
        return str(path.resolve().relative_to(config.root.resolve()))
    except (ValueError, OSError, RuntimeError):
        return str(path)


def _read(path: Path, file: str, config: Config) -> str:
    try:
        content = media.read_regular(media.inside(path, config.root), _MAX_BYTES)
    except media.BadFile as error:
        raise Mistakes([Mistake(message=f"the post {error}", file=file, tip=error.tip)]) from None
    try:
        text = content.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        before = error.object[: error.start].decode("utf-8", "replace").replace("\r\n", "\n")
        raise _misread(
            file, before, len(before), f"not UTF-8 text (byte 0x{error.object[error.start]:02X})"
        ) from None
    wrong = [_misread(file, text, offset, f"holds {called}") for offset, called in forbidden(text)]
    if wrong:
        raise Mistakes(mistake for mistakes in wrong[:20] for mistake in mistakes.mistakes)
    return text


def _misread(file: str, text: str, offset: int, message: str) -> Mistakes:
    line, column = place_at(text, offset)
    tip = "delete that character, or save the file again as UTF-8 text"
    return Mistakes([Mistake(message=message, file=file, line=line, column=column, tip=tip)])


def _draft(path: Path, slug: str, fields: Fields, config: Config) -> Draft:
    values = fields.document.values
    fields.only(values, (), KEYS)
    draft = Draft(
        slug=slug,
        path=path,
        title=fields.needed(values.get("title"), ("title",), "the post has no title", _TITLE_TIP),
        body=tidy(fields.document.body),
        author=fields.choice(values.get("author"), ("author",), config.people, "person"),
        goal=fields.line(values.get("goal"), ("goal",)),
        audience=fields.line(values.get("audience"), ("audience",)),
        topic=fields.line(values.get("topic"), ("topic",)),
        channels=_channels(fields, config),
        link=fields.link(values.get("link"), ("link",)),
        language=fields.language(values.get("language"), ("language",)),
        at=fields.moment(values.get("at"), ("at",)),
        not_before=fields.moment(values.get("not_before"), ("not_before",)),
        expires=fields.moment(values.get("expires"), ("expires",)),
        priority=Priority(
            fields.choice(values.get("priority"), ("priority",), list(Priority), "priority") or "normal"
        ),
        media=_media(fields, path.parent, config.root),
        wording=_wording(fields),
        options=_options(fields),
        corrects=fields.slug(values.get("corrects"), ("corrects",)),
        answers=fields.line(values.get("answers"), ("answers",)),
        lines=_lines(fields),
    )
    _check(draft, fields)
    return draft


def _check(draft: Draft, fields: Fields) -> None:
    """Find what no single key shows."""
    if not draft.body and not fields.document.values.get("wording"):
        fields.wrong(("body",), "the post is empty", "write the text below the second ---")
    if len(draft.body) > _MAX_TEXT:
        long = f"the text has {len(draft.body):,} characters; at most {_MAX_TEXT:,} are taken"
        fields.wrong(("body",), long, "part it into several posts")
    if draft.corrects == draft.slug:
        fields.wrong(("corrects",), "a post cannot correct itself", "name the post that holds the error")
    if draft.corrects and draft.answers:
        fields.wrong(("answers",), "a post corrects or answers, not both", "make two posts of it")
    for key, start in (("at", draft.at), ("not_before", draft.not_before)):
        if start and draft.expires and draft.expires.utc <= start.utc:
            fields.wrong(("expires",), f"'expires' is not after '{key}' ({start})", "correct one of the two")
    if draft.at and draft.not_before and draft.at.utc < draft.not_before.utc:
        fields.wrong(("at",), f"'at' is before 'not_before' ({draft.not_before})", "correct one of the two")


def _channels(fields: Fields, config: Config) -> tuple[str, ...]:
    value = fields.document.values.get("channels")
    if value is None:
        return (config.main_channel,) if config.main_channel else ()
    names: list[str] = []
    for index, item in enumerate(fields.items(value, ("channels",), "channels: [website]")):
        name = fields.line(item, ("channels", str(index)))
        if name in names:
            fields.wrong(("channels", str(index)), f"channel {name!r} stands twice", "keep it once")
        elif name:
            names.append(name)
    if value == []:
        fields.wrong(("channels",), "'channels' names no channel", "delete the line to use the main channel")
    return tuple(names)


def _wording(fields: Fields) -> Mapping[str, tuple[str, ...]]:
    value = fields.document.values.get("wording")
    found = {}
    for channel, words in fields.table(value, ("wording",), 'wording: { hub: "…" }').items():
        path = ("wording", channel)
        parts = words if isinstance(words, list) else [words]
        texts = tuple(filter(None, (fields.text(part, path) for part in parts)))
        if len(texts) == len(parts) and texts:
            found[channel] = texts
        elif all(part is None or (isinstance(part, str) and not part.strip()) for part in parts):
            fields.wrong(path, f"the wording for '{channel}' is empty", "write it, or delete the line")
    return found


def _options(fields: Fields) -> Mapping[str, Mapping[str, Any]]:
    """Read what is asked of single platforms; what each may hold is for its plugin to say."""
    value = fields.document.values.get("options")
    example = 'options: { fediverse: { warning: "…" } }'
    tables = fields.table(value, ("options",), example)
    return {
        channel: fields.json_table(table, ("options", channel), example) for channel, table in tables.items()
    }


def _media(fields: Fields, folder: Path, root: Path) -> tuple[Media, ...]:
    items = fields.items(fields.document.values.get("media"), ("media",), "- file: picture.jpg")
    media_found = (
        _medium(fields, item, ("media", str(index)), folder, root) for index, item in enumerate(items)
    )
    return tuple(medium for medium in media_found if medium)


def _medium(fields: Fields, item: Any, path: tuple[str, ...], folder: Path, root: Path) -> Media | None:
    values = fields.table(item, path, "- file: picture.jpg")
    fields.only(values, path, _MEDIA_KEYS)
    name = fields.raw_text(values.get("file"), (*path, "file"))
    alt = fields.text(values.get("alt"), (*path, "alt")) or ""
    focus = fields.focus(values.get("focus"), (*path, "focus"))
    captions = _captions(fields, values.get("captions"), (*path, "captions"), folder, root)
    if name is None:
        if values.get("file") in (None, "") and (item is None or isinstance(item, dict)):
            fields.wrong(path, "a medium needs 'file'", "write - file: picture.jpg")
        return None
    try:
        real = media.inside(folder / name, root)
        info = media.probe(real)
    except media.BadFile as error:
        fields.wrong((*path, "file"), f"{name} {error}", error.tip)
        return None
    return Media(path=real, mime=info.mime, alt=alt, captions=captions, focus=focus, sha256=info.sha256)


def _captions(fields: Fields, value: Any, path: tuple[str, ...], folder: Path, root: Path) -> str | None:
    name = fields.raw_text(value, path)
    if name is None:
        return None
    try:
        real = media.inside(folder / name, root)
        text = media.read_captions(real)
    except media.BadFile as error:
        fields.wrong(path, f"{name} {error}", error.tip)
        return None
    return text


def _lines(fields: Fields) -> Mapping[str, int]:
    lines = {".".join(path): place.line for path, place in fields.document.places.items()}
    return {**lines, "body": fields.document.body_line}
