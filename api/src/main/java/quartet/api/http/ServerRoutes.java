package quartet.api.http;

import akka.http.javadsl.server.AllDirectives;
import akka.http.javadsl.server.Route;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;

/** All routes, each also below {@code /api}. */
public final class ServerRoutes extends AllDirectives {
  private final ServerParts parts;
  private final Route sockets;

  /**
   * The routes.
   *
   * @param sockets the WebSocket route
   */
  public ServerRoutes(ServerParts parts, Route sockets) {
    this.parts = parts;
    this.sockets = sockets;
  }

  /** The routes. */
  public Route route() {
    FrontEndRoutes frontEnd = new FrontEndRoutes(parts);
    Users users = new Users(parts);
    Route resources =
        concat(
            new PromptRoutes(parts).route(),
            new ApiDocs(parts.version()).route(),
            new ConvertRoutes(parts).route(),
            new QueueRoutes(parts).route(),
            new OperatorRoutes(parts).route(),
            new DeviceRoutes(parts).route(),
            new ClusterRoutes(parts).route(),
            new HistoryRoutes(parts).route(),
            new ViewRoutes(parts).route(),
            new UploadRoutes(parts).route(),
            new InfoRoutes(parts).route(),
            new ModelRoutes(parts).route(),
            new ModelBrowserRoutes(parts).route(),
            new UserRoutes(parts, users).route(),
            new UserDataRoutes(parts, users).route(),
            frontEnd.route(),
            sockets);
    Route jobs = new JobRoutes(parts).route();
    Route all =
        concat(
            resources,
            pathPrefix("api", () -> concat(resources, jobs)),
            new InternalRoutes(parts).route(),
            new HealthRoutes(parts).route(),
            new MetricsRoutes(parts.telemetry()).route(),
            frontEnd.files(),
            new DashboardRoutes().route());
    return new CommonRules(parts.web(), parts.maxUploadBytes()).around(all);
  }

  static byte[] resource(String name) {
    try (InputStream in = ServerRoutes.class.getResourceAsStream(name)) {
      if (in == null) {
        throw new IllegalStateException("the jar has no " + name);
      }
      return in.readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + name, e);
    }
  }
}
