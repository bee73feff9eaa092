"""Monthly topics (每月一题): candidates with their evidence, what was chosen with reasons, and the year's months."""
