package quartet.api.acceptance;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A network namespace for each server, joined by a bridge, so that one can be cut off. */
final class ClusterNetwork implements AutoCloseable {
  /** Where the machine itself is reached from all of them. */
  static final String GATEWAY = "10.203.7.1";

  /** All of them. */
  static final String NETWORK = "10.203.7.0/24";

  private static final String BRIDGE = "quartet-br";

  private final Map<String, String> addresses = new LinkedHashMap<>();

  private ClusterNetwork() {}

  /** Why there can be none here, or null. */
  static @Nullable String missing() {
    try {
      ip("netns add quartet-probe");
      ip("netns del quartet-probe");
      return null;
    } catch (IOException e) {
      return e.getMessage();
    }
  }

  static ClusterNetwork create(String... names) throws IOException {
    ClusterNetwork network = new ClusterNetwork();
    ip("link add " + BRIDGE + " type bridge");
    ip("addr add " + GATEWAY + "/24 dev " + BRIDGE);
    ip("link set " + BRIDGE + " up");
    for (String name : names) {
      String address = "10.203.7." + (network.addresses.size() + 2);
      network.addresses.put(name, address);
      ip("netns add " + namespace(name));
      ip("link add " + outside(name) + " type veth peer name eth0 netns " + namespace(name));
      ip("link set " + outside(name) + " master " + BRIDGE);
      ip("link set " + outside(name) + " up");
      ip("-n " + namespace(name) + " addr add " + address + "/24 dev eth0");
      ip("-n " + namespace(name) + " link set eth0 up");
      ip("-n " + namespace(name) + " link set lo up");
    }
    return network;
  }

  private static String namespace(String name) {
    return "quartet-" + name;
  }

  private static String outside(String name) {
    return "quartet-v" + name;
  }

  String address(String name) {
    return java.util.Objects.requireNonNull(addresses.get(name), name);
  }

  List<String> prefix(String name) {
    return List.of("ip", "netns", "exec", namespace(name));
  }

  /** Neither the other servers nor the database nor clients reach it. */
  void cut(String name) throws IOException {
    ip("link set " + outside(name) + " down");
  }

  void heal(String name) throws IOException {
    ip("link set " + outside(name) + " up");
  }

  private static void ip(String words) throws IOException {
    Process process =
        new ProcessBuilder(("ip " + words).split(" ")).redirectErrorStream(true).start();
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    try {
      if (process.waitFor() != 0) {
        throw new IOException("ip " + words + ": " + said.strip());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException(e);
    }
  }

  @Override
  public void close() throws IOException {
    for (String name : addresses.keySet()) {
      ip("netns del " + namespace(name));
    }
    ip("link del " + BRIDGE);
  }
}
