"""What every part uses: text, files, records, and text made safe to print."""
