package quartet.api.acceptance;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/** A multipart form as browsers send it. */
final class Form {
  static final String TYPE = "multipart/form-data; boundary=quartet-boundary";

  private Form() {}

  /** One file called {@code image}, and text fields. */
  static byte[] of(String fileName, byte[] content, Map<String, String> fields) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    add(
        out,
        "Content-Disposition: form-data; name=\"image\"; filename=\"%s\"\r\nContent-Type: image/png"
            .formatted(fileName),
        content);
    fields.forEach(
        (name, value) ->
            add(
                out,
                "Content-Disposition: form-data; name=\"" + name + "\"",
                value.getBytes(StandardCharsets.UTF_8)));
    out.writeBytes("--quartet-boundary--\r\n".getBytes(StandardCharsets.UTF_8));
    return out.toByteArray();
  }

  private static void add(ByteArrayOutputStream out, String head, byte[] body) {
    out.writeBytes(("--quartet-boundary\r\n" + head + "\r\n\r\n").getBytes(StandardCharsets.UTF_8));
    out.writeBytes(body);
    out.writeBytes("\r\n".getBytes(StandardCharsets.UTF_8));
  }
}
