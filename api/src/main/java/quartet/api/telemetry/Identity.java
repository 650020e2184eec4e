package quartet.api.telemetry;

/**
 * Who a server is to those that read its figures and traces.
 *
 * @param node the server's name: the label {@code node} of every figure
 * @param instance its name and port; two servers of one machine differ in it
 * @param version the product's
 */
public record Identity(String node, String instance, String version) {}
