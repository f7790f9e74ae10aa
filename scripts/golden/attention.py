"""Attention: reference cases for make_golden.py."""
import torch
import torch.nn.functional as F


def attention(module, inputs, **masks):
    """Runs torch.nn.MultiheadAttention and gives the case's tensors, gradients of its own."""
    module.zero_grad(set_to_none=True)
    leaves = {k: v.clone().requires_grad_(True) for k, v in inputs.items()}
    query = leaves["q"]
    memory = leaves.get("kv", query)
    y, weights = module(query, memory, memory, need_weights=True, **masks)
    dy = torch.randn_like(y)
    y.backward(dy)
    tensors = dict(inputs, y=y, dy=dy, weights_mean_over_heads=weights)
    tensors.update({"grad_" + k: v.grad for k, v in leaves.items()})
    for name, parameter in module.named_parameters():
        name = name.replace(".", "_")
        tensors[name] = parameter.clone()
        tensors["grad_" + name] = parameter.grad.clone()
    # The container has no booleans: whole numbers, 1 may not attend.
    tensors.update({k: v.long() for k, v in masks.items() if v is not None})
    return tensors


def random_mask(rows, columns):
    """Forbids about a third, and never a whole row."""
    mask = torch.rand(rows, columns) < 0.33
    mask[torch.arange(rows), torch.randint(columns, (rows,))] = False
    return mask


def write(folder, differentiate, pick, small):
    """Adds the cases; pick(low, high) is a random whole number, small keeps them few."""
    heads = pick(1, 4)
    # Norms of very few numbers are all sign and no slope: rounding would be compared.
    size = pick(4, 6 if small else 40)
    width, batch = heads * size, pick(1, 3)
    times, keys = pick(2, 4 if small else 60), pick(2, 4 if small else 70)
    args = {"embed": width, "heads": heads, "mask": "true = may not attend"}
    padding = torch.arange(keys) >= torch.randint(1, keys + 1, (batch, 1))
    cases = {
        "mha_self": ((), {}),
        "mha_causal": ((), {"attn_mask": torch.triu(
            torch.ones(times, times, dtype=torch.bool), 1)}),
        "mha_cross_padded": (("kv",), {"key_padding_mask": padding}),
        "mha_cross_masked": (("kv",), {
            "attn_mask": random_mask(times, keys), "key_padding_mask": None}),
        "mha_no_bias": ((), {})}
    for case, (memory, masks) in cases.items():
        module = torch.nn.MultiheadAttention(
            width, heads, bias=case != "mha_no_bias", batch_first=True)
        if module.in_proj_bias is not None:
            torch.nn.init.normal_(module.in_proj_bias)
            torch.nn.init.normal_(module.out_proj.bias)
        inputs = {"q": torch.randn(batch, times, width)}
        inputs.update({name: torch.randn(batch, keys, width) for name in memory})
        folder.add("attention", case, args, attention(module, inputs, **masks))
    for first in (False, True):
        encoder_layer(folder, pick, first, heads, width, torch.randn(batch, times, width))
    rows, columns = pick(3, 50), pick(1, 20)
    table = torch.randn(rows, columns)
    table[1] = 0
    differentiate(folder, "attention", "embedding_padded", {"padding_idx": 1},
                  lambda w, ids: F.embedding(ids, w, padding_idx=1),
                  {"w": table, "ids": torch.randint(rows, (2, 6))})


def encoder_layer(folder, pick, first, heads, width, x):
    hidden, activation = pick(1, 50), ("gelu" if first else "relu")
    layer = torch.nn.TransformerEncoderLayer(
        width, heads, hidden, 0, activation, batch_first=True, norm_first=first)
    leaf = x.clone().requires_grad_(True)
    y = layer(leaf)
    dy = torch.randn_like(y)
    y.backward(dy)
    tensors = {"x": x, "y": y, "dy": dy, "grad_x": leaf.grad}
    for name, parameter in layer.named_parameters():
        name = name.replace(".", "_")
        tensors[name] = parameter
        tensors["grad_" + name] = parameter.grad
    folder.add("attention", f"encoder_layer_{'pre' if first else 'post'}_norm",
               {"d_model": width, "heads": heads, "ffn": hidden, "activation": activation},
               tensors)
