"""Which recordings there are, and how one is opened: wires what storage keeps to the engine's replay."""
