package quartet.api.cli;

import java.net.URI;
import java.nio.file.Path;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import quartet.api.serve.ServeError;
import quartet.api.store.StoreKey;
import quartet.api.store.StoreOptions;
import quartet.errors.EngineException;

/** Flags of {@code serve} that name S3-compatible storage for outputs. */
final class StoreFlags {
  private static final String ID = "AWS_ACCESS_KEY_ID";
  private static final String SECRET = "AWS_SECRET_ACCESS_KEY";
  private static final String SESSION = "AWS_SESSION_TOKEN";

  @CommandLine.Option(
      names = "--s3-endpoint",
      paramLabel = "URL",
      description =
          "Puts outputs also into S3-compatible storage at URL, for example"
              + " https://s3.eu-central-1.amazonaws.com. Keys come from "
              + ID
              + " and "
              + SECRET
              + ".")
  private @Nullable URI endpoint;

  @CommandLine.Option(names = "--s3-bucket", description = "The bucket there, which must exist.")
  private @Nullable String bucket;

  @CommandLine.Option(
      names = "--s3-prefix",
      defaultValue = "",
      description = "Folder in the bucket (default: none).")
  private String prefix = "";

  @CommandLine.Option(
      names = "--s3-region",
      defaultValue = "us-east-1",
      description = "The storage's region (default: ${DEFAULT-VALUE}).")
  private String region = "us-east-1";

  /**
   * What was chosen, or null for the output folder alone.
   *
   * @param folder remembers what is not there yet
   * @throws EngineException saying what to change
   */
  @Nullable StoreOptions options(Path folder, Map<String, String> environment) {
    if (endpoint == null && bucket == null) {
      return null;
    }
    if (endpoint == null || bucket == null || bucket.isBlank()) {
      throw bad("--s3-endpoint and --s3-bucket belong together");
    }
    if (!("http".equals(endpoint.getScheme()) || "https".equals(endpoint.getScheme()))
        || endpoint.getHost() == null
        || endpoint.getUserInfo() != null
        || endpoint.getQuery() != null) {
      throw bad("--s3-endpoint must be an http or https address without a name, key or query");
    }
    String id = environment.getOrDefault(ID, "");
    String secret = environment.getOrDefault(SECRET, "");
    if (id.isBlank() || secret.isBlank()) {
      throw bad("--s3-endpoint needs a key: set %s and %s".formatted(ID, SECRET));
    }
    return StoreOptions.of(
        endpoint,
        region,
        bucket,
        prefix.replaceAll("^/+", ""),
        new StoreKey(id, secret, environment.get(SESSION)),
        folder);
  }

  private static EngineException bad(String why) {
    return new EngineException(ServeError.BAD_OPTION, why);
  }
}
