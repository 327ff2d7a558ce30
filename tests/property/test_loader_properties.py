"""No text that an editor, a copy or a hand can produce makes the loader crash or hang."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from small_deployment import FILE_TEXTS, with_files

from ivr.flow.check import check
from ivr.flow.loader import FILES, load
from ivr.flow.yaml_text import read

PIECES = [
    "a", "steps", "then", "menu", ": ", ":", "\n", "\n  ", "\n    ", "- ", "- - ", "[", "]", "{",
    "}", ",", "&x ", "*x", "!!int ", "'", '"', "|\n", ">\n", "#", "? ", "---\n", "...\n", "%YAML",
    "\t", "0s", "1", "<<", "\x00", "\ud800", "é", "\u2028", "\ufeff",
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
