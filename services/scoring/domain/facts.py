"""Facts as scoring names them: what stands of the reports that were accepted."""

from shared.kernel.facts import ORIGINAL_MISSING, Report, Standing, standing

__all__ = ["ORIGINAL_MISSING", "Report", "Standing", "standing"]
