package quartet.api.acceptance;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import quartet.api.wire.Json;

/** Makes requests that no client should send. The same seed makes the same ones. */
final class Hostile {
  private static final List<String> GETS =
      List.of(
          "/",
          "/index.html",
          "/prompt",
          "/queue",
          "/queue/all",
          "/history",
          "/history/§",
          "/view",
          "/view?filename=§",
          "/view?filename=§&type=§&subfolder=§&preview=§&channel=§",
          "/object_info",
          "/object_info/§",
          "/system_stats",
          "/features",
          "/embeddings",
          "/models",
          "/models/§",
          "/extensions",
          "/view_metadata/§?filename=§",
          "/users",
          "/settings",
          "/settings/§",
          "/userdata?dir=§&recurse=§&split=§&full_info=§",
          "/userdata/§",
          "/v2/userdata?path=§",
          "/i18n",
          "/workflow_templates",
          "/global_subgraphs",
          "/global_subgraphs/§",
          "/node_replacements",
          "/experiment/models",
          "/experiment/models/§",
          "/experiment/models/preview/§/§/§",
          "/internal/logs",
          "/internal/logs/raw",
          "/internal/folder_paths",
          "/internal/files/§",
          "/api/jobs?status=§&limit=§&offset=§",
          "/api/jobs/§",
          "/history?max_items=§&offset=§",
          "/ws?clientId=§",
          "/templates/§",
          "/§",
          "/assets/§",
          "/docs/§",
          "/openapi.json",
          "/api/docs");
  private static final List<String> POSTS =
      List.of(
          "/prompt",
          "/queue",
          "/interrupt",
          "/free",
          "/history",
          "/upload/image",
          "/upload/mask",
          "/users",
          "/settings",
          "/settings/§",
          "/userdata/§",
          "/userdata/§/move/§",
          "/workflow/convert",
          "/api/jobs/cancel",
          "/api/jobs/§/cancel",
          "/prompt?§=§");
  private static final List<String> NAMES =
      List.of(
          "..",
          "../../etc/passwd",
          "..%2f..%2fetc%2fpasswd",
          "%2e%2e%2f",
          "%252e%252e%252fetc",
          "/etc/passwd",
          "%2Fetc%2Fpasswd",
          "..\\..\\windows",
          "..%5c..%5cx",
          "a%00.png",
          "%00",
          "a",
          "%ff%fe",
          "%",
          "%zz",
          "a.png",
          "1",
          "-1",
          "99999999999999999999",
          "NaN",
          "true",
          "[]",
          "{}",
          "%F0%9F%92%A5",
          "a%20%5Boutput%5D",
          "a%5Btemp%5D",
          "'%22%3Cscript%3E",
          "con",
          "..%c0%af",
          "",
          "%0d%0aX-Evil:%201",
          "checkpoints",
          "output",
          "x".repeat(300),
          "+",
          "%2B%2B",
          "\u00e9");

  private final Random random;
  private final ObjectNode prompt;

  Hostile(long seed, ObjectNode prompt) {
    this.random = new Random(seed);
    this.prompt = prompt;
  }

  private <T> T oneOf(List<T> list) {
    return list.get(random.nextInt(list.size()));
  }

  /** A request and what may be expected of it. */
  @SuppressWarnings("ArrayRecordComponent") // sent once, never compared
  record Request(byte[] bytes, boolean head, boolean wellFormed) {}

  Request next() {
    return switch (random.nextInt(10)) {
      case 0, 1 -> get();
      case 2, 3, 4, 5 -> mutatedPrompt();
      case 6, 7 -> post();
      case 8 -> form();
      default -> noise();
    };
  }

  private Request get() {
    String method =
        oneOf(List.of("GET", "GET", "GET", "HEAD", "DELETE", "PUT", "PATCH", "OPTIONS"));
    return new Request(
        RawHttp.request(method, filled(oneOf(GETS)), new byte[0]), method.equals("HEAD"), true);
  }

  /** Names in the places that want one. */
  private String filled(String route) {
    String target = route;
    while (target.contains("§")) {
      target = target.replaceFirst("§", java.util.regex.Matcher.quoteReplacement(oneOf(NAMES)));
    }
    return random.nextInt(4) == 0 ? "/api" + target : target;
  }

  private Request mutatedPrompt() {
    ObjectNode body = Json.object();
    body.set("prompt", prompt.deepCopy());
    body.put("client_id", "fuzz");
    body.putObject("extra_data").putObject("extra_pnginfo");
    body.put("front", false);
    for (int i = 1 + random.nextInt(3); i > 0; i--) {
      mutate(body);
    }
    return new Request(RawHttp.request("POST", "/prompt", Json.bytes(body)), false, true);
  }

  /** Puts something else in one place, at any depth. */
  private void mutate(JsonNode root) {
    JsonNode at = root;
    while (true) {
      List<JsonNode> below = new ArrayList<>();
      at.forEach(
          one -> {
            if (one.isContainerNode() && !one.isEmpty()) {
              below.add(one);
            }
          });
      if (below.isEmpty() || random.nextInt(5) == 0) {
        break;
      }
      at = oneOf(below);
    }
    if (at instanceof ObjectNode object && !object.isEmpty()) {
      String key = oneOf(object.properties().stream().map(Map.Entry::getKey).toList());
      switch (random.nextInt(4)) {
        case 0 -> object.remove(key);
        case 1 -> object.set(oneOf(NAMES), object.get(key));
        default -> object.set(key, junk(3));
      }
    } else if (at instanceof ArrayNode array) {
      array.add(junk(3));
    }
  }

  private JsonNode junk(int depth) {
    ArrayNode list = Json.object().putArray("x");
    switch (random.nextInt(depth > 0 ? 14 : 11)) {
      case 0 -> list.addNull();
      case 1 -> list.add(random.nextBoolean());
      case 2 -> list.add(-1);
      case 3 -> list.add(Long.MIN_VALUE);
      case 4 -> list.add(new java.math.BigInteger("9".repeat(60)));
      case 5 -> list.add(1e308);
      case 6 -> list.add(Double.NaN);
      case 7 -> list.add("x".repeat(random.nextInt(5000)));
      case 8 -> list.add(oneOf(NAMES));
      case 9 -> list.add("\ud800\u0000\uffff");
      case 10 -> list.addArray().add(oneOf(List.of("1", "2", "77"))).add(random.nextInt(5) - 1);
      case 11 -> list.addArray().add(junk(depth - 1)).add(junk(depth - 1));
      case 12 -> list.addObject().set("__value__", junk(depth - 1));
      default -> list.addObject().set(oneOf(NAMES), junk(depth - 1));
    }
    return list.get(0);
  }

  private Request post() {
    String method = oneOf(List.of("POST", "POST", "POST", "PATCH", "DELETE"));
    String target = method.equals("PATCH") ? "/internal/logs/subscribe" : filled(oneOf(POSTS));
    return new Request(RawHttp.request(method, target, body()), false, true);
  }

  private byte[] body() {
    String text =
        switch (random.nextInt(12)) {
          case 0 -> "";
          case 1 -> "[".repeat(1 + random.nextInt(20_000));
          case 2 -> "{\"a\":".repeat(1 + random.nextInt(5_000));
          case 3 -> "{\"prompt\":{},\"prompt\":{\"1\":{}}}";
          case 4 -> "{\"delete\":" + Json.text(junk(3)) + ",\"clear\":" + Json.text(junk(2)) + "}";
          case 5 -> "\"" + "y".repeat(200_000) + "\"";
          case 6 -> Json.text(prompt).substring(0, random.nextInt(Json.text(prompt).length()));
          case 7 -> "{\"nodes\":" + Json.text(junk(4)) + ",\"links\":" + Json.text(junk(4)) + "}";
          case 8 ->
              "{\"nodes\":[{\"id\":1,\"type\":\"SaveImage\",\"inputs\":"
                  + Json.text(junk(3))
                  + "}]}";
          case 9 -> "NaN";
          case 10 ->
              "{\"username\":" + Json.text(junk(1)) + ",\"job_ids\":" + Json.text(junk(2)) + "}";
          default -> Json.text(junk(4));
        };
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    if (random.nextInt(6) == 0 && bytes.length > 0) {
      bytes[random.nextInt(bytes.length)] = (byte) (128 + random.nextInt(128));
    }
    return bytes;
  }

  /** Uploads whose names and parts lead elsewhere. */
  private Request form() {
    String name = oneOf(NAMES).replace("%00", "\0").replace("%2f", "/").replace("%5c", "\\");
    ByteArrayOutputStream form = new ByteArrayOutputStream();
    String boundary = "edge";
    part(
        form,
        "--"
            + boundary
            + "\r\nContent-Disposition: form-data; name=\"image\"; filename=\""
            + name
            + "\"\r\n\r\nnot a picture\r\n");
    part(
        form,
        "--"
            + boundary
            + "\r\nContent-Disposition: form-data; name=\""
            + oneOf(List.of("type", "subfolder", "original_ref", "overwrite"))
            + "\"\r\n\r\n"
            + oneOf(NAMES)
            + "\r\n");
    if (random.nextInt(3) > 0) {
      part(form, "--" + boundary + "--\r\n");
    }
    return new Request(
        RawHttp.request(
            "POST",
            oneOf(List.of("/upload/image", "/upload/mask", "/api/upload/image")),
            form.toByteArray(),
            "Content-Type: multipart/form-data; boundary="
                + oneOf(List.of(boundary, boundary, "other"))),
        false,
        true);
  }

  private static void part(ByteArrayOutputStream form, String text) {
    form.writeBytes(text.getBytes(StandardCharsets.UTF_8));
  }

  /** What is no HTTP, a body that ends early, or a WebSocket that speaks nonsense. */
  private Request noise() {
    byte[] junk = new byte[1 + random.nextInt(400)];
    random.nextBytes(junk);
    byte[] bytes =
        switch (random.nextInt(7)) {
          case 0 -> junk;
          case 1 -> "GET /queue HTTP/9.9\r\n\r\n".getBytes(StandardCharsets.US_ASCII);
          case 2 -> "FOO /queue HTTP/1.1\r\nHost: x\r\n\r\n".getBytes(StandardCharsets.US_ASCII);
          case 3 ->
              "POST /prompt HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\n{\"pro"
                  .getBytes(StandardCharsets.US_ASCII);
          case 4 ->
              "POST /prompt HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"
                  .getBytes(StandardCharsets.US_ASCII);
          case 5 ->
              ("GET /queue HTTP/1.1\r\nHost: x\r\nX: " + "h".repeat(20_000) + "\r\n\r\n")
                  .getBytes(StandardCharsets.US_ASCII);
          default -> socket(junk);
        };
    return new Request(bytes, false, false);
  }

  private static byte[] socket(byte[] junk) {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    part(
        all,
        """
        GET /ws?clientId=fuzz HTTP/1.1\r
        Host: localhost\r
        Connection: Upgrade\r
        Upgrade: websocket\r
        Sec-WebSocket-Version: 13\r
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r
        \r
        """);
    all.writeBytes(junk);
    return all.toByteArray();
  }
}
