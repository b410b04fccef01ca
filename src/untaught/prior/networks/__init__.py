"""The networks, one recipe a file: `networks/name.py` holds a frozen dataclass and `NETWORK`, which names it.

A recipe is a value. `recipe.build(cin, cout, ndim=2)` makes a module that maps
(b, cin, *space / shrink) to (b, cout, *space), without an output activation: the prior owns that.

- `multiple`: each side of `space` must be a multiple of it; with at least `2 * multiple` pixels a side
  the deepest level keeps two, and batch normalisation something to normalise.
- `shrink`: how many times smaller than the picture the input is (1 but for decoders).
- `examples()`: small, cheap instances, over which the tests sweep their laws.

The registry finds the files by name; nothing is imported here.
"""
