"""The exercises of the part on transfer learning."""

from gpulab.exercises.transfer import choosing, extraction, features, finetuning, limits, pretrained, text, why

__all__ = ["choosing", "extraction", "features", "finetuning", "limits", "pretrained", "text", "why"]
