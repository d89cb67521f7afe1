"""The messages between orchestrator and loader: what they accept, and what they refuse."""
