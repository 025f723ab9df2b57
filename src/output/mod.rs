//! Text, JSON, YAML, tables and escaping.
