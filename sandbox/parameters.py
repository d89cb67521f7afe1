"""SET, SHOW and RESET of parameters that Redshift has and PostgreSQL lacks."""

from __future__ import annotations

from .plan import NoOperation, Plan
from .tokens import Reader, Token, quote_literal, render

DEFAULTS = {
    "enable_case_sensitive_identifier": "off",
    "enable_case_sensitive_super_attribute": "off",
    "query_group": "unset",
    "wlm_query_slot_count": "1",
    "describe_field_name_in_uppercase": "off",
    "enable_result_cache_for_session": "on",
    "auto_analyze": "on",
    "analyze_threshold_percent": "10",
    "enable_numeric_rounding": "on",
    "max_cursor_result_set_size": "0",
    "mv_enable_aqmv_for_session": "on",
    "use_fips_ssl": "off",
    "json_serialization_enable": "off",
    "json_serialization_parse_nested_strings": "off",
    "navigate_super_null_on_error": "on",
    "cast_super_null_on_error": "on",
    "spectrum_enable_pseudo_columns": "on",
}
"""Name and default (AWS: cm_chap_ConfigurationRef). They are kept; only the first has an effect."""

CASE_SENSITIVE = "enable_case_sensitive_identifier"
_ON = frozenset({"on", "true", "1", "yes", "t"})


def server_settings() -> dict[str, str]:
    """Give the server's settings that hold the defaults."""
    return {f"redshift.{name}": value for name, value in DEFAULTS.items()}


def is_on(value: str) -> bool:
    """Read a boolean parameter's value."""
    return value.lower() in _ON


def plan_set(tokens: list[Token]) -> Plan:
    """Plan SET name TO value.

    The isolation level is the database's and a session's wish for another one is ignored
    (AWS: r_BEGIN, "has no effect").
    """
    reader = Reader(tokens)
    reader.expect("SET")
    scope = "LOCAL " if reader.accept("LOCAL") else ""
    reader.accept("SESSION")
    if reader.peek() in ("TRANSACTION", "CHARACTERISTICS"):
        return Plan(text="", word="SET", command=NoOperation("SET"))
    name = reader.peek().lower()
    if name not in DEFAULTS:
        return Plan(text=render(tokens), word="SET")
    reader.next()
    if not (reader.accept("TO") or reader.accept("=")):
        reader.refuse()
    given = reader.next()
    value = given.name() if given.is_name() else given.text
    value = value if given.text[0] != "'" else given.literal()
    if given.word() == "DEFAULT":
        value = DEFAULTS[name]
    text = f"SET {scope}redshift.{name} TO {quote_literal(_shown(name, value))}"
    return Plan(text=text, word="SET", parameter=(name, value))


def _shown(name: str, value: str) -> str:
    if DEFAULTS[name] in ("on", "off"):
        return "on" if is_on(value) else "off"
    return value


def plan_show(tokens: list[Token]) -> Plan:
    """Plan SHOW name. A parameter of Redshift's is read with a query, under its own name."""
    name = "".join(token.text for token in Reader(tokens).tokens[1:]).lower()
    if name not in DEFAULTS:
        return Plan(text=render(tokens), word="SHOW")
    text = f"SELECT pg_catalog.current_setting('redshift.{name}')::varchar AS {name}"
    return Plan(text=text, word="SHOW")


def plan_reset(tokens: list[Token]) -> Plan:
    """Plan RESET name or RESET ALL."""
    name = "".join(token.text for token in Reader(tokens).tokens[1:]).lower()
    if name == "all":
        return Plan(text=render(tokens), word="RESET", parameter=(CASE_SENSITIVE, "off"))
    if name not in DEFAULTS:
        return Plan(text=render(tokens), word="RESET")
    return Plan(text=f"RESET redshift.{name}", word="RESET", parameter=(name, DEFAULTS[name]))
