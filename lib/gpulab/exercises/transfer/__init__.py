"""The exercises of the part on transfer learning."""

from gpulab.exercises.transfer import broken, choosing, extraction, features, finetuning, limits, pretrained, text, why

__all__ = ["broken", "choosing", "extraction", "features", "finetuning", "limits", "pretrained", "text", "why"]
