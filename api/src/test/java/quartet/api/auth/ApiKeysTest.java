package quartet.api.auth;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import quartet.errors.EngineException;

/** The file of keys. */
final class ApiKeysTest {
  private static final String HASH = "0".repeat(64);

  @Test
  void aKeyIsFoundByItsHashAndNoOther() {
    String ann = ApiKeys.newKey();
    String bob = ApiKeys.newKey();
    Principal annes = new Principal("ann", Role.ADMIN, 0);
    Principal bobs = new Principal("bob", Role.READ_ONLY, 7);
    ApiKeys keys =
        ApiKeys.parse(
            "f", List.of("# keys", "", ApiKeys.line(annes, ann), ApiKeys.line(bobs, bob)));
    assertThat(keys.size()).isEqualTo(2);
    assertThat(keys.find(ann)).contains(annes);
    assertThat(keys.find(bob)).contains(bobs);
    assertThat(keys.find(ann + "x")).isEmpty();
    assertThat(keys.find("")).isEmpty();
    assertThat(ApiKeys.line(annes, ann)).doesNotContain(ann);
    assertThat(ann).hasSizeGreaterThan(40).isNotEqualTo(bob);
  }

  @ParameterizedTest
  @CsvSource({
    "ann:admin:0, name:role:quota:sha256",
    "a b:admin:0:HASH, 'a b'",
    ":admin:0:HASH, ''",
    "ann:king:0:HASH, 'king'",
    "ann:user:-1:HASH, '-1'",
    "ann:user:many:HASH, 'many'",
    "ann:user:0:abc, 64 hex",
  })
  void aWrongLineIsNamed(String line, String said) {
    assertThatThrownBy(() -> ApiKeys.parse("f", List.of("#", line.replace("HASH", HASH))))
        .isInstanceOf(EngineException.class)
        .hasMessageContaining("f, line 2")
        .hasMessageContaining(said);
  }

  @Test
  void twoKeysOfOneNameAndNoKeyAtAllAreRefused() {
    String line = "ann:admin:0:" + HASH;
    assertThatThrownBy(() -> ApiKeys.parse("f", List.of(line, line)))
        .hasMessageContaining("another key called 'ann'");
    assertThatThrownBy(() -> ApiKeys.parse("f", List.of("# nothing")))
        .hasMessageContaining("no keys");
    assertThatThrownBy(() -> ApiKeys.read(Path.of("target/not-there")))
        .hasMessageContaining("quartet key NAME");
  }
}
