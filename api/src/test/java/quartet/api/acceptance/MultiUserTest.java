package quartet.api.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** A server with {@code --multi-user}. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class MultiUserTest {
  private @Nullable ServerProcess started;
  private @Nullable Client opened;

  @BeforeAll
  void start(@TempDir Path base) {
    started = ServerProcess.start(base, Map.of(), "--devices", "cpu:1", "--multi-user");
    opened = new Client(started);
  }

  @AfterAll
  void stop() {
    client().close();
    java.util.Objects.requireNonNull(started).close();
  }

  private Client client() {
    return java.util.Objects.requireNonNull(opened);
  }

  @Test
  void eachUserHasSettingsAndFilesOfItsOwn() {
    String ann = client().post("/users", "{\"username\":\"Ann é\"}").json().asText();
    String bob = client().post("/users", "{\"username\":\"bob\"}").json().asText();
    assertThat(ann).matches("Ann--_[-0-9a-f]{36}");
    assertThat(client().get("/users").json().at("/users").path(ann).asText()).isEqualTo("Ann é");
    assertThat(client().get("/users").json().has("migrated")).isFalse();
    client().post("/settings", "{\"a\":1}", "Comfy-User", ann);
    assertThat(client().get("/settings", "Comfy-User", ann).json().path("a").asInt()).isEqualTo(1);
    assertThat(client().get("/settings", "Comfy-User", bob).json()).isEmpty();
    client().post("/userdata/x.json", "{}", "Comfy-User", ann);
    assertThat(client().get("/userdata/x.json", "Comfy-User", ann).status()).isEqualTo(200);
    assertThat(client().get("/userdata/x.json", "Comfy-User", bob).status()).isEqualTo(404);
  }

  @Test
  void anUnknownUserIs401AndNoPath() {
    for (String name : new String[] {"nobody", "..", "../default", "default", "__system"}) {
      for (String path :
          new String[] {"/settings", "/settings/a", "/userdata?dir=.", "/v2/userdata"}) {
        assertThat(client().get(path, "Comfy-User", name).status()).as(path).isEqualTo(401);
      }
    }
    assertThat(client().get("/settings").status()).isEqualTo(401);
    assertThat(client().get("/object_info").status()).isEqualTo(200);
  }

  @Test
  void aNameIsTakenOnceAndMustBeOne() {
    assertThat(client().post("/users", "{\"username\":\"twice\"}").status()).isEqualTo(200);
    Client.Answer again = client().post("/users", "{\"username\":\"twice\"}");
    assertThat(again.status()).isEqualTo(400);
    assertThat(again.json().path("error").asText()).isEqualTo("Duplicate username.");
    for (String body :
        new String[] {"{}", "[]", "{\"username\":\" \"}", "{\"username\":\"__x\"}"}) {
      assertThat(client().post("/users", body).status()).as(body).isEqualTo(400);
    }
  }
}
