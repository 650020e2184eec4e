package quartet.api.store;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import java.time.Instant;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;

/** Signatures against the examples in Amazon's description of Signature Version 4. */
final class RequestSignatureTest {
  private static final StoreKey KEY =
      new StoreKey("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", null);
  private static final Instant AT = Instant.parse("2013-05-24T00:00:00Z");
  private static final String HOST = "https://examplebucket.s3.amazonaws.com/";

  private static String signature(
      String method, String key, String hash, Map<String, String> more) {
    return Objects.requireNonNull(
        RequestSignature.headers(
                method,
                URI.create(HOST + RequestSignature.escaped(key)),
                hash,
                more,
                "us-east-1",
                KEY,
                AT)
            .get("authorization"));
  }

  @Test
  void getOfPartOfAnObject() {
    assertThat(
            signature(
                "GET",
                "test.txt",
                "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
                Map.of("range", "bytes=0-9")))
        .isEqualTo(
            "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
                + "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,"
                + "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
  }

  @Test
  void putWithANameThatHasToBeEscaped() {
    assertThat(
            signature(
                "PUT",
                "test$file.text",
                "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072",
                Map.of(
                    "date",
                    "Fri, 24 May 2013 00:00:00 GMT",
                    "x-amz-storage-class",
                    "REDUCED_REDUNDANCY")))
        .endsWith("Signature=98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd");
  }

  @Test
  void namesAreEscapedByTheirBytesAndKeepTheirFolders() {
    assertThat(RequestSignature.escaped("@a/größe 1+2~.png"))
        .isEqualTo("%40a/gr%C3%B6%C3%9Fe%201%2B2~.png");
  }

  @Test
  void aPortThatTheSchemeImpliesIsNotSent() {
    assertThat(RequestSignature.host(URI.create("https://h:443/b"))).isEqualTo("h");
    assertThat(RequestSignature.host(URI.create("http://h:80/b"))).isEqualTo("h");
    assertThat(RequestSignature.host(URI.create("http://h:443/b"))).isEqualTo("h:443");
  }

  @Test
  void nothingSecretIsShown() {
    assertThat(
            StoreOptions.of(
                    URI.create(HOST), "us-east-1", "b", "p", KEY, java.nio.file.Path.of("x"))
                + KEY.toString())
        .doesNotContain(KEY.secret(), KEY.id());
  }
}
