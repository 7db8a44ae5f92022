"""The JSON document as YAML; in a stream every frame is a document of its own."""

from collections.abc import Iterator

from mipsh.render.format import Document, Format, Style, encodable


def render(document: Document, style: Style) -> Iterator[str]:
    """Write one YAML document; characters that could act on a terminal are escaped by YAML."""
    import yaml

    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    whole = encodable({**document.envelope(), "data": document.data()})
    yield "---\n" + yaml.dump(whole, Dumper=dumper, sort_keys=False, allow_unicode=False, width=1000)


FORMAT = Format("yaml", "the JSON document as YAML", render)
