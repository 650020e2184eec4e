package quartet.api.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.InputStream;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Servers that speak TLS with each other, with certificates of an authority of the test's own. One
 * with another authority's certificate, one with a certificate that this authority gave to
 * something else, and one without any, are not let in.
 */
final class ClusterTlsTest {
  private static final Duration PATIENCE = Duration.ofMinutes(3);
  private static final String PASSWORD = "for-the-test";

  /** For servers that shall not be let in: they give up sooner than usual. */
  private static final Map<String, String> IMPATIENT =
      Map.of(
          "QUARTET_DATABASE_USER",
          "quartet",
          "JAVA_TOOL_OPTIONS",
          "-Dakka.cluster.shutdown-after-unsuccessful-join-seed-nodes=15s");

  /** Files of one authority, in a folder of its own. */
  private record Authority(Path folder) {
    static Authority make(Path folder) throws Exception {
      Files.createDirectories(folder);
      Authority authority = new Authority(folder);
      authority.pair("authority", "-ext", "bc:c");
      authority.pem(
          "authority.pem",
          "CERTIFICATE",
          authority.store().getCertificate("authority").getEncoded());
      return authority;
    }

    /**
     * Makes a certificate, and says how a server is told of it.
     *
     * @param cluster the name that it has in common with those of the other servers
     */
    List<String> flags(String name, String cluster) throws Exception {
      pair(name);
      Path request = folder.resolve(name + ".csr");
      Path signed = folder.resolve(name + ".crt");
      keytool("-certreq", "-alias", name, "-file", request.toString());
      keytool(
          "-gencert",
          "-alias",
          "authority",
          "-infile",
          request.toString(),
          "-outfile",
          signed.toString(),
          "-rfc",
          "-ext",
          "SAN=dns:" + cluster + ",ip:127.0.0.1",
          "-ext",
          "EKU=serverAuth,clientAuth");
      Path key =
          pem(
              name + ".key",
              "PRIVATE KEY",
              store().getKey(name, PASSWORD.toCharArray()).getEncoded());
      return List.of(
          "--cluster-tls-keyfile",
          key.toString(),
          "--cluster-tls-certfile",
          signed.toString(),
          "--cluster-tls-cafile",
          folder.resolve("authority.pem").toString());
    }

    private void pair(String name, String... more) throws Exception {
      List<String> arguments =
          new ArrayList<>(
              List.of("-genkeypair", "-alias", name, "-keyalg", "RSA", "-dname", "CN=" + name));
      arguments.addAll(List.of(more));
      keytool(arguments.toArray(String[]::new));
    }

    private void keytool(String... arguments) throws Exception {
      List<String> command =
          new ArrayList<>(
              List.of(Path.of(System.getProperty("java.home"), "bin", "keytool").toString()));
      command.addAll(List.of(arguments));
      command.addAll(
          List.of(
              "-storetype",
              "PKCS12",
              "-keystore",
              folder.resolve("keys.p12").toString(),
              "-storepass",
              PASSWORD));
      Process keytool = new ProcessBuilder(command).inheritIO().start();
      assertThat(keytool.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS)).isTrue();
      assertThat(keytool.exitValue()).as("%s", command).isZero();
    }

    private KeyStore store() throws Exception {
      KeyStore store = KeyStore.getInstance("PKCS12");
      try (InputStream in = Files.newInputStream(folder.resolve("keys.p12"))) {
        store.load(in, PASSWORD.toCharArray());
      }
      return store;
    }

    private Path pem(String name, String kind, byte[] bytes) throws Exception {
      String text = Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(bytes);
      return Files.writeString(
          folder.resolve(name),
          "-----BEGIN %s-----\n%s\n-----END %s-----\n".formatted(kind, text, kind));
    }
  }

  private static int freePort() throws Exception {
    try (ServerSocket free = new ServerSocket(0)) {
      return free.getLocalPort();
    }
  }

  private static ServerProcess launch(
      Path base,
      PostgresServer postgres,
      String name,
      int port,
      String seeds,
      List<String> tls,
      Map<String, String> environment)
      throws Exception {
    List<String> arguments =
        new ArrayList<>(
            List.of(
                "--devices",
                "sim:1",
                "--sim",
                "step=5ms",
                "--node-name",
                name,
                "--cluster",
                seeds,
                "--cluster-host",
                "127.0.0.1",
                "--cluster-port",
                Integer.toString(port)));
    arguments.addAll(tls);
    return ServerProcess.launch(
        Files.createDirectories(base.resolve(name)),
        "127.0.0.1",
        List.of(),
        256,
        environment,
        postgres.arguments(arguments.toArray(String[]::new)));
  }

  @Test
  void onlyHoldersOfACertificateOfTheAuthorityAreLetIn(@TempDir Path base) throws Exception {
    Authority ours = Authority.make(base.resolve("ours"));
    Authority theirs = Authority.make(base.resolve("theirs"));
    int portA = freePort();
    int portB = freePort();
    String seeds = "127.0.0.1:%d,127.0.0.1:%d".formatted(portA, portB);
    try (PostgresServer postgres = PostgresServer.start();
        ServerProcess a =
            launch(
                base,
                postgres,
                "a",
                portA,
                seeds,
                ours.flags("a", "quartet"),
                PostgresServer.environment())) {
      a.await("a", PATIENCE, () -> a.port() > 0 || !a.isAlive());
      assertThat(a.isAlive()).as(a.text()).isTrue();
      try (ServerProcess b =
          launch(
              base,
              postgres,
              "b",
              portB,
              seeds,
              ours.flags("b", "quartet"),
              PostgresServer.environment())) {
        b.await("b", PATIENCE, () -> b.port() > 0 || !b.isAlive());
        assertThat(b.isAlive()).as(b.text()).isTrue();
        try (Client client = new Client(a)) {
          a.await(
              "both in the cluster",
              PATIENCE,
              () -> client.get("/cluster").json().at("/nodes").size() == 2);
          String id =
              client
                  .post("/prompt", Client.quick(1), "X-TARGET-GPU", "b/0")
                  .json()
                  .at("/prompt_id")
                  .asText();
          assertThat(client.ended(id, PATIENCE).at("/outputs/9/images/0/subfolder").asText())
              .as("it ran on the other server")
              .isEqualTo("@b");
          assertThat(client.get("/health/ready").json().at("/ready").asBoolean()).isTrue();

          try (ServerProcess forged =
                  launch(
                      base,
                      postgres,
                      "forged",
                      freePort(),
                      seeds,
                      theirs.flags("forged", "quartet"),
                      IMPATIENT);
              ServerProcess other =
                  launch(
                      base,
                      postgres,
                      "other",
                      freePort(),
                      seeds,
                      ours.flags("other", "mail"),
                      IMPATIENT);
              ServerProcess plain =
                  launch(base, postgres, "plain", freePort(), seeds, List.of(), IMPATIENT)) {
            for (ServerProcess stranger : List.of(forged, other, plain)) {
              assertThat(stranger.exitCode(PATIENCE)).as(stranger.text()).isNotZero();
              assertThat(stranger.port()).as("it never served").isZero();
              assertThat(stranger.text()).contains("No server of the cluster");
            }
          }
          List<String> names = new ArrayList<>();
          for (JsonNode node : client.get("/cluster").json().at("/nodes")) {
            names.add(node.at("/name").asText());
          }
          assertThat(names).containsExactlyInAnyOrder("a", "b");
        }
      }
    }
  }
}
