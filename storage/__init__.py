"""SQLite behind the engine's Journal protocol: schema, migrations, journal, history. Imports `engine.model` alone."""
