"""What a person sees of a run: tables, charts, a viewer. Reads records, changes none."""
