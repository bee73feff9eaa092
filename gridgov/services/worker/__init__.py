"""Jobs beside the pages: a table of them, the claim that keeps two workers apart, and what calls them."""
