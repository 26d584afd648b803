"""What a person does, key by key, in a real terminal (tmux) in front of the real program. Every journey runs wide and at 80x24, and
through OpenSSH."""
