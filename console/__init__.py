"""What a person starts: command line, config, app, screens, keys, order line. The only place that wires the parts together."""

__version__ = "0.1.0"
