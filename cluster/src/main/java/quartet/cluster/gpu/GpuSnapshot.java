package quartet.cluster.gpu;

import java.util.List;
import java.util.Optional;
import quartet.cluster.job.PromptJob;

/** What a device does at one moment. */
public record GpuSnapshot(
    int gpuId,
    String device,
    Optional<PromptJob> running,
    List<PromptJob> pending,
    GpuFigures figures) {}
