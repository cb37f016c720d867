KNOWN = {"type", "required", "properties", "items", "enum", "minimum", "maximum"}
TYPES = {"object": dict, "array": list, "string": str, "null": type(None), "boolean": bool}


def problems(value, schema, path="$"):
    if unknown := set(schema) - KNOWN:
        raise ValueError(f"unknown keywords: {sorted(unknown)}")
    if "type" in schema and not is_a(value, schema["type"]):
        return [f"{path}: expected {schema['type']}"]
    found = []
    if "enum" in schema and value not in schema["enum"]:
        found.append(f"{path}: expected one of {schema['enum']}")
    if "minimum" in schema and is_a(value, "number") and value < schema["minimum"]:
        found.append(f"{path}: below {schema['minimum']}")
    if "maximum" in schema and is_a(value, "number") and value > schema["maximum"]:
        found.append(f"{path}: above {schema['maximum']}")
    if isinstance(value, dict):
        found += [f"{path}.{name}: missing" for name in schema.get("required", []) if name not in value]
        for name, inner in schema.get("properties", {}).items():
            if name in value:
                found += problems(value[name], inner, f"{path}.{name}")
    if isinstance(value, list) and "items" in schema:
        for number, item in enumerate(value):
            found += problems(item, schema["items"], f"{path}[{number}]")
    return found


def is_a(value, name):
    if name in ("number", "integer"):
        kinds = (int, float) if name == "number" else int
        return isinstance(value, kinds) and not isinstance(value, bool)
    return isinstance(value, TYPES[name])
