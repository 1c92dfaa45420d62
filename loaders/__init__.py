"""How data becomes RDF: sources in, (subject, row, N-Triples lines) and findings out."""
