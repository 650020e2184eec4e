package quartet.api.acceptance;

import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.Locale;

/** One connection on which any bytes can be sent, and answers read as far as they are HTTP. */
final class RawHttp implements AutoCloseable {
  private static final int PATIENCE_MILLIS = 60_000;

  private final Socket socket;
  private final InputStream in;

  RawHttp(int port) throws IOException {
    socket = new Socket(InetAddress.getLoopbackAddress(), port);
    socket.setSoTimeout(PATIENCE_MILLIS);
    socket.setTcpNoDelay(true);
    in = new BufferedInputStream(socket.getInputStream());
  }

  void send(byte[] bytes) throws IOException {
    socket.getOutputStream().write(bytes);
    socket.getOutputStream().flush();
  }

  /** No more will be sent. */
  void finish() throws IOException {
    socket.shutdownOutput();
  }

  /**
   * An answer's head and body.
   *
   * @param closes the server ends the connection after it
   */
  @SuppressWarnings("ArrayRecordComponent") // read once, never compared
  record Reply(int status, boolean closes, byte[] body) {}

  /** Reads one whole answer; throws {@link EOFException} if the server ended the connection. */
  Reply reply(boolean head) throws IOException {
    String first = line();
    int status = Integer.parseInt(first.split(" ", 3)[1]);
    int length = 0;
    boolean chunked = false;
    boolean closes = false;
    for (String line = line(); !line.isEmpty(); line = line()) {
      String lower = line.toLowerCase(Locale.ROOT);
      if (lower.startsWith("content-length:")) {
        length = Integer.parseInt(lower.substring("content-length:".length()).strip());
      }
      chunked |= lower.startsWith("transfer-encoding:") && lower.contains("chunked");
      closes |= lower.startsWith("connection:") && lower.contains("close");
    }
    byte[] body = new byte[0];
    if (chunked && !head) {
      for (int size = chunk(); size > 0; size = chunk()) {
        in.skipNBytes(size + 2L);
      }
      line();
    } else if (!head) {
      body = in.readNBytes(length);
    }
    return new Reply(status, closes, body);
  }

  private int chunk() throws IOException {
    return Integer.parseInt(line().strip(), 16);
  }

  private String line() throws IOException {
    StringBuilder line = new StringBuilder();
    for (int next = in.read(); next != '\n'; next = in.read()) {
      if (next < 0) {
        throw new EOFException("ended after: " + line);
      }
      if (next != '\r') {
        line.append((char) next);
      }
    }
    return line.toString();
  }

  /** A request with a body. */
  static byte[] request(String method, String target, byte[] body, String... headers) {
    StringBuilder head =
        new StringBuilder(method + " " + target + " HTTP/1.1\r\nHost: localhost\r\n");
    for (String header : headers) {
      head.append(header).append("\r\n");
    }
    head.append("Content-Length: ").append(body.length).append("\r\n\r\n");
    byte[] start = head.toString().getBytes(StandardCharsets.ISO_8859_1);
    byte[] all = java.util.Arrays.copyOf(start, start.length + body.length);
    System.arraycopy(body, 0, all, start.length, body.length);
    return all;
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }
}
