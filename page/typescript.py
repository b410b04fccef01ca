"""What the page is told, as TypeScript: the JSON schema of `untaught.studio.views` in, src/lib/messages.ts out.

Usage: PYTHONPATH=../src python3 typescript.py > src/lib/messages.ts (page/build.sh does it, page/check.sh checks it)
"""

from __future__ import annotations

import json
from typing import Any

from untaught.studio.checked import schema
from untaught.studio.messages import Prospect
from untaught.studio.views import PAGE, Example

WORDS = {"string": "string", "boolean": "boolean", "integer": "number", "number": "number", "null": "null"}


def written(one: dict[str, Any]) -> str:
    """A JSON schema as a TypeScript type."""
    if "$ref" in one:
        return str(one["$ref"].removeprefix("#/$defs/"))
    if "enum" in one:
        return " | ".join(f"'{value}'" for value in one["enum"])
    if "anyOf" in one:
        return " | ".join(dict.fromkeys(written(each) for each in one["anyOf"]))
    if "prefixItems" in one:
        return f"[{', '.join(written(each) for each in one['prefixItems'])}]"
    if one.get("type") == "array":
        item = written(one["items"])
        return f"({item})[]" if " | " in item and not item.startswith("[") else f"{item}[]"
    if "additionalProperties" in one:
        return f"Record<string, {written(one['additionalProperties'])}>"
    return WORDS[one["type"]] if "type" in one else "unknown"


def interface(name: str, one: dict[str, Any]) -> str:
    said = json.dumps(" ".join(one["description"].split()), ensure_ascii=False)[1:-1].replace('\\"', '"')
    lines = [f"  {field}: {written(each)}" for field, each in one["properties"].items()]
    return "\n".join([f"/** {said} */", f"export interface {name} {{", *lines, "}"])


if __name__ == "__main__":
    print("/** Made by page/typescript.py from src/untaught/studio/messages.py: change it there. */")
    print("\n\n".join(interface(name, one) for name, one in schema(*PAGE.values(), Example, Prospect)["$defs"].items()))
