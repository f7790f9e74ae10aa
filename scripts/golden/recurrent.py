"""Recurrent layers: reference cases for make_golden.py."""
import torch
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence


def add(folder, pick, case, kind, layers, both, packed=False, start=False, **more):
    """One case: y, h_n (c_n), and gradients of everything, h_n and c_n sending theirs back too."""
    batch, steps = pick(1, 7), pick(1, 20)
    features, hidden = pick(1, 20), pick(1, 40)
    rule = getattr(torch.nn, kind)(
        features, hidden, layers, bidirectional=both, batch_first=True, **more)
    x = torch.randn(batch, steps, features, requires_grad=True)
    tensors = {"x": x, **dict(rule.named_parameters())}
    leaves = dict(tensors)
    state = None
    if start:
        names = ["h0", "c0"] if kind == "LSTM" else ["h0"]
        for name in names:
            leaves[name] = torch.randn(
                layers * (2 if both else 1), batch, hidden, requires_grad=True)
        tensors.update({name: leaves[name] for name in names})
        state = tuple(leaves[name] for name in names) if kind == "LSTM" else leaves["h0"]
    given = x
    if packed:
        tensors["lengths"] = torch.randint(1, steps + 1, (batch,))
        given = pack_padded_sequence(x, tensors["lengths"], True, enforce_sorted=False)
    y, final = rule(given, state)
    if packed:
        y, _ = pad_packed_sequence(y, batch_first=True, total_length=steps)
    outputs = {"y": y}
    outputs.update({"h_n": final[0], "c_n": final[1]} if kind == "LSTM" else {"h_n": final})
    seeds = {"d" + name: torch.randn_like(value) for name, value in outputs.items()}
    torch.autograd.backward(list(outputs.values()), list(seeds.values()))
    tensors.update(outputs, **seeds)
    tensors.update({"grad_" + name: leaf.grad for name, leaf in leaves.items()})
    folder.add("recurrent", case, {
        "kind": kind, "input": features, "hidden": hidden, "layers": layers,
        "bidirectional": both, "batch_first": True, **more}, tensors)


def write(folder, differentiate, pick, small):
    """Adds the cases; pick(low, high) is a random whole number, small keeps them few."""
    rules = [("rnn", "RNN", {}), ("rnn_relu", "RNN", {"nonlinearity": "relu"}),
             ("lstm", "LSTM", {}), ("gru", "GRU", {})]
    for name, kind, more in rules:
        add(folder, pick, name, kind, 1, False, **more)
        add(folder, pick, name + "_packed", kind, 1, True, packed=True, start=True, **more)
        if small:
            continue
        add(folder, pick, name + "_without_bias", kind, pick(1, 2), False, bias=False, **more)
        add(folder, pick, name + "_bidirectional", kind, pick(2, 3), True, **more)
        add(folder, pick, name + "_state", kind, pick(1, 3), False, start=True, **more)
        add(folder, pick, name + "_packed_deep", kind, pick(2, 3), bool(pick(0, 1)), packed=True,
            start=bool(pick(0, 1)), **more)
