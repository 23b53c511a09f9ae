"""The contract of every engine: programs and answers, typed operations as command beats, and what was done."""
