"""The methods of a score: each a closed set of parameters that knows its formula."""
