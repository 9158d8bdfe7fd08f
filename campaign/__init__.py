"""The fault campaign: real processes, one fault at a time under load, judged by an independent checker."""
