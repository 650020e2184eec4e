package quartet.api.cli;

import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import quartet.api.auth.ApiKeys;
import quartet.api.http.WebOptions;
import quartet.api.serve.InstalledFrontEnd;
import quartet.api.serve.ServeError;
import quartet.api.serve.TlsFiles;
import quartet.api.ws.PreviewOptions;
import quartet.engine.node.PreviewMethod;
import quartet.errors.EngineException;

/** Flags of {@code serve} that concern browsers; names and defaults are ComfyUI's. */
final class WebFlags {
  private static final int MAX_PREVIEW = 4096;

  @CommandLine.Option(
      names = "--enable-cors-header",
      arity = "0..1",
      fallbackValue = "*",
      paramLabel = "ORIGIN",
      description =
          "Lets pages of ORIGIN (without a value: of any site) use this server. Replaces the check"
              + " that pages come from here.")
  private @Nullable String corsOrigin;

  @CommandLine.Option(
      names = "--front-end-root",
      description =
          "Folder of a front end to serve instead of the built-in page (default: the official one's"
              + " Python package, where it is installed).")
  private @Nullable Path frontEndRoot;

  @CommandLine.Option(
      names = "--built-in-page",
      description = "Serves the built-in page also where the official front end is installed.")
  private boolean builtInPage;

  @CommandLine.Option(
      names = "--enable-compress-response-body",
      description = "Sends JSON and text as gzip to clients that take it.")
  private boolean compress;

  @CommandLine.Option(
      names = "--preview-method",
      defaultValue = "none",
      description =
          "Pictures while sampling: none, auto, latent2rgb, or taesd with models/vae_approx (default:"
              + " ${DEFAULT-VALUE}).")
  private String previewMethod = "none";

  @CommandLine.Option(
      names = "--preview-size",
      defaultValue = "512",
      description = "Longer side of those pictures in pixels (default: ${DEFAULT-VALUE}).")
  private int previewSize = 512;

  @CommandLine.Option(
      names = "--api-keys",
      paramLabel = "FILE",
      description = "Only holders of a key in FILE may use the server; make keys with quartet key.")
  private @Nullable Path keyFile;

  @CommandLine.Option(
      names = "--multi-user",
      description = "Keeps settings and saved workflows of several users apart.")
  private boolean multiUser;

  @CommandLine.ArgGroup(exclusive = false)
  private @Nullable Tls tls;

  /** Both or none. */
  static final class Tls {
    @CommandLine.Option(
        names = "--tls-keyfile",
        required = true,
        paramLabel = "FILE",
        description = "Private key in PEM: with --tls-certfile, the server speaks https and wss.")
    private Path key = Path.of("");

    @CommandLine.Option(
        names = "--tls-certfile",
        required = true,
        paramLabel = "FILE",
        description = "Certificate in PEM, with what lies between it and its root.")
    private Path certificate = Path.of("");
  }

  /** The files for TLS, or null to speak plainly. */
  @Nullable TlsFiles tlsFiles() {
    return tls == null ? null : new TlsFiles(tls.key, tls.certificate);
  }

  /**
   * What was chosen.
   *
   * @throws EngineException saying what to change
   */
  WebOptions options() {
    PreviewMethod method =
        PreviewMethod.named(previewMethod)
            .orElseThrow(
                () ->
                    new EngineException(
                        ServeError.BAD_OPTION,
                        "--preview-method is '%s'; write none, auto, latent2rgb or taesd"
                            .formatted(previewMethod)));
    if (previewSize < 1 || previewSize > MAX_PREVIEW) {
      throw new EngineException(
          ServeError.BAD_OPTION,
          "--preview-size is %d; it must be from 1 to %d".formatted(previewSize, MAX_PREVIEW));
    }
    Path root = frontEndRoot == null ? null : frontEndRoot.toAbsolutePath().normalize();
    if (root == null && !builtInPage) {
      root = InstalledFrontEnd.of(System.getenv()).find().orElse(null);
    }
    if (root != null && !Files.isRegularFile(root.resolve("index.html"))) {
      throw new EngineException(
          ServeError.BAD_OPTION,
          "--front-end-root is %s, and there is no index.html in it".formatted(root));
    }
    return new WebOptions(
        corsOrigin,
        root,
        compress,
        new PreviewOptions(method, previewSize),
        keyFile == null ? null : ApiKeys.read(keyFile),
        multiUser);
  }
}
