"""A small network that answers a question about a picture, with every head within reach of a hook.

The form of BLIP for visual question answering (Li et al., arXiv:2201.12086, section 3.1): a transformer over patches, a text
encoder whose blocks also look at the patches, and a decoder that starts from one token, looks at the text and gives one word.
Blocks normalise before each part (Xiong et al., arXiv:2002.04745), which lets small networks learn without a warm-up.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..errors import InputError


class Attention(nn.Module):
    """Attention of several heads: softmax(Q K^T / sqrt(d)) V in each, then joined by a linear layer.

    Source: Vaswani et al., arXiv:1706.03762, section 3.2. The module ``mixed`` changes nothing: what the heads found, one beside
    the other and before they are joined, passes through it, so that a hook can read or replace one head.

    Args:
        width: length of a token.
        heads: they divide the width.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        if width % heads:
            raise InputError(f"{heads} heads of width {width}", "heads that divide the width")
        self.heads = heads
        self.query, self.key, self.value, self.join = (nn.Linear(width, width) for _ in range(4))
        self.mixed = nn.Identity()

    def forward(self, tokens: Tensor, memory: Tensor) -> Tensor:
        """(n, t, width) that ask, (n, m, width) that are looked at -> (n, t, width)."""
        q, k, v = (
            layer(x).unflatten(2, (self.heads, -1)).transpose(1, 2)
            for layer, x in ((self.query, tokens), (self.key, memory), (self.value, memory))
        )
        found: Tensor = self.mixed(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))
        joined: Tensor = self.join(found)
        return joined


class AttentionBlock(nn.Module):
    """Self-attention, then if wanted cross-attention, then two linear layers with GELU; each is added to the tokens.

    Args:
        width: length of a token.
        heads: of attention.
        cross: whether it looks at a memory too.
    """

    def __init__(self, width: int, heads: int, cross: bool = False) -> None:
        super().__init__()
        self.own, self.cross = Attention(width, heads), Attention(width, heads) if cross else None
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(3 if cross else 2))
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, tokens: Tensor, memory: Tensor | None = None) -> Tensor:
        """(n, t, width), and what is looked at, (n, m, width) -> (n, t, width)."""
        x = self.norms[0](tokens)
        tokens = tokens + self.own(x, x)
        if self.cross is not None:
            if memory is None:
                raise InputError("a block with cross-attention without a memory", "tokens to look at")
            tokens = tokens + self.cross(self.norms[1](tokens), memory)
        out: Tensor = tokens + self.mlp(self.norms[-1](tokens))
        return out


@dataclass(frozen=True)
class Layers:
    """How many blocks each part has."""

    picture: int = 2
    text: int = 3
    answer: int = 1


class Captioner(nn.Module):
    """The network; ``text.<block>.cross.mixed`` are the heads through which alone the picture reaches the answer.

    Args:
        words: size of the vocabulary, of questions and answers alike.
        length: tokens of a question.
        size: side of the picture, pixels.
        patch: side of a patch; it divides the size.
        width: length of a token.
        heads: of every attention.
        layers: blocks of the parts.
    """

    def __init__(
        self, words: int, length: int, size: int = 24, patch: int = 6, width: int = 32, heads: int = 4, layers: Layers = Layers()
    ) -> None:
        super().__init__()
        if size % patch:
            raise InputError(f"patches of {patch} in pictures of {size}", "a side that divides the other")
        self.patches = nn.Conv2d(3, width, patch, patch)
        self.embed = nn.Embedding(words, width)
        places = {"picture": (size // patch) ** 2, "text": length, "begin": 1}
        self.places = nn.ParameterDict({k: nn.Parameter(torch.randn(1, n, width) * 0.1) for k, n in places.items()})
        self.picture = nn.ModuleList(AttentionBlock(width, heads) for _ in range(layers.picture))
        self.text = nn.ModuleList(AttentionBlock(width, heads, cross=True) for _ in range(layers.text))
        self.answer = nn.ModuleList(AttentionBlock(width, heads, cross=True) for _ in range(layers.answer))
        self.norm, self.say = nn.LayerNorm(width), nn.Linear(width, words)

    def crosses(self) -> list[Attention]:
        """The cross-attention of each block of the text."""
        return [cast(Attention, block.cross) for block in self.text]

    def tokens(self, image: Tensor) -> Tensor:
        """(n, 3, size, size) -> (n, patches, width) before the first block, without places."""
        found: Tensor = self.patches(image).flatten(2).transpose(1, 2)
        return found

    def forward(self, image: Tensor, question: Tensor, noise: Tensor | None = None) -> dict[str, Tensor]:
        """
        Args:
            image: (n, 3, size, size), normalised.
            question: (n, length) int64, numbers of words.
            noise: (n, patches, width) added to the tokens of the picture; None for none.

        Returns:
            ``logits`` (n, words) of the one word of the answer.
        """
        seen = self.tokens(image) + self.places["picture"] + (0 if noise is None else noise)
        for block in self.picture:
            seen = block(seen)
        read = self.embed(question) + self.places["text"]
        for block in self.text:
            read = block(read, seen)
        said = self.places["begin"].expand(len(read), -1, -1)
        for block in self.answer:
            said = block(said, read)
        return {"logits": self.say(self.norm(said[:, 0]))}


@torch.no_grad()
def plant(network: Captioner, block: int, head: int) -> None:
    """Let one head alone carry the picture: the others of the text's cross-attention are joined with weight 0.

    Nothing else of the network changes, so the answer depends on the picture through this head, and on no other, whatever the
    weights are: a known truth for methods that look for such heads.

    Raises:
        InputError: no such block or head.
    """
    layers = network.crosses()
    heads = layers[0].heads
    if not (0 <= block < len(layers) and 0 <= head < heads):
        raise InputError(f"head {head} of block {block}", f"0 to {heads - 1} of 0 to {len(layers) - 1}")
    for k, layer in enumerate(layers):
        weight = layer.join.weight
        size = weight.shape[1] // heads
        for j in range(heads):
            if (k, j) != (block, head):
                weight[:, j * size : (j + 1) * size] = 0
