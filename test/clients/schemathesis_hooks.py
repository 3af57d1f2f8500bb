"""What schemathesis must know beside docs/openapi.json (npm run schemathesis)."""

import json

import schemathesis
from schemathesis.generation import GenerationMode


def has_null(value):
    if isinstance(value, dict):
        return any(has_null(each) for each in value.values())
    if isinstance(value, list):
        return any(has_null(each) for each in value)
    return value is None


@schemathesis.hook
def filter_case(context, case):
    # Null counts as omitted in every body, as the description of the document says; no schema repeats it.
    is_negative = case.meta is not None and case.meta.generation.mode == GenerationMode.NEGATIVE
    return not (is_negative and has_null(case.body))


@schemathesis.serializer("application/x-ndjson")
def lines(context, value):
    text = value if isinstance(value, str) else json.dumps(value)
    return {"data": text.encode("utf-8", errors="surrogatepass")}
