package quartet.cluster.fleet;

import java.util.Set;
import java.util.function.Supplier;
import quartet.cluster.job.Owner;

/**
 * How a server takes part in a cluster.
 *
 * @param self its name and this start of it
 * @param version of the product
 * @param http where the others reach its API; empty until that is known
 * @param sharedFiles whether all servers see the same input and output folders
 * @param models names of the checkpoint files that are there now; answers at once
 */
public record FleetSettings(
    Owner self,
    String version,
    Supplier<String> http,
    boolean sharedFiles,
    Supplier<Set<String>> models) {}
