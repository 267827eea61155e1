"""What is made of finished runs: tables, curves, comparisons, pictures, pages."""
