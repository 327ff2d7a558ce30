"""No text that an editor, a copy or a hand can produce makes the loader crash or hang."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from small_deployment import FILE_TEXTS, shipped_files, with_files

from ivr.flow.check import check
from ivr.flow.loader import FILES, Loaded, load, reading_order
from ivr.flow.yaml_text import read

PIECES = [
    "a", "steps", "then", "menu", ": ", ":", "\n", "\n  ", "\n    ", "- ", "- - ", "[", "]", "{",
    "}", ",", "&x ", "*x", "!!int ", "'", '"', "|\n", ">\n", "#", "? ", "---\n", "...\n", "%YAML",
    "\t", "0s", "1", "<<", "\x00", "\ud800", "é", "\u2028", "\ufeff", "\r", "\\", "\\U", "#", "*", "@",
    "\"\\uD800\"", "%", "~", "😀", "\u202e", "999999999999999999999",
]  # fmt: skip

texts = st.one_of(
    st.text(max_size=200),
    st.lists(st.sampled_from(PIECES), max_size=60).map("".join),
)


def is_told(text: str) -> None:
    tree, marks, faults = read("x.yaml", text)
    assert tree is not None or faults
    lines = text.count("\n") + sum(text.count(c) for c in "\r\x85\u2028\u2029") + 1
    for fault in faults:
        assert 1 <= fault.line <= lines + 1
        assert fault.column >= 1
        assert fault.message
    for path in marks.values:
        assert path[0] == "x.yaml"


@given(texts)
@settings(max_examples=400, deadline=5000)
def test_any_text_is_read_or_refused_with_a_sentence(text: str) -> None:
    is_told(text)


@st.composite
def damaged(draw: st.DrawFn) -> dict[str, str]:
    """The small deployment with something cut out of one file, put in, or doubled."""
    name = draw(st.sampled_from(FILES))
    text = FILE_TEXTS[name]
    start = draw(st.integers(0, len(text)))
    end = draw(st.integers(start, min(len(text), start + 60)))
    between = draw(st.sampled_from(["", text[start:end] * 2]) | texts)
    return {**with_files(), name: text[:start] + between + text[end:]}


@given(damaged())
@settings(max_examples=300, deadline=5000)
def test_a_damaged_deployment_is_loaded_and_checked_or_told(files: dict[str, str]) -> None:
    loaded = load(files)
    assert (loaded.dialplan is None) == bool(loaded.faults)
    if loaded.dialplan is not None:
        assert loaded.directory is not None
        check(loaded.dialplan, loaded.directory, lambda prompt: None)


trees = st.recursive(
    st.text("abc019 {}-:", max_size=8).map(lambda text: "'" + text.replace("'", "") + "'"),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda parts: "[" + ", ".join(parts) + "]"),
        st.dictionaries(
            st.sampled_from(
                ["say", "menu", "then", "options", "1", "0", "steps", "start", "name", "x", "mode",
                 "wilayah", "kecamatan", "areas", "prompt", "operator", "connect", "whisper"]
            ),
            inner,
            max_size=4,
        ).map(lambda parts: "{" + ", ".join(f"{k}: {v}" for k, v in parts.items()) + "}"),
    ),
    max_leaves=20,
)  # fmt: skip


@given(st.sampled_from(FILES), trees)
@settings(max_examples=150, deadline=5000)
def test_a_file_of_any_shape_is_loaded_or_told(name: str, text: str) -> None:
    loaded = load({**with_files(), name: text})
    assert (loaded.dialplan is None) == bool(loaded.faults)


def is_well_told(loaded: Loaded) -> None:
    """A dialplan or faults, never both; the faults in the order of the files, each at a place."""
    assert (loaded.dialplan is None) == bool(loaded.faults)
    assert list(loaded.faults) == sorted(loaded.faults, key=reading_order)
    for told in (*loaded.faults, *loaded.warnings):
        assert told.file in FILES
        assert told.line >= 1
        assert told.column >= 1
        assert told.message
        assert "should" not in told.message, "what the schema says by itself is English"
        assert told.code


@given(st.sampled_from(FILES), st.binary(max_size=300))
@settings(max_examples=200)
def test_any_bytes_in_any_file_are_loaded_or_told(name: str, data: bytes) -> None:
    is_well_told(load({**with_files(), name: data.decode("utf-8-sig", "surrogateescape")}))


SHIPPED = shipped_files()
WORDS = ["", "x", "no", "0", "-", "semua", "[]", "{}", "[a, b]", "{a: b}", "'", '"', "1:30", "#", "*a",
         "&a b", "!!x y", "|", ">", "4s", "-1", "1e9", "operator", "kebakaran", "{incident"]  # fmt: skip


@st.composite
def edited(draw: st.DrawFn) -> dict[str, str]:
    """The shipped deployment after a few edits of lines, as a tired hand makes them."""
    files = dict(SHIPPED)
    for _ in range(draw(st.integers(1, 4))):
        name = draw(st.sampled_from(FILES))
        lines = files[name].split("\n")
        at = draw(st.integers(0, len(lines) - 1))
        line = lines[at]
        match draw(st.sampled_from(["drop", "twice", "indent", "swap", "value", "letter", "join"])):
            case "drop":
                del lines[at]
            case "twice":
                lines.insert(at, line)
            case "indent":
                spaces = draw(st.sampled_from(["", " ", "   ", "\t", "          "]))
                lines[at] = spaces + line.lstrip()
            case "swap":
                other = draw(st.integers(0, len(lines) - 1))
                lines[at], lines[other] = lines[other], line
            case "value":
                key, _, _ = line.partition(":")
                lines[at] = f"{key}: {draw(st.sampled_from(WORDS) | st.text(max_size=20))}"
            case "letter":
                place = draw(st.integers(0, len(line)))
                lines[at] = line[:place] + draw(st.sampled_from(PIECES)) + line[place + 1 :]
            case "join":
                lines[at : at + 2] = [" ".join(lines[at : at + 2])]
        files[name] = "\n".join(lines)
    return files


@given(edited())
@settings(max_examples=150)
def test_an_edited_shipped_deployment_is_loaded_and_checked_or_told(files: dict[str, str]) -> None:
    loaded = load(files)
    is_well_told(loaded)
    if loaded.dialplan is not None:
        assert loaded.directory is not None
        report = check(loaded.dialplan, loaded.directory, lambda prompt: None)
        assert list(report.faults) == sorted(report.faults, key=reading_order)
