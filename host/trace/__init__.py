"""Command traces: what a controller was told and what it answered, as columns in Parquet files."""
