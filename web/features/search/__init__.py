"""The search box of the top line: in come a number or words, out goes what they name that the visitor may see."""
