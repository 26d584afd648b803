"""What proposes: the Strategy base, the loader and its checks, the host process and its supervisor, ready-made strategies."""
