"""SegFormer's six sizes, built from their settings alone: no weights are loaded or made."""

import torch
from transformers import SegformerConfig, SegformerForSemanticSegmentation

wide = [64, 128, 320, 512]
sizes = {
    "B0": ([32, 64, 160, 256], [2, 2, 2, 2], 256),
    "B1": (wide, [2, 2, 2, 2], 256),
    "B2": (wide, [3, 4, 6, 3], 768),
    "B3": (wide, [3, 4, 18, 3], 768),
    "B4": (wide, [3, 8, 27, 3], 768),
    "B5": (wide, [3, 6, 40, 3], 768),
}
for name, (channels, depths, decoder) in sizes.items():
    config = SegformerConfig(
        hidden_sizes=channels, depths=depths, decoder_hidden_size=decoder, num_labels=150
    )
    with torch.device("meta"):  # shapes only, no memory
        model = SegformerForSemanticSegmentation(config)
    encoder = sum(p.numel() for p in model.segformer.parameters())
    total = sum(p.numel() for p in model.parameters())
    print(f"{name}: encoder {encoder:10,}  decoder {total - encoder:9,}")
