package quartet.api.serve;

import akka.http.javadsl.ConnectionContext;
import akka.http.javadsl.Http;
import akka.http.javadsl.ServerBinding;
import akka.http.javadsl.ServerBuilder;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.util.concurrent.CompletionException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import quartet.api.http.ServerParts;
import quartet.api.http.ServerRoutes;
import quartet.api.ws.SocketRoute;
import quartet.errors.EngineException;

/** The address at which a server listens. */
final class Listener {
  private static final Logger LOG = LoggerFactory.getLogger(Listener.class);

  private Listener() {}

  /**
   * A second server on the same folder and port shall hear of the port, and touch neither the
   * database nor the temporary files of the first. The port may still be taken before it is bound.
   */
  static void checkFree(ServerOptions options) {
    try (ServerSocket probe = new ServerSocket()) {
      probe.bind(new InetSocketAddress(options.address(), options.port()));
    } catch (IOException e) {
      throw cannotListen(options, e);
    }
  }

  /** Answers from now on, until the actor system ends. */
  static ServerBinding bind(ServerOptions options, ServerParts parts, SocketRoute sockets) {
    try {
      ServerBuilder at = Http.get(parts.system()).newServerAt(options.address(), options.port());
      TlsFiles tls = options.tls();
      if (tls != null) {
        at = at.enableHttps(ConnectionContext.httpsServer(tls.context()));
      }
      ServerBinding binding =
          at.bind(new ServerRoutes(parts, sockets.route()).route()).toCompletableFuture().join();
      LOG.info(
          "To see the GUI go to: {}://{}:{}",
          tls == null ? "http" : "https",
          options.address(),
          binding.localAddress().getPort());
      return binding;
    } catch (CompletionException e) {
      throw cannotListen(options, e.getCause() == null ? e : e.getCause());
    }
  }

  private static EngineException cannotListen(ServerOptions options, Throwable cause) {
    return new EngineException(
        ServeError.CANNOT_LISTEN,
        "Cannot listen on %s:%d: %s. Is another server running there? Choose another --port"
            .formatted(options.address(), options.port(), cause),
        cause);
  }
}
